package reliability

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/test/conductortest"
)

// Tasks that are odd in every way a server can send them harm none of those
// beside them: the good ones are done, the bad ones are ended for good, and
// none of them is left to the response timeout.
func TestOddTasksAmongGoodOnes(t *testing.T) {
	t.Parallel()
	inputs := map[string]string{
		"null":                       `null`,
		"empty":                      `{}`,
		"a list":                     `[1,2]`,
		"a text":                     `"privateKey"`,
		"a subject that is a number": `{"subject":7,"algorithm":"ES256","privateKey":"x"}`,
		"a key that is an object":    `{"subject":"s","algorithm":"ES256","privateKey":{"a":1}}`,
		"a ttl that is a list":       `{"subject":"s","algorithm":"ES256","privateKey":"x","ttlInSecond":[300]}`,
		"a number beyond all":        `{"subject":"s","algorithm":"ES256","privateKey":"x","ttlInSecond":1e400}`,
	}
	odd := map[string]string{}
	v, err := Row{
		Number: 13, Tasks: 42, Env: map[string]string{"CONDUCTOR_JWT_SLOTS": "50"}, Stage: Options{Down: true},
		Promise: Promise{Fails: len(inputs)},
		Play: func(ctx context.Context, r *Run) error {
			for what, input := range inputs {
				odd[r.Enqueue(func(s *conductortest.TaskSpec) { s.Template, s.Input = nil, json.RawMessage(input) })] = what
			}
			return r.Up(ctx)
		},
	}.Run(t.Context(), keyRing(), inside(time.Now))
	if err != nil || v.Broken != nil || v.Wrong != nil || len(v.Unkept) > 0 {
		t.Errorf("%v; %s; %q", err, v, v.Unkept)
	}
	fit(t, v)
	noneLost(t, v)
	for _, task := range v.Ledger.Tasks() {
		want := api.Completed
		if odd[task.First] != "" {
			want = api.FailedWithTerminalError
		}
		if task.Status != want {
			t.Errorf("%s (%s) is %s, want %s", task.ID, odd[task.First], task.Status, want)
		}
	}
}
