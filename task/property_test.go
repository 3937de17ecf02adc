package task_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"conductor-jwt/provider"
	"conductor-jwt/signer"
	"conductor-jwt/task"
)

// someInputs are inputs that go together, each with a value.
func someInputs() []struct{ name, value string } {
	return []struct{ name, value string }{
		{"subject", `"alice"`},
		{"issuer", `"https://issuer.example"`},
		{"audience", `["a","b"]`},
		{"scopes", `"read write"`},
		{"ttlInSecond", `60`},
		{"ttlInSeconds", `"60"`},
		{"algorithm", `"EdDSA"`},
		{"privateKeyId", `"key-1"`},
		{"claims", `{"role":"admin"}`},
		{"headers", `{"cty":"x"}`},
		{"jwtId", `"id-1"`},
		{"omitClaims", `["iat"]`},
		{"notBefore", `-5`},
		{"issuedAtOffset", `-5`},
		{"scopeClaim", `"scp"`},
		{"scopeFormat", `"array"`},
	}
}

func TestABlankInputIsAnAbsentOne(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var absent, blank []string
		for _, in := range someInputs() {
			if rapid.Bool().Draw(rt, in.name) {
				absent = append(absent, quote(in.name)+":"+in.value)
				blank = append(blank, quote(in.name)+":"+in.value)
				continue
			}
			forms := []string{`null`, `""`, `[]`, ` [ ] `}
			if strings.HasPrefix(in.name, "ttl") {
				forms = append(forms, `0`, `0.0`, `"0"`, `0e5`)
			}
			blank = append(blank, quote(in.name)+":"+rapid.SampledFrom(forms).Draw(rt, "blank"))
		}
		without := completed(t, handle(t, with(strings.Join(absent, ","))))
		within := completed(t, handle(t, with(strings.Join(blank, ","))))
		if without.payload != within.payload || without.output["token"] != within.output["token"] {
			rt.Fatalf("blanks change the token:\n%s\n%s", without.payload, within.payload)
		}
	})
}

func TestTheOrderOfInputsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		members := make([]string, 0, len(someInputs()))
		for _, in := range someInputs() {
			members = append(members, quote(in.name)+":"+in.value)
		}
		shuffled := rapid.Permutation(members).Draw(rt, "order")
		a := completed(t, handle(t, with(strings.Join(members, ","))))
		b := completed(t, handle(t, with(strings.Join(shuffled, ","))))
		if a.output["token"] != b.output["token"] {
			rt.Fatalf("another order gives another token:\n%s\n%s", a.payload, b.payload)
		}
	})
}

func TestEveryInputIsUsed(t *testing.T) {
	// Inputs that change the key or the rules, and so have tests of their own.
	tried := []string{"privateKey", "keyRef", "privateKeyPassword", "secretEncoding", "certificate", "certificateHeaders", "profile"}
	for _, in := range someInputs() {
		tried = append(tried, in.name)
	}
	slices.Sort(tried)
	if table := slices.Sorted(slices.Values(task.DefinitionOf(task.TaskType).InputKeys)); !slices.Equal(tried, table) {
		t.Errorf("the properties are tried with %q, and the table has %q", tried, table)
	}
	for _, in := range task.Inputs() {
		if in.Type == "" || in.Meaning == "" || in.Blank == "" {
			t.Errorf("%s does not say what it is", in.Name)
		}
		if in.Signed && in.Sealed {
			t.Errorf("%s is both signed and sealed", in.Name)
		}
	}
}

// What a completed task writes is registered, and what is registered is
// written: by a task that completes with a warning, or by one that fails.
func TestTheRegisteredOutputIsTheOneThatIsWritten(t *testing.T) {
	written := completed(t, handle(t, with(`"subject":"alice","privateKeyId":"key-1","ttlInSeconds":60,"whatever":1`))).output
	maps.Copy(written, object(t, handle(t, `{}`).Output.Reveal()))
	if got, want := slices.Sorted(maps.Keys(written)), slices.Sorted(slices.Values(task.DefinitionOf(task.TaskType).OutputKeys)); !slices.Equal(got, want) {
		t.Errorf("tasks write %q, and %q are registered", got, want)
	}
}

