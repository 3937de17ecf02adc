package reliability

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/secret"
)

// scriptedWorker is a worker whose log and status the test sets.
type scriptedWorker struct {
	log    output
	status int
}

func (*scriptedWorker) Signal(os.Signal)                    {}
func (p *scriptedWorker) Wait(context.Context) (int, error) { return p.status, nil }
func (p *scriptedWorker) Log() string                       { return p.log.String() }

func (p *scriptedWorker) logLine(text string) { _, _ = p.log.Write([]byte(text + "\n")) }

// scriptedRun is a run in which the test does the worker's calls.
type scriptedRun struct {
	*testing.T
	*Run

	worker *scriptedWorker
	tasks  []api.Task
}

func (r *scriptedRun) poll() []api.Task {
	r.Helper()
	tasks, err := r.Ledger.Poll(r.Context(), conductor.Query{TaskType: TaskType, WorkerID: "w", Count: 10})
	must(r.T, err)
	return tasks
}

// sign returns a token with the subject of one task, signed with the key of
// another.
func (r *scriptedRun) sign(task, key api.Task) string {
	r.Helper()
	var of, with struct{ Subject, Algorithm, PrivateKey, PrivateKeyID string }
	must(r.T, json.Unmarshal(task.Input.Reveal(), &of))
	must(r.T, json.Unmarshal(key.Input.Reveal(), &with))
	block, _ := pem.Decode([]byte(with.PrivateKey))
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	must(r.T, err)
	token := jwt.NewWithClaims(jwt.GetSigningMethod(with.Algorithm), jwt.MapClaims{"sub": of.Subject, "iat": 1, "exp": 2})
	var own struct{ PrivateKeyID string }
	must(r.T, json.Unmarshal(task.Input.Reveal(), &own))
	token.Header["kid"] = own.PrivateKeyID
	signed, err := token.SignedString(private)
	must(r.T, err)
	return signed
}

func (r *scriptedRun) keyOf(task api.Task) string {
	var in struct{ PrivateKey string }
	must(r.T, json.Unmarshal(task.Input.Reveal(), &in))
	return in.PrivateKey
}

// report updates the tasks as a correct worker does; change may modify a result.
func (r *scriptedRun) report(tasks []api.Task, change func(*api.Result)) {
	r.Helper()
	for _, task := range tasks {
		result := r.result(task, r.sign(task, task))
		if change != nil {
			change(&result)
		}
		must(r.T, r.Ledger.Update(r.Context(), result))
	}
}

func (r *scriptedRun) result(task api.Task, token string) api.Result {
	raw, err := json.Marshal(map[string]string{"token": token})
	must(r.T, err)
	return api.Result{
		TaskID: task.ID, WorkflowID: task.WorkflowID, WorkerID: "w",
		Status: api.Completed, Output: secret.NewJSON(raw),
	}
}

