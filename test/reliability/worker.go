package reliability

import (
	"context"
	"os"
)

// Worker is a running worker, in this process or another.
type Worker interface {
	// Signal sends SIGTERM or SIGINT; [os.Kill] ends it at once.
	Signal(s os.Signal)
	// Wait gives the exit status, -1 where a signal ended it.
	Wait(ctx context.Context) (status int, err error)
	// Log is what it has written so far.
	Log() string
}

// Starter starts a worker with an environment of its own.
type Starter func(env map[string]string) (Worker, error)
