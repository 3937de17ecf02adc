package integration_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"conductor-jwt/test/conductortest"
)

// keySet holds the server's secrets, new for each run.
type keySet struct {
	key      *rsa.PrivateKey
	text     string // the key as PKCS #8 PEM
	account  string // the key as a Google service account
	password string // a secret that is not a key
	control  string // a secret that a test leaks
	recipes  *recipeKeys
	next     *keySet // the keys of the recipes after a rotation
}

// nextSuffix ends the names of the secrets of next.
const nextSuffix = "_NEXT"

func newKeySet() (*keySet, error) {
	k, err := newRecipeKeySet()
	if err != nil {
		return nil, err
	}
	k.next, err = newRecipeKeySet()
	return k, err
}

func newRecipeKeySet() (*keySet, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	account, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "p", "private_key_id": "sa-key-1", "private_key": text,
		"client_email": "signer@p.iam.gserviceaccount.com", "token_uri": "https://oauth2.googleapis.com/token",
	})
	if err != nil {
		return nil, err
	}
	recipes, err := newRecipeKeys(key)
	if err != nil {
		return nil, err
	}
	return &keySet{key: key, text: text, account: string(account), password: rand.Text(), control: rand.Text(), recipes: recipes}, nil
}

// The expressions of the secrets.
const (
	keySecret      = "${workflow.secrets.jwt-privatekey}"
	accountSecret  = "${workflow.secrets.service-account}"
	passwordSecret = "${workflow.secrets.database-password}"
	controlSecret  = "${workflow.secrets.control}"
	noSuchSecret   = "${workflow.secrets.no-such-key}"
)

func (k *keySet) secrets() map[string]string {
	all := map[string]string{
		"jwt-privatekey": k.text, "service-account": k.account,
		"database-password": k.password, "control": k.control,
	}
	k.recipes.addTo(all, k, "")
	if k.next != nil {
		k.next.recipes.addTo(all, k.next, nextSuffix)
	}
	return all
}

// canary returns a canary that finds the key and the password.
func (k *keySet) canary() *conductortest.Canary {
	c := conductortest.NewCanary()
	k.key.Precompute()
	for name, number := range map[string]*big.Int{
		"d": k.key.D, "p": k.key.Primes[0], "q": k.key.Primes[1],
		"dp": k.key.Precomputed.Dp, "dq": k.key.Precomputed.Dq, "qi": k.key.Precomputed.Qinv,
	} {
		c.PlantText("jwt-privatekey "+name, string(number.Bytes()))
	}
	c.PlantText("database-password", k.password)
	return c
}

// verifiedToken is a token verified by go-jose, which did not sign it.
type verifiedToken struct {
	header map[string]any
	claims map[string]any
}

func (k *keySet) verify(token string) (verifiedToken, error) {
	var v verifiedToken
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.PS256})
	if err != nil {
		return v, err
	}
	payload, err := signed.Verify(k.key.Public())
	if err != nil {
		return v, err
	}
	header, err := base64.RawURLEncoding.DecodeString(token[:strings.IndexByte(token, '.')])
	if err != nil {
		return v, err
	}
	return v, errors.Join(json.Unmarshal(header, &v.header), json.Unmarshal(payload, &v.claims))
}

func (k *keySet) mustVerify(t *testing.T, token string) verifiedToken {
	t.Helper()
	v, err := k.verify(token)
	if err != nil {
		t.Fatalf("go-jose does not verify the token: %v", err)
	}
	return v
}
