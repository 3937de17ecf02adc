package retryafter_test

import (
	"testing"
	"time"

	"conductor-jwt/internal/retryafter"
)

func TestRead(t *testing.T) {
	now := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	cases := map[string]time.Duration{
		"": 0, "0": 0, "1": time.Second, "007": 7 * time.Second, "60": time.Minute, "61": time.Minute,
		"99999999999999999999": time.Minute, "-1": 0, "1.5": 0, "soon": 0, " 5": 0,
		"Wed, 25 Nov 2026 08:00:30 GMT":     30 * time.Second,
		"Wed, 25 Nov 2026 09:00:00 GMT":     time.Minute,
		"Wed, 25 Nov 2026 07:00:00 GMT":     0,
		"Wednesday, 25-Nov-26 08:00:10 GMT": 10 * time.Second,
		"Wed Nov 25 08:00:10 2026":          10 * time.Second,
	}
	for header, want := range cases {
		if got := retryafter.Read(header, now); got != want {
			t.Errorf("%q is %s, want %s", header, got, want)
		}
	}
}
