package cli

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// minMilliseconds is the smallest time that is taken for milliseconds: as seconds
// it is in the year 5138, as milliseconds in 1973.
const minMilliseconds = 100_000_000_000

// parseMoment reads a time: seconds since 1970, RFC 3339, or a duration after now
// (5m, +5m) or before it (-5m). It returns seconds since 1970.
func parseMoment(text string, now time.Time) (int64, error) {
	if isDigits(strings.TrimPrefix(text, "-")) {
		return parseSeconds(text)
	}
	if d, err := time.ParseDuration(strings.TrimPrefix(text, "+")); err == nil {
		return inRange(now.Add(d).Unix())
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, errors.New("the value is not seconds since 1970, an RFC 3339 time or a duration such as +5m")
	}
	if at.Nanosecond() != 0 {
		return 0, errors.New("the time has a fraction of a second, but the times of a token are whole seconds")
	}
	return inRange(at.Unix())
}

func parseSeconds(text string) (int64, error) {
	if digits := strings.TrimPrefix(text, "-"); len(digits) > 1 && digits[0] == '0' {
		return 0, errors.New("the number begins with 0, so that it may be octal or decimal")
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, errors.New("the time is past the year 9999")
	}
	return inRange(n)
}

func inRange(n int64) (int64, error) {
	if n >= minMilliseconds || n <= -minMilliseconds {
		return 0, errors.New("the time is past the year 9999, or in milliseconds, but the times of a token are in seconds")
	}
	return n, nil
}

// parseTTL reads a lifetime in whole seconds: 300, or 5m.
func parseTTL(text string) (int64, error) {
	seconds, err := parseDuration(text)
	if err == nil && seconds < 1 {
		err = errors.New("the duration is less than one second")
	}
	return seconds, err
}

// parseDuration reads a duration of whole seconds, which is not negative.
func parseDuration(text string) (int64, error) {
	if isDigits(text) {
		return parseSeconds(text)
	}
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, errors.New("the value is not whole seconds or a duration such as 5m or 1h30m")
	case d < 0:
		return 0, errors.New("the duration is negative")
	case d%time.Second != 0:
		return 0, errors.New("the duration has a fraction of a second")
	}
	return int64(d / time.Second), nil
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// badFlag reports a flag's value; err must not quote it.
func badFlag(name string, err error, hint string) error {
	return usage(hint, "--%s: %s", name, err)
}
