package task_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"conductor-jwt/conductor/api"
)

// claimsOf returns a token's claims without those that every token has.
func claimsOf(tok token) string {
	text := strings.Replace(tok.payload, `"exp":1795349100,"iat":1795348800,"jti":"fresh-id"`, "…", 1)
	return strings.Replace(text, `"exp":1795349100,"iat":1795348800`, "…", 1)
}

func TestWhatAnAuthorWritesBecomesAClaim(t *testing.T) {
	for _, test := range []struct{ says, members, claims string }{
		{"nothing but a key", ``, `{…}`},
		{"a subject", `"subject":"alice"`, `{"sub":"alice",…}`},
		{"a subject that is never trimmed", `"subject":" alice\t"`, `{"sub":" alice\t",…}`},
		{"a subject that is never normalised", `"subject":"e\u0301"`, "{\"sub\":\"e\u0301\",…}"},
		{"a subject that is a number", `"subject":42`, `{"sub":"42",…}`},
		{"a subject of more digits than a float holds", `"subject":12345678901234567890123`, `{"sub":"12345678901234567890123",…}`},
		{"a subject that is a number by meaning", `"subject":4.2e1`, `{"sub":"42",…}`},
		{"a subject that is a negative number", `"subject":-42`, `{"sub":"-42",…}`},
		{"a subject that is zero", `"subject":0`, `{"sub":"0",…}`},
		{"an issuer that is a number", `"issuer":123456`, `{"iss":"123456",…}`},
		{"an issuer that is no uri", `"issuer":"a:b c"`, `{"iss":"a:b c",…}`},
		{"the order of the claims", `"audience":"c","subject":"b","issuer":"a","scopes":"d","claims":{"z":1,"a":2}`, `{"iss":"a","sub":"b","aud":"c",…,"scope":"d","z":1,"a":2}`},

		{"one audience", `"audience":"a"`, `{"aud":"a",…}`},
		{"one audience in a list", `"audience":["a"]`, `{"aud":"a",…}`},
		{"several audiences in order", `"audience":["b","a"]`, `{"aud":["b","a"],…}`},
		{"an audience that is a number", `"audience":7`, `{"aud":"7",…}`},
		{"numbers among audiences", `"audience":["a",7.0]`, `{"aud":["a","7"],…}`},
		{"an audience that is no url", `"audience":"account-d.docusign.com"`, `{"aud":"account-d.docusign.com",…}`},
		{"64 audiences", `"audience":[` + list(64, `"a%d"`) + `]`, `{"aud":[` + list(64, `"a%d"`) + `],…}`},

		{"one scope", `"scopes":"read"`, `{…,"scope":"read"}`},
		{"scopes in a string", `"scopes":"read write"`, `{…,"scope":"read write"}`},
		{"scopes with more than one space between", `"scopes":" read  write "`, `{…,"scope":"read write"}`},
		{"scopes in a list", `"scopes":["read","write"]`, `{…,"scope":"read write"}`},
		{"scopes in the string of a list of one", `"scopes":["read write"]`, `{…,"scope":"read write"}`},
		{"scopes in the string of a list of one that is not blank", `"scopes":["",null,"read write",[]]`, `{…,"scope":"read write"}`},
		{"a list of scopes within a list", `"scopes":["a",["q","r"],"z"]`, `{…,"scope":"a q r z"}`},
		{"only blank scopes", `"scopes":["",null,[]]`, `{…}`},
		{"scopes of all that RFC 6749 allows", `"scopes":"!#$%&'()*+,-./:;<=>?@[]^_` + "`" + `{|}~"`, "{…,\"scope\":\"!#$%&'()*+,-./:;<=>?@[]^_`{|}~\"}"},
		{"512 scopes", `"scopes":[` + list(512, `"s%d"`) + `]`, `{…,"scope":"` + strings.ReplaceAll(list(512, `s%d`), ",", " ") + `"}`},
		{"scopes in another claim", `"scopes":"a b","scopeClaim":"scp"`, `{…,"scp":"a b"}`},
		{"scopes with commas", `"scopes":"a b","scopeFormat":"comma"`, `{…,"scope":"a,b"}`},
		{"scopes that have commas already", `"scopes":"a,b","scopeFormat":"comma"`, `{…,"scope":"a,b"}`},
		{"scopes as an array", `"scopes":"a b","scopeFormat":"array"`, `{…,"scope":["a","b"]}`},
		{"one scope as an array", `"scopes":"a","scopeFormat":"array","scopeClaim":"scp"`, `{…,"scp":["a"]}`},
		{"array elements as they are", `"scopes":["GET /v1/apps?\"x\"","é"],"scopeFormat":"array"`, `{…,"scope":["GET /v1/apps?\"x\"","é"]}`},
		{"a lone array element as it is", `"scopes":["GET /v1/apps"],"scopeFormat":"array"`, `{…,"scope":["GET /v1/apps"]}`},
		{"the form of scopes that are blank", `"scopes":"","scopeFormat":"array","scopeClaim":"scp"`, `{…}`},

		{"further claims", `"claims":{"role":"admin","n":{"deep":[1,{"x":null}]}}`, `{…,"role":"admin","n":{"deep":[1,{"x":null}]}}`},
		{"further claims whose digits stay", `"claims":{"n":12345678901234567890.10,"e":1e400,"z":-0.0}`, `{…,"n":12345678901234567890.10,"e":1e400,"z":-0.0}`},
		{"further claims without white space", `"claims":{ "a" : [ 1 , 2 ] }`, `{…,"a":[1,2]}`},
		{"no further claims", `"claims":{}`, `{…}`},
		{"a scope claim where scopes is blank", `"scopes":[],"claims":{"scope":["x"]}`, `{…,"scope":["x"]}`},
		{"a scope claim beside scopes in another", `"scopes":"a","scopeClaim":"scp","claims":{"scope":"x"}`, `{…,"scp":"a","scope":"x"}`},
		{"32 levels of claims", `"claims":` + strings.Repeat(`{"a":`, 31) + `{}` + strings.Repeat(`}`, 31), `{…,"a":` + strings.Repeat(`{"a":`, 30) + `{}` + strings.Repeat(`}`, 31)},

		{"jti left out", `"omitClaims":["jti"]`, `{…}`},
	} {
		t.Run(test.says, func(t *testing.T) {
			if got := claimsOf(completed(t, handle(t, with(test.members)))); got != test.claims {
				t.Errorf("claims = %s\nwant     %s", got, test.claims)
			}
		})
	}
}

