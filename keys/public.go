package keys

import (
	"context"
	"errors"
	"fmt"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys/decode"
)

// maxPublicSet is the maximum number of keys of a [PublicSet].
const maxPublicSet = 256

// PublicSet is a JWK Set of another party, whose keys check signatures. It does
// not change, and prints as [redacted], since it may hold HMAC secrets.
type PublicSet struct {
	members func() []setMember // a closure, for a secret
}

// ReadPublicSet reads a JWK Set (RFC 7517 §5). Every key is read once, here: those
// that cannot be used are ignored, as RFC 7517 §5 demands, and are not an error
// unless a token names one of them. A private key is not used, because its signatures
// prove nothing once it is published. An HMAC secret is used only if secrets is
// set. A set may be empty. The error is an *[fault.Error] of [ErrUnreadable], [ErrInconsistent] or
// [ErrTooLarge].
func ReadPublicSet(text []byte, secrets bool) (PublicSet, error) {
	set, ok, err := decode.Set(string(text))
	switch {
	case errors.Is(err, decode.ErrEmptySet): // of an issuer that revoked all keys
	case err != nil:
		return PublicSet{}, err
	case !ok:
		return PublicSet{}, &fault.Error{Reason: ErrUnreadable, Found: "this is text that is not a JWKS", Hint: "give a JSON object with the member keys (RFC 7517 section 5)"}
	case len(set) > maxPublicSet:
		return PublicSet{}, &fault.Error{
			Reason: ErrTooLarge, Found: fmt.Sprintf("this is a JWKS of %d keys", len(set)),
			Hint: fmt.Sprintf("at most %d keys are read", maxPublicSet),
		}
	}
	list := make([]setMember, len(set))
	for i, j := range set {
		k, err := readPublicKey(j, secrets)
		list[i] = setMember{id: j.ID(), read: func() (setKey, error) { return k, err }}
	}
	return PublicSet{members: func() []setMember { return list }}, nil
}

func readPublicKey(j decode.JWK, secrets bool) (setKey, error) {
	k, err := readSetKey(j, decode.JWK.Verifying)
	if err == nil {
		err = checkPublic(k.Key, secrets)
	}
	return k, err
}

// checkPublic refuses a private key, and an HMAC secret unless secrets is set.
func checkPublic(k decode.Key, secrets bool) error {
	_, isSecret := k.Private.(decode.HMACSecret)
	switch {
	case k.Private == nil, isSecret && secrets:
		return nil
	case isSecret:
		return &fault.Error{Reason: ErrUnsupported, Found: "this is an HMAC secret, not a public key", Hint: "have the operator keep it in a file"}
	}
	return privateKeyFound()
}

func privateKeyFound() error {
	return &fault.Error{Reason: ErrUnsupported, Found: "this is a private key, not a public one", Hint: "give the public key, and replace the private one, which others have seen"}
}

// Len returns the number of keys, those that cannot be used included.
func (s PublicSet) Len() int { return len(s.list()) }

// Choose returns the one key for a kid and an algorithm, by the rules for any JWK
// Set. The error is an *[fault.Error]; its Cause is a [*SetError] if the choice
// failed.
func (s PublicSet) Choose(kid string, alg Algorithm) (Verifier, error) {
	k, err := setChoice{id: kid, alg: alg, what: "verifying key"}.from(s.list())
	if err != nil {
		return nil, err
	}
	return k.verifier, nil
}

func (s PublicSet) list() []setMember {
	if s.members == nil {
		return nil
	}
	return s.members()
}

// ReadForeign reads the public key of another party in a task: PEM, DER, a certificate, a JWK or a
// JWK Set (chosen by ref.KeyID and ref.Algorithm). It refuses private keys, HMAC
// secrets and encrypted containers. Every error is an *[fault.Error].
func ReadForeign(ctx context.Context, ref Ref) (Verifier, error) {
	v, err := readForeign(ctx, ref)
	return v, inVerifierWords(err)
}

func readForeign(ctx context.Context, ref Ref) (Verifier, error) {
	text := ref.Text.Reveal()
	if len(text) > decode.MaxText {
		return nil, decode.TooLarge(len(text), decode.MaxText)
	}
	if _, ok, _ := decode.Set(text); ok {
		set, err := ReadPublicSet([]byte(text), false)
		if err != nil {
			return nil, err
		}
		return set.Choose(ref.KeyID, ref.Algorithm)
	}
	k, err := decode.Verifying(ctx, text, ref.Password, ref.KeyID)
	switch {
	case errors.Is(err, ErrEncrypted):
		return nil, privateKeyFound()
	case err != nil:
		return nil, err
	}
	if err := checkPublic(k, false); err != nil {
		return nil, err
	}
	return verifierOfDecoded(k)
}
