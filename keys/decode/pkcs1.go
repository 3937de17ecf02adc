package decode

import (
	"crypto/rsa"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"conductor-jwt/internal/fault"
)

// readPKCS1 reads an RSAPrivateKey (RFC 8017 A.1.2). The modulus is measured
// before anything is computed with it: crypto/x509 takes 20 s for what fits
// into a few hundred KB.
func readPKCS1(der []byte) (*rsa.PrivateKey, error) {
	s, ok := wholeSequence(der)
	if !ok {
		return nil, notDER("an rsa key", der)
	}
	var version int
	if !s.ReadASN1Integer(&version) || version < 0 || version > 1 {
		return nil, unreadableRSA()
	}
	n, ok := readBig(&s)
	if !ok {
		return nil, unreadableRSA()
	}
	if err := checkRSABits(n.BitLen()); err != nil {
		return nil, err
	}
	rest := make([]*big.Int, 7) // e, d, p, q, dp, dq, qinv
	for i := range rest {
		if rest[i], ok = readBig(&s); !ok {
			return nil, unreadableRSA()
		}
	}
	if version == 1 || s.PeekASN1Tag(cbasn1.SEQUENCE) {
		return nil, multiPrime()
	}
	if !s.Empty() {
		return nil, unreadableRSA()
	}
	return buildRSA(n, rest)
}

// buildRSA puts a key together from e, d, p, q, dp, dq, qinv and checks that
// they belong to one another.
func buildRSA(n *big.Int, rest []*big.Int) (*rsa.PrivateKey, error) {
	for _, v := range rest {
		if v.Sign() <= 0 || v.BitLen() > n.BitLen() {
			return nil, inconsistentRSA()
		}
	}
	key := &rsa.PrivateKey{
		N: n, E: smallInt(rest[0]), D: rest[1], Primes: []*big.Int{rest[2], rest[3]},
	}
	key.Precomputed.Dp, key.Precomputed.Dq, key.Precomputed.Qinv = rest[4], rest[5], rest[6]
	if err := checkRSAPublic(n, key.E); err != nil {
		return nil, err
	}
	key.Precompute()
	if err := checkRSAPrivate(key); err != nil {
		return nil, err
	}
	return key, nil
}

// smallInt gives n where it has at most 31 bits, and 0, which is no exponent,
// where it has more.
func smallInt(n *big.Int) int {
	if n.Sign() < 0 || n.BitLen() > 31 {
		return 0
	}
	return int(n.Int64())
}

// readPKCS1Public reads an RSAPublicKey (RFC 8017 A.1.1).
func readPKCS1Public(der []byte) (*rsa.PublicKey, error) {
	s, ok := wholeSequence(der)
	if !ok {
		return nil, notDER("an rsa public key", der)
	}
	return readRSANumbers(s)
}

func readRSANumbers(s cryptobyte.String) (*rsa.PublicKey, error) {
	n, okN := readBig(&s)
	e, okE := readBig(&s)
	if !okN || !okE || !s.Empty() {
		return nil, unreadableRSA()
	}
	if err := checkRSAPublic(n, smallInt(e)); err != nil {
		return nil, err
	}
	return &rsa.PublicKey{N: n, E: smallInt(e)}, nil
}

func unreadableRSA() error {
	return &fault.Error{Reason: ErrUnreadable, Found: "an rsa key that is damaged", Hint: "copy the whole key again"}
}