// list writes n things with commas between them.
func list(n int, format string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = fmt.Sprintf(format, i)
	}
	return strings.Join(parts, ",")
}

func TestTimesAreWholeSecondsFromNow(t *testing.T) {
	for _, test := range []struct{ says, members, claims string }{
		{"the default", ``, `{"exp":1795349100,"iat":1795348800,"jti":"fresh-id"}`},
		{"a number", `"ttlInSecond":60`, `{"exp":1795348860,"iat":1795348800,"jti":"fresh-id"}`},
		{"the other spelling", `"ttlInSeconds":60`, `{"exp":1795348860,"iat":1795348800,"jti":"fresh-id"}`},
		{"a string of digits", `"ttlInSecond":"60"`, `{"exp":1795348860,"iat":1795348800,"jti":"fresh-id"}`},
		{"a number with a point", `"ttlInSecond":60.0`, `{"exp":1795348860,"iat":1795348800,"jti":"fresh-id"}`},
		{"a number with an exponent", `"ttlInSecond":6e1`, `{"exp":1795348860,"iat":1795348800,"jti":"fresh-id"}`},
		{"a number with a negative exponent", `"ttlInSecond":6000e-2`, `{"exp":1795348860,"iat":1795348800,"jti":"fresh-id"}`},
		{"both spellings with the same meaning", `"ttlInSecond":60,"ttlInSeconds":"60"`, `{"exp":1795348860,"iat":1795348800,"jti":"fresh-id"}`},
		{"one spelling blank", `"ttlInSecond":0,"ttlInSeconds":60`, `{"exp":1795348860,"iat":1795348800,"jti":"fresh-id"}`},
		{"a zero with a point", `"ttlInSecond":0.0`, `{"exp":1795349100,"iat":1795348800,"jti":"fresh-id"}`},
		{"a zero in a string", `"ttlInSecond":"0"`, `{"exp":1795349100,"iat":1795348800,"jti":"fresh-id"}`},
		{"one second", `"ttlInSecond":1`, `{"exp":1795348801,"iat":1795348800,"jti":"fresh-id"}`},
		{"a day", `"ttlInSecond":86400`, `{"exp":1795435200,"iat":1795348800,"jti":"fresh-id"}`},
		{"iat moved back", `"issuedAtOffset":-60`, `{"exp":1795349040,"iat":1795348740,"jti":"fresh-id"}`},
		{"iat moved back by a string", `"issuedAtOffset":"-60"`, `{"exp":1795349040,"iat":1795348740,"jti":"fresh-id"}`},
		{"iat moved back as far as it goes", `"issuedAtOffset":-600`, `{"exp":1795348500,"iat":1795348200,"jti":"fresh-id"}`},
		{"iat not moved", `"issuedAtOffset":0`, `{"exp":1795349100,"iat":1795348800,"jti":"fresh-id"}`},
		{"iat left out", `"omitClaims":["iat"]`, `{"exp":1795349100,"jti":"fresh-id"}`},
		{"iat and jti left out", `"omitClaims":["iat","jti","iat"]`, `{"exp":1795349100}`},
		{"nbf at iat", `"notBefore":0`, `{"exp":1795349100,"iat":1795348800,"nbf":1795348800,"jti":"fresh-id"}`},
		{"nbf before iat", `"notBefore":-600`, `{"exp":1795349100,"iat":1795348800,"nbf":1795348200,"jti":"fresh-id"}`},
		{"nbf a second before exp", `"notBefore":299`, `{"exp":1795349100,"iat":1795348800,"nbf":1795349099,"jti":"fresh-id"}`},
		{"nbf relative to a moved iat", `"notBefore":-1,"issuedAtOffset":-60`, `{"exp":1795349040,"iat":1795348740,"nbf":1795348739,"jti":"fresh-id"}`},
		{"a jti", `"jwtId":"mine"`, `{"exp":1795349100,"iat":1795348800,"jti":"mine"}`},
	} {
		t.Run(test.says, func(t *testing.T) {
			if got := completed(t, handle(t, with(test.members))).payload; got != test.claims {
				t.Errorf("claims = %s\nwant     %s", got, test.claims)
			}
		})
	}
}

