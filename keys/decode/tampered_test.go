package decode

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"conductor-jwt/internal/secret"
)

// rsaNumbers are those of an RSAPrivateKey, in its order.
type rsaNumbers struct {
	Version                         int
	N, E, D, P, Q, DP, DQ, QInverse *big.Int
}

// numbersOf splits the RSA test key.
func numbersOf(t *testing.T) rsaNumbers {
	t.Helper()
	b, _ := pem.Decode([]byte(keyFile(t, "rsa.pkcs1.pem")))
	var n rsaNumbers
	if _, err := asn1.Unmarshal(b.Bytes, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (n rsaNumbers) der(t *testing.T) []byte {
	t.Helper()
	der, err := asn1.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// inPKCS8 wraps a key for an algorithm.
func inPKCS8(t *testing.T, key []byte, params []byte, arcs ...int) []byte {
	t.Helper()
	return tlv(0x30, integer(t, 0), tlv(0x30, oid(t, arcs...), params), tlv(4, key))
}

// ofBits is a consistent-looking RSA key of any size whose factors are odd
// numbers. A library that trusts it signs for seconds.
func ofBits(t *testing.T, bits int) rsaNumbers {
	t.Helper()
	p := odd(t, bits/2)
	q := odd(t, bits-bits/2)
	one := big.NewInt(1)
	return rsaNumbers{
		N: new(big.Int).Mul(p, q), E: big.NewInt(65537), D: odd(t, bits-1), P: p, Q: q,
		DP: new(big.Int).Sub(p, one), DQ: new(big.Int).Sub(q, one), QInverse: one,
	}
}

func odd(t *testing.T, bits int) *big.Int {
	t.Helper()
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(bits-2)))
	if err != nil {
		t.Fatal(err)
	}
	n.SetBit(n, bits-1, 1).SetBit(n, bits-2, 1)
	return n.SetBit(n, 0, 1)
}

func TestAnRSAKeyIsMeasuredBeforeItIsBuilt(t *testing.T) {
	for _, bits := range []int{8193, 16384, 32768, 100000} {
		der := ofBits(t, bits).der(t)
		_, err := readDER(t.Context(), der, "", secret.Text{})
		wantRefusal(t, err, ErrTooLarge)
		_, err = readDER(t.Context(), inPKCS8(t, der, []byte{5, 0}, 1, 2, 840, 113549, 1, 1, 1), "", secret.Text{})
		wantRefusal(t, err, ErrTooLarge)
	}
	for _, bits := range []int{512, 1024, 2040, 2047} {
		_, err := readDER(t.Context(), ofBits(t, bits).der(t), "", secret.Text{})
		wantRefusal(t, err, ErrWeak)
	}
}

func TestTamperedRSANumbersAreRefused(t *testing.T) {
	plusTwo := func(n *big.Int) *big.Int { return new(big.Int).Add(n, big.NewInt(2)) }
	huge := new(big.Int).Lsh(big.NewInt(1), 60_000)
	for _, c := range []struct {
		what   string
		tamper func(n *rsaNumbers)
		reason error
	}{
		{"another n", func(n *rsaNumbers) { n.N = plusTwo(n.N) }, ErrInconsistent},
		{"another d", func(n *rsaNumbers) { n.D = plusTwo(n.D) }, ErrInconsistent},
		{"another p", func(n *rsaNumbers) { n.P = plusTwo(n.P) }, ErrInconsistent},
		{"another q", func(n *rsaNumbers) { n.Q = plusTwo(n.Q) }, ErrInconsistent},
		{"another dp", func(n *rsaNumbers) { n.DP = plusTwo(n.DP) }, ErrInconsistent},
		{"another dq", func(n *rsaNumbers) { n.DQ = plusTwo(n.DQ) }, ErrInconsistent},
		{"another qinv", func(n *rsaNumbers) { n.QInverse = plusTwo(n.QInverse) }, ErrInconsistent},
		{"another e", func(n *rsaNumbers) { n.E = big.NewInt(3) }, ErrInconsistent},
		{"swapped primes", func(n *rsaNumbers) { n.P, n.Q = n.Q, n.P }, ErrInconsistent},
		{"p = 1, q = n", func(n *rsaNumbers) { n.P, n.Q = big.NewInt(1), n.N }, ErrInconsistent},
		{"no primes", func(n *rsaNumbers) { n.P, n.Q = new(big.Int), new(big.Int) }, ErrInconsistent},
		{"a negative prime", func(n *rsaNumbers) { n.P = new(big.Int).Neg(n.P) }, ErrInconsistent},
		{"an even modulus", func(n *rsaNumbers) { n.N = new(big.Int).Sub(n.N, big.NewInt(1)) }, ErrInconsistent},
		{"a prime of 60000 bits", func(n *rsaNumbers) { n.P = huge }, ErrInconsistent},
		{"an exponent of 60000 bits", func(n *rsaNumbers) { n.D = huge }, ErrInconsistent},
		{"a crt value of 60000 bits", func(n *rsaNumbers) { n.QInverse = huge }, ErrInconsistent},
		{"e = 1", func(n *rsaNumbers) { n.E = big.NewInt(1) }, ErrWeak},
		{"an even e", func(n *rsaNumbers) { n.E = big.NewInt(65538) }, ErrWeak},
		{"an e of 60 bits", func(n *rsaNumbers) { n.E = big.NewInt(1<<60 + 1) }, ErrWeak},
		{"a negative modulus", func(n *rsaNumbers) { n.N = new(big.Int).Neg(n.N) }, ErrInconsistent},
		{"an unknown version", func(n *rsaNumbers) { n.Version = 2 }, ErrUnreadable},
		{"more primes announced", func(n *rsaNumbers) { n.Version = 1 }, ErrUnsupported},
	} {
		t.Run(c.what, func(t *testing.T) {
			n := numbersOf(t)
			c.tamper(&n)
			_, err := readDER(t.Context(), n.der(t), "", secret.Text{})
			wantRefusal(t, err, c.reason)
		})
	}
}

// coherent is an RSA key with consistent numbers, as the library checks them,
// although no factor is a prime.
func coherent(t *testing.T, bitsP, bitsQ int) rsaNumbers {
	t.Helper()
	e, one := big.NewInt(65537), big.NewInt(1)
	for {
		p, q := odd(t, bitsP), odd(t, bitsQ)
		pMinus1, qMinus1 := new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)
		both := new(big.Int).Mul(pMinus1, qMinus1)
		lambda := both.Div(both, new(big.Int).GCD(nil, nil, pMinus1, qMinus1))
		d, inverse := new(big.Int).ModInverse(e, lambda), new(big.Int).ModInverse(q, p)
		if d != nil && inverse != nil && !p.ProbablyPrime(0) && !q.ProbablyPrime(0) {
			return rsaNumbers{
				N: new(big.Int).Mul(p, q), E: e, D: d, P: p, Q: q,
				DP: new(big.Int).Mod(d, pMinus1), DQ: new(big.Int).Mod(d, qMinus1), QInverse: inverse,
			}
		}
	}
}

