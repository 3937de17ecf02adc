package task

import (
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"conductor-jwt/keys"
	"conductor-jwt/signer"
)

// chain is the certificate part of a token's header.
type chain struct {
	certificates []*x509.Certificate // nil where they are to come with the key
	headers      []string            // empty leaves them all out
}

func (g *given) chain() (chain, error) {
	headers, err := g.choices(inCertificateHeaders, signer.HeaderX5C, signer.HeaderX5T, signer.HeaderX5TS256)
	if err != nil {
		return chain{}, err
	}
	n, ok := g.values[inCertificate]
	if !ok {
		return chain{headers: headers}, nil
	}
	if len(n.text) > maxKeyText {
		return chain{}, tooLarge(inCertificate, n.describe(), "write at most 65536 bytes")
	}
	certificates, err := readCertificates(n.text)
	if err != nil {
		return chain{}, err
	}
	if len(headers) == 0 {
		headers = []string{signer.HeaderX5T, signer.HeaderX5TS256}
	}
	return chain{certificates, headers}, nil
}

// The armour of a certificate (RFC 7468 §5.1).
const (
	armourBegin = "-----BEGIN CERTIFICATE-----"
	armourEnd   = "-----END CERTIFICATE-----"
)

// maxCertificates is more than any chain that a header would hold.
const maxCertificates = 16

// readCertificates reads a PEM chain whose newlines may have been lost, as
// the one line of the UI's form loses them.
func readCertificates(text string) ([]*x509.Certificate, error) {
	var repaired strings.Builder
	rest, found := text, 0
	for {
		before, after, ok := strings.Cut(rest, armourBegin)
		if strings.Contains(before, "-----BEGIN") {
			return nil, refuse(signer.ErrCertificateInvalid, inCertificate, "pem that is not a certificate", "give certificates alone; the key goes into "+inPrivateKey)
		}
		if !ok {
			break
		}
		if found++; found > maxCertificates {
			return nil, tooLarge(inCertificate, "more than 16 certificates", "give the chain of this key alone")
		}
		body, tail, ended := strings.Cut(after, armourEnd)
		if !ended {
			return nil, refuse(signer.ErrCertificateInvalid, inCertificate, "pem without its end line", "give the whole certificate")
		}
		repaired.WriteString(armourBegin + "\n" + rewrapped(body) + "\n" + armourEnd + "\n")
		rest = tail
	}
	if found == 0 {
		return nil, refuse(signer.ErrCertificateInvalid, inCertificate, node{kind: kindString, text: text}.describe()+" without a pem certificate",
			"write the chain in pem, leaf first, beginning with "+armourBegin)
	}
	certificates, err := signer.ParseCertificates([]byte(repaired.String()))
	if err == nil && len(certificates) != found {
		err = refuse(signer.ErrCertificateInvalid, inCertificate, "a certificate that cannot be read", "give x.509 certificates in pem")
	}
	return certificates, err
}

// rewrapped takes white space and written-out newlines out of base64 and
// breaks it into lines anew.
func rewrapped(body string) string {
	body = strings.NewReplacer(`\r`, "", `\n`, "").Replace(body)
	body = strings.Join(strings.Fields(body), "")
	var lines []string
	for len(body) > 64 {
		lines, body = append(lines, body[:64]), body[64:]
	}
	return strings.Join(append(lines, body), "\n")
}

// withKey completes the chain with the certificates that came beside the key
// and checks it: validity and order now, and that it is this key's.
func (c chain) withKey(key keys.Key, now time.Time) (chain, error) {
	if len(c.headers) == 0 {
		return chain{}, nil
	}
	if chained, ok := key.(keys.Chained); ok && len(c.certificates) == 0 {
		c.certificates = chained.Chain()
	}
	if len(c.certificates) == 0 {
		return chain{}, refuse(ErrInputMissing, inCertificate, "there is no certificate to write into the header", "set "+inCertificate)
	}
	for i, certificate := range c.certificates {
		if signer.MatchCertificate(key.Public(), certificate) != nil {
			continue
		}
		if i > 0 {
			return chain{}, refuse(signer.ErrCertificateInvalid, inCertificate, fmt.Sprintf("the key's own certificate is number %d of the chain", i+1),
				"put it first, then the one that issued it, and so on (rfc 7515 section 4.1.6)")
		}
		return c, signer.CheckChain(c.certificates, now)
	}
	return chain{}, signer.MatchCertificate(key.Public(), c.certificates[0])
}
