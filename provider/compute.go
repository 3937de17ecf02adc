package provider

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"

	"conductor-jwt/keys"
)

// ofAccount is the service account whose file the key came in.
func ofAccount(_ Parties, key keys.Key) (string, error) {
	if accounted, ok := key.(keys.Accounted); ok {
		return accounted.Account(), nil
	}
	return "", nil
}

// ofFingerprint is the issuer of Snowflake: the subject and the SHA-256 of the
// key's SubjectPublicKeyInfo (RFC 5280 §4.1) in padded base64 (RFC 4648 §4).
func ofFingerprint(d Parties, key keys.Key) (string, error) {
	if d.Subject == "" || key.Public() == nil {
		return "", nil
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return "", &Fault{Kind: Algorithm, Name: "alg", Found: "a key whose fingerprint cannot be computed", Hint: "sign with an rsa key"}
	}
	sum := sha256.Sum256(der)
	return d.Subject + ".SHA256:" + base64.StdEncoding.EncodeToString(sum[:]), nil
}
