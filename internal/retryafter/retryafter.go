// Package retryafter reads the header Retry-After.
package retryafter

import (
	"errors"
	"net/http"
	"strconv"
	"time"
)

// Max is the longest wait that an answer can ask for. A longer one is cut to it.
const Max = 60 * time.Second

// Read reads the value of the header (RFC 9110 §10.2.3): whole seconds or an
// HTTP-date, at most [Max]. A date in the past and anything else is 0.
func Read(header string, now time.Time) time.Duration {
	seconds, err := strconv.ParseUint(header, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange), err == nil && seconds > uint64(Max/time.Second):
		return Max
	case err == nil:
		return time.Duration(seconds) * time.Second //nolint:gosec // at most 60
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), Max)
}
