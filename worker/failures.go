package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"time"

	"conductor-jwt/conductor"
)

const (
	logInterval  = 30 * time.Second // at most, while nothing changes
	minClassTime = time.Second      // a class lasts at least so long, or flapping would flood the log
)

// failureLog writes one line when the class of failure changes, then at most one
// in 30 s, and one when it is over: for each task type by itself, since a right
// may be missing for one while the others are well.
type failureLog struct {
	log  *slog.Logger
	call string

	mu    sync.Mutex
	types map[string]*failureState // by task type
}

// failureState is how one task type fares.
type failureState struct {
	class      conductor.Class // empty while all is well
	trouble    conductor.Trouble
	lastLine   time.Time
	lastFailed time.Time
	unlogged   int
}

// of returns the state of a task type. The caller holds the lock.
func (c *failureLog) of(taskType string) *failureState {
	if c.types == nil {
		c.types = map[string]*failureState{}
	}
	s := c.types[taskType]
	if s == nil {
		s = &failureState{}
		c.types[taskType] = s
	}
	return s
}

func (c *failureLog) failed(ctx context.Context, err *conductor.Error, taskType string) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.of(taskType)
	s.lastFailed = now
	quiet := logInterval
	if troubleOf(err) != s.trouble {
		quiet = minClassTime
	}
	if s.class != "" && now.Sub(s.lastLine) < quiet {
		s.unlogged++
		return
	}
	c.log.WarnContext(ctx, "a call of the server fails; it is tried again", "call", c.call, "class", string(err.Class), "http_status", err.Status,
		"task_type", taskType, "error", err.Error(), "hint", hintFor(err), "unlogged", s.unlogged)
	s.class, s.trouble, s.lastLine, s.unlogged = err.Class, troubleOf(err), now, 0
}

func (c *failureLog) succeeded(ctx context.Context, taskType string) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.of(taskType)
	if s.class == "" || now.Sub(s.lastFailed) < minClassTime {
		return
	}
	c.log.InfoContext(ctx, "the server answers again", "call", c.call, "class", string(s.class), "task_type", taskType, "unlogged", s.unlogged)
	s.class, s.trouble, s.unlogged = "", "", 0
}

const (
	troublePanic        conductor.Trouble = "panic"
	troubleProxyTimeout conductor.Trouble = "cut" // polls that something ends before the server does
)

func troubleOf(err *conductor.Error) conductor.Trouble {
	switch {
	case errors.Is(err, errPanic):
		return troublePanic
	case errors.Is(err, errProxyTimeout):
		return troubleProxyTimeout
	}
	return err.Trouble()
}

// hintFor is what to do next, for whoever reads the line at night.
func hintFor(err *conductor.Error) string {
	switch troubleOf(err) {
	case troublePanic:
		return "please report it, with the version of the server"
	case troubleProxyTimeout:
		return "a load balancer or proxy ends polls before the server answers: set CONDUCTOR_JWT_POLL_TIMEOUT below its timeout, or raise its timeout above CONDUCTOR_JWT_POLL_TIMEOUT"
	}
	return err.Hint()
}

// errProxyTimeout is the cause of a poll's failure that a load balancer explains. It is
// a constant text, so it may be printed.
var errProxyTimeout = errors.New("the poll was ended before the server answered it")

// A timeout of a load balancer is whole seconds, and the clocks of the two ends
// differ a little.
const minProxyTimeout, proxyTimeoutSlack = 900 * time.Millisecond, 150 * time.Millisecond

// detectProxyTimeout marks the failure of a cold poll as one of a load balancer whose
// timeout is shorter than the poll: it answers for the server, or closes the
// connection, always after the same time. Net/http asks once more where it
// closes one that was used before, so that takes a multiple of the time.
func (q *queue) detectProxyTimeout(err *conductor.Error, took, pollTimeout time.Duration) *conductor.Error {
	most := pollTimeout + time.Second
	answered := err.Status == http.StatusGatewayTimeout || err.Status == http.StatusRequestTimeout
	closed := err.Status == 0 && slices.ContainsFunc(
		[]error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, conductor.ErrBroken},
		func(target error) bool { return errors.Is(err, target) })
	if closed {
		most *= maxRepeats
	}
	if !answered && !closed || took < minProxyTimeout || took > most {
		return err
	}
	last := time.Duration(q.proxyTimeout.Swap(int64(took)))
	if closed && !repeats(min(took, last), max(took, last)) {
		return err
	}
	cut := *err
	cut.Cause = errProxyTimeout
	return &cut
}

// maxRepeats is how often net/http may have asked within one poll.
const maxRepeats = 3

// repeats reports whether long is short, or a small multiple of it.
func repeats(short, long time.Duration) bool {
	if short <= 0 {
		return false
	}
	var sum, slack time.Duration
	for range maxRepeats {
		sum += short
		slack += proxyTimeoutSlack
		if (long - sum).Abs() <= slack {
			return true
		}
	}
	return false
}

// conductorError reads any error of a Server as a failed call. What is no
// *conductor.Error counts as the network's, and its text goes no further.
func conductorError(call string, err error) *conductor.Error {
	if e, ok := errors.AsType[*conductor.Error](err); ok {
		return e
	}
	return &conductor.Error{Class: conductor.Network, Call: call}
}

// errPanic stands for the value of a panic, which may hold anything.
var errPanic = errors.New("panic in the client")

func panicError(call string) *conductor.Error {
	return &conductor.Error{Class: conductor.Garbled, Call: call, Cause: errPanic}
}

// heals reports whether the same update may succeed later.
func retryable(c conductor.Class) bool {
	switch c {
	case conductor.Network, conductor.Server, conductor.Throttled, conductor.Unauthorized,
		conductor.Garbled, conductor.TooLarge:
		return true
	default:
		return false
	}
}

// outside makes text of the server's fit for a log line: printable, and short.
func escape(s string) string {
	const most = 128
	quoted := fmt.Sprintf("%+q", s)
	quoted = quoted[1 : len(quoted)-1]
	if len(quoted) > most {
		return quoted[:most] + "…"
	}
	return quoted
}
