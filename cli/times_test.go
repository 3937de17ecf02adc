package cli

import (
	"testing"
	"time"
)

func TestMoments(t *testing.T) {
	now := time.Unix(1_700_000_000, 999)
	for text, want := range map[string]int64{
		"0": 0, "1": 1, "-5": -5, "4102444800": 4102444800, "99999999999": 99999999999,
		"+5m": 1_700_000_300, "5m": 1_700_000_300, "-5m": 1_699_999_700, "1h30m": 1_700_005_400, "+0s": 1_700_000_000,
		"2023-11-14T22:13:20Z": 1_700_000_000, "2023-11-14T23:13:20+01:00": 1_700_000_000,
	} {
		if got, err := parseMoment(text, now); err != nil || got != want {
			t.Errorf("%s is %d (%v), want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", " ", "-", "+", "+5", " 5", "5 ", "0777", "-01", "0x10", "1_000", "1e9", "1.5", "soon", "now", "5 m", "2023-11-14",
		"2023-11-14T22:13:20", "2023-11-14T22:13:20.5Z", "100000000000", "-100000000000", "1700000000000",
		"9223372036854775807", "9223372036854775808", "9999-12-31T23:59:59Z", "99999999h",
	} {
		if got, err := parseMoment(text, now); err == nil {
			t.Errorf("%q is taken for %d", text, got)
		}
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "300": 300, "5m": 300, "1h30m": 5400, "0s": 0, "1000ms": 1} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%s is %d (%v), want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-1", "-5m", "+5m ", "1.5", "500ms", "0x10", "030", "5 m", "1_0", "9223372036854775808"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q is taken for %d", text, got)
		}
	}
	if _, err := parseTTL("0"); err == nil {
		t.Error("a lifetime of nothing is taken")
	}
}

// FuzzMoment checks that every accepted time is one that a token may have.
func FuzzMoment(f *testing.F) {
	for _, text := range []string{"1700000000", "+5m", "-1h", "2026-01-02T15:04:05Z", "9223372036854775807", "-2562047h47m16.854775808s"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseMoment(text, time.Unix(1_700_000_000, 0))
		if err == nil && (got >= minMilliseconds || got <= -minMilliseconds) {
			t.Errorf("%q is %d", text, got)
		}
	})
}
