package decode

import (
	"bytes"
	"crypto/mldsa"
	"fmt"

	"conductor-jwt/internal/fault"
)

// readAKPJWK reads an ML-DSA JWK (RFC 9964 §5): alg and pub are required,
// priv is the 32-byte seed, never the expanded key.
func readAKPJWK(m members) (private, public any, err error) {
	params, err := readAKPAlgorithm(m)
	if err != nil {
		return nil, nil, err
	}
	raw, err := m.octets("pub", params.PublicKeySize())
	if err != nil {
		return nil, nil, err
	}
	pub, err := mldsa.NewPublicKey(params, raw)
	if err != nil {
		return nil, nil, inconsistentMLDSA()
	}
	if !m.has("priv") {
		return nil, pub, nil
	}
	key, err := readSeed(m, params)
	if err != nil {
		return nil, nil, err
	}
	if !bytes.Equal(key.PublicKey().Bytes(), raw) {
		return nil, nil, inconsistentMLDSA()
	}
	return key, pub, nil
}

func readSeed(m members, params mldsa.Parameters) (*mldsa.PrivateKey, error) {
	seed, err := m.bytes("priv")
	if err != nil {
		return nil, err
	}
	if len(seed) != mldsa.PrivateKeySize {
		return nil, &fault.Error{
			Reason: ErrUnsupported, Found: fmt.Sprintf("an ml-dsa jwk whose priv has %d bytes", len(seed)),
			Hint: fmt.Sprintf("priv must be the seed of %d bytes, not the expanded key (rfc 9964)", mldsa.PrivateKeySize),
		}
	}
	key, err := mldsa.NewPrivateKey(params, seed)
	if err != nil {
		return nil, inconsistentMLDSA()
	}
	return key, nil
}

func readAKPAlgorithm(m members) (mldsa.Parameters, error) {
	alg, ok, err := m.text("alg")
	if err != nil {
		return mldsa.Parameters{}, err
	}
	if !ok {
		return mldsa.Parameters{}, &fault.Error{Reason: ErrUnreadable, Found: "an akp jwk without alg", Hint: "set its alg to ML-DSA-44, ML-DSA-65 or ML-DSA-87"}
	}
	params, ok := mldsaParameters(alg)
	if !ok {
		return mldsa.Parameters{}, &fault.Error{
			Reason: ErrAlgorithmMismatch, Found: "an akp jwk whose alg is none of ml-dsa's",
			Hint: "its alg must be ML-DSA-44, ML-DSA-65 or ML-DSA-87",
		}
	}
	return params, nil
}

// mldsaParameters gives a parameter set by its name in JOSE (RFC 9964 §3).
func mldsaParameters(name string) (mldsa.Parameters, bool) {
	for _, params := range []mldsa.Parameters{mldsa.MLDSA44(), mldsa.MLDSA65(), mldsa.MLDSA87()} {
		if params.String() == name {
			return params, true
		}
	}
	return mldsa.Parameters{}, false
}

func inconsistentMLDSA() error {
	return &fault.Error{
		Reason: ErrInconsistent, Found: "an ml-dsa key whose public half does not belong to its private half",
		Hint: "export the key again; this copy is damaged or was tampered with",
	}
}
