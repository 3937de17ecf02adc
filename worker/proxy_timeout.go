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
	// The timeout of a load balancer is whole seconds, and the clocks of the two
	// ends differ a little.
	minProxyTimeout, proxyTimeoutSlack = 900 * time.Millisecond, 150 * time.Millisecond
	// maxAttemptsPerPoll is how often net/http may have sent one poll.
	maxAttemptsPerPoll = 3
)

// detectProxyTimeout marks the failure of a long poll as one of a load balancer
// whose timeout is shorter than the poll. It answers in place of the server, or
// closes the connection, always after the same time. If it closes a connection
// that was used before, net/http sends the poll again, and the time is a multiple
// of the timeout.
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
