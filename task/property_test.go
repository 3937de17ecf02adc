package task_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

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
	if table := slices.Sorted(slices.Values(task.InputKeys())); !slices.Equal(tried, table) {
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
	if got, want := slices.Sorted(maps.Keys(written)), slices.Sorted(slices.Values(task.OutputKeys())); !slices.Equal(got, want) {
		t.Errorf("tasks write %q, and %q are registered", got, want)
	}
}
