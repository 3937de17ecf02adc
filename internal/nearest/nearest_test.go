package nearest_test

import (
	"strings"
	"testing"

	"conductor-jwt/internal/nearest"
)

func TestOf(t *testing.T) {
	names := []string{"slots", "poll_timeout", "pollers", "audit", "tls_ca_cert", "tls_client_cert", "kid", "b"}
	for _, row := range []struct{ typed, meant string }{
		{"slot", "slots"},
		{"SLOTS", "slots"},
		{"poll-timeout", "poll_timeout"},
		{"pollTimeout", "poll_timeout"},
		{"poll_timout", "poll_timeout"},
		{"poller", "pollers"},
		{"audt", "audit"},
		{"adt", ""},
		{"tls_cert", "tls_ca_cert or tls_client_cert"},
		{"tls_ca_crt", "tls_ca_cert"},
		{"TLS_CACERT", "tls_ca_cert"},
		{"sltos", "slots"},
		{"ikd", "kid"},
		{"kdi", "kid"},
		{"dik", ""},
		{strings.Repeat("a", 1<<20), ""}, // a whole file, compared quickly
		{"kd", ""},
		{"B", "b"},
		{"a", ""},
		{"threads", ""},
		{"", ""},
		{"x", ""},
	} {
		if got := nearest.Of(row.typed, names); got != row.meant {
			t.Errorf("Of(%q) = %q, want %q", row.typed, got, row.meant)
		}
	}
}

func TestOfCountsEdits(t *testing.T) {
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
		{"abé", "abe", true}, // one letter, two bytes
	} {
		if got := nearest.Of(row.typed, []string{row.name}) != ""; got != row.near {
			t.Errorf("%q near %q = %t, want %t", row.typed, row.name, got, row.near)
		}
	}
}

func TestWithin(t *testing.T) {
	for _, row := range []struct {
		typed   string
		letters int
		near    bool
	}{
		{"subject", 0, true},
		{"SUB_ject", 0, true},
		{"subjct", 0, false},
		{"subjct", 1, true},
		{"sujbect", 1, false},
		{"sujbect", 2, true},
		{"xyz", 6, false},
		{"xyz", 7, true},
	} {
		if got := nearest.Within(row.typed, []string{"subject"}, row.letters) != ""; got != row.near {
			t.Errorf("%q within %d letters of subject = %t, want %t", row.typed, row.letters, got, row.near)
		}
	}
}

func TestPart(t *testing.T) {
	names := []string{"github-app", "google-service-account", "google-self-signed", "box", "okta"}
	for _, row := range []struct{ typed, want string }{
		{"github", "github-app"},
		{"GitHub", "github-app"},
		{"google", "google-self-signed"},
		{"service_account", "google-service-account"},
		{"okta-oauth", "okta"},
		{"box-jwt", "box"},
		{"bo", ""},
		{"", ""},
		{"gitlab", ""},
		{"app", "github-app"},
	} {
		if got := nearest.Part(row.typed, names); got != row.want {
			t.Errorf("Part(%q) = %q, want %q", row.typed, got, row.want)
		}
	}
}
