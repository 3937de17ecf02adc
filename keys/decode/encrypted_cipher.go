package decode

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" //nolint:gosec // reads keys that are encrypted so; nothing is encrypted with it

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// sealing is the cipher that an encrypted key names, with its parameters.
type sealing struct {
	block  func(key []byte) (cipher.Block, error)
	size   int    // bytes of a block
	keyLen int    // bytes
	iv     []byte // initialisation vector, or nonce
	tagLen int    // bytes; 0 for CBC, which does not authenticate
}

// readSealing reads an encryption scheme (RFC 8018 B.2, RFC 5084 §3.2).
func readSealing(oid string, params cryptobyte.String) (sealing, error) {
	s := sealing{block: aes.NewCipher, size: aes.BlockSize}
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
		return sealing{}, unsupportedPBES2("cipher")
	}
	if gcm {
		return s.readGCM(params)
	}
	return s.readCBC(params)
}

func (s sealing) readCBC(params cryptobyte.String) (sealing, error) {
	iv, ok := readOctetString(&params)
	if !ok || !params.Empty() || len(iv) != s.size {
		return sealing{}, unreadablePBES2()
	}
	s.iv = iv
	return s, nil
}

// readGCM reads GCMParameters (RFC 5084 §3.2), whose tag has 12 octets unless
// it says so.
func (s sealing) readGCM(params cryptobyte.String) (sealing, error) {
	var seq cryptobyte.String
	if !params.ReadASN1(&seq, cbasn1.SEQUENCE) || !params.Empty() {
		return sealing{}, unreadablePBES2()
	}
	nonce, ok := readOctetString(&seq)
	tagLen := 12
	if !seq.Empty() {
		ok = seq.ReadASN1Integer(&tagLen) && ok
	}
	if !ok || !seq.Empty() || len(nonce) != 12 || tagLen < 12 || tagLen > 16 {
		return sealing{}, unreadablePBES2()
	}
	s.iv, s.tagLen = nonce, tagLen
	return s, nil
}

// fits checks the length of a ciphertext, before a password is put to work.
func (s sealing) fits(sealed []byte) error {
	if s.tagLen == 0 && (len(sealed) == 0 || len(sealed)%s.size != 0) || len(sealed) <= s.tagLen {
		return unreadablePBES2()
	}
	return nil
}

// open decrypts. CBC says a wrong password by its padding, most of the time;
// the reader of the result has to look too.
func (s sealing) open(key, sealed []byte) ([]byte, error) {
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

func (s sealing) openGCM(b cipher.Block, sealed []byte) ([]byte, error) {
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