// Such a key is easy to factor, and at 8192 bits a signature with it takes most
// of a second.
func TestAnRSAKeyWithOneSmallPrimeIsWeak(t *testing.T) {
	for _, c := range []struct{ p, q int }{{20, 2028}, {2028, 20}, {20, 8172}, {900, 1148}} {
		_, err := readDER(t.Context(), coherent(t, c.p, c.q).der(t), "", secret.Text{})
		wantRefusal(t, err, ErrWeak)
	}
	if _, err := readDER(t.Context(), coherent(t, 1024, 1024).der(t), "", secret.Text{}); err != nil {
		t.Errorf("factors of one size, of which nothing tells that they are no primes: %v", err)
	}
}

func TestTamperedECKeysAreRefused(t *testing.T) {
	order := elliptic.P256().Params().N
	curve := oid(t, 1, 2, 840, 10045, 3, 1, 7)
	other := oid(t, 1, 3, 132, 0, 34)
	point := tlv(0xa1, tlv(3, []byte{0, 4}, make([]byte, 64)))
	good := order.FillBytes(make([]byte, 32))
	good[31]--
	key := func(scalar []byte, parts ...[]byte) []byte {
		return tlv(0x30, integer(t, 1), tlv(4, scalar), bytes.Join(parts, nil))
	}
	for what, c := range map[string]struct {
		der    []byte
		reason error
	}{
		"a scalar of zero":                      {key(make([]byte, 32), tlv(0xa0, curve)), ErrInconsistent},
		"no scalar":                             {key(nil, tlv(0xa0, curve)), ErrInconsistent},
		"the order as the scalar":               {key(order.Bytes(), tlv(0xa0, curve)), ErrInconsistent},
		"a scalar that is too long":             {key(append([]byte{1}, good...), tlv(0xa0, curve)), ErrInconsistent},
		"a point of zeros":                      {key(good, tlv(0xa0, curve), point), ErrInconsistent},
		"a point that is no point":              {key(good, tlv(0xa0, curve), tlv(0xa1, tlv(3, []byte{0, 4, 1}))), ErrInconsistent},
		"no curve":                              {key(good), ErrUnreadable},
		"two curves":                            {inPKCS8(t, key(good, tlv(0xa0, curve)), other, 1, 2, 840, 10045, 2, 1), ErrInconsistent},
		"no curve in pkcs#8":                    {inPKCS8(t, key(good), nil, 1, 2, 840, 10045, 2, 1), ErrUnreadable},
		"a secp256k1 scalar of zero":            {key(make([]byte, 32), tlv(0xa0, oid(t, 1, 3, 132, 0, 10))), ErrInconsistent},
		"a secp256k1 scalar beyond the order":   {key(bytes.Repeat([]byte{0xff}, 32), tlv(0xa0, oid(t, 1, 3, 132, 0, 10))), ErrInconsistent},
		"a secp256k1 point of another key":      {key(good, tlv(0xa0, oid(t, 1, 3, 132, 0, 10)), point), ErrInconsistent},
		"something behind the point":            {key(good, tlv(0xa0, curve), integer(t, 1)), ErrUnreadable},
		"a sec1 version of 2":                   {tlv(0x30, integer(t, 2), tlv(4, good), tlv(0xa0, curve)), ErrUnreadable},
		"an unknown curve":                      {key(good, tlv(0xa0, oid(t, 1, 2, 3))), ErrUnsupported},
		"an EC key for key agreement only":      {inPKCS8(t, key(good), curve, 1, 3, 132, 1, 12), ErrUnsupported},
		"an RSA key for encryption only":        {inPKCS8(t, numbersOf(t).der(t), nil, 1, 2, 840, 113549, 1, 1, 7), ErrUnsupported},
		"an Ed25519 key of 33 octets":           {inPKCS8(t, tlv(4, make([]byte, 33)), nil, 1, 3, 101, 112), ErrUnreadable},
		"an Ed25519 key with parameters":        {inPKCS8(t, tlv(4, make([]byte, 32)), []byte{5, 0}, 1, 3, 101, 112), ErrUnreadable},
		"an ML-DSA key without anything":        {inPKCS8(t, nil, nil, 2, 16, 840, 1, 101, 3, 4, 3, 17), ErrUnreadable},
		"an ml-dsa seed of 31 octets":           {inPKCS8(t, tlv(0x80, make([]byte, 31)), nil, 2, 16, 840, 1, 101, 3, 4, 3, 17), ErrUnreadable},
		"an ML-DSA key without its seed":        {inPKCS8(t, tlv(4, make([]byte, 2560)), nil, 2, 16, 840, 1, 101, 3, 4, 3, 17), ErrUnsupported},
		"an ml-dsa seed beside another's key":   {inPKCS8(t, tlv(0x30, tlv(4, make([]byte, 32)), tlv(4, make([]byte, 2560))), nil, 2, 16, 840, 1, 101, 3, 4, 3, 17), ErrInconsistent},
		"an ml-kem key":                         {inPKCS8(t, tlv(0x80, make([]byte, 64)), nil, 2, 16, 840, 1, 101, 3, 4, 4, 1), ErrUnsupported},
		"an algorithm that nobody knows":        {inPKCS8(t, make([]byte, 64), nil, 1, 2, 3, 4), ErrUnsupported},
		"sequences in sequences, to the bottom": {nested(3_000), ErrUnreadable},
		"an indefinite length":                  {append([]byte{0x30, 0x80}, make([]byte, 100)...), ErrUnreadable},
		"a length of four gigabytes":            {append([]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff}, make([]byte, 100)...), ErrUnreadable},
	} {
		t.Run(what, func(t *testing.T) {
			_, err := readDER(t.Context(), c.der, "", secret.Text{})
			wantRefusal(t, err, c.reason)
		})
	}
}

