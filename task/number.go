package task

import (
	"encoding/json/jsontext"
	"errors"
	"math"
	"strconv"
	"strings"

	"conductor-jwt/internal/jsonobj"
)

var (
	errNotWhole = errors.New("not a whole number")
	errNotDigit = errors.New("not digits alone")
	errTooLong  = errors.New("too many digits")
)

// wholeDigits gives the digits of a JSON number that is whole by its meaning:
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
// any limit here is as good as one of nine.
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
