package decode

import "strings"

// labelKind sorts the labels of armour lines.
type labelKind int

const (
	labelOther        labelKind = iota
	labelPrivate                // PKCS#8, PKCS#1, SEC1, DSA: told apart by content
	labelOpenSSH                // OPENSSH PRIVATE KEY
	labelCosign                 // ENCRYPTED COSIGN or SIGSTORE PRIVATE KEY
	labelOtherPrivate           // a private key of a kind that is not read here
	labelParams                 // EC, DSA or DH parameters
	labelCertificate            // X.509
	labelPublic                 // a public key
	labelCSR                    // a certificate request
)

// kindOfLabel sorts a label; the words may have been run together.
func kindOfLabel(label string) labelKind {
	joined := joinWords(label)
	switch joined {
	case "PRIVATEKEY", "ENCRYPTEDPRIVATEKEY", "RSAPRIVATEKEY", "ECPRIVATEKEY", "DSAPRIVATEKEY", "ANYPRIVATEKEY":
		return labelPrivate
	case "OPENSSHPRIVATEKEY":
		return labelOpenSSH
	case "ENCRYPTEDCOSIGNPRIVATEKEY", "ENCRYPTEDSIGSTOREPRIVATEKEY":
		return labelCosign
	case "ECPARAMETERS", "DSAPARAMETERS", "DHPARAMETERS", "X9.42DHPARAMETERS":
		return labelParams
	case "CERTIFICATE", "X509CERTIFICATE", "TRUSTEDCERTIFICATE":
		return labelCertificate
	case "CERTIFICATEREQUEST", "NEWCERTIFICATEREQUEST":
		return labelCSR
	}
	switch {
	case strings.HasPrefix(joined, "PGP"):
		return labelOther
	case strings.Contains(joined, "PRIVATEKEY"):
		return labelOtherPrivate
	case strings.Contains(joined, "PUBLICKEY"):
		return labelPublic
	}
	return labelOther
}