// nested returns sequences within sequences.
func nested(depth int) []byte {
	out := []byte{5, 0}
	for range depth {
		if len(out) > 60_000 {
			break
		}
		out = tlv(0x30, out)
	}
	return out
}

func TestAnEd25519PublicHalfOfAnotherKeyIsRefused(t *testing.T) {
	seed := tlv(4, tlv(4, bytes.Repeat([]byte{7}, 32)))
	key := func(public []byte) []byte {
		return tlv(0x30, integer(t, 1), tlv(0x30, oid(t, 1, 3, 101, 112)), seed, tlv(0x81, []byte{0}, public))
	}
	_, err := readDER(t.Context(), key(make([]byte, 32)), "", secret.Text{})
	wantRefusal(t, err, ErrInconsistent)
	mine := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))[32:]
	if _, err := readDER(t.Context(), key(mine), "", secret.Text{}); err != nil {
		t.Errorf("its own public half: %v", err)
	}
}

// TestThePublicHalfInPKCS8MustFitThePrivateOne: RFC 5958 §2 lets a key
// of any type carry it, in the form that the type's SubjectPublicKeyInfo has.
func TestThePublicHalfInPKCS8MustFitThePrivateOne(t *testing.T) {
	n := numbersOf(t)
	rsaPublic := func(n *big.Int) []byte {
		der, err := asn1.Marshal(struct{ N, E *big.Int }{n, big.NewInt(65537)})
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	seed := bytes.Repeat([]byte{7}, 32)
	ec, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), seed)
	if err != nil {
		t.Fatal(err)
	}
	point, err := ec.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	k1, ok := secp256k1Scalar(seed)
	if !ok {
		t.Fatal("no scalar")
	}
	sec1 := tlv(0x30, integer(t, 1), tlv(4, seed))
	p256, k256 := oid(t, 1, 2, 840, 10045, 3, 1, 7), oid(t, 1, 3, 132, 0, 10)
	for what, c := range map[string]struct {
		key, params, public, other []byte
		arcs                       []int
	}{
		"rsa":        {n.der(t), []byte{5, 0}, rsaPublic(n.N), rsaPublic(new(big.Int).Add(n.N, big.NewInt(2))), []int{1, 2, 840, 113549, 1, 1, 1}},
		"rsassa-pss": {n.der(t), nil, rsaPublic(n.N), rsaPublic(n.E), []int{1, 2, 840, 113549, 1, 1, 10}},
		"P-256":      {sec1, p256, point, k1.PubKey().SerializeUncompressed(), []int{1, 2, 840, 10045, 2, 1}},
		"secp256k1":  {sec1, k256, k1.PubKey().SerializeCompressed(), point, []int{1, 2, 840, 10045, 2, 1}},
	} {
		key := func(public []byte) []byte {
			return tlv(0x30, integer(t, 1), tlv(0x30, oid(t, c.arcs...), c.params), tlv(4, c.key), tlv(0x81, []byte{0}, public))
		}
		if _, err := readDER(t.Context(), key(c.public), "", secret.Text{}); err != nil {
			t.Errorf("%s: its own public half: %v", what, err)
		}
		_, err := readDER(t.Context(), key(c.other), "", secret.Text{})
		t.Run(what, func(t *testing.T) { wantRefusal(t, err, ErrInconsistent) })
	}
}

