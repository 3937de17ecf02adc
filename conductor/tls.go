package conductor

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"unicode/utf8"
)

func tlsConfig(o Options) (*tls.Config, error) {
	config := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: o.Insecure, //nolint:gosec // a setting, off by default and warned of
	}
	if o.CAFile != "" {
		text, err := readText(settingCA, o.CAFile)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, unusable(settingCA, notCertificate(text))
		}
	}
	if o.CertFile == "" {
		return config, nil
	}
	certificate, err := clientCertificate(o)
	if err != nil {
		return nil, err
	}
	config.Certificates = []tls.Certificate{certificate}
	return config, nil
}

func clientCertificate(o Options) (tls.Certificate, error) {
	cert, err := readText(settingCert, o.CertFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := readText(settingKey, o.KeyFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err == nil {
		return pair, nil
	}
	if !x509.NewCertPool().AppendCertsFromPEM(cert) {
		return tls.Certificate{}, unusable(settingCert, notCertificate(cert))
	}
	return tls.Certificate{}, unusable(settingKey, notKey(key))
}

// notCertificate says why a text holds no certificate that can be used.
func notCertificate(text []byte) string {
	blocks := blocksOf(text)
	switch {
	case len(blocks) == 0 && isDER(text):
		return "the file is binary (DER or PKCS #12), not PEM; convert it with openssl x509 -inform der, or openssl pkcs12"
	case len(blocks) == 0:
		return "the file holds no PEM certificate; it has to begin with -----BEGIN CERTIFICATE-----"
	case blocks["CERTIFICATE"] != nil:
		return "the PEM certificate is damaged; copy the file again"
	case blocks["TRUSTED CERTIFICATE"] != nil:
		return "the certificate has OpenSSL's own form; convert it with openssl x509"
	case blocks["PKCS7"] != nil:
		return "the file is a PKCS #7 bundle; convert it with openssl pkcs7 -print_certs"
	case blocks["CERTIFICATE REQUEST"] != nil:
		return "the file holds a certificate request; give the certificate that was issued for it"
	}
	return "the file holds a key and no certificate; give the certificate"
}

// notKey says why a text holds no key that can be used with the certificate.
func notKey(text []byte) string {
	blocks := blocksOf(text)
	key := blocks["PRIVATE KEY"]
	for name, block := range blocks {
		if strings.HasSuffix(name, " PRIVATE KEY") {
			key = block
		}
	}
	switch {
	case len(blocks) == 0 && isDER(text):
		return "the file is binary (DER or PKCS #12), not PEM; convert it with openssl pkey -inform der, or openssl pkcs12 -nodes"
	case len(blocks) == 0:
		return "the file holds no PEM private key; it has to begin with -----BEGIN PRIVATE KEY-----"
	case key != nil && (key.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(key.Headers["Proc-Type"], "ENCRYPTED")): // RFC 1421 §4.6.1.1
		return "the key is encrypted; decrypt it with openssl pkey"
	case key != nil && key.Type == "OPENSSH PRIVATE KEY":
		return "the key has OpenSSH's own form; convert it with ssh-keygen -p -m pkcs8"
	case key == nil && blocks["CERTIFICATE"] != nil:
		return "the file holds a certificate and no private key; give the key"
	case key == nil:
		return "the file holds no private key; give the private half"
	}
	if !isKey(key.Bytes) {
		return "the PEM private key is damaged; copy the file again"
	}
	return "the key does not belong to the certificate of " + settingCert + "; give the two that were made together"
}

// blocksOf gives the last PEM block of each type.
func blocksOf(text []byte) map[string]*pem.Block {
	blocks := map[string]*pem.Block{}
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			return blocks
		}
		blocks[block.Type], text = block, rest
	}
}

// isDER reports whether a file begins as an ASN.1 SEQUENCE (X.690 §8.9) does.
func isDER(text []byte) bool { return text[0] == 0x30 && !utf8.Valid(text) }

func isKey(der []byte) bool {
	_, pkcs8 := x509.ParsePKCS8PrivateKey(der)
	_, pkcs1 := x509.ParsePKCS1PrivateKey(der)
	_, sec1 := x509.ParseECPrivateKey(der)
	return pkcs8 == nil || pkcs1 == nil || sec1 == nil
}
