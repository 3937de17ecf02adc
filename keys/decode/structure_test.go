package decode

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/pem"
	"errors"
	"math/big"
	"testing"

	"golang.org/x/crypto/scrypt"

	"conductor-jwt/internal/secret"
)

// pbes2 encrypts a key with AES-256-CBC and the given derivation.
func pbes2(t *testing.T, kdf, key, plain []byte) []byte {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	n := aes.BlockSize - len(plain)%aes.BlockSize
	sealed := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(n)}, n)...)
	iv := make([]byte, aes.BlockSize)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(sealed, sealed)
	enc := tlv(0x30, oid(t, 2, 16, 840, 1, 101, 3, 4, 1, 42), tlv(4, iv))
	return tlv(0x30, tlv(0x30, oid(t, 1, 2, 840, 113549, 1, 5, 13), tlv(0x30, kdf, enc)), tlv(4, sealed))
}

func TestWhatADerivationSays(t *testing.T) {
	b, _ := pem.Decode([]byte(keyFile(t, "p256.pkcs8.pem")))
	salt := []byte("12345678")
	byPBKDF2, err := pbkdf2.Key(sha1.New, testPassword, salt, 1000, 32)
	if err != nil {
		t.Fatal(err)
	}
	byScrypt, err := scrypt.Key([]byte(testPassword), salt, 16, 8, 1, 32)
	if err != nil {
		t.Fatal(err)
	}
	prf := tlv(0x30, oid(t, 1, 2, 840, 113549, 2, 7), []byte{5, 0})
	one, thousand := integer(t, 1), integer(t, 1000)
	rounds := func(parts ...[]byte) []byte {
		return tlv(0x30, oid(t, 1, 2, 840, 113549, 1, 5, 12), tlv(0x30, parts...))
	}
	memory := func(parts ...[]byte) []byte {
		return tlv(0x30, oid(t, 1, 3, 6, 1, 4, 1, 11591, 4, 11), tlv(0x30, parts...))
	}
	for name, row := range map[string]struct {
		kdf, key []byte
		reason   error
	}{
		"pbkdf2":                        {rounds(tlv(4, salt), thousand), byPBKDF2, nil},
		"pbkdf2 with its length":        {rounds(tlv(4, salt), thousand, integer(t, 32)), byPBKDF2, nil},
		"pbkdf2 with length and prf":    {rounds(tlv(4, salt), thousand, integer(t, 32), prf), byPBKDF2, nil},
		"pbkdf2 with another length":    {rounds(tlv(4, salt), thousand, integer(t, 16)), byPBKDF2, ErrUnreadable},
		"pbkdf2 with a negative length": {rounds(tlv(4, salt), thousand, integer(t, -32)), byPBKDF2, ErrUnreadable},
		"pbkdf2 with more behind":       {rounds(tlv(4, salt), thousand, prf, one), byPBKDF2, ErrUnreadable},
		"pbkdf2 with two functions":     {rounds(tlv(4, salt), thousand, prf, prf), byPBKDF2, ErrUnreadable},
		"pbkdf2 of no rounds":           {rounds(tlv(4, salt), integer(t, 0)), byPBKDF2, ErrUnreadable},
		"pbkdf2 without rounds":         {rounds(tlv(4, salt)), byPBKDF2, ErrUnreadable},
		"pbkdf2 without salt":           {rounds(thousand), byPBKDF2, ErrUnreadable},
		"pbkdf2 of another function":    {rounds(tlv(4, salt), thousand, tlv(0x30, oid(t, 1, 2, 840, 113549, 2, 6))), byPBKDF2, ErrUnsupported},
		"scrypt":                        {memory(tlv(4, salt), integer(t, 16), integer(t, 8), one), byScrypt, nil},
		"scrypt with its length":        {memory(tlv(4, salt), integer(t, 16), integer(t, 8), one, integer(t, 32)), byScrypt, nil},
		"scrypt with another length":    {memory(tlv(4, salt), integer(t, 16), integer(t, 8), one, integer(t, 24)), byScrypt, ErrUnreadable},
		"scrypt with more behind":       {memory(tlv(4, salt), integer(t, 16), integer(t, 8), one, integer(t, 32), one), byScrypt, ErrUnreadable},
		"scrypt without its passes":     {memory(tlv(4, salt), integer(t, 16), integer(t, 8)), byScrypt, ErrUnreadable},
		"scrypt without salt":           {memory(integer(t, 16), integer(t, 8), one), byScrypt, ErrUnreadable},
		"another derivation":            {tlv(0x30, oid(t, 1, 2, 3), tlv(0x30)), byScrypt, ErrUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readDER(t.Context(), pbes2(t, row.kdf, row.key, b.Bytes), "", secret.New(testPassword))
			if row.reason != nil {
				wantRefusal(t, err, row.reason)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			sameKey(t, got, publicFile(t, "p256.public.pem"))
		})
	}
}

