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

	"github.com/golang-jwt/jwt/v5"

	"conductor-jwt/internal/conductortest"
)

// Key is one of the keys that the tasks bring along.
type Key struct {
	ID        string
	Algorithm string
	Text      string // PKCS#8 in PEM

	public  crypto.PublicKey
	private [][]byte // its secret numbers
}

// NewKeys makes one key of each common kind.
func NewKeys() ([]Key, error) {
	rsaKey, rsaErr := rsa.GenerateKey(rand.Reader, 2048)
	ecKey, ecErr := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	edPublic, edKey, edErr := ed25519.GenerateKey(rand.Reader)
	if err := errors.Join(rsaErr, ecErr, edErr); err != nil {
		return nil, fmt.Errorf("reliability: make keys: %w", err)
	}
	scalar, err := ecKey.Bytes()
	if err != nil {
		return nil, fmt.Errorf("reliability: make keys: %w", err)
	}
	keys := []Key{
		{ID: "key-rs256", Algorithm: "RS256", public: rsaKey.Public(), private: [][]byte{rsaKey.D.Bytes(), rsaKey.Primes[0].Bytes(), rsaKey.Primes[1].Bytes()}},
		{ID: "key-es256", Algorithm: "ES256", public: ecKey.Public(), private: [][]byte{scalar}},
		{ID: "key-eddsa", Algorithm: "EdDSA", public: edPublic, private: [][]byte{edKey.Seed()}},
	}
	for i, k := range []crypto.PrivateKey{rsaKey, ecKey, edKey} {
		der, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			return nil, fmt.Errorf("reliability: make keys: %w", err)
		}
		keys[i].Text = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	return keys, nil
}

// Plant makes the key a canary's secret.
func (k Key) Plant(c *conductortest.Canary) {
	c.PlantText(k.ID, k.Text)
	for _, number := range k.private {
		c.PlantText(k.ID, string(number))
	}
}

// String keeps a key out of a test's own output.
func (k Key) String() string { return k.ID }

// GoString implements [fmt.GoStringer].
func (k Key) GoString() string { return k.ID }

// Verify checks the token of an output.
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
		return fmt.Errorf("the token is for %q, the task for %q", claims.Subject, subject)
	case parsed.Header["kid"] != k.ID:
		return fmt.Errorf("the token names another key than %s", k.ID)
	case claims.IssuedAt == nil || claims.ExpiresAt == nil || !claims.ExpiresAt.After(claims.IssuedAt.Time):
		return errors.New("the token's exp is not after its iat")
	}
	return nil
}

// TokenOf is the token in a task's output.
func TokenOf(output []byte) (string, error) {
	var out struct{ Token string }
	if json.Unmarshal(output, &out) != nil || out.Token == "" {
		return "", errors.New("the output holds no token")
	}
	return out.Token, nil
}
