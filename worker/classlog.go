package worker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"conductor-jwt/conductor"
)

const (
	logEvery = 30 * time.Second // at most, while nothing changes
	logHold  = time.Second      // a class lasts at least so long, or flapping would flood the log
)

// classLog writes one line when the class of failure changes, then at most one
// in 30 s, and one when it is over.
type classLog struct {
	log  *slog.Logger
	call string

	mu         sync.Mutex
	class      conductor.Class // empty while all is well
	trouble    trouble
	lastLine   time.Time
	lastFailed time.Time
	unlogged   int
}

func (c *classLog) failed(ctx context.Context, err *conductor.Error, taskType string) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lastFailed = now
	quiet := logEvery
	if troubleOf(err) != c.trouble {
		quiet = logHold
	}
	if c.class != "" && now.Sub(c.lastLine) < quiet {
		c.unlogged++
		return
	}
	c.log.WarnContext(ctx, "a call of the server fails; it is tried again", "call", c.call, "class", string(err.Class), "http_status", err.Status,
		"task_type", taskType, "error", err.Error(), "hint", hintFor(err), "unlogged", c.unlogged)
	c.class, c.trouble, c.lastLine, c.unlogged = err.Class, troubleOf(err), now, 0
}

func (c *classLog) succeeded(ctx context.Context, taskType string) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.class == "" || now.Sub(c.lastFailed) < logHold {
		return
	}
	c.log.InfoContext(ctx, "the server answers again", "call", c.call, "class", string(c.class), "task_type", taskType, "unlogged", c.unlogged)
	c.class, c.trouble, c.unlogged = "", "", 0
}
