package decode

import (
	"crypto/rsa"
	"fmt"
	"math/big"
	"math/bits"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"conductor-jwt/internal/fault"
)

// The sizes of an RSA modulus in bits. The lower bound is RFC 7518 §3.3 and
// §3.5; the upper one bounds the time of one signature (123 ms at 8192).
const (
	MinRSABits = 2048
	MaxRSABits = 8192
)

const (
	maxExponentBits    = 31 // the limit of crypto/rsa
	maxPrimeDifference = 64 // bits

	makeRSA = "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048"
)

// checkRSAPrivate refuses keys that crypto/rsa would sign with or fail on. The
// size is checked before any arithmetic.
func checkRSAPrivate(p *rsa.PrivateKey) error {
	if p == nil || p.N == nil || p.D == nil {
		return &fault.Error{Reason: ErrUnreadable, Found: "this is an RSA key without modulus or private exponent", Hint: "export the whole key again"}
	}
	if err := checkRSAPublic(p.N, p.E); err != nil {
		return err
	}
	if len(p.Primes) > 2 {
		return multiPrime()
	}
	// crypto/rsa ignores the signs, x/crypto/ssh reads them.
	for _, v := range append(slices.Clip(p.Primes), p.D) {
		if v.Sign() <= 0 || v.BitLen() > p.N.BitLen() {
			return inconsistentRSA()
		}
	}
	if len(p.Primes) < 2 {
		return withoutPrimes()
	}
	// Validate compares p*q with n, and d, dp, dq and qinv with one another.
	if err := p.Validate(); err != nil {
		return inconsistentRSA()
	}
	p.Precompute()
	return checkPrimeSizes(p.Primes[0].BitLen(), p.Primes[1].BitLen())
}

// checkPrimeSizes refuses primes of different sizes (FIPS 186-5 §5.1): a small
// one is found by division, and the cost of a signature grows with the larger
// one.
func checkPrimeSizes(a, b int) error {
	if a-b > maxPrimeDifference || b-a > maxPrimeDifference {
		return &fault.Error{
			Reason: ErrWeak, Found: "this is an RSA key whose primes differ in size, which makes it easy to factor",
			Hint: "make a new key: " + makeRSA, Cause: givePublic,
		}
	}
	return nil
}

// checkRSAPublic checks size and exponent.
func checkRSAPublic(n *big.Int, e int) error {
	if err := checkRSABits(n.BitLen()); err != nil {
		return err
	}
	if n.Bit(0) == 0 || n.Sign() < 0 {
		return inconsistentRSA()
	}
	// An even exponent has no inverse; a signature with 1 is the message.
	if e < 3 || e&1 == 0 || bits.Len(uint(e)) > maxExponentBits {
		return unusableExponent()
	}
	return nil
}

// checkRSABits checks the size of a modulus; readers call it before they build
// a key.
func checkRSABits(n int) error {
	if n < MinRSABits {
		use := fmt.Sprintf("use one of %d to %d bits (RFC 7518 section 3.3)", MinRSABits, MaxRSABits)
		return &fault.Error{
			Reason: ErrWeak, Found: fmt.Sprintf("this is an RSA key of %d bits", n),
			Hint:  use + "; make one with: " + makeRSA,
			Cause: VerifierHint(use),
		}
	}
	if n > MaxRSABits {
		return &fault.Error{
			Reason: ErrTooLarge, Found: fmt.Sprintf("this is an RSA key of %d bits", n),
			Hint: fmt.Sprintf("use one of %d to %d bits", MinRSABits, MaxRSABits),
		}
	}
	return nil
}

func unusableExponent() error {
	return &fault.Error{Reason: ErrWeak, Found: "this is an RSA key with an unusable public exponent", Hint: "use a key with the exponent 65537"}
}

