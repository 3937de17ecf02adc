package worker

import (
	"errors"
	"fmt"

	"conductor-jwt/conductor"
)

// failureOf reads any error of a Server as a failed call. What is no
// *conductor.Error counts as the network's, and its text goes no further.
func failureOf(call string, err error) *conductor.Error {
	if e, ok := errors.AsType[*conductor.Error](err); ok {
		return e
	}
	return &conductor.Error{Class: conductor.Network, Call: call}
}

// errPanic stands for the value of a panic, which may hold anything.
var errPanic = errors.New("panic in the client")

func panicked(call string) *conductor.Error {
	return &conductor.Error{Class: conductor.Garbled, Call: call, Cause: errPanic}
}

// heals reports whether the same update may succeed later.
func heals(c conductor.Class) bool {
	switch c {
	case conductor.Network, conductor.Server, conductor.Throttled, conductor.Unauthorized,
		conductor.Garbled, conductor.TooLarge:
		return true
	default:
		return false
	}
}

// outside makes text of the server's fit for a log line: printable, and short.
func outside(s string) string {
	const most = 128
	quoted := fmt.Sprintf("%+q", s)
	quoted = quoted[1 : len(quoted)-1]
	if len(quoted) > most {
		return quoted[:most] + "…"
	}
	return quoted
}
