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

// A pattern must not match a URL that a server may take for another one.
func TestNormalURLs(t *testing.T) {
	for text, want := range map[string]bool{
		"https://as.example/token":            true,
		"https://as.example:443/token":        true,
		"https://as.example":                  true,
		"https://as.example/":                 true,
		"https://as.example/a/":               true,
		"https://as.example/a%20b/~.-_/...":   true,
		"https://as.example/a?policy=p":       true,
		"https://[::1]:8443/token":            true,
		"https://as.example/a/../token":       false,
		"https://as.example/a/..":             false,
		"https://as.example/./token":          false,
		"https://as.example/%2e%2E/token":     false,
		"https://as.example/a/..;/token":      false,
		"https://as.example/a/..%3bx/token":   false,
		"https://as.example/token;v=1":        false,
		"https://as.example/%252e%252e/token": false,
		"https://as.example/%c0%ae%c0%ae/a":   false,
		"https://as.example/a%2fb":            false,
		"https://as.example/a%5cb":            false,
		`https://as.example/a\b`:              false,
		"https://as.example/a%3fb":            false,
		"https://as.example/a%23b":            false,
		"https://as.example/a%00b":            false,
		"https://as.example/a%e2%80%8bb":      false,
		"https://as.example/a b":              false,
		"https://as.example/ä":                false,
		"https://as.example//token":           false,
		"https://as.example/a//token":         false,
		"https://as.example/token#":           false,
		"https://AS.example/token":            false,
		"https://äs.example/token":            false,
		"https://%C3%A4s.example/token":       false,
		"https://as%252eexample/token":        false,
		"https://as.example;a.b/token":        false,
		"https://[fe80::1%25eth0]/token":      false,
		"https://*.as.example/token":          true,
		"HTTPS://as.example/token":            false,
		"https://as.example/%zz":              false,
		"https://as.example:port/":            false,
	} {
		if got := glob.IsNormalURL(text); got != want {
			t.Errorf("%s is normal: %t", text, got)
		}
	}
}
