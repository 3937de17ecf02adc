package decode

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" //nolint:gosec // reads keys that are encrypted so; nothing is encrypted with it
	"crypto/x509"
	"encoding/hex"
	"encoding/json/v2"
	"encoding/pem"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/crypto/nacl/secretbox"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
)

// convertLegacy names both providers of OpenSSL 3: legacy for the old ciphers,
// and default, which is not loaded beside an explicit one.
const convertLegacy = "convert it with: openssl pkcs8 -topk8 -v2 aes-256-cbc -provider legacy -provider default -in key.pem"

// The object identifiers of password-based encryption (RFC 8018 A.4,
// RFC 7914 §7).
const (
	oidPBES2  = "1.2.840.113549.1.5.13"
	oidPBKDF2 = "1.2.840.113549.1.5.12"
	oidScrypt = "1.3.6.1.4.1.11591.4.11"
)

// openPBES2 opens an EncryptedPrivateKeyInfo (RFC 5958 §3) with PBES2 (RFC 8018
// §6.2). The cost of the derivation is checked before it begins.
func openPBES2(ctx context.Context, der []byte, password secret.Text) ([]byte, error) {
	if password.IsZero() {
		return nil, isEncrypted("this is an encrypted PKCS#8 key")
	}
	s, ok := wholeSequence(der)
	if !ok {
		return nil, notDER("this is an encrypted PKCS#8 key", der)
	}
	scheme, params, ok := readAlgorithm(&s)
	sealed, okSealed := readOctetString(&s)
	if !ok || !okSealed || !s.Empty() {
		return nil, unreadablePBES2()
	}
	if scheme != oidPBES2 {
		return nil, &fault.Error{
			Reason: ErrUnsupported, Found: "this is a key encrypted with an outdated scheme (PBES1)",
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

// derivation derives a key from a password.
type derivation interface {
	derive(ctx context.Context, password []byte, length int) ([]byte, error)
}

// readPBES2Params reads PBES2-params (RFC 8018 A.4).
func readPBES2Params(params cryptobyte.String) (derivation, cipherScheme, error) {
	var seq cryptobyte.String
	if !params.ReadASN1(&seq, cbasn1.SEQUENCE) || !params.Empty() {
		return nil, cipherScheme{}, unreadablePBES2()
	}
	kdfOID, kdfParams, okKDF := readAlgorithm(&seq)
	encOID, encParams, okEnc := readAlgorithm(&seq)
	if !okKDF || !okEnc || !seq.Empty() {
		return nil, cipherScheme{}, unreadablePBES2()
	}
	encryption, err := readCipherScheme(encOID, encParams)
	if err != nil {
		return nil, cipherScheme{}, err
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

// readKeyLength reads the optional keyLength of a derivation, which must be
// that of the cipher.
func readKeyLength(s *cryptobyte.String, want int) bool {
	if !s.PeekASN1Tag(cbasn1.INTEGER) {
		return true
	}
	n, ok := readBig(s)
	return ok && n.IsInt64() && n.Int64() == int64(want)
}

func unreadablePBES2() error {
	return &fault.Error{Reason: ErrUnreadable, Found: "this is an encrypted PKCS#8 key that is damaged", Hint: "copy the whole key again"}
}

func unsupportedPBES2(part string) error {
	return &fault.Error{
		Reason: ErrUnsupported, Found: "this is an encrypted PKCS#8 key with a " + part + " that is not supported",
		Hint: convertLegacy,
	}
}

// cipherScheme is the cipher of an encrypted key with its parameters.
type cipherScheme struct {
	block  func(key []byte) (cipher.Block, error)
	size   int    // bytes of a block
	keyLen int    // bytes
	iv     []byte // initialisation vector, or nonce
	tagLen int    // bytes; 0 for CBC, which does not authenticate
}

// readCipherScheme reads an encryption scheme (RFC 8018 B.2, RFC 5084 §3.2).
func readCipherScheme(oid string, params cryptobyte.String) (cipherScheme, error) {
	s := cipherScheme{block: aes.NewCipher, size: aes.BlockSize}
	gcm := false
	switch oid {
	case "2.16.840.1.101.3.4.1.2":
		s.keyLen = 16
	case "2.16.840.1.101.3.4.1.22":
		s.keyLen = 24
	case "2.16.840.1.101.3.4.1.42":
		s.keyLen = 32
	case "2.16.840.1.101.3.4.1.6":
		s.keyLen, gcm = 16, true
	case "2.16.840.1.101.3.4.1.26":
		s.keyLen, gcm = 24, true
	case "2.16.840.1.101.3.4.1.46":
		s.keyLen, gcm = 32, true
	case "1.2.840.113549.3.7":
		s.keyLen, s.block, s.size = 24, des.NewTripleDESCipher, des.BlockSize
	case "1.3.14.3.2.7":
		s.keyLen, s.block, s.size = 8, des.NewCipher, des.BlockSize
	default:
		return cipherScheme{}, unsupportedPBES2("cipher")
	}
	if gcm {
		return s.readGCM(params)
	}
	return s.readCBC(params)
}

func (s cipherScheme) readCBC(params cryptobyte.String) (cipherScheme, error) {
	iv, ok := readOctetString(&params)
	if !ok || !params.Empty() || len(iv) != s.size {
		return cipherScheme{}, unreadablePBES2()
	}
	s.iv = iv
	return s, nil
}

// readGCM reads GCMParameters (RFC 5084 §3.2); the default tag has 12 bytes.
func (s cipherScheme) readGCM(params cryptobyte.String) (cipherScheme, error) {
	var seq cryptobyte.String
	if !params.ReadASN1(&seq, cbasn1.SEQUENCE) || !params.Empty() {
		return cipherScheme{}, unreadablePBES2()
	}
	nonce, ok := readOctetString(&seq)
	tagLen := 12
	if !seq.Empty() {
		ok = seq.ReadASN1Integer(&tagLen) && ok
	}
	if !ok || !seq.Empty() || len(nonce) != 12 || tagLen < 12 || tagLen > 16 {
		return cipherScheme{}, unreadablePBES2()
	}
	s.iv, s.tagLen = nonce, tagLen
	return s, nil
}

// fits checks the length of a ciphertext before anything is derived.
func (s cipherScheme) fits(sealed []byte) error {
	if s.tagLen == 0 && (len(sealed) == 0 || len(sealed)%s.size != 0) || len(sealed) <= s.tagLen {
		return unreadablePBES2()
	}
	return nil
}

// open decrypts. CBC finds most wrong passwords by the padding; the caller must
// check the result, too.
func (s cipherScheme) open(key, sealed []byte) ([]byte, error) {
	b, err := s.block(key)
	if err != nil { // only where FIPS mode forbids the cipher
		return nil, unsupportedPBES2("cipher")
	}
	if s.tagLen > 0 {
		return s.openGCM(b, sealed)
	}
	plain := make([]byte, len(sealed))
	cipher.NewCBCDecrypter(b, s.iv).CryptBlocks(plain, sealed)
	last := plain[len(plain)-1]
	n := int(last)
	if n == 0 || n > s.size || !bytes.Equal(plain[len(plain)-n:], bytes.Repeat([]byte{last}, n)) {
		return nil, wrongPassword()
	}
	return plain[:len(plain)-n], nil
}

func (s cipherScheme) openGCM(b cipher.Block, sealed []byte) ([]byte, error) {
	aead, err := cipher.NewGCMWithTagSize(b, s.tagLen)
	if err != nil {
		return nil, unsupportedPBES2("cipher")
	}
	plain, err := aead.Open(nil, s.iv, sealed, nil)
	if err != nil {
		return nil, wrongPassword()
	}
	return plain, nil
}

// legacyIVLen returns the length in bytes of the initialisation vector of a
// cipher of RFC 1423 or of OpenSSL; 0 for an unsupported one.
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
// Its derivation is one round of MD5 and needs no limit.
func readLegacy(ctx context.Context, dek dekInfo, sealed []byte, curve string, password secret.Text) (any, error) {
	if password.IsZero() {
		return nil, isEncrypted("this is an encrypted PEM key")
	}
	if ctx.Err() != nil {
		return nil, TimedOut(ctx)
	}
	if len(sealed) == 0 || len(sealed)%legacyIVLen(dek.cipher) != 0 {
		return nil, &fault.Error{Reason: ErrUnreadable, Found: "this is an encrypted PEM key that is cut short or damaged", Hint: "copy the whole key again"}
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

// readOpened reads the result of a decryption without authentication. Where it
// is not one whole structure, the password was wrong.
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
	return &fault.Error{Reason: ErrPassword, Found: "the password does not open the encrypted key", Hint: "check " + fault.Password + "; white space counts"}
}

// cosignKey is the JSON of an ENCRYPTED COSIGN PRIVATE KEY, which step reads,
// too: scrypt and NaCl's secretbox around a PKCS#8 key.
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
		return nil, isEncrypted("this is an encrypted cosign key")
	}
	var k cosignKey
	if err := json.Unmarshal(data, &k); err != nil || len(k.Cipher.Nonce) != 24 {
		return nil, unreadableCosign()
	}
	if k.KDF.Name != "scrypt" || k.Cipher.Name != "nacl/secretbox" {
		return nil, unreadableCosign()
	}
	kdf, err := checkScrypt(k.KDF.Salt, big.NewInt(k.KDF.Params.N), big.NewInt(k.KDF.Params.R), big.NewInt(k.KDF.Params.P))
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
	return &fault.Error{Reason: ErrUnreadable, Found: "this is an encrypted cosign key that is damaged", Hint: "copy the whole key again"}
}