func TestAPKCS8KeyIsReadToItsEnd(t *testing.T) {
	seed := tlv(4, tlv(4, make([]byte, 32)))
	alg := tlv(0x30, oid(t, 1, 3, 101, 112))
	for name, row := range map[string]struct {
		der    []byte
		reason error
	}{
		"version 0":                    {tlv(0x30, integer(t, 0), alg, seed), nil},
		"version 1":                    {tlv(0x30, integer(t, 1), alg, seed), nil},
		"with attributes":              {tlv(0x30, integer(t, 0), alg, seed, tlv(0xa0, tlv(0x30))), nil},
		"version 2":                    {tlv(0x30, integer(t, 2), alg, seed), ErrUnreadable},
		"a negative version":           {tlv(0x30, integer(t, -1), alg, seed), ErrUnreadable},
		"a key that is no text":        {tlv(0x30, integer(t, 0), alg, integer(t, 1)), ErrUnreadable},
		"a key twice":                  {tlv(0x30, integer(t, 0), alg, seed, seed), ErrUnreadable},
		"an algorithm that is a text":  {tlv(0x30, integer(t, 0), seed, seed), ErrUnreadable},
		"something behind":             {tlv(0x30, integer(t, 0), alg, seed, tlv(0xa0), integer(t, 1)), ErrUnreadable},
		"a public half that is cut":    {tlv(0x30, integer(t, 0), alg, seed, []byte{0x81, 0x05, 0}), ErrUnreadable},
		"attributes that are cut":      {tlv(0x30, integer(t, 0), alg, seed, []byte{0xa0, 0x05, 0}), ErrUnreadable},
		"another algorithm altogether": {tlv(0x30, integer(t, 0), tlv(0x30, oid(t, 1, 2, 3)), seed), ErrUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: row.der}))
			got, _, err := readKey(t, text, "")
			if _, own := splitPKCS8(row.der); errors.Is(row.reason, ErrUnreadable) {
				wantRefusal(t, own, ErrUnreadable) // whoever has looked at the shape before
			}
			if row.reason != nil {
				wantRefusal(t, err, row.reason)
			} else if err != nil || got == nil {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

func TestShapesOfDER(t *testing.T) {
	seq, number, bits := tlv(0x30), integer(t, 1), tlv(3, []byte{0, 1})
	for name, row := range map[string]struct {
		der  []byte
		want shape
	}{
		"a request":                  {tlv(0x30, tlv(0x30, number, seq, seq, seq), seq, bits), shapeCSR},
		"a certificate of version 1": {tlv(0x30, tlv(0x30, number, seq, seq, seq, seq, seq), seq, bits), shapeCertificate},
		"a short list of texts":      {tlv(0x30, tlv(0x30, tlv(12, []byte("a"))), seq, bits), shapeUnknown},
		"an empty list":              {tlv(0x30, seq, seq, bits), shapeUnknown},
		"a number in another place":  {tlv(0x30, tlv(0x30, number, seq), number, bits), shapeUnknown},
	} {
		if got := shapeOf(row.der); got != row.want {
			t.Errorf("%s: %v, want %v", name, got, row.want)
		}
	}
}

func TestTheMaximumDepthOfAPKCS12File(t *testing.T) {
	nest := func(levels int) []byte {
		var der []byte
		for range levels {
			der = tlv(0x30, der)
		}
		return der
	}
	if err := checkPKCS12Work(nest(32)); err != nil {
		t.Errorf("32 levels: %v", err)
	}
	wantRefusal(t, checkPKCS12Work(nest(33)), ErrUnreadable)
}

// A file of 1 MiB has room for thousands of parts.
func TestTheMaximumIterationsOfAPKCS12File(t *testing.T) {
	part := tlv(0x30, tlv(4, make([]byte, 8)), integer(t, 1_000_000))
	if err := checkPKCS12Work(tlv(0x30, part, part, part, part)); err != nil {
		t.Errorf("four parts: %v", err)
	}
	one := tlv(0x30, tlv(4, make([]byte, 8)), integer(t, 1))
	wantRefusal(t, checkPKCS12Work(tlv(0x30, part, part, tlv(0x30, part, part), one)), ErrTooLarge)
}

func TestMessagesOfArmouredTexts(t *testing.T) {
	refusal := func(label string) error {
		_, _, err := readKey(t, "-----BEGIN "+label+"-----\nMAA=\n-----END "+label+"-----\n", "")
		return err
	}
	for _, label := range []string{"CMS", "PKCS7", "PKCS #7 SIGNED DATA"} {
		if err := refusal(label); err == nil || err.Error() != foundPKCS7().Error() {
			t.Errorf("%s: %v", label, err)
		}
	}
	if err := refusal("X9.42 DH PARAMETERS"); err == nil || err.Error() == foundPKCS7().Error() {
		t.Errorf("%v", err)
	}
}

func TestAnOpenSSHKeyWhosePaddingIsDamaged(t *testing.T) {
	for _, file := range []string{"ssh-ed25519-256.pem", "ssh-ecdsa-256.pem"} {
		b, _ := pem.Decode([]byte(keyFile(t, file)))
		damaged := *b
		damaged.Bytes = bytes.Clone(b.Bytes)
		damaged.Bytes[len(damaged.Bytes)-1] ^= 0x40
		_, _, err := readKey(t, string(pem.EncodeToMemory(&damaged)), "")
		wantRefusal(t, err, ErrUnreadable)
	}
}

func TestAnECKeyWithAnothersPublicHalf(t *testing.T) {
	one, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	mixed := *one
	mixed.PublicKey = other.PublicKey
	wantRefusal(t, Check(&mixed), ErrInconsistent)
}

func TestAKeyWithoutItsNumbersIsNoPanic(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	lacking := func(take func(*ecdsa.PrivateKey)) *ecdsa.PrivateKey {
		half := *ec
		take(&half)
		return &half
	}
	for name, private := range map[string]any{
		"no ec key": (*ecdsa.PrivateKey)(nil), "an empty ec key": &ecdsa.PrivateKey{},
		"an EC key without a curve":  lacking(func(k *ecdsa.PrivateKey) { k.Curve = nil }),
		"an EC key without d":        lacking(func(k *ecdsa.PrivateKey) { k.D = nil }), //nolint:staticcheck // what is looked at
		"an EC key without x":        lacking(func(k *ecdsa.PrivateKey) { k.X = nil }),
		"an EC key without y":        lacking(func(k *ecdsa.PrivateKey) { k.Y = nil }),
		"no rsa key":                 (*rsa.PrivateKey)(nil),
		"an RSA key without modulus": &rsa.PrivateKey{D: big.NewInt(3)},
		"an RSA key without d":       &rsa.PrivateKey{N: big.NewInt(15), E: 3},
	} {
		t.Run(name, func(t *testing.T) {
			wantRefusal(t, Check(private), ErrUnreadable)
		})
	}
}
