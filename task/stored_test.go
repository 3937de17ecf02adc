package task_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/task"
)

// storedFunc is a server that keeps one task.
type storedFunc func(ctx context.Context, id string) (api.Task, error)

func (f storedFunc) StoredTask(ctx context.Context, id string) (api.Task, error) {
	return f(ctx, id)
}

// StoredWorkflow is an execution that runs the definition of the task, unless
// a test says otherwise.
func (storedFunc) StoredWorkflow(context.Context, string) (json.RawMessage, error) {
	return nil, api.ErrReadDenied
}

// defined is a server that keeps the workflow's definition too.
type defined struct {
	task.Stored
	workflow string
	err      error
}

func (d defined) StoredWorkflow(_ context.Context, id string) (json.RawMessage, error) {
	if id != "workflow-1" {
		return nil, errors.New("another workflow")
	}
	return json.RawMessage(d.workflow), d.err
}

// running has the server keep the execution as this JSON, or fail.
func running(workflow string, err error) setup {
	return func(o *task.Options, d *api.Task) {
		d.WorkflowID = "workflow-1"
		o.Stored = defined{o.Stored, workflow, err}
	}
}

// stored keeps a task of this input.
func stored(mode task.InjectionMode, input string) setup {
	return func(o *task.Options, _ *api.Task) {
		o.Injection = mode
		o.Stored = storedFunc(func(context.Context, string) (api.Task, error) {
			return api.Task{Input: secret.NewJSON([]byte(input))}, nil
		})
	}
}

func refusing(mode task.InjectionMode, err error) setup {
	return func(o *task.Options, _ *api.Task) {
		o.Injection = mode
		o.Stored = storedFunc(func(context.Context, string) (api.Task, error) { return api.Task{}, err })
	}
}

func TestAnInjectedSecretIsNeverSigned(t *testing.T) {
	for _, test := range []struct{ says, template, delivered, stored, field string }{
		{"as the subject", `"subject":"${workflow.input.s}"`, `"subject":"hunter2"`, `"subject":"${workflow.secrets.db}"`, "subject"},
		{"within the subject", `"subject":"a-${workflow.input.s}"`, `"subject":"a-hunter2"`, `"subject":"a-${workflow.secrets.db}"`, "subject"},
		{"beside a secret that is meant", `"subject":"${workflow.secrets.user}${workflow.input.s}"`, `"subject":"alicehunter2"`, `"subject":"${workflow.secrets.user}${workflow.secrets.db}"`, "subject"},
		{"the meant secret once more", `"claims":{"a":"${workflow.secrets.user}","b":"${workflow.input.s}"}`, `"claims":{"a":"alice","b":"alice"}`, `"claims":{"a":"${workflow.secrets.user}","b":"${workflow.secrets.user}"}`, "claims"},
		{"put together from two inputs", `"subject":"${workflow.input.a}${workflow.input.b}"`, `"subject":"hunter2"`, `"subject":"${workflow.secrets.db}"`, "subject"},
		{"in the audience", `"audience":["a","${workflow.input.a}"]`, `"audience":["a","hunter2"]`, `"audience":["a","${workflow.secrets.db}"]`, "audience"},
		{"in the scopes", `"scopes":"${workflow.input.a}"`, `"scopes":"hunter2"`, `"scopes":"${workflow.secrets.db}"`, "scopes"},
		{"in the key id", `"privateKeyId":"${workflow.input.a}"`, `"privateKeyId":"hunter2"`, `"privateKeyId":"${workflow.secrets.db}"`, "privateKeyId"},
		{"deep in claims that were passed whole", `"claims":"${workflow.input.c}"`, `"claims":{"a":{"b":["hunter2"]}}`, `"claims":{"a":{"b":["${workflow.secrets.db}"]}}`, "claims"},
		{"in a header", `"headers":{"x":"${workflow.input.c}"}`, `"headers":{"x":"hunter2"}`, `"headers":{"x":"${workflow.secrets.db}"}`, "headers"},
		{"over the literal of a dynamic task", `"subject":"alice"`, `"subject":"hunter2"`, `"subject":"${workflow.secrets.db}"`, "subject"},
		{"over a literal within claims", `"claims":{"a":"b"}`, `"claims":{"a":"hunter2"}`, `"claims":{"a":"${workflow.secrets.db}"}`, "claims"},
		{"in a dynamic task", ``, `"subject":"hunter2"`, `"subject":"${workflow.secrets.db}"`, "subject"},
		{"in an input that the template does not have", `"issuer":"a"`, `"issuer":"a","subject":"hunter2"`, `"issuer":"a","subject":"${workflow.secrets.db}"`, "subject"},
		{"in escapes", `"subject":"${workflow.input.s}"`, `"subject":"hunter2"`, `"subject":"\u0024{workflow.secrets.db}"`, "subject"},
		{"with a path", `"subject":"${workflow.input.s}"`, `"subject":"hunter2"`, `"subject":"${workflow.secrets.db.password}"`, "subject"},
	} {
		for _, mode := range []task.InjectionMode{task.InjectionAuto, task.InjectionStored} {
			t.Run(fmt.Sprint(test.says, ", ", mode), func(t *testing.T) {
				setups := []setup{stored(mode, `{`+test.stored+`}`)}
				if test.template != "" {
					setups = append(setups, template(`{"privateKey":"${workflow.secrets.k}",`+test.template+`}`))
				}
				out := handle(t, with(test.delivered), setups...)
				failed(t, out, "secret_injected", test.field)
				if out.Status != api.FailedWithTerminalError || strings.Contains(string(out.Output.Reveal()), "hunter2") {
					t.Errorf("the task ended %s with %s", out.Status, out.Output.Reveal())
				}
			})
		}
	}
}