func TestOpenSSHKeysOfAnySizeAreMeasured(t *testing.T) {
	n := ofBits(t, 32768)
	public := ssh.Marshal(struct {
		Type string
		E, N *big.Int
	}{ssh.KeyAlgoRSA, n.E, n.N})
	section := n.ssh()
	plain := func(public, section []byte) []byte {
		return sshFileOf(sshFile{Cipher: "none", KDF: "none", Public: public, Private: section})
	}
	ed := ssh.Marshal(struct{ Type, Public string }{ssh.KeyAlgoED25519, strings.Repeat("x", 32)})
	_, err := readOpenSSH(t.Context(), plain(public, section), secret.Text{})
	wantRefusal(t, err, ErrTooLarge)
	_, err = readOpenSSH(t.Context(), plain(ed, make([]byte, 20<<10)), secret.Text{})
	wantRefusal(t, err, ErrTooLarge)
	for what, data := range map[string][]byte{
		"nothing":               nil,
		"the magic alone":       []byte(sshMagic),
		"a length beyond it":    append([]byte(sshMagic), 0xff, 0xff, 0xff, 0xff),
		"check numbers differ":  plain(ed, []byte{0, 0, 0, 1, 0, 0, 0, 2}),
		"a cipher without kdf":  sshFileOf(sshFile{Cipher: "aes256-ctr", KDF: "none", Public: ed}),
		"a kdf without cipher":  sshFileOf(sshFile{Cipher: "none", KDF: "bcrypt", Public: ed}),
		"data behind the key":   append(plain(ed, nil), 0),
		"no public half":        plain(nil, binaryOnes()),
		"an unknown key, empty": plain(ed, binaryOnes()),
	} {
		_, err := readOpenSSH(t.Context(), data, secret.Text{})
		t.Run(what, func(t *testing.T) { wantRefusal(t, err, ErrUnreadable) })
	}
	hardware := ssh.Marshal(struct{ Type string }{ssh.KeyAlgoSKED25519})
	_, err = readOpenSSH(t.Context(), plain(hardware, append(binaryOnes(), hardware...)), secret.Text{})
	wantRefusal(t, err, ErrUnsupported)
}

