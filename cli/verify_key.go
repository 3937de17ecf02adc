package cli

import (
	"cmp"
	"context"
	"errors"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/signer"
)

// verifyingKey is the key to verify with.
type verifyingKey struct {
	name     string
	verifier keys.Verifier
	open     bool // it fits several algorithms and does not say which it is for
}

func readVerifyingKey(ctx context.Context, env Env, f *verifyFlags, alg keys.Algorithm, p signer.Parsed) (verifyingKey, error) {
	if f.keys.kid != "" && p.KeyID != "" && f.keys.kid != p.KeyID {
		return verifyingKey{}, withHint(errKeyID, "the token names another key than --kid")
	}
	file, err := readKeyFile(env, &f.keys, alg)
	if err != nil {
		return verifyingKey{}, err
	}
	if f.keys.jwks != "" {
		file.chooseFor(p)
	}
	if f.subtle && alg != "" {
		file.dropAlgorithm()
	}
	if f.keys.jwks == "" { // public keys under their ids, or a set in a JWE
		file.ref.KeyID = cmp.Or(f.keys.kid, p.KeyID)
	}
	key, err := file.verifier(ctx, env)
	if err != nil {
		return verifyingKey{}, err
	}
	id := key.verifier.ID()
	if id != "" && f.keys.kid != "" && id != f.keys.kid {
		return verifyingKey{}, withHint(errKeyID, shown(file.name)+" says that it has another id than --kid")
	}
	if id != "" && p.KeyID != "" && id != p.KeyID {
		return verifyingKey{}, withHint(errKeyID, "the token was signed with another key than "+shown(file.name)+" says that it is")
	}
	return key, nil
}

// chooseFor lets what the token says choose among the keys of a set, where no
// flag does. It chooses among keys that the user trusts only, and a key that
// fits several algorithms still needs --alg.
func (file *keyFile) chooseFor(p signer.Parsed) {
	if file.ref.KeyID == "" {
		file.ref.KeyID, file.idFrom = p.KeyID, "the token's kid"
	}
	if alg, err := keys.ParseAlgorithm(p.Algorithm); err == nil && file.ref.Algorithm == "" {
		file.ref.Algorithm = alg
	}
}

var errKeyID = errors.New("kid: the key ids do not match")

// verifier understands a public key, a private one or a secret.
func (file keyFile) verifier(ctx context.Context, env Env) (verifyingKey, error) {
	v, err := keys.ReadVerifier(ctx, file.ref)
	if err == nil {
		return verifyingKey{file.name, v, file.isOpen(ctx, env, v)}, nil
	}
	if !errors.Is(err, keys.ErrEncrypted) {
		return verifyingKey{}, file.keyError(err)
	}
	// The parser asks for the password where it can.
	key, keyErr := file.resolve(ctx, env)
	if keyErr != nil {
		return verifyingKey{}, keyErr
	}
	if v, err = keys.VerifierOf(key); err != nil {
		return verifyingKey{}, file.keyError(err)
	}
	return verifyingKey{file.name, v, isOpen(v) && keys.Unbind(key) == key}, nil
}

// isOpen finds keys of a type that fits several algorithms: RSA, and secrets.
// A short secret fits only one, but has not said so.
func isOpen(v keys.Verifier) bool {
	return v.Public() == nil || !signer.OneAlgorithm(v.Algorithms())
}

func (file keyFile) isOpen(ctx context.Context, env Env, v keys.Verifier) bool {
	if v.Public() != nil {
		return !signer.OneAlgorithm(v.Algorithms())
	}
	key, err := keys.NewParser(keys.ParserOptions{MaxText: maxKeyFile, Now: env.Now}).Resolve(ctx, file.ref)
	return err != nil || keys.Unbind(key) == key
}

// dropAlgorithm lets --alg overrule the alg of a plain JWK.
func (file *keyFile) dropAlgorithm() {
	o, err := signer.ParseObject(file.text, signer.Limits{Bytes: maxKeyFile})
	if err != nil || !o.Has("kty") || !o.Has("alg") {
		return
	}
	if kty, _ := o.Text("kty"); kty == "AKP" {
		return // there alg is part of the key (RFC 9964)
	}
	o.Delete("alg")
	file.ref.Text = secret.New(string(o.AppendJSON(nil)))
}
