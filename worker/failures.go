package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/internal/printable"
)

const (
	logInterval  = 30 * time.Second // between two lines of one cause
	minCauseTime = time.Second      // between two lines of different causes, for causes that alternate
)

// failureLog logs the failures of one call of the server: one line when the cause
// changes, then at most one in 30 s, and one when the call succeeds again. It
// keeps the task types apart, because a permission may be missing for one of them
// alone.
type failureLog struct {
	log  *slog.Logger
	call string

	mu    sync.Mutex
	types map[string]*failureState // by task type
}

type failureState struct {
	class      conductor.Class // empty while the calls succeed
	trouble    conductor.Trouble
	lastLine   time.Time
	lastFailed time.Time
	unlogged   int // failures since the last line
}

// state returns the state of a task type. The caller holds the lock.
func (l *failureLog) state(taskType string) *failureState {
	if l.types == nil {
		l.types = map[string]*failureState{}
	}
	s := l.types[taskType]
	if s == nil {
		s = &failureState{}
		l.types[taskType] = s
	}
	return s
}

// failed counts a failed call and logs it if a line is due.
func (l *failureLog) failed(ctx context.Context, err *conductor.Error, taskType string) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.state(taskType)
	s.lastFailed = now
	interval := logInterval
	if troubleOf(err) != s.trouble {
		interval = minCauseTime
	}
	if s.class != "" && now.Sub(s.lastLine) < interval {
		s.unlogged++
		return
	}
	l.log.WarnContext(ctx, "a call to the server failed", "call", l.call, "class", string(err.Class), "http_status", err.Status,
		"task_type", taskType, "error", err.Error(), "hint", hintFor(err), "unlogged", s.unlogged)
	s.class, s.trouble, s.lastLine, s.unlogged = err.Class, troubleOf(err), now, 0
}

// succeeded logs that the call succeeds again. It waits for a second without a
// failure, because several pollers share a state.
func (l *failureLog) succeeded(ctx context.Context, taskType string) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.state(taskType)
	if s.class == "" || now.Sub(s.lastFailed) < minCauseTime {
		return
	}
	l.log.InfoContext(ctx, "the server answers again", "call", l.call, "class", string(s.class), "task_type", taskType, "unlogged", s.unlogged)
	s.class, s.trouble, s.unlogged = "", "", 0
}

// troubleOf is the kind of a failure; failures of one kind have one hint.
func troubleOf(err *conductor.Error) conductor.Trouble {
	if errors.Is(err, errProxyTimeout) {
		return troubleProxyTimeout
	}
	return err.Trouble()
}

// hintFor is what to do about a failure.
func hintFor(err *conductor.Error) string {
	if troubleOf(err) == troubleProxyTimeout {
		return "a load balancer or proxy ends polls before the server answers: set CONDUCTOR_JWT_POLL_TIMEOUT below its timeout, or raise its timeout above CONDUCTOR_JWT_POLL_TIMEOUT"
	}
	return err.Hint()
}

func panicError(call conductor.Call) *conductor.Error {
	return &conductor.Error{Class: conductor.Garbled, Call: call, Cause: conductor.ErrPanic}
}

// conductorError makes any error of a Server a *conductor.Error. One of another
// type counts as an error of the network, and its text is dropped.
func conductorError(call conductor.Call, err error) *conductor.Error {
	if e, ok := errors.AsType[*conductor.Error](err); ok {
		return e
	}
	return &conductor.Error{Class: conductor.Network, Call: call}
}

// retryable reports whether the same call may succeed later.
func retryable(c conductor.Class) bool {
	switch c {
	case conductor.Network, conductor.Server, conductor.Throttled, conductor.Unauthorized,
		conductor.Garbled, conductor.TooLarge:
		return true
	default:
		return false
	}
}

// escape makes text of the server fit for a log line.
func escape(s string) string { return printable.ASCII(s, 128) }
