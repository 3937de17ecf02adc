package task

import (
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"conductor-jwt/internal/jsonobj"
)

// maxBack is how far notBefore and issuedAtOffset reach back, in seconds.
const maxBack = 600

// times are the token's times, in whole seconds (RFC 7519 §2 NumericDate).
type times struct {
	ttl       int64
	defaulted bool  // the task names no ttl
	offset    int64 // of iat from now, not positive
	notBefore *int64
	noExpiry  bool // there is no exp
}

func (v *inputValues) times(b bounds) (times, error) {
	t := times{offset: b.offset, noExpiry: b.noExpiry}
	var err error
	if t.ttl, err = v.ttl(b); err != nil {
		return t, err
	}
	t.defaulted = !v.has(inTTL) && !v.has(inTTLs)
	if b.noExpiry && !t.defaulted {
		return t, refuse(errInputConflict, inTTL, "the tokens of this profile do not expire", "leave it out")
	}
	offset, err := v.relative(inIssuedAtOffset, -maxBack, 0)
	if err != nil {
		return t, err
	}
	if offset != nil {
		t.offset = *offset
	}
	if t.notBefore, err = v.relative(inNotBefore, -maxBack, t.ttl-1); t.notBefore == nil {
		t.notBefore = b.notBefore
	}
	return t, err
}

// bounds are the defaults and the limits of a token's times, in seconds.
type bounds struct {
	ttl, minTTL, maxTTL int64
	offset              int64
	notBefore           *int64
	noExpiry            bool // there is no exp
}

// bounds returns the bounds by the profile, the worker's settings and, where a
// grant decides about the ttl later, none of the worker's.
func (h *Handler) bounds(r *request) bounds {
	p := r.profile
	limit := h.o.MaxTTL
	if r.needsGrant() {
		limit = maxGrantTTL
	}
	b := bounds{ttl: int64(h.o.DefaultTTL / time.Second), minTTL: max(1, p.MinTTL), offset: -p.Backdate, noExpiry: p.Overrides.NoExpiry}
	b.maxTTL = p.LimitTTL(int64(limit / time.Second))
	if p.TTL > 0 {
		b.ttl = p.TTL
	}
	b.ttl = min(b.ttl, b.maxTTL)
	if p.NotBefore {
		b.notBefore = new(int64)
	}
	return b
}

// allowedTTL is the hint that names the allowed ttl.
func (b bounds) allowedTTL() string {
	if b.minTTL == b.maxTTL {
		return fmt.Sprintf("ask for %d seconds, or leave it out", b.minTTL)
	}
	return fmt.Sprintf("ask for %d to %d seconds", b.minTTL, b.maxTTL)
}

// workerTTL is the limit where a grant sets none: that of the operator's profile,
// or of the worker.
func (h *Handler) workerTTL(r *request) time.Duration {
	switch own := r.profile.Overrides; {
	case own.NoExpiry:
		return maxGrantTTL
	case own.MaxTTL > 0:
		return time.Duration(own.MaxTTL) * time.Second
	}
	return h.o.MaxTTL
}

// ttl reads the two spellings of the ttl, which may say the same.
func (v *inputValues) ttl(b bounds) (int64, error) {
	ttl, from := b.ttl, ""
	for _, name := range []string{inTTL, inTTLs} {
		n, ok := v.values[name]
		if !ok {
			continue
		}
		value, err := wholeSeconds(name, n)
		if err != nil {
			return 0, err
		}
		if value < b.minTTL || value > b.maxTTL {
			return 0, refuse(errTTLOutOfRange, name, ttlOf(value)+" is outside of what is allowed", b.allowedTTL())
		}
		if from != "" && value != ttl {
			return 0, refuse(errInputConflict, name, "it says something else than "+from, "leave one of the two out")
		}
		ttl, from = value, name
	}
	return ttl, nil
}

// ttlOf writes a ttl for a message. It was read as a number, so it is no secret.
func ttlOf(seconds int64) string { return fmt.Sprintf("a ttl of %d seconds", seconds) }

