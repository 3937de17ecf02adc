package task_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/secret"
	"conductor-jwt/task"
)

// reader is a handler on a server that keeps the tasks it is given, and counts
// how often they are read.
type reader struct {
	t       *testing.T
	handler *task.Handler
	now     time.Time
	log     bytes.Buffer
	reads   int
	stored  string // the input of the next task as the server keeps it
	failure error  // of the next reads
}

func newReader(t *testing.T, mode task.InjectionMode, setups ...setup) *reader {
	t.Helper()
	r := &reader{t: t, now: noon}
	o := options()
	o.Injection = mode
	o.Now = func() time.Time { return r.now }
	o.Logger = slog.New(slog.NewTextHandler(&r.log, nil))
	o.Stored = storedFunc(func(context.Context, string) (api.Task, error) {
		r.reads++
		return api.Task{Input: secret.NewJSON([]byte(r.stored))}, r.failure
	})
	for _, s := range setups {
		s(&o, &api.Task{})
	}
	r.handler = task.NewHandler(o)
	return r
}

// run handles a task of a workflow type and returns its outcome and how often
// the stored task was read.
func (r *reader) run(workflow, template, delivered, stored string) (out task.Outcome, reads int) {
	r.t.Helper()
	before := r.reads
	r.stored = `{` + stored + `}`
	d := api.Task{
		ID: "task-1", Type: task.TaskType, WorkflowType: workflow, Scheduled: r.now,
		Input: input(with(delivered)), Template: json.RawMessage(`{` + template + `}`),
	}
	return r.handler.Handle(r.t.Context(), d), r.reads - before
}

// clear runs a task whose values stand in clear in the stored task.
func (r *reader) clear(workflow, template, values string) (reads int) {
	r.t.Helper()
	out, reads := r.run(workflow, template, values, values)
	completed(r.t, out)
	return reads
}

const fromInput = `"subject":"${workflow.input.s}"`

func subject(text string) string { return `"subject":"` + text + `"` }

func TestAValueSeenInClearIsNotReadAgain(t *testing.T) {
	for _, test := range []struct {
		says, template, values string
		again                  int // reads of the second task
	}{
		{"an HTTPS address", fromInput, subject("https://a.example"), 0},
		{"an e-mail address", fromInput, subject("a@b.example"), 0},
		{"20 characters", fromInput, subject("12345678901234567890"), 0},
		{"20 characters of several bytes", fromInput, subject(strings.Repeat("é", 20)), 0},
		{"19 characters", fromInput, subject("1234567890123456789"), 1},
		{"10 characters of several bytes", fromInput, subject(strings.Repeat("é", 10)), 1},
		{"an http address", fromInput, subject("http://a.example"), 1},
		{"a name with an e-mail address", fromInput, subject("A <a@b.example>"), 1},
		{"an address without a host", fromInput, subject("https://"), 1},
		{"several inputs", fromInput + `,"audience":["https://a.example","${workflow.input.a}"]`, subject("a@b.example") + `,"audience":["https://a.example","https://b.example"]`, 0},
		{"one short value of several", fromInput + `,"audience":["https://a.example","${workflow.input.a}"]`, subject("a@b.example") + `,"audience":["https://a.example","b"]`, 1},
		{"a claim", `"claims":{"short":1,"a":{"b":["${workflow.input.s}"]}}`, `"claims":{"short":1,"a":{"b":["https://a.example"]}}`, 0},
		{"a claim of a short value", `"claims":{"a":"${workflow.input.s}"}`, `"claims":{"a":"b"}`, 1},
		{"a number", `"claims":{"a":"${workflow.input.s}"}`, `"claims":{"a":7}`, 1},
		{"a boolean", `"claims":{"a":"${workflow.input.s}"}`, `"claims":{"a":true}`, 1},
		{"claims that were passed whole, by their names", `"claims":"${workflow.input.c}"`, `"claims":{"a":"https://a.example"}`, 1},
		{"claims that were passed whole, with long names", `"claims":"${workflow.input.c}"`, `"claims":{"https://name.example":"https://a.example"}`, 0},
		{"no template", ``, subject("https://a.example"), 0},
	} {
		t.Run(test.says, func(t *testing.T) {
			r := newReader(t, task.InjectionAuto)
			if n := r.clear("w", test.template, test.values); n != 1 {
				t.Fatalf("%d reads for the first task", n)
			}
			if n := r.clear("w", test.template, test.values); n != test.again {
				t.Errorf("%d reads for the second task, want %d", n, test.again)
			}
			if n := r.clear("another", test.template, test.values); n != 1 {
				t.Errorf("%d reads for a task of another workflow type", n)
			}
		})
	}
}

