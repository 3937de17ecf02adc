package signer

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
)

// ParseCertificates reads the CERTIFICATE blocks of a PEM text, in their
// order, or one certificate in DER. Text and blocks of other types are passed
// over. The error is an *[Error] of [ErrCertificateInvalid].
func ParseCertificates(text []byte) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, unreadableCertificate()
		}
		chain = append(chain, c)
	}
	if len(chain) > 0 {
		return chain, nil
	}
	if bytes.Contains(text, []byte("-----BEGIN")) {
		return nil, &Error{
			Reason: ErrCertificateInvalid, Found: "pem without a certificate",
			Hint: "give a block that begins with -----BEGIN CERTIFICATE-----",
		}
	}
	c, err := x509.ParseCertificate(text)
	if err != nil {
		return nil, unreadableCertificate()
	}
	return []*x509.Certificate{c}, nil
}

func unreadableCertificate() error {
	return &Error{
		Reason: ErrCertificateInvalid, Found: "a certificate that cannot be read",
		Hint: "give x.509 certificates in pem or der",
	}
}