// ssh writes the private section of an OpenSSH key (PROTOCOL.key of OpenSSH).
func (n rsaNumbers) ssh() []byte {
	return ssh.Marshal(struct {
		Checks              [8]byte
		Type                string
		N, E, D, Iqmp, P, Q *big.Int
		Comment             string
	}{[8]byte{}, ssh.KeyAlgoRSA, n.N, n.E, n.D, n.QInverse, n.P, n.Q, ""})
}

func TestNumbersOfAnOpenSSHKeyThatDoNotBelongTogether(t *testing.T) {
	good := numbersOf(t)
	public := ssh.Marshal(struct {
		Type string
		E, N *big.Int
	}{ssh.KeyAlgoRSA, good.E, good.N})
	read := func(n rsaNumbers) error {
		return readPlainSSH(t, public, n.ssh())
	}
	if err := read(good); err != nil {
		t.Fatal(err)
	}
	huge := new(big.Int).Lsh(big.NewInt(1), 80_000)
	for name, field := range map[string]func(*rsaNumbers) **big.Int{
		"n": func(n *rsaNumbers) **big.Int { return &n.N }, "e": func(n *rsaNumbers) **big.Int { return &n.E }, "d": func(n *rsaNumbers) **big.Int { return &n.D },
		"p": func(n *rsaNumbers) **big.Int { return &n.P }, "q": func(n *rsaNumbers) **big.Int { return &n.Q },
	} {
		for what, v := range map[string]*big.Int{
			"zero": new(big.Int), "one": big.NewInt(1), "negative": new(big.Int).Neg(*field(&good)), "huge": huge, "of another key": odd(t, (*field(&good)).BitLen()),
		} {
			n := good
			*field(&n) = v
			if err := read(n); !errors.Is(err, ErrUnreadable) && !errors.Is(err, ErrInconsistent) {
				t.Errorf("%s %s: %v", name, what, err)
			}
		}
	}
	other := ofBits(t, 16384)
	if err := read(other); !errors.Is(err, ErrUnreadable) && !errors.Is(err, ErrInconsistent) {
		t.Errorf("a larger key than the public half: %v", err)
	}
}

