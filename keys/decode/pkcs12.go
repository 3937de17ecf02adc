package decode

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"software.sslmate.com/src/go-pkcs12"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
)

// openPKCS12 opens a PKCS#12 file (RFC 7292) and returns the PEM of its key and
// its certificates, the key's own first.
func openPKCS12(ctx context.Context, text string, password secret.Text) (string, error) {
	der, ok := derOfText(text)
	if !ok || isBERPKCS12(der) {
		return "", unreadablePKCS12()
	}
	if err := checkPKCS12Work(der); err != nil {
		return "", err
	}
	if ctx.Err() != nil {
		return "", TimedOut(ctx)
	}
	// Many files have an empty password.
	private, leaf, others, err := pkcs12.DecodeChain(der, password.Reveal())
	if err != nil {
		return "", unopenedPKCS12(err, password)
	}
	return writePEM(private, append([]*x509.Certificate{leaf}, others...))
}

// unopenedPKCS12 says why a file was not opened. The library has error values
// for passwords only; a test pins its texts for other errors.
func unopenedPKCS12(err error, password secret.Text) error {
	switch {
	case !errors.Is(err, pkcs12.ErrIncorrectPassword) && !errors.Is(err, pkcs12.ErrDecryption):
	case password.IsZero():
		return &fault.Error{
			Reason: ErrEncrypted, Found: "this is a PKCS#12 file",
			Hint: "set " + fault.Password + ", or take the key out of it: " + opensslPKCS12,
		}
	default:
		return wrongPassword()
	}
	if _, oid, ok := strings.Cut(err.Error(), "unknown algorithm: "); ok {
		return unsupportedType(oid)
	}
	switch _, text, _ := strings.Cut(err.Error(), "pkcs12: "); text {
	case "expected exactly one key bag":
		return &fault.Error{
			Reason: ErrAmbiguous, Found: "this is a PKCS#12 file with two private keys or more",
			Hint: "take the keys out of it, and give one of them: " + opensslPKCS12,
		}
	case "private key missing":
		return &fault.Error{Reason: ErrCertificate, Found: "this is a PKCS#12 file with certificates and no private key", Hint: "give the file with the private key that belongs to them", Cause: givePublic}
	case "certificate missing":
		return &fault.Error{Reason: ErrUnsupported, Found: "this is a PKCS#12 file without a certificate", Hint: "take the key out of it: " + opensslPKCS12}
	}
	return unreadablePKCS12()
}

func writePEM(private any, chain []*x509.Certificate) (string, error) {
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", unreadablePKCS12()
	}
	var out bytes.Buffer
	out.Write(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	for _, c := range chain {
		out.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return out.String(), nil
}

// maxNesting is more than the depth of any PKCS#12 file.
const maxNesting = 32

// maxPKCS12Parts times the maximum of iterations is what a file may demand in
// all: for its mac, its certificates, its key, and one more.
const maxPKCS12Parts = 4

// checkPKCS12Work limits the iterations of a file. Every INTEGER after an OCTET
// STRING, the salt, is an iteration count (RFC 7292 §4 and appendix C, RFC 8018
// A.2). Counts within an encrypted part are not seen; writing them requires the
// password.
func checkPKCS12Work(der []byte) error {
	left := int64(maxPKCS12Parts * maxPBKDF2Iterations)
	return checkPKCS12Part(der, 0, &left)
}

func checkPKCS12Part(der []byte, depth int, left *int64) error {
	if depth > maxNesting {
		return unreadablePKCS12()
	}
	s := cryptobyte.String(der)
	var before cbasn1.Tag
	for !s.Empty() {
		var element, content cryptobyte.String
		var tag cbasn1.Tag
		if !s.ReadAnyASN1Element(&element, &tag) || !readContent(element, &content) {
			return unreadablePKCS12()
		}
		if tag == cbasn1.INTEGER && before == cbasn1.OCTET_STRING {
			n := new(big.Int).SetBytes(content)
			if n.Cmp(big.NewInt(min(maxPBKDF2Iterations, *left))) > 0 {
				return tooMuchPKCS12()
			}
			*left -= n.Int64()
		}
		if tag&0x20 != 0 || tag == cbasn1.OCTET_STRING && isSequence(content) {
			if err := checkPKCS12Part(content, depth+1, left); err != nil {
				return err
			}
		}
		before = tag
	}
	return nil
}

func isSequence(der []byte) bool {
	_, ok := wholeSequence(der)
	return ok
}

func readContent(element cryptobyte.String, content *cryptobyte.String) bool {
	var tag cbasn1.Tag
	return element.ReadAnyASN1(content, &tag)
}

func tooMuchPKCS12() error {
	return &fault.Error{
		Reason: ErrTooLarge, Found: "this is a PKCS#12 file that asks for more than 1000000 iterations, or 4000000 in all",
		Hint: "write it again with less, or take the key out of it: " + opensslPKCS12,
	}
}

func unreadablePKCS12() error {
	return &fault.Error{
		Reason: ErrUnreadable, Found: "this is a PKCS#12 file that cannot be read",
		Hint: "take the key out of it: " + opensslPKCS12,
	}
}
