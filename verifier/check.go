package verifier

import (
	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
	"conductor-jwt/signer"
)

// check verifies a token by rules, which must name the algorithms, with the key that
// find returns for the token's kid and algorithm. The rest of the token's header
// selects nothing: jku, x5u, jwk and x5c are not read (RFC 8725 §3.10). If the token
// does not verify, the error is an [*Invalid]; otherwise it is that of find.
func check(token string, rules signer.Rules, find func(kid string, alg keys.Algorithm) (keys.Verifier, error)) (signer.Parsed, error) {
	p, err := signer.Parse(token)
	if err != nil {
		return signer.Parsed{}, invalid(err)
	}
	if err := rules.CheckAlgorithm(p); err != nil {
		return signer.Parsed{}, invalid(err)
	}
	key, err := find(p.KeyID, keys.Algorithm(p.Algorithm))
	if err != nil {
		return signer.Parsed{}, err
	}
	if key.ID() != "" && p.KeyID != "" && key.ID() != p.KeyID {
		return signer.Parsed{}, invalid(&fault.Error{
			Reason: ErrKey, Field: "kid", Found: "the token names another key", Hint: "give the key that signed the token",
		})
	}
	if err := signer.Verify(p, key, rules); err != nil {
		return signer.Parsed{}, invalid(err)
	}
	return p, nil
}

// ChooseFrom returns the key of a set for a token. Its error is an [*Invalid].
func ChooseFrom(set keys.PublicSet, kid string, alg keys.Algorithm) (keys.Verifier, error) {
	key, err := set.Choose(kid, alg)
	if err != nil {
		return nil, noKey(err)
	}
	return key, nil
}
