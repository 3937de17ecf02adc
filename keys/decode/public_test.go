package decode

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

func TestPublicKeysInEveryForm(t *testing.T) {
	for _, c := range []struct{ file, public string }{
		{"rsa.public.pem", "rsa.public.pem"},
		{"rsa.public-pkcs1.pem", "rsa.public.pem"},
		{"p256.public.pem", "p256.public.pem"},
		{"p384.public.pem", "p384.public.pem"},
		{"p521.public.pem", "p521.public.pem"},
		{"ed25519.public.pem", "ed25519.public.pem"},
		{"p256.crt", "p256.public.pem"},
	} {
		t.Run(c.file, func(t *testing.T) {
			k, err := readPublicPEM(keyFile(t, c.file))
			got := k.Public
			if err != nil {
				t.Fatal(err)
			}
			if !equalKeys(publicFile(t, c.public), got) {
				t.Errorf("read another key: %T", got)
			}
		})
	}
}

func TestPublicKeysThatTheStandardLibraryDoesNotRead(t *testing.T) {
	private, _, err := readKey(t, keyFile(t, "secp256k1.sec1.pem"), "")
	if err != nil {
		t.Fatal(err)
	}
	k, err := readPublicPEM(keyFile(t, "secp256k1.public.pem"))
	public := k.Public
	if err != nil {
		t.Fatal(err)
	}
	held, okHeld := private.(*secp256k1.PrivateKey)
	read, okRead := public.(*secp256k1.PublicKey)
	if !okHeld || !okRead || !held.PubKey().IsEqual(read) {
		t.Error("the secp256k1 halves are not of one key")
	}
	private, _, err = readKey(t, keyFile(t, "rsapss-sha384.pkcs8.pem"), "")
	if err != nil {
		t.Fatal(err)
	}
	k, err = readPublicPEM(keyFile(t, "rsapss-sha384.public.pem"))
	public = k.Public
	if err != nil {
		t.Fatal(err)
	}
	mine, okMine := private.(RSAPSS)
	theirs, okTheirs := public.(RSAPSSPublic)
	if !okMine || !okTheirs || !mine.Key.PublicKey.Equal(theirs.Key) || mine.Hash != theirs.Hash {
		t.Error("the rsassa-pss halves are not of one key and hash")
	}
}

func TestACompressedPointIsThePointItself(t *testing.T) {
	k := mustEC(t, "p256.sec1.pem")
	full, err := k.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b, _ := pem.Decode([]byte(keyFile(t, "p256.public.pem")))
	der := append([]byte{}, b.Bytes[:len(b.Bytes)-len(full)]...)
	der[1], der[len(der)-2] = der[1]-32, der[len(der)-2]-32 // the lengths around the point
	der = append(der, compressPoint(full)...)
	got, err := readSPKI(der)
	if err != nil {
		t.Fatal(err)
	}
	if !equalKeys(&k.PublicKey, got) {
		t.Error("another point")
	}
}

func TestPublicKeysThatAreRefused(t *testing.T) {
	rsaPublic, p256 := keyFile(t, "rsa.public.pem"), keyFile(t, "p256.public.pem")
	for _, c := range []struct {
		what, text string
		reason     error
	}{
		{"two keys", rsaPublic + p256, ErrAmbiguous},
		{"P-224", keyFile(t, "p224.public.pem"), ErrUnsupported},
		{"brainpool", keyFile(t, "brainpool.public.pem"), ErrUnsupported},
		{"a certificate request", keyFile(t, "p256.csr"), ErrCertificate},
		{"a key cut in the middle", strings.Replace(rsaPublic, lines(rsaPublic)[3]+"\n", "", 1), ErrUnreadable},
		{"a block without content", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----", ErrUnreadable},
	} {
		t.Run(c.what, func(t *testing.T) {
			_, err := readPublicPEM(c.text)
			wantRefusal(t, err, c.reason)
		})
	}
}

func TestCertificatesBesideAKeyAreItsChain(t *testing.T) {
	key, leaf, root := keyFile(t, "p256.sec1.pem"), keyFile(t, "p256.crt"), keyFile(t, "root.crt")
	for what, text := range map[string]string{
		"behind the key":       key + leaf + root,
		"in front of the key":  leaf + root + key,
		"around the key":       leaf + key + root,
		"all newlines lost":    strings.ReplaceAll(key+leaf+root, "\n", ""),
		"all newlines escaped": strings.ReplaceAll(key+leaf+root, "\n", `\n`),
	} {
		t.Run(what, func(t *testing.T) {
			private, m, err := readKey(t, text, "")
			if err != nil {
				t.Fatal(err)
			}
			sameKey(t, private, publicFile(t, "p256.public.pem"))
			if len(m.Chain) != 2 || m.Chain[0].Subject.CommonName != "test-leaf" || m.Chain[1].Subject.CommonName != "test-root" {
				t.Errorf("%d certificates, or in another order", len(m.Chain))
			}
		})
	}
}

func TestReadChain(t *testing.T) {
	leaf, root := keyFile(t, "p256.crt"), keyFile(t, "root.crt")
	b, _ := pem.Decode([]byte(leaf))
	for what, c := range map[string]struct {
		text  string
		count int
	}{
		"two certificates":         {leaf + root, 2},
		"with text around":         {"subject=x\n" + leaf + "\nissuer=y\n" + root, 2},
		"with a key between":       {leaf + keyFile(t, "p256.sec1.pem") + root, 2},
		"in one line":              {strings.ReplaceAll(leaf+root, "\n", " "), 2},
		"in DER":                   {string(b.Bytes), 1},
		"in base64 without armour": {strings.Join(lines(leaf)[1:len(lines(leaf))-2], "\n"), 1},
	} {
		chain, err := Chain(c.text)
		if err != nil || len(chain) != c.count || chain[0].Subject.CommonName != "test-leaf" {
			t.Errorf("%s: %d certificates, %v", what, len(chain), err)
		}
	}
	for what, text := range map[string]string{
		"nothing":                   "",
		"a word":                    "certificate",
		"a key alone":               keyFile(t, "p256.sec1.pem"),
		"a damaged certificate":     strings.Replace(leaf, lines(leaf)[2]+"\n", "", 1),
		"one without its end":       leaf[:200],
		"one good and one damaged":  leaf + strings.Replace(root, lines(root)[2]+"\n", "", 1),
		"a certificate of nothing":  "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----",
		"eleven":                    strings.Repeat(root, 11),
		"an authority of 9000 bits": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: largeCertificate(t)})),
	} {
		t.Run(what, func(t *testing.T) {
			_, err := Chain(text)
			wantRefusal(t, err, ErrCertificateInvalid)
		})
	}
	_, err := Chain(strings.Repeat(leaf, 200))
	wantRefusal(t, err, ErrTooLarge)
}

// largeCertificate certifies a modulus of 9000 bits that nobody had to make.
func largeCertificate(t *testing.T) []byte {
	t.Helper()
	n := new(big.Int).Lsh(big.NewInt(1), 9000)
	public := &rsa.PublicKey{N: n.Sub(n, big.NewInt(1)), E: 65537}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, mustEC(t, "p256.sec1.pem"))
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func equalKeys(a, b any) bool {
	e, ok := a.(interface{ Equal(x crypto.PublicKey) bool })
	return ok && e.Equal(b)
}
