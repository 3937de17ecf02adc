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

// puppet is a worker whose part is played by the test.
type puppet struct {
	log    output
	status int
}

func (*puppet) Signal(os.Signal)                    {}
func (p *puppet) Wait(context.Context) (int, error) { return p.status, nil }
func (p *puppet) Log() string                       { return p.log.String() }

func (p *puppet) say(text string) { _, _ = p.log.Write([]byte(text + "\n")) }

// trial is a run that the test itself is the worker of.
type trial struct {
	*testing.T
	*Run

	worker *puppet
	tasks  []api.Task
}

func (r *trial) poll() []api.Task {
	r.Helper()
	tasks, err := r.Ledger.Poll(r.Context(), conductor.Query{TaskType: TaskType, WorkerID: "w", Count: 10})
	must(r.T, err)
	return tasks
}

// sign signs for one task with the key of another.
func (r *trial) sign(task, key api.Task) string {
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

func (r *trial) keyOf(task api.Task) string {
	var in struct{ PrivateKey string }
	must(r.T, json.Unmarshal(task.Input.Reveal(), &in))
	return in.PrivateKey
}

// answer reports the tasks as an honest worker does; change may spoil one.
func (r *trial) answer(tasks []api.Task, change func(*api.Result)) {
	r.Helper()
	for _, task := range tasks {
		result := r.result(task, r.sign(task, task))
		if change != nil {
			change(&result)
		}
		must(r.T, r.Ledger.Update(r.Context(), result))
	}
}

func (r *trial) result(task api.Task, token string) api.Result {
	raw, err := json.Marshal(map[string]string{"token": token})
	must(r.T, err)
	return api.Result{
		TaskID: task.ID, WorkflowID: task.WorkflowID, WorkerID: "w",
		Status: api.Completed, Output: secret.NewJSON(raw),
	}
}

// The verdict tells each way in which a worker can lose something or give
// something away.
func TestTheVerdictTurnsRed(t *testing.T) {
	t.Parallel()
	// Three of six have keys of the same kind; the first is the first elliptic one.
	cases := map[string]struct {
		act     func(r *trial)
		promise Promise
		late    bool // the server takes tasks back
		want    []string
	}{
		"for nothing": {act: func(r *trial) { r.answer(r.tasks, nil) }},
		"for a task that is not answered": {
			act:  func(r *trial) { r.answer(r.tasks[1:], nil) },
			want: []string{"1 not done in time"},
		},
		"for tasks that the server took back": {
			late: true,
			act: func(r *trial) {
				r.answer(r.tasks[2:], nil)
				r.later()
				r.answer(r.poll(), nil)
			},
			want: []string{"2 lost until the response timeout"},
		},
		"for a task that was done after it was taken back": {
			late: true,
			act: func(r *trial) {
				r.answer(r.tasks[1:], nil)
				r.later()
				r.answer(append(r.tasks[:1], r.poll()...), nil)
			},
			want: []string{"1 lost until the response timeout", "1 done twice"},
		},
		"not for what the fault brings with it": {
			late: true,
			act: func(r *trial) {
				r.answer(r.tasks[1:], nil)
				r.later()
				r.answer(append(r.tasks[:1], r.poll()...), nil)
			},
			promise: Promise{Redelivers: true},
		},
		"for a task that failed": {
			act: func(r *trial) {
				r.answer(r.tasks[1:], nil)
				r.answer(r.tasks[:1], func(u *api.Result) {
					u.Status, u.Output = api.FailedWithTerminalError, secret.JSON{}
				})
			},
			want: []string{"1 failed"},
		},
		"for two answers of which one is another": {
			act: func(r *trial) {
				r.answer(r.tasks, nil)
				r.answer(r.tasks[:1], func(u *api.Result) { u.Status = api.Failed })
			},
			want: []string{"the ledger does not add up"},
		},
		"for a token with another task's subject": {
			act: func(r *trial) {
				r.answer(r.tasks[1:], nil)
				swapped := r.result(r.tasks[0], r.sign(r.tasks[3], r.tasks[0]))
				must(r.T, r.Ledger.Update(r.Context(), swapped))
			},
			want: []string{"wrong tokens"},
		},
		"for a token under another task's key": {
			act: func(r *trial) {
				r.answer(r.tasks[1:], nil)
				swapped := r.result(r.tasks[0], r.sign(r.tasks[0], r.tasks[3]))
				must(r.T, r.Ledger.Update(r.Context(), swapped))
			},
			want: []string{"wrong tokens"},
		},
		"for another task's token beside the own": {
			act: func(r *trial) {
				r.answer(r.tasks[1:], nil)
				raw, err := json.Marshal(map[string]string{"token": r.sign(r.tasks[0], r.tasks[0]), "more": "x"})
				must(r.T, err)
				var last struct{ Token string }
				must(r.T, json.Unmarshal(r.Ledger.Updates()[0].Result.Output.Reveal(), &last))
				r.answer(r.tasks[:1], func(u *api.Result) {
					u.Output = secret.NewJSON(bytes.Replace(raw, []byte(`"x"`), []byte(`"`+last.Token+`"`), 1))
				})
			},
			want: []string{"a token in an output"},
		},
		"for a token in the log": {
			act: func(r *trial) {
				r.answer(r.tasks, nil)
				var out struct{ Token string }
				must(r.T, json.Unmarshal(r.Ledger.Updates()[0].Result.Output.Reveal(), &out))
				r.worker.say("signature " + out.Token[len(out.Token)-50:])
			},
			want: []string{"a token in the log"},
		},
		"for a token that was never reported in the log": {
			act: func(r *trial) {
				r.answer(r.tasks, nil)
				r.worker.say("token=" + r.sign(r.tasks[0], r.tasks[0]))
			},
			want: []string{"a token in the log"},
		},
		"for an elliptic key in the log": {
			act: func(r *trial) {
				r.answer(r.tasks, nil)
				r.worker.say(unarmoured(r.keyOf(r.tasks[3])))
			},
			want: []string{"a key in the log"},
		},
		"for an Edwards key in the log": {
			act: func(r *trial) {
				r.answer(r.tasks, nil)
				r.worker.say(unarmoured(r.keyOf(r.tasks[4])))
			},
			want: []string{"a key in the log"},
		},
		"for an RSA key in a reason": {
			act: func(r *trial) {
				r.answer(r.tasks, func(u *api.Result) {
					if u.TaskID == r.tasks[2].ID {
						u.Reason = unarmoured(r.keyOf(r.tasks[2]))[300:400]
					}
				})
			},
			want: []string{"a key in a reason"},
		},
		"for a key in an output": {
			act: func(r *trial) {
				r.answer(r.tasks, func(u *api.Result) {
					if u.TaskID == r.tasks[0].ID {
						raw, err := json.Marshal(map[string]string{"token": r.sign(r.tasks[0], r.tasks[0]), "key": r.keyOf(r.tasks[1])})
						must(r.T, err)
						u.Output = secret.NewJSON(raw)
					}
				})
			},
			want: []string{"a key in an output"},
		},
		"for a key in a task's log": {
			act: func(r *trial) {
				r.answer(r.tasks, func(u *api.Result) {
					u.Logs = []api.Log{{Text: r.keyOf(r.tasks[0]), At: time.Now()}}
				})
			},
			want: []string{"a key in a task's log"},
		},
		"for a key in the metrics": {
			act: func(r *trial) {
				r.answer(r.tasks, nil)
				page := r.keyOf(r.tasks[0])
				s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, page) }))
				r.Cleanup(s.Close)
				r.worker.say(`{"msg":"health and metrics are served","address":"` + strings.TrimPrefix(s.URL, "http://") + `"}`)
			},
			want: []string{"a key in what it serves"},
		},
		"for the password in the log": {
			act: func(r *trial) {
				r.answer(r.tasks, nil)
				r.worker.say(KeySecret)
			},
			want: []string{"the server's credentials in the log"},
		},
		"for an access token in the log": {
			act: func(r *trial) {
				r.answer(r.tasks, nil)
				r.worker.say(r.grant())
			},
			want: []string{"the server's credentials in the log"},
		},
		"for an exit status": {
			act: func(r *trial) {
				r.answer(r.tasks, nil)
				r.worker.status = 3
			},
			want: []string{"exit status 3"},
		},
		"for tasks that a worker leaves when it is told to end": {
			act: func(r *trial) {
				r.answer(r.tasks[1:], nil)
				must(r.T, r.Stop(r.Context(), r.Worker()))
				r.answer(r.tasks[:1], nil)
			},
			promise: Promise{Ends: 1},
			want:    []string{"exit status 0, not 1", "1 left in progress at the end"},
		},
		"for too many calls during the fault": {
			act: func(r *trial) {
				r.answer(r.tasks, nil)
				for range 5 {
					r.poll()
				}
				r.Healed()
			},
			promise: Promise{Calls: 4},
			want:    []string{"calls during the fault"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &puppet{}
			row := Row{Tasks: 6, Stage: Options{Auth: true, Lease: time.Minute}, Within: 20 * time.Second, Promise: c.promise}
			if c.late {
				row.Stage.Lease = 2 * time.Second
			}
			if slices.Contains(c.want, "1 not done in time") {
				row.Within = time.Second
			}
			row.Play = func(_ context.Context, r *Run) error {
				trial := &trial{T: t, Run: r, worker: w}
				trial.tasks = trial.poll() //nolint:contextcheck // the test has one of its own
				c.act(trial)
				return nil
			}
			v, _ := row.Run(t.Context(), keyRing(), func(map[string]string) (Worker, error) { return w, nil })
			if len(v.Unkept) != len(c.want) {
				t.Fatalf("unkept: %q, want %q; %s", v.Unkept, c.want, v)
			}
			for i, want := range c.want {
				if !strings.Contains(v.Unkept[i], want) {
					t.Errorf("unkept: %q, want %q", v.Unkept[i], want)
				}
			}
		})
	}
}

// later waits until the server has taken a task back.
func (r *trial) later() {
	r.Helper()
	must(r.T, r.Ledger.WaitFor(r.Context(), func() bool { return r.Ledger.Waiting(TaskType, "") > 0 }))
}

// grant asks for an access token.
func (r *trial) grant() string {
	r.Helper()
	body, err := json.Marshal(map[string]string{"keyId": KeyID, "keySecret": KeySecret})
	must(r.T, err)
	q, err := http.NewRequestWithContext(r.Context(), http.MethodPost, r.Server.URL+"/api/token", bytes.NewReader(body))
	must(r.T, err)
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(q)
	must(r.T, err)
	var out struct{ Token string }
	must(r.T, json.NewDecoder(answer.Body).Decode(&out))
	must(r.T, answer.Body.Close())
	return out.Token
}

// unarmoured is the body of a PEM, on one line.
func unarmoured(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[1:len(lines)-1], "")
}