// relative reads a count of seconds between two bounds; nil where it is blank.
func (v *inputValues) relative(name string, lowest, highest int64) (*int64, error) {
	n, ok := v.values[name]
	if !ok {
		return nil, nil
	}
	value, err := wholeSeconds(name, n)
	if err != nil {
		return nil, err
	}
	if value < lowest || value > highest {
		return nil, invalid(name, "this number of seconds is out of range", fmt.Sprintf("write %d to %d", lowest, highest))
	}
	return &value, nil
}

func wholeSeconds(name string, n jsonobj.Value) (int64, error) {
	value, err := seconds(n)
	switch {
	case errors.Is(err, errNotDigit):
		return 0, invalid(name, "this is "+describe(n)+", not digits alone", "write whole seconds, without a unit")
	case err != nil:
		return 0, invalid(name, "this is not a whole number", "write whole seconds")
	}
	return value, nil
}

var (
	errNotWhole = errors.New("not a whole number")
	errNotDigit = errors.New("not digits alone")
	errTooLong  = errors.New("too many digits")
)

// wholeDigits returns the digits of a JSON number that is whole by its meaning:
// 300, 300.0 and 3e2 are all "300". It fails with errNotWhole, or with
// errTooLong where there would be more than limit digits, and it never builds
// the digits of 1e999999999 to find that out.
func wholeDigits(number string, limit int) (string, error) {
	sign := ""
	if rest, negative := strings.CutPrefix(number, "-"); negative {
		sign, number = "-", rest
	}
	mantissa, exponent := splitExponent(number)
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return "0", nil
	}
	significant := strings.TrimRight(digits, "0")
	zeros := exponent - len(fraction) + len(digits) - len(significant)
	switch {
	case zeros < 0:
		return "", errNotWhole
	case zeros > limit-len(significant):
		return sign, errTooLong
	}
	return sign + significant + strings.Repeat("0", zeros), nil
}

// splitExponent cuts a JSON number at its e. An exponent of more digits than
// any limit here has the same effect as one of nine.
func splitExponent(number string) (mantissa string, exponent int) {
	at := strings.IndexAny(number, "eE")
	if at < 0 {
		return number, 0
	}
	mantissa, text := number[:at], number[at+1:]
	negative := strings.HasPrefix(text, "-")
	text = strings.TrimLeft(strings.TrimLeft(text, "+-"), "0")
	if text == "" {
		return mantissa, 0
	}
	exponent = 999_999_999
	if len(text) < 9 {
		exponent, _ = strconv.Atoi(text) // digits by the JSON grammar
	}
	if negative {
		exponent = -exponent
	}
	return mantissa, exponent
}

// seconds reads a count of seconds: a JSON number that is whole by its
// meaning, or a string of digits alone, which is what the server's expressions
// give. What does not fit an int64 becomes the nearest one that does.
func seconds(n jsonobj.Value) (int64, error) {
	if n.Kind == jsontext.KindString {
		if !plainDigits(n.Text) {
			return 0, errNotDigit
		}
		return saturated(n.Text), nil
	}
	digits, err := wholeDigits(n.Text, 19)
	if errors.Is(err, errTooLong) {
		digits, err = digits+strings.Repeat("9", 20), nil // the sign is all that counts
	}
	if err != nil {
		return 0, err
	}
	return saturated(digits), nil
}

// plainDigits reports whether text is a whole number as JSON writes it: an
// optional minus, no plus, no leading zero, no exponent, no space.
func plainDigits(text string) bool {
	text = strings.TrimPrefix(text, "-")
	if text == "" || len(text) > 1 && text[0] == '0' {
		return false
	}
	return strings.Trim(text, "0123456789") == ""
}

func saturated(digits string) int64 {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err == nil {
		return n
	}
	if strings.HasPrefix(digits, "-") {
		return math.MinInt64
	}
	return math.MaxInt64
}

func isZero(n jsonobj.Value) bool {
	if n.Kind != jsontext.KindString && n.Kind != jsontext.KindNumber {
		return false
	}
	value, err := seconds(n)
	return err == nil && value == 0
}
