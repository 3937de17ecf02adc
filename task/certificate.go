package task

import (
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"conductor-jwt/keys"
	"conductor-jwt/keys/decode"
	"conductor-jwt/signer"
)

// chain is the certificate part of a token's header.
type chain struct {
	certificates []*x509.Certificate // nil where the key brings them
	headers      []string            // header parameters to write; empty: none
}

// chain reads the inputs for certificates. Thumbprint says that the profile needs
// x5t#S256.
func (v *inputValues) chain(thumbprint bool) (chain, error) {
	headers, err := v.choices(inCertificateHeaders, signer.HeaderX5C, signer.HeaderX5T, signer.HeaderX5TS256)
	if err != nil {
		return chain{}, err
	}
	if thumbprint && len(headers) == 0 {
		headers = []string{signer.HeaderX5TS256}
	}
	n, ok := v.values[inCertificate]
	if !ok {
		return chain{headers: headers}, nil
	}
	if len(n.Text) > maxKeyText {
		return chain{}, tooLarge(inCertificate, "this is "+describe(n), fmt.Sprintf("write at most %d bytes", maxKeyText))
	}
	if strings.Contains(n.Text, "PRIVATE KEY-----") {
		return chain{}, refuse(keys.ErrCertificateInvalid, inCertificate, "this is a private key", "give certificates alone; the key goes into "+inPrivateKey)
	}
	certificates, err := decode.Chain(n.Text)
	if err != nil {
		return chain{}, err
	}
	if len(headers) == 0 {
		headers = []string{signer.HeaderX5T, signer.HeaderX5TS256}
	}
	return chain{certificates, headers}, nil
}

// withKey completes the chain with the certificates that came beside the key
// and checks it: validity and order now, and that it is this key's.
func (c chain) withKey(key keys.Key, named bool, now time.Time) (chain, error) {
	if len(c.headers) == 0 {
		return chain{}, nil
	}
	if chained, ok := key.(keys.Chained); ok && len(c.certificates) == 0 {
		c.certificates = chained.Chain()
	}
	if len(c.certificates) == 0 {
		hint := "set " + inCertificate
		if named {
			hint = "have the operator put it beside the key"
		}
		return chain{}, refuse(errInputMissing, inCertificate, "there is no certificate to write into the header", hint)
	}
	for i, certificate := range c.certificates {
		if signer.MatchCertificate(key.Public(), certificate) != nil {
			continue
		}
		if i > 0 {
			return chain{}, refuse(keys.ErrCertificateInvalid, inCertificate, fmt.Sprintf("the key's own certificate is number %d of the chain", i+1),
				"put it first, then the one that issued it, and so on (RFC 7515 section 4.1.6)")
		}
		return c, signer.CheckChain(c.certificates, now)
	}
	return chain{}, signer.MatchCertificate(key.Public(), c.certificates[0])
}
