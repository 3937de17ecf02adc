package cli

import (
	"log/slog"
	"slices"

	"conductor-jwt/config"
	"conductor-jwt/internal/bulkhead"
	"conductor-jwt/task"
	"conductor-jwt/verifier"
)

// newVerifierOptions returns what the verifiers of all generations share.
func newVerifierOptions(env Env, c *config.Loaded, log *slog.Logger) (*verifier.Options, error) {
	client, err := newOutbound(env)
	if err != nil {
		return nil, err
	}
	return &verifier.Options{
		Client: client, Waiting: bulkhead.New(bulkhead.Quarter(c.Slots), env.Now), Metrics: verifier.NewMetrics(), Now: env.Now, Logger: log,
	}, nil
}

// verifies reports whether a worker with these settings verifies tokens.
func verifies(c *config.Loaded) bool { return slices.ContainsFunc(c.TaskTypes, task.Verifies) }
