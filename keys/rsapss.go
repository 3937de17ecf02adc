package keys

import (
	"crypto"

	"conductor-jwt/keys/decode"
)

func newRSAPSS(p decode.RSAPSS, m meta) *localKey {
	k := newRSA(p.Key, m)
	k.kind, k.algorithms = KindRSAPSS, pssAlgorithms(p.Hash)
	return k
}

// pssAlgorithms are those of a key that is bound to a hash; 0: to none.
func pssAlgorithms(hash crypto.Hash) []Algorithm {
	switch hash {
	case crypto.SHA256:
		return []Algorithm{PS256}
	case crypto.SHA384:
		return []Algorithm{PS384}
	case crypto.SHA512:
		return []Algorithm{PS512}
	default:
		return []Algorithm{PS256, PS384, PS512}
	}
}

// pssHash is the hash that a key of these algorithms is bound to; 0: none.
func pssHash(algorithms []Algorithm) crypto.Hash {
	if len(algorithms) != 1 {
		return 0
	}
	return digestHash(algorithms[0])
}
