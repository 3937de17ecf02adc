package task_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
	"conductor-jwt/task"
)

func TestASurveyOfATemplate(t *testing.T) {
	for template, want := range map[string]task.Survey{
		`{"privateKey":"${workflow.secrets.k}","subject":"s"}`: {Secrets: []string{"k"}},
		`{"privateKey":"${workflow.secrets.k.pem.0}"}`:         {Secrets: []string{"k"}},
		`{"privateKey":"-----BEGIN"}`:                          {LiteralKey: true},
		`{"privateKey":"${workflow.input.k}"}`:                 {OpenKey: true},
		`{"keyRef":" billing "}`:                               {KeyRef: "billing"},
		`{"keyRef":"${workflow.input.k}"}`:                     {},
		`{"privateKey":""}`:                                    {},
		`{"subject":"${workflow.secrets.s}","audience":["${workflow.secrets.a}"],"issuer":"${workflow.secrets.i}","privateKey":"${workflow.secrets.k}","privateKeyPassword":"${workflow.secrets.p}"}`: {
			Secrets: []string{"a", "i", "k", "p", "s"}, SecretsElsewhere: []string{"audience", "issuer", "subject"},
		},
		`{"x":"${workflow.secrets.x}"}`:                           {},
		`{"parameters":{"clientSecret":"${workflow.secrets.c}"}}`: {},
		`[1]`: {},
		``:    {},
	} {
		for range 20 { // in whatever order a map is walked
			if got := task.SurveyOf(task.TaskType, json.RawMessage(template)); !reflect.DeepEqual(got, want) {
				t.Fatalf("%s:\n got %+v\nwant %+v", template, got, want)
			}
		}
	}
}

// A token to verify may be a secret; what it must say is none.
func TestASurveyOfATaskThatVerifies(t *testing.T) {
	template := json.RawMessage(`{"token":"${workflow.secrets.t}","subject":"${workflow.secrets.s}","privateKey":"x"}`)
	want := task.Survey{Secrets: []string{"s", "t"}, SecretsElsewhere: []string{"subject"}}
	if got := task.SurveyOf(task.VerifyType, template); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Where grants decide, a ttl of a hundred years is read and no longer one.
func TestTheLongestTTLThatIsRead(t *testing.T) {
	grant := under(t, "keys: {billing: {source: \"env:A\"}}\ngrants: [{use: [billing], max_ttl: 876000h}]\n")
	const hundredYears = 100 * 365 * 24 * 3600
	tok := completed(t, handle(t, fmt.Sprintf(`{"keyRef":"billing","ttlInSecond":%d}`, hundredYears), grant))
	if exp := fmt.Sprint(tok.claims["exp"]); exp != fmt.Sprint(noon.Unix()+hundredYears) {
		t.Errorf("exp = %v", tok.claims["exp"])
	}
	failed(t, handle(t, fmt.Sprintf(`{"keyRef":"billing","ttlInSecond":%d}`, hundredYears+1), grant), "ttl_out_of_range", "ttlInSecond")
}

// A reading that costs too much counts as unresolved, even where it would
// turn out well.
func TestAReadingThatCostsTooMuchCountsAsUnresolved(t *testing.T) {
	run := func(expressions, length int) task.Outcome {
		text := `{"a":"x` + strings.Repeat("${a}n", expressions) + `"}`
		value := `{"a":"y` + strings.Repeat("null ", length/5) + `"}`
		return handle(t, with(`"claims":`+value), template(`{"claims":`+text+`}`))
	}
	completed(t, run(500, 20_000))                             // 20 million steps
	failed(t, run(1000, 20_000), "input_unresolved", "claims") // 40 million
}

// bare is a key that fits no algorithm.
type bare struct{ keys.Key }

func (bare) Algorithms() []keys.Algorithm { return nil }

func TestAKeyWithoutAnAlgorithmIsNoPanic(t *testing.T) {
	out := handle(t, with(""), func(o *task.Options, _ *api.Task) {
		parser := o.Keys
		o.Keys = resolverFunc(func(ctx context.Context, ref keys.Ref) (keys.Key, error) {
			key, err := parser.Resolve(ctx, ref)
			return bare{key}, err
		})
	})
	if out.Status == api.Completed || out.Fault.Code == "internal" || out.Fault.Code == "" {
		t.Errorf("%s: %s", out.Status, out.Reason)
	}
}

// Only a key that could not be had is unseen.
func TestExplainSeesAConfiguredKey(t *testing.T) {
	explain := func(text string, setups ...setup) task.Explanation {
		o, d := options(), api.Task{ID: "task-1", Input: input(text)}
		under(t, policyText)(&o, &d)
		for _, s := range setups {
			s(&o, &d)
		}
		e, err := task.NewHandler(o).Explain(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	away := func(o *task.Options, _ *api.Task) {
		o.Keys = resolverFunc(func(context.Context, keys.Ref) (keys.Key, error) {
			return nil, &fault.Error{Reason: keys.ErrUnavailable, Found: "the store does not answer", Hint: "wait"}
		})
	}
	if e := explain(asked(t, "")); e.Unseen || e.Request.Algorithm != "EdDSA" || !e.Allowed || len(e.Verdicts) != 1 {
		t.Errorf("%+v", e)
	}
	if e := explain(asked(t, ""), away); !e.Unseen || e.Request.Algorithm != "" || e.Allowed {
		t.Errorf("away: %+v", e)
	}
	if e := explain(asked(t, `"algorithm":"EdDSA"`), away); e.Unseen || e.Request.Algorithm != "EdDSA" || !e.Allowed {
		t.Errorf("away, with an algorithm: %+v", e)
	}
}

func TestASurveyOfAnExchange(t *testing.T) {
	for template, want := range map[string]task.Survey{
		`{"profile":"box","parameters":{"clientSecret":"${workflow.secrets.c}"}}`: {Secrets: []string{"c"}},
		`{"profile":"box","parameters":{"other":"${workflow.secrets.c}"}}`:        {Secrets: []string{"c"}, SecretsElsewhere: []string{"parameters"}},
		`{"tokenUrl":"https://${workflow.secrets.t}/token"}`:                      {Secrets: []string{"t"}, SecretsElsewhere: []string{"tokenUrl"}},
	} {
		if got := task.SurveyOf(task.AccessTokenType, json.RawMessage(template)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", template, got, want)
		}
	}
}
