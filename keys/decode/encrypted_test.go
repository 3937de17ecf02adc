package decode

import (
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/pem"
	"hash"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"conductor-jwt/internal/secret"
)

func encryptedFiles() map[string]string {
	files := map[string]string{
		"rsa.legacy-des3.pem": "rsa", "rsa.legacy-aes128.pem": "rsa", "rsa.legacy-aes192.pem": "rsa",
		"rsa.legacy-aes256.pem": "rsa", "p256.legacy-aes256.pem": "p256", "rsa.pbes2.pem": "rsa",
		"p256.pbes2-scrypt.pem": "p256", "p256.pbes2-des3.pem": "p256",
		"p256.pbes2-aes-128-cbc.pem": "p256", "p256.pbes2-aes-192-cbc.pem": "p256",
	}
	for _, prf := range []string{"SHA1", "SHA224", "SHA256", "SHA384", "SHA512", "SHA512-224", "SHA512-256"} {
		files["p256.pbes2-hmacWith"+prf+".pem"] = "p256"
	}
	return files
}

func TestEncryptedKeysOpenWithTheirPasswordOnly(t *testing.T) {
	for file, key := range encryptedFiles() {
		t.Run(file, func(t *testing.T) {
			text := keyFile(t, file)
			got, _, err := readKey(t, text, testPassword)
			if err != nil {
				t.Fatal(err)
			}
			sameKey(t, got, publicFile(t, key+".public.pem"))
			_, _, err = readKey(t, text, "Password")
			wantRefusal(t, err, ErrPassword)
			_, _, err = readKey(t, text, "")
			wantRefusal(t, err, ErrEncrypted)
		})
	}
}

func TestOpenSSHKeys(t *testing.T) {
	for _, kind := range []string{"ssh-rsa-2048", "ssh-ecdsa-256", "ssh-ecdsa-384", "ssh-ecdsa-521", "ssh-ed25519-256"} {
		t.Run(kind, func(t *testing.T) {
			plain := keyFile(t, kind+".pem")
			signer, err := ssh.ParsePrivateKey([]byte(plain))
			if err != nil {
				t.Fatal(err)
			}
			public, ok := signer.PublicKey().(ssh.CryptoPublicKey)
			if !ok {
				t.Fatalf("%T", signer.PublicKey())
			}
			for _, damage := range repairs() {
				wantSameSSH(t, damage(plain), public.CryptoPublicKey())
			}
			encrypted := keyFile(t, kind+".encrypted.pem")
			wantSameSSH(t, encrypted, public.CryptoPublicKey())
			_, _, err = readKey(t, encrypted, "Password")
			wantRefusal(t, err, ErrPassword)
			_, _, err = readKey(t, encrypted, "")
			wantRefusal(t, err, ErrEncrypted)
		})
	}
}

func wantSameSSH(t *testing.T, text string, public crypto.PublicKey) {
	t.Helper()
	got, _, err := readKey(t, text, testPassword)
	if err != nil {
		t.Fatal(err)
	}
	sameKey(t, got, public)
}

