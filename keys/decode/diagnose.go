package decode

import (
	"bytes"
	"strings"

	"conductor-jwt/internal/fault"
)

// withoutKey says what PEM text has in place of a private key.
func (s blockGroups) withoutKey(text string) error {
	switch {
	case len(s.csr) > 0:
		return foundCSR()
	case len(s.certificates) > 0:
		return foundCertificate()
	case len(s.public) > 0:
		return foundPublic()
	case len(s.params) > 0:
		return &fault.Error{Reason: ErrUnreadable, Found: "these are key parameters without a key", Hint: "give the private key block below them", Cause: givePublic}
	case len(s.other) > 0:
		return otherArmour(s.other[0].label)
	}
	return diagnose(text)
}

// otherPrivate is the error of a private key in an unsupported format.
func otherPrivate(label string) error {
	if strings.Contains(withoutSpaces(label), "SSH2") {
		return foundSSH2()
	}
	return &fault.Error{
		Reason: ErrUnsupported, Found: "this is a private key in an unsupported format",
		Hint: "use PKCS#8, PKCS#1, SEC1 or OpenSSH; write it as PKCS#8 with the tool that made it",
	}
}

func otherArmour(label string) error {
	joined := withoutSpaces(label)
	switch {
	case strings.HasPrefix(joined, "PGP"):
		return foundPGP()
	case joined == "PKCS7" || joined == "CMS" || joined == "PKCS#7SIGNEDDATA":
		return foundPKCS7()
	case joined == "X509CRL":
		return noKey("this is a certificate revocation list")
	}
	return noKey("this is PEM text that holds no key")
}

// notPrivateDER says what DER is that is no private key.
func notPrivateDER(der []byte) error {
	switch shapeOf(der) {
	case shapeSPKI, shapePKCS1Public:
		return foundPublic()
	case shapeCertificate:
		return foundCertificate()
	case shapeCSR:
		return foundCSR()
	case shapeDSA:
		return unsupportedType(oidDSA)
	case shapePKCS12:
		return foundPKCS12()
	case shapePKCS7:
		return foundPKCS7()
	}
	if isBERPKCS12(der) {
		return foundPKCS12()
	}
	return notDER("this is a key", der)
}

// isBERPKCS12 reports a PKCS#12 file of indefinite length, as some writers make
// it and DER readers refuse it.
func isBERPKCS12(der []byte) bool {
	return bytes.HasPrefix(der, []byte{0x30, 0x80, 2, 1, 3}) // version 3 (RFC 7292 §4)
}

func foundPublic() error {
	return &fault.Error{Reason: ErrPublic, Found: "this is a public key", Hint: "give the private key that belongs to it; it cannot be made from the public one", Cause: givePublic}
}

func foundCertificate() error {
	return &fault.Error{
		Reason: ErrCertificate, Found: "this is a certificate",
		Hint: "give the private key that belongs to it; the certificate may stand beside it", Cause: givePublic,
	}
}

func foundCSR() error {
	return &fault.Error{Reason: ErrCertificate, Found: "this is a certificate request", Hint: "give the private key that it was made with", Cause: givePublic}
}

func foundPGP() error {
	return &fault.Error{Reason: ErrUnsupported, Found: "this is a PGP message or key", Hint: "make a key for tokens: conductor-jwt key generate key.pem", Cause: givePublic}
}

func foundSSH2() error {
	return &fault.Error{Reason: ErrUnsupported, Found: "this is a key in the ssh.com format", Hint: "convert it with: ssh-keygen -i -f key"}
}

func foundPKCS12() error {
	return &fault.Error{
		Reason: ErrUnsupported, Found: "this is a PKCS#12 file",
		Hint: "take the key out of it: conductor-jwt key convert key.p12 --password-file pw --to pem",
	}
}

// opensslPKCS12 also opens files that the library does not. Without -legacy
// OpenSSL 3 opens no file of OpenSSL 1.
const opensslPKCS12 = "openssl pkcs12 -legacy -in key.p12 -nocerts -nodes"

func foundJKS() error {
	return &fault.Error{
		Reason: ErrUnsupported, Found: "this is a Java key store",
		Hint: "convert it with: keytool -importkeystore -srckeystore key.jks -destkeystore key.p12 -deststoretype pkcs12; " +
			"then take the key out of key.p12: conductor-jwt key convert key.p12 --password-file pw --to pem",
	}
}

func foundPKCS7() error {
	return &fault.Error{Reason: ErrCertificate, Found: "this is a PKCS#7 file, which holds certificates", Hint: "give the private key that belongs to them", Cause: givePublic}
}

func foundJWE() error {
	return &fault.Error{
		Reason: ErrUnsupported, Found: "this is an encrypted JWK (JWE)",
		Hint: "decrypt it and give the JWK itself: conductor-jwt key convert key.jwe --password-file pw --to jwk --out key.jwk",
	}
}
