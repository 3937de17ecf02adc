package glob_test

import (
	"strings"
	"testing"

	"conductor-jwt/internal/glob"
)

func TestPatternsAreAnchored(t *testing.T) {
	for _, row := range []struct {
		glob, text string
		want       bool
	}{
		{"billing", "billing", true},
		{"billing", "billing2", false},
		{"billing", "xbilling", false},
		{"billing_*", "billing_run", true},
		{"billing_*", "billing_", true},
		{"billing_*", "x_billing_run", false},
		{"*", "anything", true},
		{"*", "", true},
		{"*", "a/b", false},
		{"**", "a/b", true},
		{"https://api.acme.com/**", "https://api.acme.com/v1/x", true},
		{"https://api.acme.com/**", "https://api.acme.com/", true},
		{"https://api.acme.com/**", "https://api.acme.com", false},
		{"https://api.acme.com/*", "https://api.acme.com/v1/x", false},
		{"https://*.acme.com", "https://api.acme.com", true},
		{"https://*.acme.com", "https://evil.com/.acme.com", false},
		{"https://*/v1/*", "https://a/v1/x", true},
		{"a*b**c", "axb/y/c", true},
		{"a*b**c", "a/b/y/c", false},
		{"a***c", "a/b/c", true},
		{"invoice:*", "invoice:read", true},
		{"a.c", "abc", false},
		{"[a]", "a", false},
		{"é*", "éa", true},
		{"*é", "aéé", true},
		{"*", "\xff", true},
		{"*", "\ufffd", true},
		{"*", "a b\u00a0c", true},
		{"svc:*", "svc:a\n", false},
		{"svc:**", "svc:a\nsvc:root", false},
		{"**", "\x00", false},
		{"**", "a\u0085b", false},
		{"**", "a\u200bb", false},
		{"**", "a\u202eb", false},
		{"**", "\u2066a\u2069", false},
		{"**", "a\u2028b", false},
		{"**", "a\u180eb", false},
		{"**", "\ufeffa", false},
		{"a\n*", "a\nb", true},
		{"", "", true},
		{"", "a", false},
	} {
		if got := glob.Pattern(row.glob).Match(row.text); got != row.want {
			t.Errorf("%q matches %q = %t", row.glob, row.text, got)
		}
	}
}

// The slowest pattern with the longest text takes less than a second.
func TestAPatternTakesLittleTime(t *testing.T) {
	g := glob.Pattern(strings.Repeat("a*", 512))
	if g.Match(strings.Repeat("a", 4096) + "b/") {
		t.Error("it matches")
	}
}

func TestAFilledStarMatchesSomething(t *testing.T) {
	for _, row := range []struct {
		pattern, text string
		want          bool
	}{
		{"https://*.acme.com", "https://api.acme.com", true},
		{"https://*.acme.com", "https://.acme.com", false},
		{"https://*", "https://", false},
		{"https://*", "https://a/b", false},
		{"https://**/realms/*", "https://a/b/realms/c", true},
		{"https://**/realms/*", "https:///realms/c", false},
		{"https://**/realms/*", "https://realms/c", false},
		{"https://**/realms/*", "https://a/realms/", false},
		{"*.*", "a.b", true},
		{"*.*", "a.b.c", true},
		{"*.*", ".b", false},
		{"*.*", "a.", false},
		{"**", "", false},
		{"", "", true},
		{"a", "a", true},
		{"*", "a\u200bb", false},
	} {
		if got := glob.Pattern(row.pattern).MatchFilled(row.text); got != row.want {
			t.Errorf("%q matches %q = %t", row.pattern, row.text, got)
		}
	}
}