func TestExpiresInCountsFromNow(t *testing.T) {
	output := completed(t, handle(t, with(`"ttlInSecond":600,"issuedAtOffset":-60,"omitClaims":["iat","jti"]`))).output
	if got := fmt.Sprintf("%v %v %v", output["issuedAt"], output["expiresAt"], output["expiresIn"]); got != "1795348740 1795349340 540" {
		t.Errorf("issuedAt, expiresAt, expiresIn = %s", got)
	}
	if _, ok := output["jwtId"]; ok {
		t.Error("the output has a jwtId although there is no jti")
	}
}

func TestHeadersSayMore(t *testing.T) {
	for _, test := range []struct{ says, members, header, value string }{
		{"the usual type", ``, "typ", "JWT"},
		{"another type", `"headers":{"typ":"at+jwt"}`, "typ", "at+jwt"},
		{"a content type", `"headers":{"cty":"twilio-fpa;v=1"}`, "cty", "twilio-fpa;v=1"},
		{"a private name", `"headers":{"https://x.example/v":[1,2]}`, "https://x.example/v", "[1 2]"},
		{"the issuer again", `"issuer":"a","headers":{"iss":"a"}`, "iss", "a"},
		{"the subject again", `"subject":7,"headers":{"sub":"7"}`, "sub", "7"},
		{"the audience again", `"audience":["a","b"],"headers":{"aud":["a","b"]}`, "aud", "[a b]"},
		{"a key id", `"privateKeyId":"key-123"`, "kid", "key-123"},
		{"a key id byte for byte", `"privateKeyId":" ../é' or 1=1 "`, "kid", " ../é' or 1=1 "},
		{"a key id that is a number", `"privateKeyId":123`, "kid", "123"},
		{"the algorithm's other name", `"algorithm":"Ed25519"`, "alg", "Ed25519"},
	} {
		t.Run(test.says, func(t *testing.T) {
			out := handle(t, with(test.members))
			if test.members == `"algorithm":"Ed25519"` {
				if out.Status != api.Completed || out.Algorithm != "Ed25519" {
					t.Fatalf("the outcome is %s with %s", out.Status, out.Algorithm)
				}
				return // golang-jwt does not know the name
			}
			if got := fmt.Sprint(completed(t, out).header[test.header]); got != test.value {
				t.Errorf("%s = %s, want %s", test.header, got, test.value)
			}
		})
	}
}