// rsaOfExponents finds the primes of n from both exponents, the only private
// number that RFC 7518 §6.3.2 requires being d. It divides and never
// exponentiates, so that its cost is about the same for every key. As e*d-1 is
// m times (p-1)*(q-1) divided by a common factor g of both, which is small, m
// follows from n, and p+q from m.
func rsaOfExponents(pub *rsa.PublicKey, d *big.Int) (*rsa.PrivateKey, error) {
	const maxCommon = 1 << 13 // one key in 30,000 has a larger factor in common
	one := big.NewInt(1)
	multiple := new(big.Int).Mul(d, big.NewInt(int64(pub.E)))
	multiple.Sub(multiple, one)
	var m, phi, sum, rest big.Int
	for g := int64(1); g <= maxCommon; g++ {
		phi.Mul(multiple, big.NewInt(g))
		m.Add(m.Div(&phi, pub.N), one)
		if phi.DivMod(&phi, &m, &rest); rest.Sign() != 0 {
			continue
		}
		// No other number is as short as the sum of the primes.
		if sum.Sub(pub.N, &phi).Add(&sum, one); sum.BitLen() > pub.N.BitLen()/2+maxPrimeDifference {
			continue
		}
		p, q, ok := primesOf(pub.N, &sum)
		if !ok {
			break
		}
		return &rsa.PrivateKey{PublicKey: *pub, D: d, Primes: []*big.Int{p, q}}, nil
	}
	return nil, inconsistentRSA()
}

// primesOf returns the primes of n from their sum.
func primesOf(n, sum *big.Int) (p, q *big.Int, ok bool) {
	square := new(big.Int).Mul(sum, sum)
	square.Sub(square, new(big.Int).Lsh(n, 2)) // (p-q)^2
	if square.Sign() <= 0 {
		return nil, nil, false
	}
	difference := new(big.Int).Sqrt(square)
	p = new(big.Int).Rsh(new(big.Int).Add(sum, difference), 1)
	q = new(big.Int).Sub(sum, p)
	return p, q, new(big.Int).Mul(p, q).Cmp(n) == 0
}

// withoutPrimes is the error of a key in another form with d alone.
func withoutPrimes() error {
	return &fault.Error{Reason: ErrUnsupported, Found: "this is an RSA key without its primes", Hint: "export the key with p and q"}
}

func multiPrime() error {
	const use = "use an ordinary key of two primes"
	return &fault.Error{
		Reason: ErrUnsupported, Found: "this is an RSA key of more than two primes",
		Hint:  use + "; make one with: " + makeRSA,
		Cause: VerifierHint(use),
	}
}

func inconsistentRSA() error {
	return &fault.Error{
		Reason: ErrInconsistent, Found: "this is an RSA key whose numbers do not belong together",
		Hint: "export the key again; this copy is damaged or was tampered with",
	}
}

// readPKCS1 reads an RSAPrivateKey (RFC 8017 A.1.2). The size of the modulus is
// checked before any arithmetic: crypto/x509 takes 20 s for a few hundred KB.
func readPKCS1(der []byte) (*rsa.PrivateKey, error) {
	s, ok := wholeSequence(der)
	if !ok {
		return nil, notDER("this is an RSA key", der)
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
	others := make([]*big.Int, 7) // e, d, p, q, dp, dq, qinv
	for i := range others {
		if others[i], ok = readBig(&s); !ok {
			return nil, unreadableRSA()
		}
	}
	if version == 1 || s.PeekASN1Tag(cbasn1.SEQUENCE) {
		return nil, multiPrime()
	}
	if !s.Empty() {
		return nil, unreadableRSA()
	}
	return buildRSA(n, others)
}

// buildRSA makes a key of e, d, p, q, dp, dq, qinv and checks that they belong
// together.
func buildRSA(n *big.Int, others []*big.Int) (*rsa.PrivateKey, error) {
	for _, v := range others {
		if v.Sign() <= 0 || v.BitLen() > n.BitLen() {
			return nil, inconsistentRSA()
		}
	}
	key := &rsa.PrivateKey{
		N: n, E: smallInt(others[0]), D: others[1], Primes: []*big.Int{others[2], others[3]},
	}
	key.Precomputed.Dp, key.Precomputed.Dq, key.Precomputed.Qinv = others[4], others[5], others[6]
	if err := checkRSAPublic(n, key.E); err != nil {
		return nil, err
	}
	key.Precompute()
	if err := checkRSAPrivate(key); err != nil {
		return nil, err
	}
	return key, nil
}

// smallInt returns n, or 0, which is no exponent, where n is too large for one.
func smallInt(n *big.Int) int {
	if n.Sign() < 0 || n.BitLen() > maxExponentBits {
		return 0
	}
	return int(n.Int64())
}

// readPKCS1Public reads an RSAPublicKey (RFC 8017 A.1.1).
func readPKCS1Public(der []byte) (*rsa.PublicKey, error) {
	s, ok := wholeSequence(der)
	if !ok {
		return nil, notDER("this is an RSA public key", der)
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
	return &fault.Error{Reason: ErrUnreadable, Found: "this is an RSA key that is damaged", Hint: "copy the whole key again"}
}
