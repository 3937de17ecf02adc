package decode

import (
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"conductor-jwt/internal/fault"
)

// MaxChain is the maximum number of certificates: a chain has three or four,
// and a token's header has no room for more.
const MaxChain = 10

// Chain reads a certificate chain in its order: PEM, whatever happened to its
// line ends and with any text around the certificates, or one certificate in
// DER, raw or in base64. It checks the form only; package signer checks whose
// the chain is. The error is an *[fault.Error] of [ErrCertificateInvalid] or
// [ErrTooLarge].
func Chain(text string) ([]*x509.Certificate, error) {
	if len(text) > MaxText {
		return nil, TooLarge(len(text), MaxText)
	}
	if !hasArmour(text) {
		der, ok := derOfText(text)
		if !ok {
			return nil, noCertificate()
		}
		c, err := parseCertificate(der)
		if err != nil {
			return nil, invalidCertificate(err)
		}
		return []*x509.Certificate{c}, nil
	}
	blocks, err := scanArmour(text)
	if err != nil {
		return nil, unreadableCertificate()
	}
	chain, err := parseCertificates(groupBlocks(blocks).certificates)
	if err != nil {
		return nil, invalidCertificate(err)
	}
	return chain, nil
}

// invalidCertificate makes the error of a refused key one of a certificate,
// because the key that signs is another input.
func invalidCertificate(err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || errors.Is(e, ErrCertificateInvalid) {
		return err
	}
	return &fault.Error{Reason: ErrCertificateInvalid, Found: e.Found, Hint: e.Hint}
}

func parseCertificates(blocks []block) ([]*x509.Certificate, error) {
	if len(blocks) == 0 {
		return nil, noCertificate()
	}
	if len(blocks) > MaxChain {
		return nil, &fault.Error{
			Reason: ErrCertificateInvalid, Found: "there are more than ten certificates",
			Hint: "give the key's own certificate and those that issued it, not a bundle of authorities",
		}
	}
	chain := make([]*x509.Certificate, 0, len(blocks))
	for _, b := range blocks {
		der, ok := decodeBase64(b.body)
		if !ok {
			return nil, unreadableCertificate()
		}
		c, err := parseCertificate(der)
		if err != nil {
			return nil, err
		}
		chain = append(chain, c)
	}
	return chain, nil
}

// parseCertificate refuses a certificate whose RSA key is so large that
// checking its signatures takes seconds.
func parseCertificate(der []byte) (*x509.Certificate, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		if _, err := readSPKI(spkiOf(der)); errors.Is(err, ErrUnsupported) {
			return nil, ofCertificate(err) // the library fails at the key only
		}
		return nil, unreadableCertificate()
	}
	switch public := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if public.N.BitLen() > MaxRSABits {
			return nil, &fault.Error{
				Reason: ErrCertificateInvalid, Found: "this is a certificate with an RSA key that is too large",
				Hint: fmt.Sprintf("use keys of %d to %d bits", MinRSABits, MaxRSABits),
			}
		}
	case ed25519.PublicKey:
		return c, checkEd25519Public(public)
	}
	return c, nil
}

// ofCertificate says of a refused key that it is in a certificate, which no
// command can change.
func ofCertificate(err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	out := *e
	out.Found = "this is a certificate with " + strings.TrimPrefix(e.Found, "this is ")
	if strings.Contains(e.Hint, "openssl pkey") {
		out.Hint, out.Cause = "have it issued again, for a key that names its curve", nil
	}
	return &out
}

// spkiOf returns the SubjectPublicKeyInfo of a certificate (RFC 5280 §4.1)
// whose key crypto/x509 does not support; empty where there is none.
func spkiOf(der []byte) []byte {
	outer, ok := wholeSequence(der)
	var tbs, spki cryptobyte.String
	if !ok || !outer.ReadASN1(&tbs, cbasn1.SEQUENCE) ||
		!tbs.SkipOptionalASN1(cbasn1.Tag(0).Constructed().ContextSpecific()) || !tbs.SkipASN1(cbasn1.INTEGER) {
		return nil
	}
	for range 4 { // signature, issuer, validity, subject
		if !tbs.SkipASN1(cbasn1.SEQUENCE) {
			return nil
		}
	}
	tbs.ReadASN1Element(&spki, cbasn1.SEQUENCE)
	return spki
}

// chain returns the certificates beside a key in their order. Where one cannot
// be read it returns none: a signature does not need them.
func (s blockGroups) chain() []*x509.Certificate {
	chain, err := parseCertificates(s.certificates)
	if err != nil {
		return nil
	}
	return chain
}

func unreadableCertificate() error {
	return &fault.Error{
		Reason: ErrCertificateInvalid, Found: "this is a certificate that cannot be read",
		Hint: "give the whole X.509 certificate in PEM",
	}
}

func noCertificate() error {
	return &fault.Error{
		Reason: ErrCertificateInvalid, Found: "this is text without a certificate",
		Hint: "give the chain in PEM, the key's own certificate first",
	}
}