func TestWhatCannotBeMeantIsRefused(t *testing.T) {
	const max4 = 4 << 10
	long := strings.Repeat("x", max4+1)
	told := readMessages(t, "refused_inputs")
	for _, test := range []struct{ says, members, code, field string }{
		{"a subject that is a boolean", `"subject":true`, "input_invalid", "subject"},
		{"a subject that is an object", `"subject":{}`, "input_invalid", "subject"},
		{"a subject that is a list", `"subject":["a"]`, "input_invalid", "subject"},
		{"a subject that is no whole number", `"subject":1.5`, "input_invalid", "subject"},
		{"a subject of very many digits", `"subject":1e999999999`, "input_too_large", "subject"},
		{"a subject of very small digits", `"subject":1e-999999999999999999999`, "input_invalid", "subject"},
		{"a subject over 4 KiB", `"subject":"` + long + `"`, "input_too_large", "subject"},
		{"a subject over 4 KiB, each letter of it escaped", `"subject":"` + strings.Repeat(`\u0078`, max4) + `x"`, "input_too_large", "subject"},
		{"an issuer over 4 KiB", `"issuer":"` + long + `"`, "input_too_large", "issuer"},
		{"an issuer that is an object", `"issuer":{"a":1}`, "input_invalid", "issuer"},

		{"an audience that is an object", `"audience":{"a":1}`, "input_invalid", "audience"},
		{"an audience that is a boolean", `"audience":false`, "input_invalid", "audience"},
		{"a blank audience in a list", `"audience":["a",""]`, "input_invalid", "audience"},
		{"a null audience in a list", `"audience":["a",null]`, "input_invalid", "audience"},
		{"a list within a list of audiences", `"audience":[["a"]]`, "input_invalid", "audience"},
		{"a fraction among audiences", `"audience":["a",1.5]`, "input_invalid", "audience"},
		{"65 audiences", `"audience":[` + list(65, `"a%d"`) + `]`, "input_too_large", "audience"},
		{"one audience over 4 KiB", `"audience":["a","` + long + `"]`, "input_too_large", "audience"},

		{"scopes that are a number", `"scopes":5`, "input_invalid", "scopes"},
		{"scopes that are an object", `"scopes":{"a":1}`, "input_invalid", "scopes"},
		{"a number among scopes", `"scopes":["a",5]`, "input_invalid", "scopes"},
		{"a list two deep among scopes", `"scopes":[["a",["b"]]]`, "input_invalid", "scopes"},
		{"a scope with a space in a longer list", `"scopes":["a b","c"]`, "scope_invalid", "scopes"},
		{"a scope with a tab", `"scopes":"a\tb"`, "scope_invalid", "scopes"},
		{"a scope with a newline", `"scopes":"a\nb"`, "scope_invalid", "scopes"},
		{"a scope with a quote", `"scopes":"a\"b"`, "scope_invalid", "scopes"},
		{"a scope with a backslash", `"scopes":"a\\b"`, "scope_invalid", "scopes"},
		{"a scope with a letter outside of ascii", `"scopes":"é"`, "scope_invalid", "scopes"},
		{"a scope with a comma in a longer list with commas", `"scopes":["a,b","c"],"scopeFormat":"comma"`, "scope_invalid", "scopes"},
		{"an array's scope with a zero-width space", `"scopes":["a\u200b"],"scopeFormat":"array"`, "scope_invalid", "scopes"},
		{"an array's scope with a change of direction", `"scopes":["a\u202e"],"scopeFormat":"array"`, "scope_invalid", "scopes"},
		{"an array's scope with a line separator", `"scopes":["a\u2028"],"scopeFormat":"array"`, "scope_invalid", "scopes"},
		{"an array's scope with a control character", `"scopes":["a\u0007"],"scopeFormat":"array"`, "scope_invalid", "scopes"},
		{"513 scopes", `"scopes":[` + list(513, `"s%d"`) + `]`, "input_too_large", "scopes"},
		{"513 scopes in a string", `"scopes":"` + strings.ReplaceAll(list(513, `s%d`), ",", " ") + `"`, "input_too_large", "scopes"},
		{"a scope over 4 KiB", `"scopes":"` + long + `"`, "input_too_large", "scopes"},
		{"half a million scopes", `"scopes":[` + list(200_000, `"s%d"`) + `]`, "input_too_large", "scopes"},
		{"an unknown scope claim", `"scopeClaim":"Scope"`, "input_invalid", "scopeClaim"},
		{"an unknown scope format", `"scopeFormat":"list"`, "input_invalid", "scopeFormat"},

		{"a ttl with a space", `"ttlInSecond":" 300"`, "input_invalid", "ttlInSecond"},
		{"a ttl with an exponent in a string", `"ttlInSecond":"3e2"`, "input_invalid", "ttlInSecond"},
		{"a ttl in hex", `"ttlInSecond":"0x10"`, "input_invalid", "ttlInSecond"},
		{"a ttl with a unit", `"ttlInSecond":"300s"`, "input_invalid", "ttlInSecond"},
		{"a ttl with an underscore", `"ttlInSecond":"1_000"`, "input_invalid", "ttlInSecond"},
		{"a ttl with a plus", `"ttlInSecond":"+300"`, "input_invalid", "ttlInSecond"},
		{"a ttl with a leading zero", `"ttlInSecond":"0300"`, "input_invalid", "ttlInSecond"},
		{"a ttl in arabic digits", `"ttlInSecond":"٣٠٠"`, "input_invalid", "ttlInSecond"},
		{"a ttl that is a fraction", `"ttlInSecond":300.5`, "input_invalid", "ttlInSecond"},
		{"a ttl that is a boolean", `"ttlInSecond":true`, "input_invalid", "ttlInSecond"},
		{"a ttl that is a list", `"ttlInSecond":[300]`, "input_invalid", "ttlInSecond"},
		{"a negative ttl", `"ttlInSecond":-1`, "ttl_out_of_range", "ttlInSecond"},
		{"a negative ttl in a string", `"ttlInSeconds":"-300"`, "ttl_out_of_range", "ttlInSeconds"},
		{"a ttl over the most", `"ttlInSecond":86401`, "ttl_out_of_range", "ttlInSecond"},
		{"a ttl over an int64", `"ttlInSecond":9223372036854775808`, "ttl_out_of_range", "ttlInSecond"},
		{"a ttl in a string over an int64", `"ttlInSecond":"99999999999999999999999999"`, "ttl_out_of_range", "ttlInSecond"},
		{"a ttl over all bounds", `"ttlInSecond":1e999999999`, "ttl_out_of_range", "ttlInSecond"},
		{"a ttl under all bounds", `"ttlInSecond":-1e999999999`, "ttl_out_of_range", "ttlInSecond"},
		{"two ttls", `"ttlInSecond":60,"ttlInSeconds":61`, "input_conflict", "ttlInSeconds"},

		{"an offset into the future", `"issuedAtOffset":1`, "input_invalid", "issuedAtOffset"},
		{"an offset too far back", `"issuedAtOffset":-601`, "input_invalid", "issuedAtOffset"},
		{"nbf at exp", `"notBefore":300`, "input_invalid", "notBefore"},
		{"nbf too far back", `"notBefore":-601`, "input_invalid", "notBefore"},
		{"nbf that is a fraction", `"notBefore":0.5`, "input_invalid", "notBefore"},

		{"claims that are a string", `"claims":"{}"`, "input_invalid", "claims"},
		{"claims that are a list", `"claims":[1]`, "input_invalid", "claims"},
		{"claims with an issuer", `"claims":{"iss":"x"}`, "input_invalid", "claims"},
		{"claims with an escaped subject", `"claims":{"\u0073ub":"x"}`, "input_invalid", "claims"},
		{"claims with an audience", `"claims":{"aud":"x"}`, "input_invalid", "claims"},
		{"claims with an end", `"claims":{"exp":1}`, "input_invalid", "claims"},
		{"claims with a beginning", `"claims":{"nbf":1}`, "input_invalid", "claims"},
		{"claims with an issue time", `"claims":{"iat":1}`, "input_invalid", "claims"},
		{"claims with an id", `"claims":{"jti":"x"}`, "input_invalid", "claims"},
		{"claims with a scope beside scopes", `"scopes":"a","claims":{"scope":"a"}`, "input_conflict", "claims"},
		{"claims with an scp beside scopes there", `"scopes":"a","scopeClaim":"scp","claims":{"scp":"a"}`, "input_conflict", "claims"},
		{"33 levels of claims", `"claims":` + strings.Repeat(`{"a":`, 32) + `{}` + strings.Repeat(`}`, 32), "input_too_large", "claims"},
		{"10,000 levels of claims", `"claims":{"a":` + strings.Repeat(`[`, 10_000) + strings.Repeat(`]`, 10_000) + `}`, "input_too_large", "claims"},
		{"claims over 32 KiB", `"claims":{"a":"` + strings.Repeat("x", 32<<10) + `"}`, "input_too_large", "claims"},

		{"claims of white space, over 64 KiB", `"claims":{` + strings.Repeat(" ", 64<<10-1) + `}`, "input_too_large", "claims"},
		{"headers of white space, over 64 KiB", `"headers":{` + strings.Repeat(" ", 64<<10-1) + `}`, "input_too_large", "headers"},
		{"headers that are a string", `"headers":"typ"`, "input_invalid", "headers"},
		{"a header alg", `"headers":{"alg":"none"}`, "input_invalid", "headers"},
		{"a header kid", `"headers":{"kid":"x"}`, "input_invalid", "headers"},
		{"a header crit", `"headers":{"crit":["x"]}`, "input_invalid", "headers"},
		{"a header b64", `"headers":{"b64":false}`, "input_invalid", "headers"},
		{"a header jwk", `"headers":{"jwk":{}}`, "input_invalid", "headers"},
		{"a header jku", `"headers":{"jku":"https://x"}`, "input_invalid", "headers"},
		{"a header x5u", `"headers":{"x5u":"https://x"}`, "input_invalid", "headers"},
		{"a header x5c", `"headers":{"x5c":[]}`, "input_invalid", "headers"},
		{"a header x5t", `"headers":{"x5t":"x"}`, "input_invalid", "headers"},
		{"a header x5cInsecure", `"headers":{"x5cInsecure":[]}`, "input_invalid", "headers"},
		{"a header x5t#S256", `"headers":{"x5t#S256":"x"}`, "input_invalid", "headers"},
		{"a type that is no string", `"headers":{"typ":1}`, "input_invalid", "headers"},
		{"a type that is empty", `"headers":{"typ":""}`, "input_invalid", "headers"},
		{"a header iss that is not the issuer", `"issuer":"a","headers":{"iss":"b"}`, "input_conflict", "headers"},
		{"a header sub without a subject", `"headers":{"sub":"b"}`, "input_conflict", "headers"},
		{"a header aud in another form", `"audience":"a","headers":{"aud":["a"]}`, "input_conflict", "headers"},

		{"scopes that fit into no token", `"scopes":"` + strings.Repeat("x ", 80<<10) + `"`, "input_too_large", "scopes"},
		{"audiences that fit into no token", `"audience":["` + strings.Repeat("x", 160<<10) + `"]`, "input_too_large", "audience"},

		{"an audience over 4096 digits in a list", `"audience":["a",1e5000]`, "input_too_large", "audience"},
		{"a boolean among claims to leave out", `"omitClaims":["jti",true]`, "input_invalid", "omitClaims"},
		{"an unknown word among claims to leave out", `"omitClaims":["jti","nbf"]`, "input_invalid", "omitClaims"},
		{"an algorithm that is a number", `"algorithm":256`, "input_invalid", "algorithm"},
		{"a key id over 4 KiB", `"privateKeyId":"` + long + `"`, "input_too_large", "privateKeyId"},
		{"a key id that is a boolean", `"privateKeyId":true`, "input_invalid", "privateKeyId"},
		{"a jti that is a number", `"jwtId":5`, "input_invalid", "jwtId"},
		{"a jti over 4 KiB", `"jwtId":"` + long + `"`, "input_too_large", "jwtId"},
		{"a jti that is left out", `"jwtId":"x","omitClaims":["jti"]`, "input_conflict", "omitClaims"},
		{"exp left out", `"omitClaims":["exp"]`, "input_invalid", "omitClaims"},
		{"claims left out by a string", `"omitClaims":"jti"`, "input_invalid", "omitClaims"},
		{"a password that is a number", `"privateKeyPassword":1234`, "input_invalid", "privateKeyPassword"},
		{"a password over 4 KiB", `"privateKeyPassword":"` + long + `"`, "input_too_large", "privateKeyPassword"},
		{"an unknown encoding", `"secretEncoding":"Base64"`, "input_invalid", "secretEncoding"},
		{"an unknown certificate header", `"certificateHeaders":["x5u"]`, "input_invalid", "certificateHeaders"},
		{"certificate headers without a certificate", `"certificateHeaders":["x5c"]`, "input_missing", "certificate"},
		{"a certificate that is none", `"certificate":"MIIB"`, "certificate_invalid", "certificate"},
		{"a key beside a key reference", `"keyRef":"billing"`, "input_conflict", "keyRef"},
		{"an unknown profile", `"profile":"mine"`, "profile_unknown", "profile"},
		{"a profile that is a number", `"profile":1`, "input_invalid", "profile"},
		{"a token over 64 KiB", `"claims":{"a":"` + strings.Repeat("x", 31<<10) + `"},"headers":{"a":"` + strings.Repeat("x", 31<<10) + `"}`, "input_too_large", ""},
	} {
		t.Run(test.says, func(t *testing.T) {
			out := handle(t, with(test.members))
			failed(t, out, test.code, test.field)
			told.check(t, test.says, out.Reason)
		})
	}
}

