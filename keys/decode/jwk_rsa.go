package decode

import (
	"crypto/rsa"
	"math/big"

	"conductor-jwt/internal/fault"
)

// readRSAJWK reads an RSA JWK (RFC 7518 §6.3). The modulus is measured before
// anything is computed with it.
func readRSAJWK(m members) (private, public any, err error) {
	n, e, err := readRSAPublicJWK(m)
	if err != nil {
		return nil, nil, err
	}
	pub := &rsa.PublicKey{N: n, E: e}
	if !m.has("d") {
		if m.has("p") || m.has("q") {
			return nil, nil, &fault.Error{Reason: ErrUnreadable, Found: "an rsa jwk with primes but without d", Hint: "export the whole key again"}
		}
		return nil, pub, nil
	}
	key, err := readRSAPrivateJWK(m, pub)
	if err != nil {
		return nil, nil, err
	}
	return key, pub, nil
}

func readRSAPublicJWK(m members) (*big.Int, int, error) {
	n, err := m.number("n")
	if err != nil {
		return nil, 0, err
	}
	if err := checkRSABits(n.BitLen()); err != nil {
		return nil, 0, err
	}
	e, err := m.number("e")
	if err != nil {
		return nil, 0, err
	}
	if e.BitLen() > maxExponentBits {
		return nil, 0, unusableExponent()
	}
	exponent := int(e.Int64())
	return n, exponent, checkRSAPublic(n, exponent)
}

// readRSAPrivateJWK computes what may be missing: p and q, or the three CRT
// values. What is there is checked (RFC 7518 §6.3.2).
func readRSAPrivateJWK(m members, pub *rsa.PublicKey) (*rsa.PrivateKey, error) {
	if m.has("oth") {
		return nil, multiPrime() // §6.3.2.7
	}
	var d, p, q big.Int
	if !m.has("p") && !m.has("q") {
		if err := m.numbers(pub.N, member{"d", &d}); err != nil {
			return nil, err
		}
		return rsaOfExponents(pub, &d)
	}
	if err := m.numbers(pub.N, member{"d", &d}, member{"p", &p}, member{"q", &q}); err != nil {
		return nil, err
	}
	key := &rsa.PrivateKey{PublicKey: *pub, D: &d, Primes: []*big.Int{&p, &q}}
	if m.has("dp") || m.has("dq") || m.has("qi") {
		var dp, dq, qi big.Int
		if err := m.numbers(pub.N, member{"dp", &dp}, member{"dq", &dq}, member{"qi", &qi}); err != nil {
			return nil, err
		}
		key.Precomputed.Dp, key.Precomputed.Dq, key.Precomputed.Qinv = &dp, &dq, &qi
	}
	return key, nil
}

// number reads a Base64urlUInt (RFC 7518 §2).
func (m members) number(name string) (*big.Int, error) {
	b, err := m.bytes(name)
	if err != nil {
		return nil, err
	}
	return new(big.Int).SetBytes(b), nil
}

type member struct {
	name string
	into *big.Int
}

// numbers reads several that are positive and less than n.
func (m members) numbers(n *big.Int, list ...member) error {
	for _, each := range list {
		x, err := m.number(each.name)
		if err != nil {
			return err
		}
		if x.Sign() == 0 || x.Cmp(n) >= 0 {
			return inconsistentRSA()
		}
		each.into.Set(x)
	}
	return nil
}
