package keys

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"conductor-jwt/internal/fault"
)

// ReadVerifier reads the key that checks signatures, from public or private
// text: PEM, DER, certificates, JWK, JWKS (chosen by ref.KeyID and
// ref.Algorithm), a service account file, JWE and PKCS#12 with a password,
// or an HMAC secret where ref.Encoding is set. Every refusal is an *fault.Error. The
// command line is its only caller: it runs no gate and keeps no cache.
func ReadVerifier(ctx context.Context, ref Ref) (Verifier, error) {
	v, err := readVerifier(ctx, ref)
	if err != nil {
		return nil, toVerify(err)
	}
	return v, nil
}

// toVerify turns the words of a refusal that are meant for a signer: who
// verifies has no private key, and makes none.
func toVerify(err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	const public = "give the signer's public key or certificate in pem, or a jwk"
	out := *e
	out.Found = strings.NewReplacer("is no private key", "is no key", "holds no private key", "holds no key").Replace(e.Found)
	out.Hint, _, _ = strings.Cut(strings.Replace(e.Hint, "openssl pkey -in", "openssl pkey -pubin -pubout -in", 1), "; make one with: ")
	if before, after, ok := strings.Cut(out.Hint, "make one with: "); ok && before == "" && after != "" {
		out.Hint = public
	}
	hint, rest, more := strings.Cut(out.Hint, "; ")
	if strings.Contains(hint, "private key") || strings.HasPrefix(hint, "make a") {
		out.Hint = public
		if more && !strings.Contains(rest, "cannot be made from") && !strings.Contains(rest, "certificate may stand") {
			out.Hint += "; " + rest
		}
	}
	return &out
}

func readVerifier(ctx context.Context, ref Ref) (Verifier, error) {
	if n := ref.Text.Len(); n > defaultMaxText {
		return nil, tooLarge(n, defaultMaxText)
	}
	ref, err := openContainer(ctx, ref)
	if err != nil {
		return nil, err
	}
	text := ref.Text.Reveal()
	if ref.Encoding == "" && isJSON(text) {
		return readJSONVerifier(ctx, text, ref)
	}
	private, m, err := readPrivate(ctx, ref)
	if err == nil {
		return verifierOfPrivate(private, m)
	}
	if !errors.Is(err, ErrPublic) && !errors.Is(err, ErrCertificate) {
		return nil, err
	}
	public, chain, err := readPublicText(text)
	if err != nil {
		return nil, err
	}
	return verifierOf(public, meta{chain: chain})
}

func readJSONVerifier(ctx context.Context, text string, ref Ref) (Verifier, error) {
	m, err := readMembers(text)
	if err != nil {
		return nil, err
	}
	var k jwk
	switch {
	case m.has("kty"):
		k, err = readVerifyingJWK(m)
	case m.has("keys"):
		var set []members
		if set, err = readJWKSMembers(m); err == nil {
			k, err = chooseVerifying(set, ref)
		}
	case isPublicMap(m):
		return readPublicMap(m, ref.KeyID)
	default:
		private, m, err := readJSON(ctx, text, ref)
		if err != nil {
			return nil, err
		}
		return verifierOfPrivate(private, m)
	}
	if err != nil {
		return nil, err
	}
	if k.public == nil {
		return verifierOf(k.private, k.meta)
	}
	return verifierOf(k.public, k.meta)
}

// isPublicMap tells the form in which Google publishes the keys of service
// accounts: ids, each with a certificate or a public key in PEM.
func isPublicMap(m members) bool {
	for name := range m {
		text, ok, err := m.text(name)
		if err != nil || !ok || !hasArmour(text) || strings.Contains(text, "PRIVATE") {
			return false
		}
	}
	return len(m) > 0
}

// readPublicMap reads the key of that id, or the only one.
func readPublicMap(m members, id string) (Verifier, error) {
	if id == "" && len(m) == 1 {
		for id = range m {
			break
		}
	}
	text, ok, err := m.text(id)
	if err != nil || !ok {
		return nil, &fault.Error{
			Reason: ErrAmbiguous, Found: fmt.Sprintf("%d certificates or public keys under their ids, none of them that is asked for", len(m)),
			Hint: "set privateKeyId to the id of one of them",
		}
	}
	public, chain, err := readPublicText(text)
	if err != nil {
		return nil, err
	}
	return verifierOf(public, meta{id: id, chain: chain})
}

// readVerifyingJWK reads a JWK, public or private, to check signatures with.
func readVerifyingJWK(m members) (jwk, error) {
	k, err := readJWK(m)
	if err != nil {
		return jwk{}, err
	}
	if err := k.checkOps(); err != nil {
		return jwk{}, err
	}
	// A private JWK that may sign says nothing of its public half.
	if k.ops != nil && !slices.Contains(k.ops, "verify") && !slices.Contains(k.ops, "sign") {
		return jwk{}, &fault.Error{Reason: ErrUse, Found: "a jwk whose key_ops does not hold verify", Hint: "use a key meant for signatures (rfc 7517 section 4.3)"}
	}
	if k.private == nil {
		return k, nil
	}
	_, err = newKey(k.private, k.meta)
	return k, err
}

// verifierOfPrivate checks a private key wholly before its public half is
// trusted.
func verifierOfPrivate(private any, m meta) (Verifier, error) {
	k, err := newKey(private, m)
	if err != nil {
		return nil, err
	}
	return VerifierOf(k)
}

func verifierOf(public any, m meta) (Verifier, error) {
	v, err := newVerifier(public, m)
	if err != nil {
		return nil, err // not a typed nil
	}
	return v, nil
}

// readPublicText reads a public key or certificate, armoured or not.
func readPublicText(text string) (any, []*x509.Certificate, error) {
	if hasArmour(text) {
		return readPublicPEM(text)
	}
	der, ok := derOfText(text)
	if !ok {
		return readSSHPublic(text)
	}
	label := "PUBLIC KEY"
	switch shapeOf(der) {
	case shapePKCS1Public:
		label = "RSA PUBLIC KEY"
	case shapeCertificate:
		label = "CERTIFICATE"
	}
	return readPublicPEM(string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})))
}

// readSSHPublic reads a line of an authorized_keys file (OpenSSH's sshd(8)).
func readSSHPublic(text string) (any, []*x509.Certificate, error) {
	public, _, _, _, err := ssh.ParseAuthorizedKey([]byte(text))
	switch trimmed := bare(text); {
	case err == nil:
	case strings.HasPrefix(trimmed, "---- BEGIN SSH2"):
		return nil, nil, foundSSH2()
	case strings.HasPrefix(trimmed, "ssh-ed448"):
		return nil, nil, unsupportedKey("Ed448")
	case isSSHPublic(trimmed):
		return nil, nil, unreadablePublic()
	default:
		return nil, nil, diagnose(text)
	}
	held, ok := public.(ssh.CryptoPublicKey)
	switch {
	case public.Type() == "ssh-dss":
		return nil, nil, unsupportedKey("DSA")
	case !ok:
		return nil, nil, unsupportedPublic()
	}
	return held.CryptoPublicKey(), nil, nil
}
