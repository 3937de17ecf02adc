package worker

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"syscall"
	"time"

	"conductor-jwt/conductor"
)

const troubleProxyTimeout conductor.Trouble = "proxy timeout"

// errProxyTimeout is a constant text, so it may be printed.
var errProxyTimeout = errors.New("the poll was ended before the server answered it")

const (
	// minProxyTimeout is 1 s, less an error of measurement: timeouts of load
	// balancers are whole seconds.
	minProxyTimeout = 900 * time.Millisecond
	// proxyTimeoutSlack is how much two measured timeouts may differ.
	proxyTimeoutSlack = 150 * time.Millisecond
	// maxAttemptsPerPoll is how often net/http may have sent one poll.
	maxAttemptsPerPoll = 3
)

// detectProxyTimeout marks a failed long poll that a load balancer ended, because its
// timeout is shorter than the poll: it answered 504 or 408, or it closed the
// connection. Other causes close connections too; a load balancer does so after the
// same time again, or after a multiple of it, because net/http repeats a poll whose
// connection was used before.
func (q *queue) detectProxyTimeout(err *conductor.Error, took, pollTimeout time.Duration) *conductor.Error {
	limit := pollTimeout + time.Second
	answered := err.Status == http.StatusGatewayTimeout || err.Status == http.StatusRequestTimeout
	closed := err.Status == 0 && slices.ContainsFunc(
		[]error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, conductor.ErrBroken},
		func(target error) bool { return errors.Is(err, target) })
	if closed {
		limit *= maxAttemptsPerPoll
	}
	if !answered && !closed || took < minProxyTimeout || took > limit {
		return err
	}
	last := time.Duration(q.proxyTimeout.Swap(int64(took)))
	if closed && !isMultiple(min(took, last), max(took, last)) {
		return err
	}
	marked := *err
	marked.Cause = errProxyTimeout
	return &marked
}

// isMultiple reports whether long is about one to maxAttemptsPerPoll times short.
func isMultiple(short, long time.Duration) bool {
	if short <= 0 {
		return false
	}
	var sum, slack time.Duration
	for range maxAttemptsPerPoll {
		sum += short
		slack += proxyTimeoutSlack
		if (long - sum).Abs() <= slack {
			return true
		}
	}
	return false
}
