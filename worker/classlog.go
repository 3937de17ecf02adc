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
// in 30 s, and one when it is over: for each task type by itself, since a right
// may be missing for one while the others are well.
type classLog struct {
	log  *slog.Logger
	call string

	mu    sync.Mutex
	types map[string]*classState // by task type
}

// classState is how one task type fares.
type classState struct {
	class      conductor.Class // empty while all is well
	trouble    conductor.Trouble
	lastLine   time.Time
	lastFailed time.Time
	unlogged   int
}

// of returns the state of a task type. The caller holds the lock.
func (c *classLog) of(taskType string) *classState {
	if c.types == nil {
		c.types = map[string]*classState{}
	}
	s := c.types[taskType]
	if s == nil {
		s = &classState{}
		c.types[taskType] = s
	}
	return s
}

func (c *classLog) failed(ctx context.Context, err *conductor.Error, taskType string) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.of(taskType)
	s.lastFailed = now
	quiet := logEvery
	if troubleOf(err) != s.trouble {
		quiet = logHold
	}
	if s.class != "" && now.Sub(s.lastLine) < quiet {
		s.unlogged++
		return
	}
	c.log.WarnContext(ctx, "a call of the server fails; it is tried again", "call", c.call, "class", string(err.Class), "http_status", err.Status,
		"task_type", taskType, "error", err.Error(), "hint", hintFor(err), "unlogged", s.unlogged)
	s.class, s.trouble, s.lastLine, s.unlogged = err.Class, troubleOf(err), now, 0
}

func (c *classLog) succeeded(ctx context.Context, taskType string) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.of(taskType)
	if s.class == "" || now.Sub(s.lastFailed) < logHold {
		return
	}
	c.log.InfoContext(ctx, "the server answers again", "call", c.call, "class", string(s.class), "task_type", taskType, "unlogged", s.unlogged)
	s.class, s.trouble, s.unlogged = "", "", 0
}