func TestAnOpenSSHKeyOnACurveWithAnotherScalar(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	d := new(big.Int).SetBytes(raw)
	order := elliptic.P256().Params().N
	type half struct{ Type, Curve, Point string }
	for what, row := range map[string]struct {
		d     *big.Int
		curve string
		good  bool
	}{
		"its own":          {d, "nistp256", true},
		"zero":             {new(big.Int), "nistp256", false},
		"negative":         {new(big.Int).Neg(d), "nistp256", false},
		"beyond the order": {new(big.Int).Add(d, order), "nistp256", false},
		"another one":      {new(big.Int).Sub(order, d), "nistp256", false},
		"another curve":    {d, "nistp384", false},
	} {
		public := half{ssh.KeyAlgoECDSA256, "nistp256", string(point)}
		section := ssh.Marshal(struct {
			Checks             [8]byte
			Type, Curve, Point string
			D                  *big.Int
			Comment            string
		}{[8]byte{}, public.Type, row.curve, public.Point, row.d, ""})
		err := readPlainSSH(t, ssh.Marshal(public), section)
		if row.good != (err == nil) || err != nil && !errors.Is(err, ErrUnreadable) && !errors.Is(err, ErrInconsistent) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// readPlainSSH reads an OpenSSH key with these halves.
func readPlainSSH(t *testing.T, public, section []byte) error {
	t.Helper()
	private, err := readOpenSSH(t.Context(), sshFileOf(sshFile{Cipher: "none", KDF: "none", Public: public, Private: section}), secret.Text{})
	if err == nil {
		err = Check(private)
	}
	return err
}

func TestEncryptedOpenSSHKeysAreLookedAtBeforeAnythingIsDerived(t *testing.T) {
	options := func(salt string, rounds uint32) []byte {
		return ssh.Marshal(struct {
			Salt   string
			Rounds uint32
		}{salt, rounds})
	}
	section := make([]byte, 32)
	file := func(cipher, kdf string, options, section []byte) []byte {
		public := ssh.Marshal(struct{ Type, Public string }{ssh.KeyAlgoED25519, strings.Repeat("x", 32)})
		return sshFileOf(sshFile{Cipher: cipher, KDF: kdf, KDFOptions: options, Public: public, Private: section})
	}
	for what, data := range map[string][]byte{
		"no options":               file("aes256-ctr", "bcrypt", nil, section),
		"options that are cut":     file("aes256-ctr", "bcrypt", []byte{0, 0, 0, 9, 1}, section),
		"more behind the options":  file("aes256-ctr", "bcrypt", append(options("salt", 1), 0), section),
		"no salt":                  file("aes256-ctr", "bcrypt", options("", 1), section),
		"no rounds":                file("aes256-ctr", "bcrypt", options("salt", 0), section),
		"nothing encrypted":        file("aes256-ctr", "bcrypt", options("salt", 1), nil),
		"half a block":             file("aes256-cbc", "bcrypt", options("salt", 1), section[:8]),
		"a tag where none belongs": append(file("aes256-ctr", "bcrypt", options("salt", 1), section), section...),
	} {
		_, err := readOpenSSH(t.Context(), data, secret.New(testPassword))
		t.Run(what, func(t *testing.T) { wantRefusal(t, err, ErrUnreadable) })
	}
	for what, data := range map[string][]byte{
		"another cipher":     file("3des-cbc", "bcrypt", options("salt", 1), section),
		"another derivation": file("aes256-ctr", "argon2", options("salt", 1), section),
	} {
		_, err := readOpenSSH(t.Context(), data, secret.New(testPassword))
		t.Run(what, func(t *testing.T) { wantRefusal(t, err, ErrUnsupported) })
	}
	dear := file("aes256-ctr", "bcrypt", options("salt", 1<<31), section)
	_, err := readOpenSSH(t.Context(), dear, secret.New(testPassword))
	wantRefusal(t, err, ErrTooLarge)
}

func binaryOnes() []byte { return bytes.Repeat([]byte{1}, 8) }

func sshFileOf(f sshFile) []byte {
	f.Keys = 1
	return append([]byte(sshMagic), ssh.Marshal(f)...)
}

// Every text is as long as a task may send it. That each is refused in
// milliseconds is what makes this test end.
func TestHostileTextIsRefused(t *testing.T) {
	const size = 64 << 10
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	key := keyFile(t, "p256.pkcs8.pem")
	for what, text := range map[string]string{
		"dashes":                       fill("-"),
		"begin lines":                  fill("-----BEGIN PRIVATE KEY-----"),
		"begin without dashes":         fill("-----BEGIN "),
		"end lines":                    fill("-----END PRIVATE KEY-----"),
		"begin and end lines":          fill("-----BEGIN X-----\n-----END X-----\n"),
		"empty private blocks":         fill("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"),
		"backslashes":                  fill(`\`),
		"unknown escapes":              armoured(fill(`\x`)),
		"backslashes in a block":       armoured(fill(`\`)),
		"colons in a block":            armoured(fill(":")),
		"headers in a block":           armoured(fill("a:b\n")),
		"proc-types":                   armoured(fill("Proc-Type: 4,ENCRYPTED\n")),
		"commas":                       armoured("DEK-Info: " + fill(",")),
		"letters":                      armoured(fill("A")),
		"equal signs":                  armoured(fill("=")),
		"spaces in a block":            armoured(fill(" ")),
		"nul bytes":                    fill("\x00"),
		"bytes that are no utf-8":      fill("\xff\xfe"),
		"letters without armour":       fill("M"),
		"braces":                       fill("["),
		"a label that never ends":      "-----BEGIN " + fill("A"),
		"a key behind a begin line":    "-----BEGIN PRIVATE KEY-----\n" + key,
		"a key inside of its armour":   "-----BEGIN PRIVATE KEY-----\n" + key + "-----END PRIVATE KEY-----\n",
		"a key with a header":          strings.Replace(key, "KEY-----\n", "KEY-----\nComment: x", 1),
		"a key that is said encrypted": strings.Replace(key, "KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\n\n", 1),
	} {
		t.Run(what, func(t *testing.T) {
			_, _, err := readKey(t, text, testPassword)
			if err == nil {
				t.Fatal("read as a key")
			}
			if !slices.ContainsFunc([]error{ErrUnreadable, ErrAmbiguous}, func(r error) bool { return errors.Is(err, r) }) {
				t.Errorf("reason of %q", err)
			}
		})
	}
}

func armoured(body string) string {
	return "-----BEGIN PRIVATE KEY-----\n" + body + "\n-----END PRIVATE KEY-----\n"
}
