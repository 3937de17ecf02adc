package worker

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/secret"
	"conductor-jwt/task"
	"conductor-jwt/test/conductortest"
)

func TestLogHasIDsAndNoInputs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := conductortest.NewLedger(conductortest.Options{Secrets: map[string]string{"k": canary}})
		const hostile = "id\n\x1b[2Jlevel=ERROR forged\u202e"
		for _, name := range []string{"n", hostile, "m" + strings.Repeat("x", 5000)} {
			l.Enqueue(conductortest.TaskSpec{
				ID: name, WorkflowID: name, Type: jwtType, Name: name,
				Template: json.RawMessage(`{"privateKey":"${workflow.secrets.k}","subject":"canary-subject"}`),
			})
		}
		runs := 0
		server := &tap{Server: l, onUpdate: func(_ context.Context, _ api.Result, next func() error) error {
			if runs%2 == 1 {
				return fails(conductor.Rejected, 400)
			}
			return next()
		}}
		r := start(t, l, Options{Server: server, Slots: 1, DrainTimeout: time.Second, Handler: handlerFunc(func(_ context.Context, d api.Task) task.Outcome {
			runs++
			if !strings.Contains(string(d.Input.Reveal()), "canary") {
				t.Error("the canary did not reach the handler")
			}
			if runs == 3 {
				panic(string(d.Input.Reveal()))
			}
			return task.Outcome{
				Status: api.Failed, Reason: "x: " + canary, Output: secret.NewJSON(json.RawMessage(`{"token":"canary"}`)),
				Fault: task.Fault{Code: "internal", Message: canary}, KeyID: canary, JWTID: canary,
			}
		})})
		time.Sleep(10 * time.Second)
		r.stop()
		if err := <-r.result; err != nil {
			t.Error(err)
		}
		log := r.log.String()
		for _, secret := range []string{"canary", "BEGIN", "MII"} {
			if strings.Contains(log, secret) {
				t.Errorf("%q is in the log", secret)
			}
		}
		if strings.Contains(log, "\x1b") || strings.Contains(log, "\u202e") || strings.Contains(log, "\\u001b") {
			t.Error("a control character of an id is in the log")
		}
		for line := range strings.Lines(log) {
			if len(line) > 2000 {
				t.Errorf("a line of %d bytes", len(line))
			}
			if !json.Valid([]byte(line)) {
				t.Errorf("a line was forged: %q", line)
			}
		}
		if !strings.Contains(log, `"task_id":"n"`) {
			t.Error("no id is in the log")
		}
	})
}