func TestASecretThatTheDefinitionNamesIsNoInjection(t *testing.T) {
	for _, test := range []struct{ says, template, defaults, delivered, stored string }{
		{"none at all", `"subject":"${workflow.input.s}"`, ``, `"subject":"a"`, `"subject":"a"`},
		{"in the key", `"privateKey":"${workflow.input.k}","subject":"${workflow.input.s}"`, ``, `"subject":"a"`, `"privateKey":"${workflow.secrets.k}","subject":"a"`},
		{"in the password and the certificate", `"subject":"${workflow.input.s}"`, ``, `"subject":"a"`, `"privateKeyPassword":"${workflow.secrets.k}","certificate":"${workflow.secrets.c}","subject":"a"`},
		{"as the subject", `"subject":"${workflow.secrets.user}","issuer":"${workflow.input.i}"`, ``, `"subject":"a","issuer":"b"`, `"subject":"${workflow.secrets.user}","issuer":"b"`},
		{"within the subject", `"subject":"${workflow.secrets.user}-${workflow.input.s}"`, ``, `"subject":"a-b"`, `"subject":"${workflow.secrets.user}-b"`},
		{"in the task definition", `"subject":"${workflow.input.s}"`, `"subject":"${workflow.secrets.user}"`, `"subject":"a"`, `"subject":"${workflow.secrets.user}"`},
		{"in an input that is ignored", `"subject":"${workflow.input.s}"`, ``, `"subject":"a","whatever":"x"`, `"subject":"a","whatever":"${workflow.secrets.w}"`},
		{"only as text", `"subject":"${workflow.input.s}"`, ``, `"subject":"a"`, `"subject":"workflow.secrets.user"`},
	} {
		t.Run(test.says, func(t *testing.T) {
			workflow := `{"input":{},"workflowDefinition":{"tasks":[{"loopOver":[{"inputParameters":{` + test.template + `},"taskDefinition":{"inputTemplate":{` + test.defaults + `}}}]}]}}`
			completed(t, handle(t, with(test.delivered), template(`{`+test.template+`}`), defaults(`{`+test.defaults+`}`), stored(task.InjectionStored, `{`+test.stored+`}`), running(workflow, nil)))
		})
	}
}

