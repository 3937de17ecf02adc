package conductor

import (
	"net/http"
	"strconv"
	"time"
)

// MaxRetryAfter is the longest wait that a server can ask for by Retry-After;
// a longer one is cut to it.
const MaxRetryAfter = 60 * time.Second

// ClassOf is the class of an answer that is no success.
func ClassOf(status int) Class {
	switch {
	case status == http.StatusUnauthorized:
		return Unauthorized
	case status == http.StatusForbidden:
		return Forbidden
	case status == http.StatusNotFound:
		return NotFound
	case status == http.StatusProxyAuthRequired:
		return Network // a proxy stands between; the call never arrived
	case status == http.StatusTooManyRequests:
		return Throttled
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status >= 500:
		return Server
	case status >= 400:
		return Rejected
	default: // a redirect that was not followed, an odd 2xx
		return Garbled
	}
}

// RetryAfter reads the header of that name (RFC 9110 §10.2.3): whole seconds or
// an HTTP-date. Anything else, and what is past, is 0; the most is
// [MaxRetryAfter].
func RetryAfter(header string, now time.Time) time.Duration {
	if header == "" {
		return 0
	}
	// A value that overflows an int64 still means the maximum wait.
	if allDigits(header) {
		seconds, err := strconv.ParseInt(header, 10, 64)
		if err != nil || seconds > int64(MaxRetryAfter/time.Second) {
			return MaxRetryAfter
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), MaxRetryAfter)
}

func allDigits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}
