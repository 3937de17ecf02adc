package decode

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
)

// legacyIVLen is the length in bytes of the initialisation vector of a cipher
// of RFC 1423 or of OpenSSL's additions to it; 0 for one that is not read.
func legacyIVLen(cipher string) int {
	switch cipher {
	case "AES-128-CBC", "AES-192-CBC", "AES-256-CBC":
		return 16
	case "DES-EDE3-CBC", "DES-CBC":
		return 8
	}
	return 0
}

// readLegacy opens a PEM block that is encrypted as a whole (RFC 1423 §1.1).
// Its key derivation is one round of MD5, so there is no work to bound.
func readLegacy(ctx context.Context, dek dekInfo, sealed []byte, curve string, password secret.Text) (any, error) {
	if password.IsZero() {
		return nil, isEncrypted("an encrypted pem key")
	}
	if ctx.Err() != nil {
		return nil, TimedOut(ctx)
	}
	if len(sealed) == 0 || len(sealed)%legacyIVLen(dek.cipher) != 0 {
		return nil, &fault.Error{Reason: ErrUnreadable, Found: "an encrypted pem key that is cut short or damaged", Hint: "copy the whole key again"}
	}
	b := &pem.Block{Bytes: sealed, Headers: map[string]string{
		"Proc-Type": "4,ENCRYPTED",
		"DEK-Info":  dek.cipher + "," + hex.EncodeToString(dek.iv),
	}}
	//nolint:staticcheck // deprecated because the format does not authenticate; keys of it exist all the same
	plain, err := x509.DecryptPEMBlock(b, []byte(password.Reveal()))
	if err != nil {
		return nil, wrongPassword()
	}
	return readOpened(plain, curve)
}

// readOpened reads what a decryption without authentication gave: where the
// result is not one whole structure the password was wrong.
func readOpened(plain []byte, curve string) (any, error) {
	if _, ok := wholeSequence(plain); !ok {
		return nil, wrongPassword()
	}
	return readPlainDER(plain, curve)
}

func isEncrypted(found string) error {
	return &fault.Error{Reason: ErrEncrypted, Found: found, Hint: "set " + fault.Password + ", or decrypt the key: conductor-jwt key convert key.pem --password-file pw --to pem"}
}

func wrongPassword() error {
	return &fault.Error{Reason: ErrPassword, Found: "an encrypted key that the password does not open", Hint: "check " + fault.Password + "; white space counts"}
}
