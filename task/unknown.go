package task

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"conductor-jwt/internal/nearest"
)

// checkUnknown refuses the names that look like a known one, and returns a
// warning that names the others, which are ignored. With all set, it refuses
// every unknown name.
func checkUnknown(c *contract, names []string, all bool) (warning string, err error) {
	for _, name := range names {
		hint := meant(c, name)
		if hint == "" && all {
			hint = "the inputs are " + strings.Join(namesOf(c.inputs), ", ")
		}
		if hint != "" {
			return "", refuse(errInputUnknown, shown(name), "there is no input of this name", hint)
		}
	}
	return ignored(names), nil
}

// maxIgnored is how many ignored names a warning lists.
const maxIgnored = 8

func ignored(names []string) string {
	if len(names) == 0 {
		return ""
	}
	list := make([]string, 0, maxIgnored)
	for _, name := range names[:min(len(names), maxIgnored)] {
		list = append(list, `"`+shown(name)+`"`)
	}
	text := "unknown and ignored: " + strings.Join(list, ", ")
	if more := len(names) - len(list); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// meant returns the hint that says what to write instead of an unknown name;
// empty if no known name is similar.
func meant(c *contract, name string) string {
	if utf8.RuneCountInString(name) > maxNameShown {
		return ""
	}
	if hint, ok := hintFor(c, name); ok {
		return hint
	}
	if near := nearest.Within(name, namesOf(c.inputs), maxEdits); near != "" {
		return "write " + near + "; names are matched exactly"
	}
	return ""
}

// maxEdits is by how many letters a name may differ, however short it is.
const maxEdits = 2

// nameHint is what to write instead of some names. They are separated by spaces,
// without - and _, in lower case.
type nameHint struct{ names, hint string }

// signHints returns the hints of tasks that sign.
func signHints() []nameHint {
	return []nameHint{
		{"sub user principal", "write " + inSubject},
		{"iss clientid client", "write " + inIssuer},
		{"aud audiences", "write " + inAudience},
		{"scope scp", "write " + inScopes},
		{"alg algo signingalgorithm", "write " + inAlgorithm},
		{"kid keyid", "write " + inPrivateKeyID},
		{"key pem jwk jwks privkey secret secretkey signingkey serviceaccount", "write " + inPrivateKey},
		{"password passphrase keypassword privatekeypassphrase", "write " + inPrivateKeyPassword},
		{"exp ttl expiry expires expiresin expiration expiresat expirationtime lifetime ttlseconds ttlsec ttlinsec", "write " + inTTL + "; it counts seconds from iat"},
		{"nbf", "write " + inNotBefore + "; it counts seconds from iat"},
		{"iat issuedat", "the worker sets it; " + inIssuedAtOffset + " moves it"},
		{"jti tokenid", "write " + inJWTID},
		{"typ cty", "put it into " + inHeaders},
		{"x5c x5t x5t#s256 cert certs certificates certificatechain", "write " + inCertificate + " and " + inCertificateHeaders},
		{"jku x5u crit b64 enc zip epk apu apv iv tag p2s p2c", "this header member is not written"},
		{"ppt url svt trustchain", "put it into " + inHeaders},
		{"claim customclaims additionalclaims extraclaims payload", "write " + inClaims},
		{"header customheaders additionalheaders extraheaders", "write " + inHeaders},
		// What is registered for identity and access tokens (OpenID Connect Core
		// 1.0 §2, §5.1; RFC 7800, 8055, 8225, 8417, 8443, 8485, 8588, 8693, 9068, 9396, 9449).
		{`name givenname familyname middlename nickname preferredusername picture website email emailverified gender birthdate
			zoneinfo locale phonenumber phonenumberverified address updatedat azp nonce authtime athash chash acr amr subjwk sid
			cnf act mayact roles groups entitlements authorizationdetails events toe txn vc vp htm htu ath
			sipfromtag sipdate sipcallid sipcseqnum sipviabranch orig dest mky rph vot vtm attest origid div opt jcard`, "put it into " + inClaims},
	}
}

// verifyHints returns the hints of tasks that verify.
func verifyHints() []nameHint {
	const inPolicy = "it is set in the verifier of the policy file"
	return []nameHint{
		{"jwt accesstoken idtoken bearer bearertoken authorization assertion signedjwt", "write " + inToken},
		{"profile provider name", "write " + inVerifier},
		{"key keys pem jwk jwks cert certificate privatekey secret keyref", "write " + inPublicKey + ", or name a verifier"},
		{"alg algorithm algo", "write " + inAlgorithms},
		{"iss", "write " + inIssuer},
		{"aud audiences", "write " + inAudience},
		{"sub", "write " + inSubject},
		{"claim claims required requiredclaim", "write " + inRequiredClaims},
		{"oninvalidtoken onerror onfailure fail report", "write " + inOnInvalid},
		{"jwksuri jwksurl jku x5u discover", "the keys of an issuer come from its verifier in the policy file"},
		{"leeway clockskew maxage typ types exp nbf iat", inPolicy},
		{"kid keyid privatekeyid", "the token names its key"},
	}
}

// hintFor returns the hint for a registered claim, a registered header parameter or
// a common short form. Case, - and _ are ignored.
func hintFor(c *contract, name string) (string, bool) {
	folded := nearest.Fold(name)
	for _, row := range c.hints() {
		for known := range strings.FieldsSeq(row.names) {
			if known == folded {
				return row.hint, true
			}
		}
	}
	for _, in := range c.inputs {
		if in.claim != "" && nearest.Fold(in.claim) == folded {
			return "write " + in.Name, true
		}
	}
	return "", false
}
