package signer

import (
	"crypto"
	"crypto/sha1" //nolint:gosec // x5t is SHA-1 by definition, RFC 7515 §4.1.7
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"time"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/keys"
)

// The header parameters that are filled from a certificate chain.
const (
	HeaderX5C         = "x5c"         // RFC 7515 §4.1.6
	HeaderX5T         = "x5t"         // RFC 7515 §4.1.7
	HeaderX5TS256     = "x5t#S256"    // RFC 7515 §4.1.8
	HeaderX5CInsecure = "x5cInsecure" // step's name for a chain that has not been verified
)

// addChain sets the header parameters that r.ChainHeaders lists.
func addChain(header *jsonobj.Object, key keys.Key, r *Request) error {
	if len(r.Chain) == 0 {
		return &fault.Error{Reason: keys.ErrCertificateInvalid, Found: "there is no certificate", Hint: "give the key's certificate"}
	}
	leaf := r.Chain[0]
	if err := MatchCertificate(key.Public(), leaf); err != nil {
		return err
	}
	for _, name := range r.ChainHeaders {
		switch name {
		case HeaderX5C, HeaderX5CInsecure:
			encoded := make([]string, len(r.Chain))
			for i, c := range r.Chain {
				encoded[i] = base64.StdEncoding.EncodeToString(c.Raw) // not base64url (RFC 7515 §4.1.6)
			}
			header.Strings(name, encoded)
		case HeaderX5T:
			sum := sha1.Sum(leaf.Raw) //nolint:gosec // as above
			header.String(name, base64.RawURLEncoding.EncodeToString(sum[:]))
		case HeaderX5TS256:
			sum := sha256.Sum256(leaf.Raw)
			header.String(name, base64.RawURLEncoding.EncodeToString(sum[:]))
		default:
			return &fault.Error{Reason: keys.ErrCertificateInvalid, Found: "this certificate header is unknown", Hint: "use x5c, x5t or x5t#S256"}
		}
	}
	return nil
}

// MatchCertificate returns nil if leaf certifies public, and an *[fault.Error] of
// [ErrCertificateMismatch] otherwise.
func MatchCertificate(public crypto.PublicKey, leaf *x509.Certificate) error {
	p, ok := public.(interface{ Equal(x crypto.PublicKey) bool })
	if ok && p.Equal(leaf.PublicKey) {
		return nil
	}
	return &fault.Error{
		Reason: ErrCertificateMismatch, Found: "the certificate is not one of this key",
		Hint: "put the certificate of the signing key first",
	}
}

// CheckChain checks that a chain, leaf first, may go into a header at that time:
// each certificate is valid and issued by the next one (RFC 7515 §4.1.6), and
// the leaf, if it restricts its key's use, permits signatures (RFC 5280
// §4.2.1.3). It does not check trust, which is up to the verifier. The error is
// an *[fault.Error] of [keys.ErrCertificateInvalid].
func CheckChain(chain []*x509.Certificate, at time.Time) error {
	for i, c := range chain {
		if err := checkValidity(i, c, at); err != nil {
			return err
		}
		if i > 0 && (string(chain[i-1].RawIssuer) != string(c.RawSubject) || chain[i-1].CheckSignatureFrom(c) != nil) {
			return &fault.Error{
				Reason: keys.ErrCertificateInvalid, Found: fmt.Sprintf("certificate %d of the chain did not issue the one before it", i+1),
				Hint: "order the chain from the key's own certificate upwards, each issued by the next (RFC 7515 section 4.1.6)",
			}
		}
	}
	if len(chain) > 0 && chain[0].KeyUsage != 0 {
		return CheckKeyUsage(chain[0])
	}
	return nil
}

func checkValidity(i int, c *x509.Certificate, at time.Time) error {
	switch {
	case at.Before(c.NotBefore):
		return &fault.Error{
			Reason: keys.ErrCertificateInvalid, Found: fmt.Sprintf("certificate %d of the chain is valid only from %s", i+1, timestamp(c.NotBefore)),
			Hint: "use a certificate that is valid today, or check the clock",
		}
	case at.After(c.NotAfter):
		return &fault.Error{
			Reason: keys.ErrCertificateInvalid, Found: fmt.Sprintf("certificate %d of the chain expired on %s", i+1, timestamp(c.NotAfter)),
			Hint: "renew it",
		}
	}
	return nil
}

// CheckKeyUsage checks that leaf permits signatures explicitly, as step
// demands; [CheckChain] also accepts a leaf without a key usage.
func CheckKeyUsage(leaf *x509.Certificate) error {
	if leaf.KeyUsage&x509.KeyUsageDigitalSignature != 0 {
		return nil
	}
	found := "the certificate's key usage does not have digitalSignature"
	if leaf.KeyUsage == 0 {
		found = "the certificate has no key usage; digitalSignature is needed"
	}
	return &fault.Error{Reason: keys.ErrCertificateInvalid, Found: found, Hint: "have a certificate issued with keyUsage=digitalSignature"}
}

func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
