package cli

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/task"
)

type answers struct{ err error }

func (a answers) StoredTask(context.Context, string) (api.Task, error) {
	return api.Task{}, a.err
}

func (a answers) StoredWorkflow(context.Context, string) (json.RawMessage, error) { return nil, a.err }

func TestOnlyADeniedReadIsOneThatRepetitionDoesNotHeal(t *testing.T) {
	for class, denied := range map[conductor.Class]bool{
		conductor.Forbidden: true, conductor.Unauthorized: true, conductor.NotFound: true, conductor.Rejected: true,
		conductor.Network: false, conductor.Server: false, conductor.Throttled: false, conductor.TooLarge: false, conductor.Garbled: false,
	} {
		_, err := storedTasks{answers{&conductor.Error{Class: class, Call: "get task"}}}.StoredTask(t.Context(), "t")
		if errors.Is(err, task.ErrReadDenied) != denied {
			t.Errorf("%s: denied is %v, want %v", class, !denied, denied)
		}
		if e, ok := errors.AsType[*conductor.Error](err); !ok || e.Class != class {
			t.Errorf("%s: the client's own error is lost: %v", class, err)
		}
	}
}
