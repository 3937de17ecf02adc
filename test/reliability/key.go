package reliability

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/golang-jwt/jwt/v5"

	"conductor-jwt/test/conductortest"
)

// Key is a signing key that tasks carry in their input.
type Key struct {
	ID        string
	Algorithm string
	Text      string // PKCS#8 in PEM

	public  crypto.PublicKey
	private [][]byte // the private numbers, to search for
	// mint makes the key of the n-th task; nil if all tasks share this key.
	mint func(n uint64) (Key, error)
	// canary finds this key and those that were made with it; nil if the
	// canary has to be made when it is needed.
	canary func() *conductortest.Canary
}

// canaryFor returns a canary that finds all of the keys, which were made
// together.
func canaryFor(keys []Key) *conductortest.Canary {
	if len(keys) > 0 && keys[0].canary != nil {
		return keys[0].canary()
	}
	c := conductortest.NewCanary()
	for _, k := range keys {
		k.Plant(c)
	}
	return c
}

// forTask returns the key of the n-th task.
func (k Key) forTask(n uint64) (Key, error) {
	if k.mint == nil {
		return k, nil
	}
	own, err := k.mint(n)
	own.ID = k.idOf(n)
	return own, err
}

func (k Key) idOf(n uint64) string { return k.ID + "-" + strconv.FormatUint(n, 10) }

// commonPrefix is the number of bytes that the private keys of a series have in
// common, so that a canary that holds one of them finds all.
const commonPrefix = 24

// NewKeys makes one key for each of RS256, ES256 and EdDSA. EC and Ed25519 keys
// are cheap to make, so each task gets its own; all tasks share the RSA key.
func NewKeys() ([]Key, error) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("reliability: make keys: %w", err)
	}
	first, err := keyOf("RS256", rsaKey, rsaKey.Public(), rsaKey.D.Bytes(), rsaKey.Primes[0].Bytes(), rsaKey.Primes[1].Bytes())
	first.ID = "key-rs256"
	ecKey, ecErr := keySeries("key-es256", func(private []byte) (Key, error) {
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), private)
		if err != nil {
			return Key{}, fmt.Errorf("reliability: make keys: %w", err)
		}
		return keyOf("ES256", key, key.Public(), private)
	})
	edKey, edErr := keySeries("key-eddsa", func(private []byte) (Key, error) {
		key := ed25519.NewKeyFromSeed(private)
		return keyOf("EdDSA", key, key.Public(), private)
	})
	keys := []Key{first, ecKey, edKey}
	plain := slices.Clone(keys)
	canary := sync.OnceValue(func() *conductortest.Canary { return canaryFor(plain) })
	for i := range keys {
		keys[i].canary = canary
	}
	return keys, errors.Join(err, ecErr, edErr)
}

// keySeries makes keys whose 32 private bytes are a common prefix and a number.
func keySeries(id string, from func(private []byte) (Key, error)) (Key, error) {
	prefix := append([]byte{1}, rand.Text()[:commonPrefix-1]...) // 1: below the order of P-256
	mint := func(n uint64) (Key, error) {
		return from(fmt.Appendf(slices.Clone(prefix), "%08d", n))
	}
	k, err := mint(0)
	k.ID, k.mint = id, mint
	return k, err
}

func keyOf(algorithm string, key crypto.PrivateKey, public crypto.PublicKey, private ...[]byte) (Key, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Key{}, fmt.Errorf("reliability: make keys: %w", err)
	}
	return Key{
		Algorithm: algorithm, Text: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		public: public, private: private,
	}, nil
}

// Plant adds the key to the secrets that a canary finds.
func (k Key) Plant(c *conductortest.Canary) {
	c.PlantText(k.ID, k.Text)
	for _, number := range k.private {
		c.PlantText(k.ID, string(number))
	}
}

// String returns the ID, so that a test does not print the key.
func (k Key) String() string { return k.ID }

// GoString implements [fmt.GoStringer].
func (k Key) GoString() string { return k.ID }

// Verify checks the token in an output: its signature under this key, its
// subject, kid, iat and exp.
func (k Key) Verify(output []byte, subject string) error {
	token, err := TokenOf(output)
	if err != nil {
		return err
	}
	var claims jwt.RegisteredClaims
	parsed, err := jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return k.public, nil },
		jwt.WithValidMethods([]string{k.Algorithm}), jwt.WithoutClaimsValidation())
	if err != nil {
		return fmt.Errorf("the token does not verify under %s: %w", k.ID, err)
	}
	switch {
	case claims.Subject != subject:
		return fmt.Errorf("the token's sub is %q, want the task's subject %q", claims.Subject, subject)
	case parsed.Header["kid"] != k.ID:
		return fmt.Errorf("the token's kid is not %s", k.ID)
	case claims.IssuedAt == nil || claims.ExpiresAt == nil || !claims.ExpiresAt.After(claims.IssuedAt.Time):
		return errors.New("the token's exp is not after its iat")
	}
	return nil
}

// TokenOf returns the token in a task's output.
func TokenOf(output []byte) (string, error) {
	var out struct{ Token string }
	if json.Unmarshal(output, &out) != nil || out.Token == "" {
		return "", errors.New("the output holds no token")
	}
	return out.Token, nil
}
