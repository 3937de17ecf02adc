package keys

import "strings"

// withoutKey says what stands in PEM text instead of a private key.
func (s sorted) withoutKey(text string) error {
	switch {
	case len(s.csr) > 0:
		return isCSR()
	case len(s.certificates) > 0:
		return isCertificate()
	case len(s.public) > 0:
		return isPublic()
	case len(s.params) > 0:
		return &Error{Reason: ErrUnreadable, Found: "key parameters without a key", Hint: "give the private key block that stands below them"}
	case len(s.other) > 0:
		return otherArmour(s.other[0].label)
	}
	return diagnose(text)
}

// otherPrivate refuses a private key of a foreign format.
func otherPrivate(label string) error {
	if strings.Contains(joinWords(label), "SSH2") {
		return isSSH2()
	}
	return &Error{
		Reason: ErrUnsupported, Found: "a private key in a format that is not read here",
		Hint: "use pkcs#8, pkcs#1, sec1 or openssh; openssl pkcs8 -topk8 -nocrypt -in key.pem writes pkcs#8",
	}
}

func otherArmour(label string) error {
	joined := joinWords(label)
	switch {
	case strings.HasPrefix(joined, "PGP"):
		return isPGP()
	case joined == "PKCS7" || joined == "CMS" || joined == "PKCS#7SIGNEDDATA":
		return isPKCS7()
	case strings.HasPrefix(label, "%20") || strings.HasPrefix(label, "+"):
		return &Error{Reason: ErrUnreadable, Found: "pem text that is encoded for a web address", Hint: "decode it first"}
	case joined == "X509CRL":
		return &Error{Reason: ErrUnreadable, Found: "a certificate revocation list", Hint: "give a private key"}
	}
	return &Error{Reason: ErrUnreadable, Found: "pem text that holds no private key", Hint: "give a private key in pem or jwk form"}
}

// notPrivateDER says what DER is instead of a private key.
func notPrivateDER(der []byte) error {
	switch shapeOf(der) {
	case shapeSPKI, shapePKCS1Public:
		return isPublic()
	case shapeCertificate:
		return isCertificate()
	case shapeCSR:
		return isCSR()
	case shapeDSA:
		return unsupportedType("1.2.840.10040.4.1")
	case shapePKCS12:
		return isPKCS12()
	case shapePKCS7:
		return isPKCS7()
	}
	if isBERPKCS12(der) {
		return isPKCS12()
	}
	return notDER("a key", der)
}

// isBERPKCS12 tells a PKCS#12 file in the indefinite-length form that some
// writers use, which DER readers do not take.
func isBERPKCS12(der []byte) bool {
	return len(der) > 5 && der[0] == 0x30 && der[1] == 0x80 && der[2] == 2 && der[3] == 1 && der[4] == 3
}

// diagnose says what text is that is no key in any form. It looks at the
// first bytes and for marks that formats set, and quotes nothing.
func diagnose(text string) error {
	trimmed := strings.TrimLeftFunc(strings.Trim(strings.TrimSpace(text), `"'`), isBlank)
	switch {
	case trimmed == "":
		return &Error{Reason: ErrMissing, Found: "an empty key", Hint: "give a private key in pem or jwk form"}
	case strings.HasPrefix(trimmed, "PuTTY-User-Key-File-"):
		return &Error{
			Reason: ErrUnsupported, Found: "a putty key file",
			Hint: "convert it with: puttygen key.ppk -O private-openssh-new -o key.pem",
		}
	case isSSHPublic(trimmed):
		return isPublic()
	case strings.HasPrefix(trimmed, "---- BEGIN SSH2"):
		return isSSH2()
	case strings.Contains(trimmed, armourEnd):
		return cutArmour("an end line without its begin line")
	case strings.Contains(trimmed, "PRIVATE KEY"):
		return &Error{
			Reason: ErrUnreadable, Found: "pem text whose begin and end lines are damaged",
			Hint: "each begins and ends with five dashes; copy the key again from a plain text editor",
		}
	case isCompact(trimmed):
		return diagnoseCompact(trimmed)
	}
	return diagnoseWord(trimmed)
}

// diagnoseWord speaks of text without any mark.
func diagnoseWord(text string) error {
	switch {
	case strings.HasPrefix(text, "/") || strings.HasPrefix(text, "./") || strings.HasPrefix(text, "file:"):
		return &Error{Reason: ErrUnreadable, Found: "what looks like the path of a file", Hint: "give the content of the file, not its name"}
	case strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://"):
		return &Error{Reason: ErrUnreadable, Found: "what looks like an address", Hint: "give the key itself"}
	}
	if der, ok := decodeBase64(squeeze(text)); ok && isBERPKCS12(der) {
		return isPKCS12()
	} else if ok && hasArmour(string(der)) {
		return &Error{Reason: ErrUnreadable, Found: "pem text that is base64-encoded once more", Hint: "decode it first: base64 -d"}
	}
	return &Error{
		Reason: ErrUnreadable, Found: "text that is no private key in any known form",
		Hint: "give a private key in pem or jwk form; an hmac secret needs secretEncoding",
	}
}

func isSSHPublic(text string) bool {
	for _, prefix := range []string{"ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-", "---- BEGIN SSH2 PUBLIC"} {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return false
}

// isCompact tells a JOSE compact serialisation: its header begins with {".
func isCompact(text string) bool {
	return strings.HasPrefix(text, "eyJ") && strings.Contains(text, ".")
}

func diagnoseCompact(text string) error {
	if strings.Count(text, ".") == 4 {
		return isJWE()
	}
	return &Error{Reason: ErrUnreadable, Found: "a token instead of a key", Hint: "give a private key in pem or jwk form"}
}

func isPublic() error {
	return &Error{Reason: ErrPublic, Found: "a public key", Hint: "give the private key that belongs to it"}
}

func isCertificate() error {
	return &Error{Reason: ErrCertificate, Found: "a certificate", Hint: "give the private key that belongs to it"}
}

func isCSR() error {
	return &Error{Reason: ErrCertificate, Found: "a certificate request", Hint: "give the private key that belongs to it"}
}

func isPGP() error {
	return &Error{Reason: ErrUnsupported, Found: "a pgp message or key", Hint: "make a key for tokens: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048"}
}

func isSSH2() error {
	return &Error{Reason: ErrUnsupported, Found: "a key in the ssh.com format", Hint: "convert it with: ssh-keygen -i -f key"}
}

func isPKCS12() error {
	return &Error{
		Reason: ErrUnsupported, Found: "a pkcs#12 file",
		Hint: "take the key out of it: openssl pkcs12 -in key.p12 -nocerts -nodes",
	}
}

func isPKCS7() error {
	return &Error{Reason: ErrCertificate, Found: "a pkcs#7 file, which holds certificates", Hint: "give the private key that belongs to them"}
}

func isJWE() error {
	return &Error{
		Reason: ErrUnsupported, Found: "an encrypted jwk (jwe)",
		Hint: "decrypt it and give the jwk itself",
	}
}
