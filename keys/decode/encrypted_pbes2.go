package decode

import (
	"context"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
)

// convertLegacy names both providers: without the first openssl 3 does not open
// what it calls legacy, without the second it knows nothing else.
const convertLegacy = "convert it with: openssl pkcs8 -topk8 -v2 aes-256-cbc -provider legacy -provider default -in key.pem"

// The object identifiers of password-based encryption (RFC 8018 A.4,
// RFC 7914 §7).
const (
	oidPBES2  = "1.2.840.113549.1.5.13"
	oidPBKDF2 = "1.2.840.113549.1.5.12"
	oidScrypt = "1.3.6.1.4.1.11591.4.11"
)

// openPBES2 opens an EncryptedPrivateKeyInfo (RFC 5958 §3) with PBES2
// (RFC 8018 §6.2). What the derivation would cost is known and bounded before
// it begins, and without a password it does not.
func openPBES2(ctx context.Context, der []byte, password secret.Text) ([]byte, error) {
	if password.IsZero() {
		return nil, isEncrypted("an encrypted pkcs#8 key")
	}
	s, ok := wholeSequence(der)
	if !ok {
		return nil, notDER("an encrypted pkcs#8 key", der)
	}
	scheme, params, ok := readAlgorithm(&s)
	sealed, okSealed := readOctetString(&s)
	if !ok || !okSealed || !s.Empty() {
		return nil, unreadablePBES2()
	}
	if scheme != oidPBES2 {
		return nil, &fault.Error{
			Reason: ErrUnsupported, Found: "a key encrypted with an outdated scheme (pbes1)",
			Hint: convertLegacy,
		}
	}
	kdf, encryption, err := readPBES2Params(params)
	if err != nil {
		return nil, err
	}
	if err := encryption.fits(sealed); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, TimedOut(ctx)
	}
	key, err := kdf.derive(ctx, []byte(password.Reveal()), encryption.keyLen)
	if err != nil {
		return nil, err
	}
	return encryption.open(key, sealed)
}

// derivation makes a key out of a password.
type derivation interface {
	derive(ctx context.Context, password []byte, length int) ([]byte, error)
}

// readPBES2Params reads PBES2-params (RFC 8018 A.4).
func readPBES2Params(params cryptobyte.String) (derivation, sealing, error) {
	var seq cryptobyte.String
	if !params.ReadASN1(&seq, cbasn1.SEQUENCE) || !params.Empty() {
		return nil, sealing{}, unreadablePBES2()
	}
	kdfOID, kdfParams, okKDF := readAlgorithm(&seq)
	encOID, encParams, okEnc := readAlgorithm(&seq)
	if !okKDF || !okEnc || !seq.Empty() {
		return nil, sealing{}, unreadablePBES2()
	}
	encryption, err := readSealing(encOID, encParams)
	if err != nil {
		return nil, sealing{}, err
	}
	kdf, err := readDerivation(kdfOID, kdfParams, encryption.keyLen)
	return kdf, encryption, err
}

func readDerivation(oid string, params cryptobyte.String, keyLen int) (derivation, error) {
	var seq cryptobyte.String
	switch {
	case oid != oidPBKDF2 && oid != oidScrypt:
		return nil, unsupportedPBES2("key derivation")
	case !params.ReadASN1(&seq, cbasn1.SEQUENCE) || !params.Empty():
		return nil, unreadablePBES2()
	case oid == oidScrypt:
		return readScrypt(seq, keyLen)
	}
	return readPBKDF2(seq, keyLen)
}

// readKeyLength reads the keyLength that both derivations may state, which
// only repeats what the cipher says.
func readKeyLength(s *cryptobyte.String, want int) bool {
	if !s.PeekASN1Tag(cbasn1.INTEGER) {
		return true
	}
	n, ok := readBig(s)
	return ok && n.IsInt64() && n.Int64() == int64(want)
}

func unreadablePBES2() error {
	return &fault.Error{Reason: ErrUnreadable, Found: "an encrypted pkcs#8 key that is damaged", Hint: "copy the whole key again"}
}

func unsupportedPBES2(part string) error {
	return &fault.Error{
		Reason: ErrUnsupported, Found: "an encrypted pkcs#8 key with a " + part + " that is not read here",
		Hint: convertLegacy,
	}
}
