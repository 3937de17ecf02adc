package task

import (
	"encoding/json/jsontext"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conductor-jwt/internal/jsonobj"
)

func TestANumberIsReadByItsMeaning(t *testing.T) {
	for _, test := range []struct {
		number, digits string
		err            error
	}{
		{"0", "0", nil},
		{"-0", "0", nil},
		{"0.0", "0", nil},
		{"0e999999999999999999999", "0", nil},
		{"300", "300", nil},
		{"300.0", "300", nil},
		{"300.000", "300", nil},
		{"3e2", "300", nil},
		{"3E+2", "300", nil},
		{"3e002", "300", nil},
		{"0.3e3", "300", nil},
		{"30000e-2", "300", nil},
		{"-300.0", "-300", nil},
		{"12345678901234567890", "12345678901234567890", nil},
		{"300.5", "", errNotWhole},
		{"3e-1", "", errNotWhole},
		{"1e-999999999999", "", errNotWhole},
		{"1e999999999", "", errTooLong},
		{"1e99999999999999999999999999", "", errTooLong},
		{"-1e30", "-", errTooLong},
	} {
		digits, err := wholeDigits(test.number, 24)
		if digits != test.digits || !errors.Is(err, test.err) {
			t.Errorf("%s means %q, %v; want %q, %v", test.number, digits, err, test.digits, test.err)
		}
	}
}

func TestAHugeExponentCostsNothing(t *testing.T) {
	start := time.Now()
	if _, err := wholeDigits("1e999999999", maxText); !errors.Is(err, errTooLong) {
		t.Errorf("err = %v", err)
	}
	if _, err := wholeDigits(strings.Repeat("9", 1<<20)+"e-999999999", maxText); !errors.Is(err, errNotWhole) {
		t.Errorf("err = %v", err)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestEveryWayToWriteAWholeNumberMeansTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64().Draw(t, "n")
		shift := rapid.IntRange(0, 30).Draw(t, "shift")
		want := big.NewInt(n).String()
		sign, digits := "", want
		if strings.HasPrefix(want, "-") {
			sign, digits = "-", want[1:]
		}
		padded := strings.Repeat("0", max(0, shift-len(digits)+1)) + digits
		cut := len(padded) - shift
		forms := []string{
			want,
			want + "." + strings.Repeat("0", shift+1),
			want + strings.Repeat("0", shift) + "e-" + big.NewInt(int64(shift)).String(),
			sign + strings.TrimLeft(padded[:cut-1], "0") + padded[cut-1:cut] + "." + padded[cut:] + "0e" + big.NewInt(int64(shift)).String(),
		}
		for _, form := range forms {
			if got, err := wholeDigits(form, 100); err != nil || got != want {
				t.Fatalf("%s means %q, %v; want %s", form, got, err, want)
			}
		}
	})
}

func TestSecondsFitAnInt64(t *testing.T) {
	for _, test := range []struct {
		n    jsonobj.Value
		want int64
		err  error
	}{
		{jsonobj.Value{Kind: jsontext.KindNumber, Text: "3e2"}, 300, nil},
		{jsonobj.Value{Kind: jsontext.KindNumber, Text: "9223372036854775807"}, 1<<63 - 1, nil},
		{jsonobj.Value{Kind: jsontext.KindNumber, Text: "9223372036854775808"}, 1<<63 - 1, nil},
		{jsonobj.Value{Kind: jsontext.KindNumber, Text: "-9223372036854775809"}, -1 << 63, nil},
		{jsonobj.Value{Kind: jsontext.KindNumber, Text: "-1e400"}, -1 << 63, nil},
		{jsonobj.Value{Kind: jsontext.KindNumber, Text: "0.5"}, 0, errNotWhole},
		{jsonobj.Value{Kind: jsontext.KindString, Text: "300"}, 300, nil},
		{jsonobj.Value{Kind: jsontext.KindString, Text: "-300"}, -300, nil},
		{jsonobj.Value{Kind: jsontext.KindString, Text: "99999999999999999999"}, 1<<63 - 1, nil},
		{jsonobj.Value{Kind: jsontext.KindString, Text: ""}, 0, errNotDigit},
		{jsonobj.Value{Kind: jsontext.KindString, Text: "-"}, 0, errNotDigit},
		{jsonobj.Value{Kind: jsontext.KindString, Text: "--1"}, 0, errNotDigit},
		{jsonobj.Value{Kind: jsontext.KindString, Text: "-01"}, 0, errNotDigit},
		{jsonobj.Value{Kind: jsontext.KindString, Text: "3e2"}, 0, errNotDigit},
		{jsonobj.Value{Kind: jsontext.KindString, Text: "300.0"}, 0, errNotDigit},
	} {
		if got, err := seconds(test.n); got != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s %q is %d, %v; want %d, %v", test.n.Kind, test.n.Text, got, err, test.want, test.err)
		}
	}
}