func TestTheStoredTaskIsReadOnlyWhereItCouldSaySomething(t *testing.T) {
	for _, test := range []struct {
		says, template, input string
		mode                  task.InjectionMode
		reads                 bool
	}{
		{"with an expression", `{"subject":"${workflow.input.s}"}`, `"subject":"a"`, task.InjectionAuto, true},
		{"with an expression deep within", `{"claims":{"a":["${workflow.input.s}"]}}`, `"claims":{"a":["x"]}`, task.InjectionAuto, true},
		{"without a template", ``, `"subject":"a"`, task.InjectionAuto, true},
		{"without a template for this input", `{"issuer":"a"}`, `"subject":"a"`, task.InjectionAuto, true},
		{"with data over a literal", `{"subject":"b"}`, `"subject":"a"`, task.InjectionAuto, true},
		{"with data over a literal deep within", `{"claims":{"a":["x"],"b":1}}`, `"claims":{"b":1,"a":["y"]}`, task.InjectionAuto, true},
		{"with a member more than the literal", `{"claims":{"a":1}}`, `"claims":{"a":1,"b":2}`, task.InjectionAuto, true},
		{"with a literal in another order", `{"claims":{"a":["x"],"b":1}}`, `"claims":{"b":1,"a":["x"]}`, task.InjectionAuto, false},
		{"with literals alone", `{"subject":"a","privateKey":"${workflow.secrets.k}"}`, `"subject":"a"`, task.InjectionAuto, false},
		{"without a value in the template", `{"subject":null}`, `"subject":"a"`, task.InjectionAuto, true},
		{"with a blank", `{"subject":"${workflow.input.s}"}`, `"subject":""`, task.InjectionAuto, false},
		{"in mode key", `{"subject":"${workflow.input.s}"}`, `"subject":"a"`, task.InjectionKey, false},
		{"in mode off", `{"subject":"${workflow.input.s}"}`, `"subject":"a"`, task.InjectionOff, false},
	} {
		t.Run(test.says, func(t *testing.T) {
			var reads atomic.Int32
			completed(t, handle(t, with(test.input), template(test.template), func(o *task.Options, _ *api.Task) {
				o.Injection = test.mode
				o.Stored = storedFunc(func(_ context.Context, id string) (api.Task, error) {
					reads.Add(1)
					if id != "task-1" {
						return api.Task{}, errors.New("another task")
					}
					return api.Task{Input: secret.NewJSON([]byte(`{}`))}, nil
				})
			}))
			if got := reads.Load() == 1; got != test.reads {
				t.Errorf("the stored task was read %d times", reads.Load())
			}
		})
	}
}

func TestADeniedReadIsWarnedOfOnce(t *testing.T) {
	var log bytes.Buffer
	o := options()
	o.Injection = task.InjectionAuto
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	o.Stored = storedFunc(func(context.Context, string) (api.Task, error) {
		return api.Task{}, fmt.Errorf("403: %w", api.ErrReadDenied)
	})
	h := task.NewHandler(o)
	for range 3 {
		out := h.Handle(t.Context(), api.Task{ID: "task-1", Scheduled: noon, Input: input(with(`"subject":"a"`))})
		completed(t, out)
		if !out.Unchecked {
			t.Error("the outcome does not say that nothing was checked")
		}
	}
	if n := strings.Count(log.String(), "level=WARN"); n != 1 {
		t.Errorf("%d warnings: %s", n, log.String())
	}
}

func TestAReadThatFailsGivesNoToken(t *testing.T) {
	for _, test := range []struct {
		says  string
		setup setup
	}{
		{"denied in mode stored", refusing(task.InjectionStored, api.ErrReadDenied)},
		{"failed in mode stored", refusing(task.InjectionStored, errors.New("connection refused by a-secret"))},
		{"failed in mode auto", refusing(task.InjectionAuto, errors.New("connection refused by a-secret"))},
		{"no json", stored(task.InjectionAuto, `{`)},
		{"no input", stored(task.InjectionAuto, `null`)},
		{"an input of duplicates", stored(task.InjectionAuto, `{"subject":"a","subject":"b"}`)},
		{"no server in mode stored", func(o *task.Options, _ *api.Task) { o.Injection = task.InjectionStored }},
	} {
		t.Run(test.says, func(t *testing.T) {
			out := handle(t, with(`"subject":"a"`), test.setup)
			failed(t, out, "injection_unchecked", "")
			if out.Status != api.InProgress || out.After < 1 || strings.Contains(out.Reason, "a-secret") {
				t.Errorf("the task ended %s after %s: %s", out.Status, out.After, out.Reason)
			}
		})
	}
}

func TestWithoutAServerModeAutoHasNothingToRead(t *testing.T) {
	out := handle(t, with(`"subject":"a"`), func(o *task.Options, _ *api.Task) { o.Injection = task.InjectionAuto })
	completed(t, out)
}

func TestTheStoredTaskIsReadBesideTheSigning(t *testing.T) {
	reading := make(chan struct{})
	completed(t, handle(t, with(`"subject":"a"`), func(o *task.Options, _ *api.Task) {
		o.Injection = task.InjectionAuto
		o.Stored = storedFunc(func(context.Context, string) (api.Task, error) {
			close(reading)
			return api.Task{Input: secret.NewJSON([]byte(`{}`))}, nil
		})
		// The key comes only once the read has begun: one after the other
		// would never end.
		o.Keys = resolverFunc(func(ctx context.Context, ref keys.Ref) (keys.Key, error) {
			select {
			case <-reading:
				return keys.NewParser(keys.ParserOptions{}).Resolve(ctx, ref)
			case <-time.After(10 * time.Second):
				return nil, errors.New("the read has not begun")
			}
		})
	}))
}

