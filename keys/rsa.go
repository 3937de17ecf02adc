package keys

import "crypto/rsa"

func rsaAlgorithms() []Algorithm { return []Algorithm{RS256, RS384, RS512, PS256, PS384, PS512} }

func newRSA(p *rsa.PrivateKey, m meta) *localKey {
	return &localKey{
		kind: KindRSA, public: &rsa.PublicKey{N: p.N, E: p.E}, algorithms: rsaAlgorithms(),
		meta: m, private: func() any { return p },
	}
}
