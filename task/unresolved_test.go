package task_test

import (
	"strings"
	"testing"
)

func TestAnExpressionThatResolvedToNothingFailsTheTask(t *testing.T) {
	for _, test := range []struct{ says, template, input, field string }{
		{"a missing subject", `"subject":"${workflow.input.s}"`, `"subject":null`, "subject"},
		{"a subject that was not even delivered", `"subject":"${workflow.input.s}"`, ``, "subject"},
		{"a missing issuer", `"issuer":"${workflow.input.i}"`, `"issuer":null`, "issuer"},
		{"a missing audience", `"audience":"${workflow.input.a}"`, `"audience":null`, "audience"},
		{"a missing audience in a list", `"audience":["a","${workflow.input.a}"]`, `"audience":["a",null]`, "audience"},
		{"an audience that is the text null", `"audience":"${workflow.input.a}"`, `"audience":"null"`, "audience"},
		{"null within an audience", `"audience":"https://login/${workflow.input.t}/"`, `"audience":"https://login/null/"`, "audience"},
		{"null at the end", `"issuer":"a-${workflow.input.t}"`, `"issuer":"a-null"`, "issuer"},
		{"null at the beginning", `"issuer":"${workflow.input.t}-a"`, `"issuer":"null-a"`, "issuer"},
		{"one null of two", `"issuer":"${workflow.input.a}/${workflow.input.b}"`, `"issuer":"x/null"`, "issuer"},
		{"two nulls beside each other", `"issuer":"${workflow.input.a}${workflow.input.b}"`, `"issuer":"nullnull"`, "issuer"},
		{"null between texts of the same letters", `"issuer":"nu${workflow.input.a}ll"`, `"issuer":"nunullll"`, "issuer"},
		{"null in an element", `"audience":["https://a/${workflow.input.t}"]`, `"audience":["https://a/null"]`, "audience"},
		{"null deep in the claims", `"claims":{"a":[{"b":"x${workflow.input.t}"}]}`, `"claims":{"a":[{"b":"xnull"}]}`, "claims"},
		{"a missing claim", `"claims":{"a":{"b":"${workflow.input.t}"}}`, `"claims":{"a":{"b":null}}`, "claims"},
		{"missing claims", `"claims":"${workflow.input.c}"`, `"claims":null`, "claims"},
		{"null over a literal audience", `"audience":"a"`, `"audience":null`, "audience"},
		{"null over literal claims", `"claims":{"a":1}`, `"claims":null`, "claims"},
		{"a missing header", `"headers":{"x":"${workflow.input.t}"}`, `"headers":{"x":null}`, "headers"},
		{"a missing certificate", `"certificate":"${workflow.secrets.cert}"`, `"certificate":null`, "certificate"},
		{"a missing key reference", `"keyRef":"${workflow.input.k}"`, `"keyRef":null`, "keyRef"},
		{"a missing variable of the environment", `"issuer":"${workflow.env.ISSUER}"`, `"issuer":null`, "issuer"},
		{"an expression with braces in it", `"issuer":"a-${workflow.input.m['{}']}"`, `"issuer":"a-null"`, "issuer"},
		{"an escaped dollar before it", `"issuer":"$${x}-${workflow.input.a}"`, `"issuer":"${x}-null"`, "issuer"},
	} {
		t.Run(test.says, func(t *testing.T) {
			failed(t, handle(t, with(test.input), template(`{`+test.template+`}`)), "input_unresolved", test.field)
		})
	}
}

func TestAnExpressionThatResolvedToSomethingIsFine(t *testing.T) {
	for _, test := range []struct{ says, template, input string }{
		{"a value", `"subject":"${workflow.input.s}"`, `"subject":"alice"`},
		{"an empty value", `"subject":"${workflow.input.s}"`, `"subject":""`},
		{"an empty list", `"audience":"${workflow.input.a}"`, `"audience":[]`},
		{"the word null in the template's own text", `"issuer":"https://null/${workflow.input.t}"`, `"issuer":"https://null/x"`},
		{"the word null within a value", `"issuer":"a-${workflow.input.t}"`, `"issuer":"a-nullable"`},
		{"a literal null", `"subject":null`, `"subject":null`},
		{"a literal text null", `"subject":"null"`, `"subject":"null"`},
		{"a null claim that is written out", `"claims":{"a":null}`, `"claims":{"a":null}`},
		{"nulls within a value that was passed whole", `"claims":"${workflow.input.c}"`, `"claims":{"a":null,"b":"null"}`},
		{"what only looks like an expression", `"issuer":"$${x} null"`, `"issuer":"${x} null"`},
		{"an expression that never ends", `"issuer":"${x null"`, `"issuer":"${x null"`},
		{"missing scopes", `"scopes":"${workflow.input.s}"`, `"scopes":null`},
		{"a missing ttl", `"ttlInSecond":"${workflow.input.t}"`, `"ttlInSecond":null`},
		{"a missing algorithm", `"algorithm":"${workflow.input.t}"`, `"algorithm":null`},
		{"a missing key id", `"privateKeyId":"${workflow.input.t}"`, `"privateKeyId":null`},
		{"a template that cannot be read", `"subject":"${workflow.input.s}","subject":1`, `"subject":null`},
	} {
		t.Run(test.says, func(t *testing.T) {
			completed(t, handle(t, with(test.input), template(`{`+test.template+`}`)))
		})
	}
}