func TestAPanickingServerIsAnInternalFault(t *testing.T) {
	out := handle(t, with(`"subject":"a"`), func(o *task.Options, _ *api.Task) {
		o.Injection = task.InjectionAuto
		o.Stored = storedFunc(func(context.Context, string) (api.Task, error) { panic("a-secret") })
	})
	failed(t, out, "internal", "")
}

// resolverFunc is a source of keys.
type resolverFunc func(ctx context.Context, ref keys.Ref) (keys.Key, error)

func (f resolverFunc) Resolve(ctx context.Context, ref keys.Ref) (keys.Key, error) {
	return f(ctx, ref)
}

// The server puts the data of a dynamic fork into the task's inputParameters,
// so that a template may be data too. Only the workflow's definition says which
// secrets its author meant to sign.
func TestATemplateOfTheWorkflowsDataVouchesForNothing(t *testing.T) {
	const named, user = `{"subject":"${workflow.secrets.db}"}`, `"subject":"${workflow.secrets.user}"`
	for _, test := range []struct {
		says, workflow string
		err            error
		mode           task.InjectionMode
		code           string
		status         api.Status
	}{
		{"that the definition has", `{"workflowDefinition":{"tasks":[{"inputParameters":` + named + `}]}}`, nil, task.InjectionAuto, "", api.Completed},
		{"that the definition has in a fork's static data", `{"workflowDefinition":{"tasks":[{"inputParameters":{"inputs":{"jwt":` + named + `}}}]}}`, nil, task.InjectionAuto, "", api.Completed},
		{"that the definition has in an input template", `{"workflowDefinition":{"tasks":[{"taskDefinition":{"inputTemplate":` + named + `}}]}}`, nil, task.InjectionAuto, "", api.Completed},
		{"that the definition has in a task of this type", `{"workflowDefinition":{"tasks":[{"type":"GET_SIGNED_JWT","inputParameters":` + named + `}]}}`, nil, task.InjectionAuto, "", api.Completed},
		{"that the definition has in a simple task of this name", `{"workflowDefinition":{"tasks":[{"name":"GET_SIGNED_JWT","type":"SIMPLE","inputParameters":` + named + `}]}}`, nil, task.InjectionAuto, "", api.Completed},
		{"that the definition has in a dynamic task", `{"workflowDefinition":{"tasks":[{"name":"x","type":"DYNAMIC","inputParameters":` + named + `}]}}`, nil, task.InjectionAuto, "", api.Completed},
		{"that the definition has in the data of a dynamic fork", `{"workflowDefinition":{"tasks":[{"type":"FORK_JOIN_DYNAMIC","inputParameters":{"inputs":{"jwt":` + named + `}}}]}}`, nil, task.InjectionAuto, "", api.Completed},
		{"that the definition has in a branch", `{"workflowDefinition":{"tasks":[{"type":"SWITCH","decisionCases":{"subject":[{"type":"GET_SIGNED_JWT","inputParameters":` + named + `}]}}]}}`, nil, task.InjectionAuto, "", api.Completed},
		{"that the definition has in an HTTP task", `{"workflowDefinition":{"tasks":[{"name":"GET_SIGNED_JWT","type":"HTTP","inputParameters":` + named + `}]}}`, nil, task.InjectionAuto, "secret_injected", api.FailedWithTerminalError},
		{"that the definition has inside of an HTTP task", `{"workflowDefinition":{"tasks":[{"type":"HTTP","inputParameters":{"http_request":` + named + `}}]}}`, nil, task.InjectionAuto, "secret_injected", api.FailedWithTerminalError},
		{"that the definition has in another simple task", `{"workflowDefinition":{"tasks":[{"name":"call","type":"SIMPLE","inputParameters":` + named + `}]}}`, nil, task.InjectionAuto, "secret_injected", api.FailedWithTerminalError},
		{"that the definition has in the input template of another task", `{"workflowDefinition":{"tasks":[{"type":"HTTP","taskDefinition":{"inputTemplate":` + named + `}}]}}`, nil, task.InjectionAuto, "secret_injected", api.FailedWithTerminalError},
		{"that the definition has beside its tasks", `{"workflowDefinition":{"tasks":[],"outputParameters":` + named + `}}`, nil, task.InjectionAuto, "secret_injected", api.FailedWithTerminalError},
		{"of a definition that is very large", `{"workflowDefinition":{"tasks":["` + strings.Repeat("x", 4<<20) + `"]}}`, nil, task.InjectionAuto, "injection_unchecked", api.InProgress},
		{"of a definition of very many values", `{"workflowDefinition":{"tasks":[1` + strings.Repeat(",1", 1<<16) + `]}}`, nil, task.InjectionAuto, "injection_unchecked", api.InProgress},
		{"that the definition does not have", `{"workflowDefinition":{"tasks":[{"inputParameters":{}}]}}`, nil, task.InjectionAuto, "secret_injected", api.FailedWithTerminalError},
		{"in place of another", `{"workflowDefinition":{"tasks":[{"inputParameters":{` + user + `}}]}}`, nil, task.InjectionAuto, "secret_injected", api.FailedWithTerminalError},
		{"that another input has", `{"workflowDefinition":{"tasks":[{"inputParameters":{"privateKey":"${workflow.secrets.db}"}}]}}`, nil, task.InjectionAuto, "secret_injected", api.FailedWithTerminalError},
		{"that the workflow's input has", `{"input":{"tasks":[{"inputParameters":` + named + `}]},"workflowDefinition":{"tasks":[]}}`, nil, task.InjectionAuto, "secret_injected", api.FailedWithTerminalError},
		{"of a workflow that may not be read", ``, api.ErrReadDenied, task.InjectionAuto, "", api.Completed},
		{"of a workflow that may not be read, in mode stored", ``, api.ErrReadDenied, task.InjectionStored, "injection_unchecked", api.InProgress},
		{"of a workflow that cannot be read now", ``, errors.New("502"), task.InjectionAuto, "injection_unchecked", api.InProgress},
		{"of a workflow without a definition", `{"input":{}}`, nil, task.InjectionAuto, "injection_unchecked", api.InProgress},
		{"of a workflow that is no json", `{`, nil, task.InjectionAuto, "injection_unchecked", api.InProgress},
		{"of a definition that is no json", `{"workflowDefinition":{"a":1,"a":2}}`, nil, task.InjectionAuto, "injection_unchecked", api.InProgress},
	} {
		t.Run(test.says, func(t *testing.T) {
			out := handle(t, with(`"subject":"hunter2"`), template(named), stored(test.mode, named), running(test.workflow, test.err))
			if out.Fault.Code != test.code || out.Status != test.status || out.Unchecked != (test.err != nil && test.status == api.Completed) {
				t.Errorf("the task ended %s, unchecked %t, with %+v", out.Status, out.Unchecked, out.Fault)
			}
		})
	}
	// Without a secret to be signed, the workflow is not asked for.
	completed(t, handle(t, with(`"subject":"a"`), template(`{"subject":"${workflow.input.s}","privateKey":"${workflow.secrets.k}"}`),
		stored(task.InjectionStored, `{"subject":"a","privateKey":"${workflow.secrets.k}"}`), running(``, errors.New("asked for"))))
}

