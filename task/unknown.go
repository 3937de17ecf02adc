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
func checkUnknown(table []inputSpec, names []string, all bool) (warning string, err error) {
	for _, name := range names {
		hint := meant(table, name)
		if hint == "" && all {
			hint = "the inputs are " + strings.Join(namesOf(table), ", ")
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
func meant(table []inputSpec, name string) string {
	if utf8.RuneCountInString(name) > maxNameShown {
		return ""
	}
	if hint, ok := hintFor(table, name); ok {
		return hint
	}
	if near := nearest.Within(name, namesOf(table), maxEdits); near != "" {
		return "write " + near + "; names are matched exactly"
	}
	return ""
}

// maxEdits is by how many letters a name may differ, however short it is.
const maxEdits = 2

// hintFor returns the hint for a registered claim, a registered header parameter or
// a common short form. Case, - and _ are ignored.
func hintFor(table []inputSpec, name string) (string, bool) {
	folded := nearest.Fold(name)
	for _, row := range []struct{ names, hint string }{
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
	} {
		for known := range strings.FieldsSeq(row.names) {
			if known == folded {
				return row.hint, true
			}
		}
	}
	for _, in := range table {
		if in.claim != "" && nearest.Fold(in.claim) == folded {
			return "write " + in.Name, true
		}
	}
	return "", false
}
