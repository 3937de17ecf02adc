package signer

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
)

// lastSecond is the last second of the year 9999, the last that RFC 3339 can
// write. A NumericDate beyond it is an error, most often milliseconds.
const lastSecond = 253402300799

// NumericDate reads a claim of that type (RFC 7519 §2): a JSON number of
// seconds, which may have a fraction or an exponent. The error is an *[fault.Error]
// of [ErrClaimType].
func NumericDate(value json.RawMessage) (time.Time, error) {
	if jsonobj.TypeName(value) != "number" {
		return time.Time{}, &fault.Error{
			Reason: ErrClaimType, Found: "of json type " + jsonobj.TypeName(value),
			Hint: "a time is a json number of seconds (rfc 7519 section 2)",
		}
	}
	if n, err := strconv.ParseInt(string(value), 10, 64); err == nil {
		return unix(n, 0)
	}
	// No error but a range error is possible on a JSON number, and the
	// infinity that then comes is out of range for unix too.
	f, _ := strconv.ParseFloat(string(value), 64)
	if math.IsInf(f, 0) || math.Abs(f) > 2*lastSecond {
		return unix(math.MaxInt64, 0)
	}
	whole, fraction := math.Modf(f)
	return unix(int64(whole), int64(fraction*float64(time.Second)))
}

func unix(seconds, nanoseconds int64) (time.Time, error) {
	if seconds > lastSecond || seconds < -lastSecond {
		return time.Time{}, &fault.Error{
			Reason: ErrClaimType, Found: "a time beyond the year 9999",
			Hint: "a time is in seconds, not in milliseconds (rfc 7519 section 2)",
		}
	}
	return time.Unix(seconds, nanoseconds), nil
}