// The verdict reports each way in which a worker can lose a task or leak a
// secret.
func TestVerdictReportsEachViolation(t *testing.T) {
	t.Parallel()
	// The keys of the six tasks are ES256, EdDSA and RS256 in turn.
	cases := map[string]struct {
		run     func(r *scriptedRun)
		promise Promise
		short   bool // a short lease, so that tasks time out
		want    []string
	}{
		"nothing": {run: func(r *scriptedRun) { r.report(r.tasks, nil) }},
		"a task without an update": {
			run:  func(r *scriptedRun) { r.report(r.tasks[1:], nil) },
			want: []string{"1 not done in time"},
		},
		"tasks that timed out": {
			short: true,
			run: func(r *scriptedRun) {
				r.report(r.tasks[2:], nil)
				r.awaitTimeout()
				r.report(r.poll(), nil)
			},
			want: []string{"2 lost until the response timeout"},
		},
		"a task that was done twice because it timed out": {
			short: true,
			run: func(r *scriptedRun) {
				r.report(r.tasks[1:], nil)
				r.awaitTimeout()
				r.report(append(r.tasks[:1], r.poll()...), nil)
			},
			want: []string{"1 lost until the response timeout", "1 done twice"},
		},
		"a redelivery that the row allows": {
			short: true,
			run: func(r *scriptedRun) {
				r.report(r.tasks[1:], nil)
				r.awaitTimeout()
				r.report(append(r.tasks[:1], r.poll()...), nil)
			},
			promise: Promise{AllowsRedelivery: true},
		},
		"a task that failed": {
			run: func(r *scriptedRun) {
				r.report(r.tasks[1:], nil)
				r.report(r.tasks[:1], func(u *api.Result) {
					u.Status, u.Output = api.FailedWithTerminalError, secret.JSON{}
				})
			},
			want: []string{"1 failed"},
		},
		"two different results of a task": {
			run: func(r *scriptedRun) {
				r.report(r.tasks, nil)
				r.report(r.tasks[:1], func(u *api.Result) { u.Status = api.Failed })
			},
			want: []string{"the ledger is inconsistent"},
		},
		"a token with another task's subject": {
			run: func(r *scriptedRun) {
				r.report(r.tasks[1:], nil)
				swapped := r.result(r.tasks[0], r.sign(r.tasks[3], r.tasks[0]))
				must(r.T, r.Ledger.Update(r.Context(), swapped))
			},
			want: []string{"wrong tokens"},
		},
		"a token under another task's key": {
			run: func(r *scriptedRun) {
				r.report(r.tasks[1:], nil)
				swapped := r.result(r.tasks[0], r.sign(r.tasks[0], r.tasks[3]))
				must(r.T, r.Ledger.Update(r.Context(), swapped))
			},
			want: []string{"wrong tokens"},
		},
		"another task's token in an output": {
			run: func(r *scriptedRun) {
				r.report(r.tasks[1:], nil)
				raw, err := json.Marshal(map[string]string{"token": r.sign(r.tasks[0], r.tasks[0]), "more": "x"})
				must(r.T, err)
				var last struct{ Token string }
				must(r.T, json.Unmarshal(r.Ledger.Updates()[0].Result.Output.Reveal(), &last))
				r.report(r.tasks[:1], func(u *api.Result) {
					u.Output = secret.NewJSON(bytes.Replace(raw, []byte(`"x"`), []byte(`"`+last.Token+`"`), 1))
				})
			},
			want: []string{"a token in an output"},
		},
		"a token in the log": {
			run: func(r *scriptedRun) {
				r.report(r.tasks, nil)
				var out struct{ Token string }
				must(r.T, json.Unmarshal(r.Ledger.Updates()[0].Result.Output.Reveal(), &out))
				r.worker.logLine("signature " + out.Token[len(out.Token)-50:])
			},
			want: []string{"a token in the log"},
		},
		"an unreported token in the log": {
			run: func(r *scriptedRun) {
				r.report(r.tasks, nil)
				r.worker.logLine("token=" + r.sign(r.tasks[0], r.tasks[0]))
			},
			want: []string{"a token in the log"},
		},
		"an EC key in the log": {
			run: func(r *scriptedRun) {
				r.report(r.tasks, nil)
				r.worker.logLine(base64Of(r.keyOf(r.tasks[3])))
			},
			want: []string{"a key in the log"},
		},
		"an Ed25519 key in the log": {
			run: func(r *scriptedRun) {
				r.report(r.tasks, nil)
				r.worker.logLine(base64Of(r.keyOf(r.tasks[4])))
			},
			want: []string{"a key in the log"},
		},
		"an RSA key in a reason": {
			run: func(r *scriptedRun) {
				r.report(r.tasks, func(u *api.Result) {
					if u.TaskID == r.tasks[2].ID {
						u.Reason = base64Of(r.keyOf(r.tasks[2]))[300:400]
					}
				})
			},
			want: []string{"a key in a reason"},
		},
		"a key in an output": {
			run: func(r *scriptedRun) {
				r.report(r.tasks, func(u *api.Result) {
					if u.TaskID == r.tasks[0].ID {
						raw, err := json.Marshal(map[string]string{"token": r.sign(r.tasks[0], r.tasks[0]), "key": r.keyOf(r.tasks[1])})
						must(r.T, err)
						u.Output = secret.NewJSON(raw)
					}
				})
			},
			want: []string{"a key in an output"},
		},
		"a key in a task's log": {
			run: func(r *scriptedRun) {
				r.report(r.tasks, func(u *api.Result) {
					u.Logs = []api.Log{{Text: r.keyOf(r.tasks[0]), At: time.Now()}}
				})
			},
			want: []string{"a key in a task's log"},
		},
		"a key in the metrics": {
			run: func(r *scriptedRun) {
				r.report(r.tasks, nil)
				page := r.keyOf(r.tasks[0])
				s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, page) }))
				r.Cleanup(s.Close)
				r.worker.logLine(`{"msg":"health and metrics are served","address":"` + strings.TrimPrefix(s.URL, "http://") + `"}`)
			},
			want: []string{"a key in a page it serves"},
		},
		"the password in the log": {
			run: func(r *scriptedRun) {
				r.report(r.tasks, nil)
				r.worker.logLine(KeySecret)
			},
			want: []string{"the server's credentials in the log"},
		},
		"an access token in the log": {
			run: func(r *scriptedRun) {
				r.report(r.tasks, nil)
				r.worker.logLine(r.accessToken())
			},
			want: []string{"the server's credentials in the log"},
		},
		"an exit status": {
			run: func(r *scriptedRun) {
				r.report(r.tasks, nil)
				r.worker.status = 3
			},
			want: []string{"exit status 3"},
		},
		"tasks that a stopped worker leaves in progress": {
			run: func(r *scriptedRun) {
				r.report(r.tasks[1:], nil)
				must(r.T, r.Stop(r.Context(), r.Worker()))
				r.report(r.tasks[:1], nil)
			},
			promise: Promise{ExitStatus: 1},
			want:    []string{"exit status 0, not 1", "1 left in progress at the end"},
		},
		"too many calls during the fault": {
			run: func(r *scriptedRun) {
				r.report(r.tasks, nil)
				for range 5 {
					r.poll()
				}
				r.FaultEnded()
			},
			promise: Promise{MaxCalls: 4},
			want:    []string{"calls during the fault"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &scriptedWorker{}
			row := Row{Tasks: 6, Options: Options{Auth: true, Lease: time.Minute}, Timeout: 20 * time.Second, Promise: c.promise}
			if c.short {
				row.Options.Lease = 2 * time.Second
			}
			if slices.Contains(c.want, "1 not done in time") {
				row.Timeout = time.Second
			}
			row.Steps = func(_ context.Context, r *Run) error {
				scriptedRun := &scriptedRun{T: t, Run: r, worker: w}
				scriptedRun.tasks = scriptedRun.poll() //nolint:contextcheck // it uses the test's context
				c.run(scriptedRun)
				return nil
			}
			v, _ := row.Run(t.Context(), keyRing(), func(map[string]string) (Worker, error) { return w, nil })
			if len(v.Violations) != len(c.want) {
				t.Fatalf("violations %q, want %q; %s", v.Violations, c.want, v)
			}
			for i, want := range c.want {
				if !strings.Contains(v.Violations[i], want) {
					t.Errorf("violations %q, want %q", v.Violations[i], want)
				}
			}
		})
	}
}

// awaitTimeout waits until a task has timed out and is queued again.
func (r *scriptedRun) awaitTimeout() {
	r.Helper()
	must(r.T, r.Ledger.WaitFor(r.Context(), func() bool { return r.Ledger.Waiting(TaskType, "") > 0 }))
}

// accessToken requests an access token.
func (r *scriptedRun) accessToken() string {
	r.Helper()
	body, err := json.Marshal(map[string]string{"keyId": KeyID, "keySecret": KeySecret})
	must(r.T, err)
	q, err := http.NewRequestWithContext(r.Context(), http.MethodPost, r.Server.URL+"/api/token", bytes.NewReader(body))
	must(r.T, err)
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(q)
	must(r.T, err)
	var out struct{ Token string }
	must(r.T, json.NewDecoder(response.Body).Decode(&out))
	must(r.T, response.Body.Close())
	return out.Token
}

// base64Of returns the body of a PEM block on one line.
func base64Of(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[1:len(lines)-1], "")
}