// A workflow may be as large as its author makes it, so that no two of them are
// in memory at once.
func TestOneWorkflowIsReadAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const named = `{"subject":"${workflow.secrets.db}"}`
		var reads, most atomic.Int32
		stored := counting{storedFunc(func(context.Context, string) (api.Task, error) {
			return api.Task{Input: secret.NewJSON([]byte(named))}, nil
		}), &reads, &most}
		o := options()
		o.Injection, o.Stored = task.InjectionAuto, stored
		h := task.NewHandler(o)
		d := api.Task{ID: "task-1", Type: task.TaskType, Input: input(with(`"subject":"hunter2"`)), Template: json.RawMessage(named)}
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() { completed(t, h.Handle(t.Context(), d)) })
		}
		all.Wait()
		if most.Load() != 1 {
			t.Errorf("%d workflows were read at once", most.Load())
		}
		ctx, cancel := context.WithCancel(t.Context())
		all.Go(func() { completed(t, h.Handle(t.Context(), d)) })
		defer all.Wait()
		synctest.Wait()
		time.AfterFunc(time.Millisecond, cancel)
		if out := h.Handle(ctx, d); out.Status == api.Completed {
			t.Error("a task waits for its turn though its context has ended")
		}
	})
}

// counting notes how many reads of a workflow there are at once.
type counting struct {
	task.Stored
	reads, most *atomic.Int32
}

func (c counting) StoredWorkflow(context.Context, string) (json.RawMessage, error) {
	c.most.Store(max(c.most.Load(), c.reads.Add(1)))
	defer c.reads.Add(-1)
	time.Sleep(time.Second)
	return json.RawMessage(`{"workflowDefinition":{"tasks":[{"inputParameters":{"subject":"${workflow.secrets.db}"}}]}}`), nil
}
