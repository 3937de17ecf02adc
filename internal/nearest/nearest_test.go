package nearest_test

import (
	"testing"

	"conductor-jwt/internal/nearest"
)

func TestNearest(t *testing.T) {
	names := []string{"slots", "poll_timeout", "pollers", "audit"}
	for _, row := range []struct{ typed, meant string }{
		{"slot", "slots"},
		{"SLOTS", "slots"},
		{"poll-timeout", "poll_timeout"},
		{"pollTimeout", "poll_timeout"},
		{"poll_timout", "poll_timeout"},
		{"poller", "pollers"},
		{"audt", "audit"},
		{"adt", ""},
		{"threads", ""},
		{"", ""},
		{"x", ""},
	} {
		if got := nearest.Of(row.typed, names); got != row.meant {
			t.Errorf("Nearest(%q) = %q, want %q", row.typed, got, row.meant)
		}
	}
}

func TestNearestIsLevenshteins(t *testing.T) {
	for _, row := range []struct {
		typed, name string
		near        bool
	}{
		{"kitten", "sitting", false},
		{"kitten", "sitten", true},
		{"kitten", "sittin", true},
		{"kitten", "itten", true},
		{"kitten", "kkittenn", true},
		{"kitten", "xxkittenx", false},
		{"abc", "abd", true},
		{"abc", "add", false},
	} {
		if got := nearest.Of(row.typed, []string{row.name}) != ""; got != row.near {
			t.Errorf("%q near %q = %t, want %t", row.typed, row.name, got, row.near)
		}
	}
}
