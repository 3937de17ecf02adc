package cli

import (
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"conductor-jwt/keys"
	"conductor-jwt/policy"
)

// Each kind of source is in this build, or it is said where it is.
func TestStoresOfThisBuild(t *testing.T) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		t.Fatal("the test knows nothing of its build")
	}
	var tags []string
	for _, s := range info.Settings {
		if s.Key == "-tags" {
			tags = strings.Split(s.Value, ",")
		}
	}
	has := schemes(Env{Getenv: func(string) (string, bool) { return "", false }}, nil, keys.NewParser(keys.ParserOptions{}))
	for _, name := range policy.Schemes() {
		if name == policy.SchemeConductor {
			continue // of the keyring
		}
		tagged := slices.Contains([]string{policy.SchemeAWSKMS, policy.SchemeAzureKMS, policy.SchemePKCS11}, name)
		want := !tagged || slices.Contains(tags, name)
		if has[name] == nil == want {
			t.Errorf("%s: is here: %t; built with %q", name, has[name] != nil, tags)
		}
		if !want && elsewhere()[name] == "" {
			t.Errorf("%s is nowhere", name)
		}
	}
}
