package keys

import (
	"context"
	"slices"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys/decode"
)

// read reads the key that ref holds as text, in whatever form it comes.
func read(ctx context.Context, ref Ref, gate *Gate) (Key, error) {
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

// metaOf gives what the text of a key says beside its numbers. A JWK whose alg
// is no signature algorithm is useless, whatever it is wanted for.
func metaOf(k decode.Key) (meta, error) {
	m := meta{id: k.ID, alg: Algorithm(k.Algorithm), account: k.Account, chain: k.Chain}
	if m.alg != "" && !slices.Contains(Algorithms(), m.alg) {
		return meta{}, &fault.Error{
			Reason: ErrAlgorithmMismatch, Found: "a jwk whose alg is not a signature algorithm",
			Hint: "its alg must be one of " + list(Algorithms()) + ", or left out",
		}
	}
	return m, nil
}