// What reaches a limit is taken; the table above has what is one beyond it.
func TestWhatReachesALimitIsTaken(t *testing.T) {
	long := quote(strings.Repeat("x", 4<<10))
	key := quote(pemOf(edKey()))
	for says, text := range map[string]string{
		"a subject of 4 KiB":           with(`"subject":` + long),
		"a subject of 4 KiB, escaped":  with(`"subject":"` + strings.Repeat(`\u0078`, 4<<10) + `"`),
		"a subject of 4096 digits":     with(`"subject":1e4095`),
		"an issuer of 4 KiB":           with(`"issuer":` + long),
		"an audience of 4 KiB":         with(`"audience":["a",` + long + `]`),
		"a scope of 4 KiB":             with(`"scopes":` + long),
		"an array's scope of 4 KiB":    with(`"scopes":[` + long + `],"scopeFormat":"array"`),
		"a key id of 4 KiB":            with(`"privateKeyId":` + long),
		"a jti of 4 KiB":               with(`"jwtId":` + long),
		"the shortest ttl":             with(`"ttlInSecond":1`),
		"the longest ttl":              with(`"ttlInSecond":86400`),
		"iat as far back as it goes":   with(`"issuedAtOffset":-600`),
		"iat now":                      with(`"issuedAtOffset":0`),
		"nbf as far back as it goes":   with(`"notBefore":-600`),
		"nbf a second before exp":      with(`"notBefore":299`),
		"32 levels of claims":          with(`"claims":` + strings.Repeat(`{"a":`, 31) + `{}` + strings.Repeat(`}`, 31)),
		"32 KiB of claims":             with(`"claims":{"a":"` + strings.Repeat("x", 32<<10-8) + `"}`),
		"claims of white space":        with(`"claims":{` + strings.Repeat(" ", 64<<10-2) + `}`),
		"headers of white space":       with(`"headers":{` + strings.Repeat(" ", 64<<10-2) + `}`),
		"256 inputs":                   with(list(255, `"whatever%d":1`)),
		"4 MiB of input":               with(`"whatever":"` + strings.Repeat("x", 4<<20-len(key)-len(`{"privateKey":,"whatever":""}`)) + `"`),
		"a key of 64 KiB":              `{"privateKey":` + quote(pemOf(edKey())+strings.Repeat(" ", 64<<10-len(pemOf(edKey())))) + `}`,
		"claims with an unnamed claim": with(`"claims":{"":1}`),
	} {
		if out := handle(t, text); out.Status != api.Completed {
			t.Errorf("%s: %s", says, out.Reason)
		}
	}
}

