package keys

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/pem"

	"github.com/go-jose/go-jose/v4"

	"conductor-jwt/internal/secret"
)

// passwordIterations is the number of PBKDF2-HMAC-SHA256 iterations that OWASP's
// Password Storage Cheat Sheet recommends. Keys with more than 1,000,000 are refused.
const passwordIterations = 600_000

// algorithmID is AlgorithmIdentifier (RFC 5280 §4.1.1.2).
type algorithmID struct {
	Algorithm  asn1.ObjectIdentifier
	Parameters any
}

// EncryptPEM returns the text of [PrivatePEM] encrypted by PBES2 (RFC 8018 §6.2) with
// PBKDF2-HMAC-SHA256 and AES-256-CBC, as openssl does.
func EncryptPEM(text, password secret.Text) (secret.Text, error) {
	block, _ := pem.Decode([]byte(text.Reveal()))
	salt, iv := make([]byte, 16), make([]byte, aes.BlockSize)
	_, _ = rand.Read(salt) // never fails (crypto/rand)
	_, _ = rand.Read(iv)
	key, err := pbkdf2.Key(sha256.New, password.Reveal(), salt, passwordIterations, 32)
	if err != nil {
		return secret.Text{}, err
	}
	aes256, err := aes.NewCipher(key)
	if err != nil {
		return secret.Text{}, err
	}
	padding := aes.BlockSize - len(block.Bytes)%aes.BlockSize
	data := append(block.Bytes, bytes.Repeat([]byte{byte(padding)}, padding)...)
	cipher.NewCBCEncrypter(aes256, iv).CryptBlocks(data, data)

	derivation := algorithmID{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}, struct {
		Salt       []byte
		Iterations int
		PRF        algorithmID
	}{salt, passwordIterations, algorithmID{asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}, asn1.NullRawValue}}}
	encryption := algorithmID{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}, iv}
	der, err := asn1.Marshal(struct {
		Algorithm algorithmID
		Data      []byte
	}{algorithmID{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}, []algorithmID{derivation, encryption}}, data})
	if err != nil {
		return secret.Text{}, err
	}
	return secret.New(string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der}))), nil
}

// EncryptJWK returns the text of a JWK in a JWE (RFC 7517 §7) with the algorithms of step.
func EncryptJWK(text, password secret.Text) (secret.Text, error) {
	encrypter, err := jose.NewEncrypter(jose.A256GCM,
		jose.Recipient{Algorithm: jose.PBES2_HS256_A128KW, Key: []byte(password.Reveal()), PBES2Count: passwordIterations},
		new(jose.EncrypterOptions).WithContentType("jwk+json"))
	if err != nil {
		return secret.Text{}, err
	}
	object, err := encrypter.Encrypt([]byte(text.Reveal()))
	if err != nil {
		return secret.Text{}, err
	}
	compact, err := object.CompactSerialize()
	return secret.New(compact + "\n"), err
}