// hostileNames are names of claims and header members that mean something to
// somebody: RFC 7515, 7516, 7518, 7519, 7797, 7800, 8555, 9449, and step's.
func hostileNames() []string {
	return slices.Concat(signer.ReservedHeaders(), strings.Fields(`jku x5u typ cty iss sub aud exp nbf iat jti scope scp enc zip epk apu apv iv tag p2s p2c ppt url nonce svt
		trust_chain cnf jwk _secrets X5CInsecure x5cinsecure ALG Kid none a`), []string{"", " ", "\u0000", "\u212aid", strings.Repeat("a", 5000)})
}

// hostileValues are JSON values that some input or other does not expect.
func hostileValues() []string {
	values := []string{
		`null`, `true`, `false`, `0`, `-0`, `1`, `-1`, `1.5`, `300`, `3e2`, `1e400`, `1e999999999`, `1e-400`, `9223372036854775807`, `9223372036854775808`, `-9223372036854775808`,
		`""`, `" "`, `"a"`, `"0"`, `"-1"`, `"300"`, `"300s"`, `"null"`, `"\u0000"`, `"\ud83d\ude00"`, `"\u202e"`, `"\ud800"`, `"${workflow.secrets.a}"`, `"${a}"`, `"` + strings.Repeat("a", 70_000) + `"`,
		`"none"`, `"HS256"`, `"RS256"`, `"EdDSA"`, `"ES256"`, `"ML-DSA-44"`, `"raw"`, `"base64"`, `"hex"`, `"scp"`, `"array"`, `"comma"`, `"x5c"`, `"jti"`, `"billing"`, `"google"`, `"github-app"`,
		`[]`, `[[]]`, `[null]`, `[""]`, `["a"]`, `["a","a"]`, `[["a"],["b"]]`, `[1]`, `[{}]`, `["x5c","x5t","x5t#S256"]`, `["x5cInsecure"]`, `["iat","jti"]`, `[` + strings.Repeat(`"a",`, 600) + `"a"]`,
		`{}`, `{"a":1,"a":2}`, `{"keys":[]}`, `{"keys":[null]}`, `{"kty":"oct","k":"AA"}`, `{"kty":"RSA"}`, `{"kty":null}`, `{"kty":"OKP","crv":"Ed25519","d":null}`, `{"type":"service_account"}`,
		strings.Repeat(`[`, 40) + strings.Repeat(`]`, 40), strings.Repeat(`{"a":`, 40) + `1` + strings.Repeat(`}`, 40),
		`"-----BEGIN PRIVATE KEY-----"`, `"-----BEGIN CERTIFICATE-----"`, `"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----"`,
	}
	for _, name := range provider.Names() {
		values = append(values, quote(name))
	}
	return values
}

// hostileObjects are objects with one of the names each.
func hostileObjects() []string {
	var values []string
	for _, name := range hostileNames() {
		for _, value := range []string{`[]`, `null`, `"a"`, `1`} {
			values = append(values, `{`+quote(name)+`:`+value+`}`)
		}
	}
	return values
}

// An internal fault is a bug and alerts the operator, so no author can cause
// one: not with any single value of any input, nor with several together.
func TestNoInputEndsInInternal(t *testing.T) {
	grant, inputs := under(t, policyText), task.DefinitionOf(task.TaskType).InputKeys
	values := append(hostileValues(), hostileObjects()...)
	check := func(tb rapid.TB, input string, setups ...setup) {
		if out := handle(t, input, setups...); out.Fault.Code == "internal" {
			tb.Fatalf("internal at %q with %.300s", out.Fault.Field, input)
		}
	}
	for _, name := range inputs {
		few := values
		if name != "claims" && name != "headers" && name != "privateKey" {
			few = hostileValues()
		}
		for _, value := range few {
			check(t, `{`+quote(name)+`:`+value+`}`)
			check(t, with(quote(name)+`:`+value))
			check(t, `{"keyRef":"billing","issuer":"https://billing.acme.com",`+quote(name)+`:`+value+`}`, grant)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		chosen := rapid.SliceOfNDistinct(rapid.SampledFrom(append(inputs, "sub", "other")), 1, 6, rapid.ID[string]).Draw(rt, "inputs")
		members := make([]string, len(chosen))
		for i, name := range chosen {
			members[i] = quote(name) + ":" + rapid.SampledFrom(values).Draw(rt, name)
		}
		check(rt, with(strings.Join(members, ",")))
		check(rt, `{"keyRef":"billing",`+strings.Join(members, ",")+`}`, grant)
	})
}
