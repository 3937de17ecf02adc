package decode

import (
	"context"
	"encoding/json/v2"
	"math/big"

	"golang.org/x/crypto/nacl/secretbox"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
)

// cosignKey is the JSON inside an ENCRYPTED COSIGN PRIVATE KEY, which step
// reads too: scrypt and NaCl's secretbox around a PKCS#8 key.
type cosignKey struct {
	KDF struct {
		Name   string `json:"name"`
		Params struct {
			N int64 `json:"N"`
			R int64 `json:"r"`
			P int64 `json:"p"`
		} `json:"params"`
		Salt []byte `json:"salt"`
	} `json:"kdf"`
	Cipher struct {
		Name  string `json:"name"`
		Nonce []byte `json:"nonce"`
	} `json:"cipher"`
	Ciphertext []byte `json:"ciphertext"`
}

func readCosign(ctx context.Context, data []byte, password secret.Text) (any, error) {
	if password.IsZero() {
		return nil, isEncrypted("an encrypted cosign key")
	}
	var k cosignKey
	if err := json.Unmarshal(data, &k); err != nil || len(k.Cipher.Nonce) != 24 {
		return nil, unreadableCosign()
	}
	if k.KDF.Name != "scrypt" || k.Cipher.Name != "nacl/secretbox" {
		return nil, unreadableCosign()
	}
	kdf, err := boundScrypt(k.KDF.Salt, big.NewInt(k.KDF.Params.N), big.NewInt(k.KDF.Params.R), big.NewInt(k.KDF.Params.P))
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, TimedOut(ctx)
	}
	key, err := kdf.derive(ctx, []byte(password.Reveal()), 32)
	if err != nil {
		return nil, err
	}
	plain, ok := secretbox.Open(nil, k.Ciphertext, (*[24]byte)(k.Cipher.Nonce), (*[32]byte)(key))
	if !ok {
		return nil, wrongPassword()
	}
	return readPlainDER(plain, "")
}

func unreadableCosign() error {
	return &fault.Error{Reason: ErrUnreadable, Found: "an encrypted cosign key that is damaged", Hint: "copy the whole key again"}
}
