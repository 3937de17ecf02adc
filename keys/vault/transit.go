package vault

import (
	"cmp"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"conductor-jwt/keys"
)

// transit is one key of the transit engine.
type transit struct {
	c           *client
	mount, name string
}

// Timed implements [keys.Source]: each version has a creation_time.
func (*transit) Timed() bool { return true }

// Remote implements [keys.Source].
func (*transit) Remote() bool { return true }

// transitKey is a key as the engine describes it. It leaves out versions below
// min_decryption_version, which an operator raises to withdraw them.
type transitKey struct {
	Type    string                     `json:"type"`
	Derived bool                       `json:"derived"`
	Keys    map[string]json.RawMessage `json:"keys"` // by version; numbers for a symmetric key
}

// Versions implements [keys.Source].
func (t *transit) Versions(ctx context.Context) ([]keys.Key, error) {
	var answer struct {
		Data transitKey `json:"data"`
	}
	if err := t.c.do(ctx, http.MethodGet, t.mount+"/keys/"+t.name, nil, &answer); err != nil {
		return nil, store.NotFound(err, "has no transit key of this name", missingHint)
	}
	k := answer.Data
	if k.Derived || !isSigning(k.Type) {
		return nil, store.Unsupported("the transit key's type makes no JWS signature",
			"create one of type rsa-2048 or above, ecdsa-p256, ecdsa-p384, ecdsa-p521 or ed25519, without derived")
	}
	numbers, err := k.versions()
	if err != nil {
		return nil, err
	}
	list := make([]keys.Key, 0, len(numbers))
	for _, n := range numbers {
		key, err := t.version(n, k.Keys[strconv.Itoa(n)])
		if err != nil {
			return nil, err
		}
		list = append(list, key)
	}
	return list, nil
}

func isSigning(keyType string) bool {
	return strings.HasPrefix(keyType, "rsa-") || slices.Contains([]string{"ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "ed25519"}, keyType)
}

// versions returns the numbers of the versions, oldest first.
func (k transitKey) versions() ([]int, error) {
	var list []int
	for text := range k.Keys {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, store.Unexpected()
		}
		list = append(list, n)
	}
	slices.SortFunc(list, cmp.Compare)
	return list, nil
}

func (t *transit) version(n int, raw json.RawMessage) (keys.Key, error) {
	var v struct {
		Created time.Time `json:"creation_time"`
		Public  string    `json:"public_key"`
	}
	if json.Unmarshal(raw, &v) != nil || v.Created.IsZero() {
		return nil, store.Unexpected()
	}
	public, ok := readPublic(v.Public)
	if !ok {
		return nil, store.Unexpected()
	}
	return keys.FromStore(public, keys.StoreOptions{
		Created: v.Created,
		Sign: func(ctx context.Context, alg keys.Algorithm, input []byte) ([]byte, error) {
			return t.sign(ctx, n, alg, input)
		},
	})
}

// readPublic reads PEM, or the base64 of an ed25519 key.
func readPublic(text string) (crypto.PublicKey, bool) {
	if block, _ := pem.Decode([]byte(text)); block != nil {
		public, err := x509.ParsePKIXPublicKey(block.Bytes)
		return public, err == nil
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	return ed25519.PublicKey(raw), err == nil && len(raw) == ed25519.PublicKeySize
}

// signRequest holds a digest where the algorithm has one, so that Vault does not
// see the claims.
type signRequest struct {
	Input      []byte `json:"input"` // base64 in JSON
	KeyVersion int    `json:"key_version"`
	Prehashed  bool   `json:"prehashed,omitempty"`
	Hash       string `json:"hash_algorithm,omitempty"`
	Signature  string `json:"signature_algorithm,omitempty"`
	Salt       string `json:"salt_length,omitempty"`
	Marshaling string `json:"marshaling_algorithm"`
}

func (t *transit) sign(ctx context.Context, n int, alg keys.Algorithm, input []byte) ([]byte, error) {
	r := signRequest{Input: input, KeyVersion: n, Marshaling: "jws"} // R || S (RFC 7518 §3.4)
	if digest := keys.Digest(alg, input); digest != nil {
		r.Input, r.Prehashed, r.Hash = digest, true, "sha2-"+strconv.Itoa(8*len(digest))
	}
	switch alg {
	case keys.RS256, keys.RS384, keys.RS512:
		r.Signature = "pkcs1v15"
	case keys.PS256, keys.PS384, keys.PS512:
		r.Signature, r.Salt = "pss", "hash" // RFC 7518 §3.5
	case keys.ES256, keys.ES384, keys.ES512, keys.EdDSA, keys.Ed25519:
	default:
		return nil, store.Unsupported("transit does not sign with this algorithm", "use another algorithm of the key")
	}
	var answer struct {
		Data struct {
			Signature string `json:"signature"`
		} `json:"data"`
	}
	if err := t.c.do(ctx, http.MethodPost, t.mount+"/sign/"+t.name, r, &answer); err != nil {
		return nil, err
	}
	text, ok := strings.CutPrefix(answer.Data.Signature, fmt.Sprintf("vault:v%d:", n))
	signature, err := base64.RawURLEncoding.DecodeString(text)
	if !ok || err != nil {
		return nil, store.Unexpected()
	}
	return signature, nil
}
