// Package worker is the engine: it polls Conductor, runs each task once, and
// reports until the server has acknowledged. It knows tasks, not keys.
package worker

import (
	"context"

	"conductor-jwt/conductor"
	"conductor-jwt/task"
)

// Server is what the engine needs of Conductor. The in-memory ledger of
// internal/conductortest is one too.
type Server interface {
	// Poll takes up to q.Count tasks, waiting up to q.Timeout for them. A task
	// that it returns is leased, so a poll is never cancelled in flight.
	Poll(ctx context.Context, q conductor.Query) ([]conductor.Task, error)
	// Update reports the end of a task. Only a nil error is an acknowledgement.
	Update(ctx context.Context, r conductor.Result) error
}

// Handler runs one task.
type Handler interface {
	Handle(ctx context.Context, d task.Delivery) task.Outcome
}
