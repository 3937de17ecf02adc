package keys

import (
	"crypto"
	"crypto/rsa"

	"conductor-jwt/internal/fault"
)

// rsaPSS is an RSA key whose key info says id-RSASSA-PSS: it must not be used
// with PKCS#1 v1.5 (RFC 4055 §1.2), so never for RS*.
type rsaPSS struct {
	key  *rsa.PrivateKey
	hash crypto.Hash // the only one that the key's parameters allow; 0: any
}

// rsaPSSPublic is the public counterpart.
type rsaPSSPublic struct {
	key  *rsa.PublicKey
	hash crypto.Hash
}

func newRSAPSS(p rsaPSS, m meta) (*localKey, error) {
	algorithms, err := pssAlgorithms(p.hash)
	if err != nil {
		return nil, err
	}
	k, err := newRSA(p.key, m)
	if err != nil {
		return nil, err
	}
	k.kind, k.algorithms = KindRSAPSS, algorithms
	return k, nil
}

func pssAlgorithms(hash crypto.Hash) ([]Algorithm, error) {
	switch hash {
	case 0:
		return []Algorithm{PS256, PS384, PS512}, nil
	case crypto.SHA256:
		return []Algorithm{PS256}, nil
	case crypto.SHA384:
		return []Algorithm{PS384}, nil
	case crypto.SHA512:
		return []Algorithm{PS512}, nil
	}
	return nil, &fault.Error{
		Reason: ErrUnsupported, Found: "an rsassa-pss key bound to a hash that no jws algorithm has",
		Hint: "use one without parameters, or with sha-256, sha-384 or sha-512",
	}
}

// pssHash is the hash that a key of these algorithms is bound to; 0: none.
func pssHash(algorithms []Algorithm) crypto.Hash {
	if len(algorithms) != 1 {
		return 0
	}
	return digestHash(algorithms[0])
}
