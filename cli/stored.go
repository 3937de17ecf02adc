package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"conductor-jwt/conductor"
	"conductor-jwt/task"
)

// storedTasks tells package task, which does not know the server's statuses,
// when the server does not let this worker read a task: a repetition would
// be denied as well.
type storedTasks struct{ from task.Stored }

// StoredTask implements [task.Stored].
func (s storedTasks) StoredTask(ctx context.Context, id string) (json.RawMessage, error) {
	raw, err := s.from.StoredTask(ctx, id)
	return raw, readDenied(err)
}

// StoredWorkflow implements [task.Stored].
func (s storedTasks) StoredWorkflow(ctx context.Context, id string) (json.RawMessage, error) {
	raw, err := s.from.StoredWorkflow(ctx, id)
	return raw, readDenied(err)
}

func readDenied(err error) error {
	if e, ok := errors.AsType[*conductor.Error](err); ok {
		switch e.Class {
		case conductor.Forbidden, conductor.Unauthorized, conductor.NotFound, conductor.Rejected:
			return fmt.Errorf("%w: %w", task.ErrReadDenied, err)
		}
	}
	return err
}