func TestAValueSeenInClearIsForgotten(t *testing.T) {
	values := subject("https://a.example")
	t.Run("after an hour, used or not", func(t *testing.T) {
		r := newReader(t, task.InjectionAuto)
		r.clear("w", fromInput, values)
		r.now = r.now.Add(time.Hour - time.Second)
		if n := r.clear("w", fromInput, values); n != 0 {
			t.Errorf("%d reads within the hour", n)
		}
		r.now = r.now.Add(time.Second)
		if n := r.clear("w", fromInput, values); n != 1 {
			t.Errorf("%d reads after an hour", n)
		}
	})
	t.Run("after 128 others", func(t *testing.T) {
		r := newReader(t, task.InjectionAuto)
		r.clear("w", fromInput, values)
		for i := range 127 {
			r.clear("w", fromInput, subject(fmt.Sprintf("https://%d.example", i)))
		}
		if n := r.clear("w", fromInput, values); n != 0 {
			t.Errorf("%d reads after 127 others", n)
		}
		for i := range 128 {
			r.clear("w", fromInput, subject(fmt.Sprintf("https://again-%d.example", i)))
		}
		if n := r.clear("w", fromInput, values); n != 1 {
			t.Errorf("%d reads after 128 others", n)
		}
	})
	t.Run("after a read that failed", func(t *testing.T) {
		r := newReader(t, task.InjectionAuto)
		r.clear("w", fromInput, values)
		r.failure = errors.New("502")
		if out, _ := r.run("w", fromInput, subject("https://b.example"), ""); out.Fault.Code != "injection_unchecked" {
			t.Fatalf("the task ended with %q", out.Fault.Code)
		}
		r.failure = nil
		if n := r.clear("w", fromInput, values); n != 1 {
			t.Errorf("%d reads", n)
		}
		if n := r.clear("w", fromInput, values); n != 0 {
			t.Errorf("%d reads once it was seen again", n)
		}
	})
}

func TestModeStoredReadsEveryTask(t *testing.T) {
	r := newReader(t, task.InjectionStored)
	for range 3 {
		if n := r.clear("w", fromInput, subject("https://a.example")); n != 1 {
			t.Errorf("%d reads", n)
		}
	}
}

func TestTheStoredKeyIsComparedEachTime(t *testing.T) {
	const key = `"privateKey":"${workflow.secrets.a}"`
	r := newReader(t, task.InjectionAuto, under(t, "inline: secrets-only\ngrants: [{secrets: [a], subjects: ['*']}]"))
	value := subject("a@b.example")
	for range 3 {
		out, reads := r.run("w", key+`,`+fromInput, value, key+`,`+value)
		completed(t, out)
		if reads != 1 {
			t.Errorf("%d reads", reads)
		}
	}
	out, _ := r.run("w", key+`,`+fromInput, value, `"privateKey":"another",`+value)
	failed(t, out, "policy_denied", "privateKey")
}

// A secret that the definition signs is stored as its reference, and so is never
// seen in clear.
func TestASecretThatIsMeantIsReadEachTime(t *testing.T) {
	r := newReader(t, task.InjectionAuto)
	for range 3 {
		out, reads := r.run("w", `"subject":"${workflow.secrets.user}"`, subject("user@corp.example"), subject("${workflow.secrets.user}"))
		completed(t, out)
		if reads != 1 {
			t.Errorf("%d reads", reads)
		}
	}
}

// An author of data guesses a short secret: in clear, then as a reference.
func TestAShortGuessIsNotConfirmed(t *testing.T) {
	r := newReader(t, task.InjectionAuto)
	r.clear("w", fromInput, subject("1234"))
	out, _ := r.run("w", fromInput, subject("1234"), subject("${workflow.secrets.pin}"))
	failed(t, out, "secret_injected", "subject")
}

// The guess stands within a text that is long enough. The first wrong one ends
// the attempts, whatever is sent in clear before or after it.
func TestAWrongGuessIsTheLast(t *testing.T) {
	for says, text := range map[string]string{
		"in a long text": "aaaaaaaaaaaaaaaaaaaaaaaa-%s", "in an address": "https://%s.example", "in an e-mail address": "a%s@b.example",
	} {
		t.Run(says, func(t *testing.T) {
			r := newReader(t, task.InjectionAuto)
			in := func(guess string) string { return subject(fmt.Sprintf(text, guess)) }
			refer := func() task.Outcome {
				out, _ := r.run("w", fromInput, in("1234"), in("${workflow.secrets.pin}"))
				return out
			}
			r.clear("w", fromInput, in("0000"))
			failed(t, refer(), "secret_injected", "subject")
			for range 3 {
				if n := r.clear("w", fromInput, in("1234")); n != 1 {
					t.Errorf("%d reads of the right guess in clear", n)
				}
				r.now = r.now.Add(24 * time.Hour)
				failed(t, refer(), "secret_injected", "subject")
			}
			if n := strings.Count(r.log.String(), "from now on every stored task is read"); n != 1 {
				t.Errorf("%d warnings: %s", n, r.log.String())
			}
		})
	}
}

// A task whose stored input cannot be read does not hide a wrong guess: the
// guesses are forgotten.
func TestAGuessThatIsNotReadIsForgotten(t *testing.T) {
	r := newReader(t, task.InjectionAuto)
	in := func(guess string) string { return subject("aaaaaaaaaaaaaaaaaaaaaaaa-" + guess) }
	r.clear("w", fromInput, in("1234"))
	for _, stored := range []string{`"subject":`, `"subject":"a","subject":"b"`} {
		out, _ := r.run("w", fromInput, in("5678"), stored)
		failed(t, out, "injection_unchecked", "")
	}
	out, _ := r.run("w", fromInput, in("1234"), in("${workflow.secrets.pin}"))
	failed(t, out, "secret_injected", "subject")
}