func TestTheTaskDefinitionsTemplateStandsIn(t *testing.T) {
	t.Run("where the task has no value", func(t *testing.T) {
		out := handle(t, with(`"audience":null`), template(`{"audience":null}`), defaults(`{"audience":"${workflow.input.a}"}`))
		failed(t, out, "input_unresolved", "audience")
	})
	t.Run("but not where it has one", func(t *testing.T) {
		completed(t, handle(t, with(`"audience":"https://null/"`), template(`{"audience":"https://null/"}`), defaults(`{"audience":"https://${x}/"}`)))
	})
	t.Run("with a value for what resolved to null", func(t *testing.T) {
		completed(t, handle(t, with(`"audience":"a"`), template(`{"audience":"${workflow.input.a}"}`), defaults(`{"audience":"a"}`)))
	})
	t.Run("without being resolved itself then", func(t *testing.T) {
		out := handle(t, with(`"audience":"${workflow.input.b}"`), template(`{"audience":"${workflow.input.a}"}`), defaults(`{"audience":"${workflow.input.b}"}`))
		failed(t, out, "input_unresolved", "audience")
	})
}

func TestATaskWithoutATemplateHasBlanksOnly(t *testing.T) {
	completed(t, handle(t, with(`"audience":null,"subject":"null"`)))
}

func TestTheMessageNamesTheExpression(t *testing.T) {
	message := failed(t, handle(t, with(`"audience":null`), template(`{"audience":"${workflow.input.aud}"}`)), "input_unresolved", "audience")
	if !strings.HasPrefix(message, "${workflow.input.aud} resolved to nothing; ") {
		t.Errorf("message = %q", message)
	}
	message = failed(t, handle(t, with(`"audience":"s3cret-null"`), template(`{"audience":"s3cret-${workflow.input.aud}"}`)), "input_unresolved", "audience")
	if strings.Contains(message, "s3cret") {
		t.Errorf("the message quotes a template that is more than one expression: %q", message)
	}
}

// Read piece by piece, any of these would outlast the test.
func TestATemplateIsReadInTheTimeThatItsLengthTakes(t *testing.T) {
	const many = 200_000
	for _, test := range []struct{ says, template, input, code string }{
		{"many expressions", `"issuer":"` + strings.Repeat("${a}n", 500) + `"`, `"issuer":"` + strings.Repeat("n", 4000) + `"`, ""},
		{"very many expressions", `"issuer":"` + strings.Repeat("${a}", many) + `"`, `"issuer":"x"`, ""},
		{"very many expressions beside a null", `"claims":{"a":"` + strings.Repeat("${a}n", many) + `"}`, `"claims":{"a":"` + strings.Repeat("null", 8000) + `"}`, "input_unresolved"},
		{"expressions that never end", `"issuer":"` + strings.Repeat("${", many) + `"`, `"issuer":"x"`, ""},
		{"many members", `"claims":{` + list(16_000, `"%06d":1`) + `}`, `"claims":{` + list(2_900, `"x%05d":1`) + `}`, ""},
		{"a long text that is no input", `"whatever":[` + list(100_000, `"${a%d}"`) + `]`, `"issuer":"x"`, ""},
	} {
		t.Run(test.says, func(t *testing.T) {
			out := handle(t, with(test.input), template(`{`+test.template+`}`))
			if out.Fault.Code != test.code {
				t.Errorf("the task ended with %q, want %q", out.Fault.Code, test.code)
			}
		})
	}
}

func TestALongInputThatIsIgnoredHidesNoTemplate(t *testing.T) {
	out := handle(t, with(`"issuer":null`), template(`{"whatever":[`+list(100_000, `"a%d"`)+`],"issuer":"${workflow.input.i}"}`))
	failed(t, out, "input_unresolved", "issuer")
}

func TestAKeyThatNobodyNamedIsAskedFor(t *testing.T) {
	for _, name := range []string{"keyRef", "profile"} {
		out := handle(t, `{"`+name+`":null}`, template(`{"`+name+`":"${workflow.input.k}","privateKey":""}`))
		failed(t, out, "input_unresolved", name)
	}
}