func TestWhichOfSeveralFaultsIsToldDoesNotDependOnTheirOrder(t *testing.T) {
	for _, test := range []struct {
		members     []string
		code, field string
	}{
		{[]string{`"issuer":true`, `"audience":{}`, `"subject":true`, `"whatever":1`}, "input_invalid", "subject"},
		{[]string{`"sub":"a"`, `"issuer":true`}, "input_invalid", "issuer"},
		{[]string{`"sub":"a"`, `"ttlInSecond":-1`}, "input_unknown", "sub"},
		{[]string{`"scopes":"é"`, `"ttlInSecond":-1`, `"issuer":1.5`}, "input_invalid", "issuer"},
		{[]string{`"issuer":"${workflow.secrets.a}"`, `"subject":"${workflow.secrets.a}"`, `"audience":true`}, "secret_unresolved", "subject"},
	} {
		failed(t, handle(t, with(strings.Join(test.members, ","))), test.code, test.field)
		slices.Reverse(test.members)
		failed(t, handle(t, with(strings.Join(test.members, ","))), test.code, test.field)
	}
}

func TestTheInputItselfIsReadStrictly(t *testing.T) {
	told := readMessages(t, "refused_json")
	for _, test := range []struct{ says, input, code, field string }{
		{"no input", ``, "input_missing", "privateKey"},
		{"null", `null`, "input_missing", "privateKey"},
		{"an empty object", `{}`, "input_missing", "privateKey"},
		{"a list", `[]`, "input_invalid", "inputData"},
		{"a string", `"x"`, "input_invalid", "inputData"},
		{"half an object", `{"subject":"x"`, "input_invalid", "inputData"},
		{"text after the object", `{} {}`, "input_invalid", "inputData"},
		{"an input twice", `{"subject":"a","subject":"a"}`, "input_invalid", "subject"},
		{"an input twice, once escaped", `{"subject":"a","\u0073ubject":"a"}`, "input_invalid", "subject"},
		{"a member twice deep within", `{"claims":{"a":[{"b":1,"b":1}]}}`, "input_invalid", "claims"},
		{"a member twice in an input that is ignored", `{"whatever":{"b":1,"b":1}}`, "input_invalid", "whatever"},
		{"invalid utf-8", "{\"subject\":\"\xff\"}", "input_invalid", "subject"},
		{"a lone surrogate", `{"subject":"\ud800"}`, "input_invalid", "subject"},
		{"a lone surrogate deep within", `{"claims":{"a":["\udc00"]}}`, "input_invalid", "claims"},
		{"10,000 levels in an input that is ignored", `{"whatever":` + strings.Repeat(`[`, 10_001) + strings.Repeat(`]`, 10_001) + `}`, "input_too_large", "whatever"},
		{"more inputs than there could be", `{` + list(257, `"whatever%d":1`) + `}`, "input_too_large", "inputData"},
		{"an input over 4 MiB", `{"whatever":"` + strings.Repeat("x", 4<<20) + `"}`, "input_too_large", "inputData"},
		{"a key that is a list", `{"privateKey":["x"]}`, "input_invalid", "privateKey"},
		{"a key that is a number", `{"privateKey":5}`, "input_invalid", "privateKey"},
		{"a key over 64 KiB", `{"privateKey":"` + strings.Repeat("A", 64<<10+1) + `"}`, "input_too_large", "privateKey"},
		{"a key over 800 KB", `{"privateKey":"` + strings.Repeat("A", 800_000) + `"}`, "input_too_large", "privateKey"},
		{"a key object over 64 KiB", `{"privateKey":{"k":"` + strings.Repeat("A", 64<<10) + `"}}`, "input_too_large", "privateKey"},
	} {
		t.Run(test.says, func(t *testing.T) {
			out := handle(t, test.input)
			failed(t, out, test.code, test.field)
			told.check(t, test.says, out.Reason)
		})
	}
}
