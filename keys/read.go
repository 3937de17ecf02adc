package keys

import (
	"context"
	"errors"
	"slices"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys/decode"
)

// read reads the key of ref from its text.
func read(ctx context.Context, ref Ref, gate *gate) (Key, error) {
	k, err := readPrivate(ctx, ref)
	if err != nil {
		return nil, err
	}
	m, err := metaOf(k)
	if err != nil {
		return nil, err
	}
	m.gate = gate
	return newKey(k.Private, m)
}

func readPrivate(ctx context.Context, ref Ref) (decode.Key, error) {
	text := ref.Text.Reveal()
	if ref.Encoding != "" {
		raw, err := decode.Secret(text, string(ref.Encoding))
		return decode.Key{Private: raw}, err
	}
	if set, ok, err := decode.Set(text); ok {
		if err != nil {
			return decode.Key{}, err
		}
		return choosePrivate(set, ref)
	}
	return decode.Private(ctx, text, ref.Password)
}

// metaOf returns what the text of a key says beside its numbers. It refuses a
// JWK whose alg is no signature algorithm.
func metaOf(k decode.Key) (meta, error) {
	m := meta{id: k.ID, alg: Algorithm(k.Algorithm), account: k.Account, chain: k.Chain}
	if m.alg != "" && !slices.Contains(Algorithms(), m.alg) {
		return meta{}, &fault.Error{
			Reason: ErrAlgorithmMismatch, Found: "this is a JWK whose alg is not a signature algorithm",
			Hint: "its alg must be one of " + list(Algorithms()) + ", or left out",
		}
	}
	return m, nil
}

// ReadVerifier reads the key that checks signatures, from public or private
// text: PEM, DER, certificates, JWK, JWK Set (chosen by ref.KeyID and
// ref.Algorithm), a service account file, JWE and PKCS#12 with a password, or
// an HMAC secret where ref.Encoding is set. Every error is an *fault.Error. It
// has no gate and no cache: it is for the command line.
func ReadVerifier(ctx context.Context, ref Ref) (Verifier, error) {
	v, err := readVerifier(ctx, ref)
	return v, inVerifierWords(err)
}

// inVerifierWords returns an error about a key with the hint for a verifier, where
// it has one.
func inVerifierWords(err error) error {
	hint, ok := errors.AsType[decode.VerifierHint](err)
	if !ok {
		return err
	}
	e, _ := errors.AsType[*fault.Error](err)
	return &fault.Error{Reason: e.Reason, Found: e.Found, Hint: string(hint)}
}

func readVerifier(ctx context.Context, ref Ref) (Verifier, error) {
	if n := ref.Text.Len(); n > decode.MaxText {
		return nil, decode.TooLarge(n, decode.MaxText)
	}
	k, err := readVerifying(ctx, ref)
	if err != nil {
		return nil, err
	}
	return verifierOfDecoded(k)
}

// verifierOfDecoded makes a verifier of a decoded key. The numbers of a private
// key are checked before its public half is used.
func verifierOfDecoded(k decode.Key) (Verifier, error) {
	m, err := metaOf(k)
	if err != nil {
		return nil, err
	}
	if k.Private != nil {
		private, err := newKey(k.Private, m)
		if err != nil {
			return nil, err
		}
		return VerifierOf(private)
	}
	v, err := newVerifier(k.Public, m)
	if err != nil {
		return nil, err // not a typed nil
	}
	return v, nil
}

func readVerifying(ctx context.Context, ref Ref) (decode.Key, error) {
	if ref.Encoding != "" {
		return readPrivate(ctx, ref)
	}
	text, err := decode.OpenContainer(ctx, ref.Text.Reveal(), ref.Password)
	if err != nil {
		return decode.Key{}, err
	}
	if set, ok, err := decode.Set(text); ok {
		if err != nil {
			return decode.Key{}, err
		}
		return chooseVerifying(set, ref)
	}
	return decode.Verifying(ctx, text, ref.Password, ref.KeyID)
}
