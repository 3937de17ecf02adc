package task_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/task"
)

const secretsOnly = `
inline: secrets-only
grants: [{secrets: [billing]}]
`

// A template that cannot be read vouches for nothing, wherever in the
// templates it stands.
func TestOneTemplateThatCannotBeReadIsRemembered(t *testing.T) {
	deep := `"claims":` + strings.Repeat("[", 200) + strings.Repeat("]", 200)
	const key = `"privateKey":"${workflow.secrets.billing}"`
	for says, test := range map[string]struct {
		template, defaults string
		denied             bool
	}{
		"one that can be read":               {`{` + key + `}`, ``, false},
		"an unreadable one before the key's": {`{` + deep + `,` + key + `}`, ``, true},
		"an unreadable one behind the key's": {`{` + key + `,` + deep + `}`, ``, true},
		"an unreadable default":              {`{` + key + `}`, `{` + deep + `}`, true},
		"an unreadable default before more":  {`{` + key + `}`, `{` + deep + `,"subject":"s"}`, true},
		"a default of no object":             {`{` + key + `}`, `[1]`, true},
		"an unreadable one of no input":      {`{"x":` + strings.TrimPrefix(deep, `"claims":`) + `,` + key + `}`, ``, false},
	} {
		setups := []setup{under(t, secretsOnly), template(test.template)}
		if test.defaults != "" {
			setups = append(setups, defaults(test.defaults))
		}
		out := handle(t, with(``), append(setups, stored(task.InjectionStored, `{`+key+`}`))...)
		if denied := out.Fault.Code == "policy_denied"; denied != test.denied || !denied && out.Status != api.Completed {
			t.Errorf("%s: %s", says, out.Reason)
		}
	}
}

// An expression that the server fell back to and left as it stands is found
// wherever in the value it stands.
func TestAnUndeliveredExpressionIsFoundAnywhere(t *testing.T) {
	for _, list := range []string{
		`["${workflow.input.b}"]`, `["${workflow.input.b}","x"]`, `["x","${workflow.input.b}"]`, `["x","${workflow.input.b}","y"]`,
		`["${workflow.input.b}","${workflow.input.c}","y"]`,
	} {
		out := handle(t, with(`"audience":`+list), template(`{"audience":"${workflow.input.a}"}`), defaults(`{"audience":`+list+`}`))
		failed(t, out, "input_unresolved", "audience")
	}
	claims := `{"a":"${workflow.input.b}","b":"x","c":{"d":["y"]}}`
	out := handle(t, with(`"claims":`+claims), template(`{"claims":"${workflow.input.a}"}`), defaults(`{"claims":`+claims+`}`))
	failed(t, out, "input_unresolved", "claims")
}

// A profile that needs the thumbprint of a certificate leaves the author the
// choice of the headers that hold it.
func TestTheAuthorsCertificateHeadersSurviveAProfile(t *testing.T) {
	const members = `@rsa,@certificate,"issuer":"c","audience":"https://login.microsoftonline.com/t/oauth2/v2.0/token"`
	for headers, want := range map[string][]string{
		``:                              {"x5t#S256"},
		`,"certificateHeaders":["x5t"]`: {"x5t"},
		`,"certificateHeaders":["x5t","x5t#S256"]`: {"x5t", "x5t#S256"},
		`,"certificateHeaders":["x5c","x5t#S256"]`: {"x5c", "x5t#S256"},
	} {
		header := signedBy(t, handle(t, profiled(t, "entra", members+headers))).header
		var got []string
		for _, name := range []string{"x5c", "x5t", "x5t#S256"} {
			if _, ok := header[name]; ok {
				got = append(got, name)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", headers, got, want)
		}
	}
	failed(t, handle(t, profiled(t, "entra", members+`,"certificateHeaders":["x5c"]`)), "input_missing", "certificate")
}

// Explain sees the token as it would be signed, the presets of the profile
// included.
func TestExplainSeesTheProfilesPresets(t *testing.T) {
	const key = `"privateKey":"${workflow.secrets.billing}"`
	text := `{"profile":"docusign",` + key + `,"issuer":"k","subject":"u","audience":"account-d.docusign.com"}`
	o, d := options(), api.Task{ID: "task-1", Input: input(text)}
	under(t, secretsOnly)(&o, &d)
	template(text)(&o, &d)
	e, err := task.NewHandler(o).Explain(t.Context(), d)
	if err != nil || !slices.Equal(e.Request.Scopes, []string{"signature", "impersonation"}) || e.Request.Issuer != "k" || !e.Allowed {
		t.Errorf("%+v, %v", e, err)
	}
}

// A denial that no grant has spoken is no proof that the claims hold no
// secret: the audit has none of them.
func TestTheAuditOfADenialWithoutAGrantHasNoClaims(t *testing.T) {
	for says, members := range map[string]string{"a look-alike": `"claims":{"ISS":"x"}`} {
		var list []task.Decision
		audit := func(o *task.Options, _ *api.Task) { o.Audit = func(d task.Decision) { list = append(list, d) } }
		out := handle(t, asked(t, members), under(t, policyText), audit)
		if out.Fault.Code != "policy_denied" || len(list) != 1 {
			t.Fatalf("%s: %s, %d decisions", says, out.Reason, len(list))
		}
		if d := list[0]; d.Allowed || d.Code != "policy_denied" || d.Issuer != "" || d.Subject != "" || d.Audiences != nil || d.JWTID != "" {
			t.Errorf("%s: %+v", says, d)
		}
	}
	// Where a grant has, the claims are those that it denied.
	var list []task.Decision
	audit := func(o *task.Options, _ *api.Task) { o.Audit = func(d task.Decision) { list = append(list, d) } }
	handle(t, asked(t, `"issuer":"https://evil.example"`), under(t, policyText), audit)
	if len(list) != 1 || list[0].Issuer != "https://evil.example" || list[0].RuleField != "issuers" || list[0].Rule != "grant 1" {
		t.Errorf("%+v", list)
	}
}

func TestAnErrorUnwrapsToWhatItHas(t *testing.T) {
	cause := errors.New("cause")
	if list := (&fault.Error{Reason: jsonobj.ErrSyntax}).Unwrap(); len(list) != 1 {
		t.Errorf("%v", list)
	}
	if err := error(&fault.Error{Reason: jsonobj.ErrSyntax, Cause: cause}); !errors.Is(err, cause) || !errors.Is(err, jsonobj.ErrSyntax) {
		t.Errorf("%v", err)
	}
}
