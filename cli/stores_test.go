package cli

import (
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"conductor-jwt/keys"
	"conductor-jwt/policy"
)

// isNative reports whether the toolchain says that cgo built this binary.
func isNative(t *testing.T) bool {
	t.Helper()
	info, ok := debug.ReadBuildInfo()
	if !ok {
		t.Fatal("the test knows nothing of its build")
	}
	return runtime.GOOS != "windows" && slices.Contains(info.Settings, debug.BuildSetting{Key: "CGO_ENABLED", Value: "1"})
}

// Each kind of source is in this edition, or the edition that has it is named.
func TestStoresOfThisEdition(t *testing.T) {
	has := schemes(Env{Getenv: func(string) (string, bool) { return "", false }}, nil, keys.NewParser(keys.ParserOptions{}))
	for _, name := range policy.Schemes() {
		if name == policy.SchemeConductor {
			continue // of the keyring
		}
		want := name != policy.SchemePKCS11 || isNative(t)
		if has[name] == nil == want {
			t.Errorf("%s: is here: %t; in the %s edition", name, has[name] != nil, edition)
		}
		if !want && missingSchemes()[name] != "; the native edition has them" {
			t.Errorf("%s is nowhere", name)
		}
	}
}

func TestOnlyTheNativeEditionSignsWithOpenSSL(t *testing.T) {
	b := newBuild(Env{})
	if isNative(t) {
		if b.Edition != "native" || !strings.HasPrefix(b.Crypto, "openssl 3.") || b.backEnd.rsa == nil {
			t.Errorf("%s", b)
		}
	} else if b.Edition != "static" || b.Crypto != "go" || b.backEnd.rsa != nil {
		t.Errorf("%s", b)
	}
}
