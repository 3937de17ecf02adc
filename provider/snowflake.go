package provider

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
)

func snowflake() *Profile {
	return &Profile{
		Name: "snowflake", Title: "Snowflake, key-pair authentication",
		DocsURL: "https://docs.snowflake.com/en/developer-guide/sql-api/authenticating", Use: Bearer,
		Algorithms: rs256(), MaxTTL: hour, FromIssue: true,
		Claims: []Claim{
			// First, because iss follows from it.
			{
				Name: "sub", Required: true, Meaning: "ACCOUNT.USER in upper case, the account without its region, such as MYORG-MYACCOUNT.BOB",
				Patterns: []string{"*.*"}, UpperCase: true,
			},
			{
				Name: "iss", Required: true, Meaning: "ACCOUNT.USER.SHA256: and the fingerprint of the public key; the profile computes it",
				Preset: computed, Patterns: []string{"*.SHA256:**"},
			},
		},
		issuer: fingerprintIssuer,
		Recipe: Recipe{
			Secret: "SNOWFLAKE_KEY", KeySetup: newKey + " Run `ALTER USER BOB SET RSA_PUBLIC_KEY='…'` with the lines of key.pub.pem between BEGIN and END.",
			task:     `"subject":"${workflow.input.subject}"`,
			inputs:   `"subject":"MYORG-MYACCOUNT.BOB","apiUrl":"https://myorg-myaccount.snowflakecomputing.com/api/v2/databases"`,
			header:   bearer + `,"X-Snowflake-Authorization-Token-Type":"KEYPAIR_JWT"`,
			Problems: []string{"390144, *JWT token is invalid*: the user has another public key (`DESC USER`), or the subject's account contains its region."},
		},
	}
}

// fingerprintIssuer is the issuer of Snowflake: the subject and the SHA-256 of
// the key's SubjectPublicKeyInfo (RFC 5280 §4.1) in padded base64 (RFC 4648 §4).
func fingerprintIssuer(d Parties, key keys.Key) (string, error) {
	if d.Subject == "" || key.Public() == nil {
		return "", nil
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return "", &fault.Error{Reason: ErrAlgorithm, Field: "alg", Found: "the fingerprint of this key cannot be computed", Hint: "sign with an RSA key"}
	}
	sum := sha256.Sum256(der)
	return d.Subject + ".SHA256:" + base64.StdEncoding.EncodeToString(sum[:]), nil
}