func TestEveryCipherOfOpenSSH(t *testing.T) {
	text := keyFile(t, "ssh-ed25519-256.aes256-cbc.pem")
	if _, _, err := readKey(t, text, testPassword); err != nil {
		t.Error(err)
	}
	_, _, err := readKey(t, text, "Password")
	wantRefusal(t, err, ErrPassword)
	for file, name := range map[string]string{
		"aes128-cbc": "aes128-cbc", "aes192-ctr": "aes192-ctr", "aes128-gcm": "aes128-gcm@openssh.com",
		"aes256-gcm": "aes256-gcm@openssh.com", "chacha20-poly1305": "chacha20-poly1305@openssh.com",
	} {
		_, _, err := readKey(t, keyFile(t, "ssh-ed25519-256."+file+".pem"), testPassword)
		wantRefusal(t, err, ErrUnsupported)
		if !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "ssh-keygen -p -Z aes256-ctr -f key") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatAnEncryptedKeyMayAskFor(t *testing.T) {
	_, _, err := readKey(t, keyFile(t, "ssh-ed25519-256.rounds.pem"), testPassword)
	t.Run("129 bcrypt rounds", func(t *testing.T) { wantRefusal(t, err, ErrTooLarge) })
	for what, iterations := range map[string]int64{"a million and one": 1_000_001, "a thousand million": 1_000_000_000} {
		_, _, err := readKey(t, withIterations(t, big.NewInt(iterations)), testPassword)
		t.Run(what, func(t *testing.T) { wantRefusal(t, err, ErrTooLarge) })
	}
	_, _, err = readKey(t, withIterations(t, new(big.Int).Lsh(big.NewInt(1), 4096)), testPassword)
	t.Run("2 to the 4096", func(t *testing.T) { wantRefusal(t, err, ErrTooLarge) })
	for _, c := range []struct {
		what    string
		n, r, p int64
		reason  error
	}{
		{"64 mib", 1 << 16, 8, 1, ErrTooLarge},
		{"more than 32 mib by its block size", 1 << 15, 9, 1, ErrTooLarge},
		{"32 mib five times", 1 << 15, 8, 5, ErrTooLarge},
		{"many passes", 1 << 14, 8, 1 << 20, ErrTooLarge},
		{"wide blocks", 2, 1 << 24, 1, ErrTooLarge},
		{"products that overflow", 1 << 30, 1 << 30, 1 << 30, ErrTooLarge},
		{"a cost that is no power of two", 3, 8, 1, ErrUnreadable},
		{"a cost of one", 1, 8, 1, ErrUnreadable},
		{"a negative block size", 2, -8, 1, ErrUnreadable},
		{"no passes", 2, 8, 0, ErrUnreadable},
	} {
		_, err := checkScrypt(nil, big.NewInt(c.n), big.NewInt(c.r), big.NewInt(c.p))
		t.Run(c.what, func(t *testing.T) { wantRefusal(t, err, c.reason) })
	}
	if _, err := checkScrypt(nil, big.NewInt(1<<15), big.NewInt(8), big.NewInt(1)); err != nil {
		t.Errorf("32 mib are refused: %v", err)
	}
}

// withIterations writes an encrypted key that asks for that many iterations.
func withIterations(t *testing.T, n *big.Int) string {
	t.Helper()
	type kdf struct {
		Salt       []byte
		Iterations *big.Int
	}
	return withDerivation(t, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}, kdf{make([]byte, 8), n})
}

// withDerivation writes a key that no password opens, with that derivation.
func withDerivation(t *testing.T, name asn1.ObjectIdentifier, params any) string {
	t.Helper()
	type algorithm struct {
		OID    asn1.ObjectIdentifier
		Params any
	}
	type pbes2 struct{ KDF, Encryption algorithm }
	der, err := asn1.Marshal(struct {
		Algorithm algorithm
		Sealed    []byte
	}{
		algorithm{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}, pbes2{
			algorithm{name, params},
			algorithm{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}, make([]byte, 16)},
		}},
		make([]byte, 64),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der}))
}

func TestEncryptionsThatAreNotReadSayHowToConvert(t *testing.T) {
	for _, file := range []string{"p256.pbes1.pem", "p256.pbes2-camellia.pem", "p256.legacy-camellia.pem"} {
		_, _, err := readKey(t, keyFile(t, file), testPassword)
		t.Run(file, func(t *testing.T) {
			wantRefusal(t, err, ErrUnsupported)
			if !strings.Contains(err.Error(), "openssl pkcs8 -topk8") {
				t.Errorf("no command in %q", err)
			}
		})
	}
}

func TestNothingIsDerivedWhenTheTimeIsUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	files := slices.Collect(maps.Keys(encryptedFiles()))
	for _, file := range append(files, "ssh-rsa-2048.encrypted.pem", "ssh-ed25519-256.aes256-cbc.pem") {
		_, err := readText(ctx, keyFile(t, file), secret.New(testPassword))
		wantRefusal(t, err, ErrUnavailable)
	}
}

// The key was written by cosign's own library for a recorded run of step.
func TestACosignKeyOpensWithItsPassword(t *testing.T) {
	text := keyFile(t, "p256.cosign.pem")
	got, _, err := readKey(t, text, testPassword)
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(got); err != nil {
		t.Error(err)
	}
	_, _, err = readKey(t, text, "wrong")
	wantRefusal(t, err, ErrPassword)
	_, _, err = readKey(t, text, "")
	wantRefusal(t, err, ErrEncrypted)
}

func TestPBKDF2IsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	hashes := 0
	kdf := pbkdf2Params{iterations: maxPBKDF2Iterations, prf: func() hash.Hash { return &counted{sha256.New(), &hashes, cancel} }}
	key, err := kdf.derive(ctx, []byte("x"), 32)
	if key != nil || hashes > 100_000 {
		t.Errorf("it went on for %d hashes", hashes)
	}
	wantRefusal(t, err, ErrUnavailable)
}

// counted is a hash that ends a context when it has been used a while.
type counted struct {
	hash.Hash
	n    *int
	done func()
}

func (c *counted) Sum(b []byte) []byte {
	if *c.n++; *c.n == 10_000 {
		c.done()
	}
	return c.Hash.Sum(b)
}
