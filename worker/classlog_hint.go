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

const (
	troublePanic conductor.Trouble = "panic"
	troubleCut   conductor.Trouble = "cut" // polls that something ends before the server does
)

func troubleOf(err *conductor.Error) conductor.Trouble {
	switch {
	case errors.Is(err, errPanic):
		return troublePanic
	case errors.Is(err, errCut):
		return troubleCut
	}
	return err.Trouble()
}

// hintFor is what to do next, for whoever reads the line at night.
func hintFor(err *conductor.Error) string {
	switch troubleOf(err) {
	case troublePanic:
		return "please report it, with the version of the server"
	case troubleCut:
		return "a load balancer or proxy ends polls before the server answers: set CONDUCTOR_JWT_POLL_TIMEOUT below its timeout, or raise its timeout above CONDUCTOR_JWT_POLL_TIMEOUT"
	}
	return err.Hint()
}

// errCut is the cause of a poll's failure that a load balancer explains. It is
// a constant text, so it may be printed.
var errCut = errors.New("the poll was ended before the server answered it")

// A timeout of a load balancer is whole seconds, and the clocks of the two ends
// differ a little.
const minCut, cutSlack = 900 * time.Millisecond, 150 * time.Millisecond

// explainCut marks the failure of a cold poll as one of a load balancer whose
// timeout is shorter than the poll: it answers for the server, or closes the
// connection, always after the same time. Net/http asks once more where it
// closes one that was used before, so that takes a multiple of the time.
func (q *queue) explainCut(err *conductor.Error, took, pollTimeout time.Duration) *conductor.Error {
	most := pollTimeout + time.Second
	answered := err.Status == http.StatusGatewayTimeout || err.Status == http.StatusRequestTimeout
	closed := err.Status == 0 && slices.ContainsFunc(
		[]error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, conductor.ErrBroken},
		func(target error) bool { return errors.Is(err, target) })
	if closed {
		most *= maxRepeats
	}
	if !answered && !closed || took < minCut || took > most {
		return err
	}
	last := time.Duration(q.cutAfter.Swap(int64(took)))
	if closed && !repeats(min(took, last), max(took, last)) {
		return err
	}
	cut := *err
	cut.Cause = errCut
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
		slack += cutSlack
		if (long - sum).Abs() <= slack {
			return true
		}
	}
	return false
}
