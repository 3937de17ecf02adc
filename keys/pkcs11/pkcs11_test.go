//go:build cgo

package pkcs11_test

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"conductor-jwt/keys"
	"conductor-jwt/keys/pkcs11"
	"conductor-jwt/test/keyconformance"
)

func pinFile(t *testing.T, pin string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pin")
	if err := os.WriteFile(path, []byte(pin+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func uri(path, pin string) string {
	return "pkcs11:" + path + "?pin-source=" + url.PathEscape(pin) + "&module-path=" + hsm.module
}

func open(t *testing.T, path, pin string) keys.Source {
	t.Helper()
	source, err := pkcs11.New(pkcs11.Options{}).Open(uri(path, pin))
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func TestConformance(t *testing.T) {
	session := hsm.put(t, "kinds")
	for id, row := range []struct {
		name, kind string
		algorithms []keys.Algorithm
	}{
		{"rsa", "rsa", []keys.Algorithm{keys.RS256, keys.RS384, keys.RS512, keys.PS256, keys.PS384, keys.PS512}},
		{"P-256", p256, []keys.Algorithm{keys.ES256}},
		{"P-384", p384, []keys.Algorithm{keys.ES384}},
		{"P-521", p521, []keys.Algorithm{keys.ES512}},
		{"secp256k1", secp256k1, []keys.Algorithm{keys.ES256K}},
		{"ed25519", ed25519, []keys.Algorithm{keys.EdDSA, keys.Ed25519}},
	} {
		t.Run(row.name, func(t *testing.T) {
			hsm.generate(t, session, row.name, string(rune('1'+id)), row.kind)
			keyconformance.RunStore(t, func(t *testing.T) keyconformance.Store {
				t.Helper()
				pin := pinFile(t, userPIN)
				return keyconformance.Store{
					Source: open(t, "token=kinds;object="+row.name+";type=private", pin),
					Absent: open(t, "token=kinds;object=none", pin),
				}
			})
			list, err := open(t, "token=kinds;id=%3"+string(rune('1'+id)), pinFile(t, userPIN)).Versions(t.Context())
			if err != nil || len(list) != 1 || !slices.Equal(list[0].Algorithms(), row.algorithms) {
				t.Errorf("%d keys, %v", len(list), err)
			}
		})
	}
}

func TestURIs(t *testing.T) {
	s := pkcs11.New(pkcs11.Options{})
	for uri, files := range map[string][]string{
		"pkcs11:token=a;object=b":                                                         nil,
		"pkcs11:token=a%20b;id=%01%ff?pin-source=/run/pin":                                {"/run/pin"},
		"pkcs11:serial=1;object=b?pin-source=file:///run/the%20pin&module-path=/lib/x.so": {"/run/the pin"},
	} {
		source, err := s.Open(uri)
		if err != nil {
			t.Errorf("%s: %v", uri, err)
			continue
		}
		reader, ok := source.(interface {
			Files(context.Context) []string
		})
		if !ok {
			t.Fatal("a source that does not name its files")
		}
		if got := reader.Files(t.Context()); !slices.Equal(got, files) {
			t.Errorf("%s: reads %q, want %q", uri, got, files)
		}
	}
	for _, uri := range []string{
		"pkcs11:", "pkcs11:token=a", "pkcs11:object=b", "pkcs11:token=a;object=b;type=public", "pkcs11:token=a;object=b;slot-id=1", "pkcs11:token=a;token=a;object=b",
		"pkcs11:token=a;object=", "pkcs11:token=a;object=b?pin-value=1234", "pkcs11:token=a;object=b?pin-source=relative", "pkcs11:token=a;object=b?pin-source=|cat",
		"pkcs11:token=%zz;object=b", "pkcs11:token=a;object=b#c", "token=a;object=b", "pkcs11:token=a;object=b?pin-source=http://x/",
		"pkcs11:token=a;object=b?module-path=softhsm2.so", "pkcs11:token=a;object=b?module-path=../lib/x.so", "pkcs11:token=a;object=b?module-path=file:///lib/x.so",
	} {
		if _, err := s.Open(uri); !errors.Is(err, keys.ErrUnsupported) || strings.Contains(err.Error(), "1234") {
			t.Errorf("%s: %v", uri, err)
		}
	}
}

func TestModuleIsAbsolutePath(t *testing.T) {
	const uri = "pkcs11:token=a;object=b"
	for module, reason := range map[string]error{"softhsm2.so": keys.ErrUnsupported, "./x.so": keys.ErrUnsupported, "/lib/x.so": nil, "": nil} {
		if _, err := pkcs11.New(pkcs11.Options{Module: module}).Open(uri); !errors.Is(err, reason) {
			t.Errorf("%q: %v", module, err)
		}
	}
	if _, err := pkcs11.New(pkcs11.Options{Module: "softhsm2.so"}).Open(uri + "?module-path=/lib/x.so"); err != nil {
		t.Errorf("with a module-path: %v", err)
	}
}

func TestMissingObjects(t *testing.T) {
	session := hsm.put(t, "what")
	hsm.generate(t, session, "same", "1", p256)
	hsm.generate(t, session, "same", "2", p256)
	good := pinFile(t, userPIN)
	for name, row := range map[string]struct {
		source  keys.Source
		want    error
		refused bool
	}{
		"a key of another label": {open(t, "token=what;object=other", good), keys.ErrMissing, false},
		"two keys of one label":  {open(t, "token=what;object=same", good), keys.ErrAmbiguous, false},
		"another token":          {open(t, "token=other;object=same", good), keys.ErrUnavailable, false},
		"no pin":                 {open(t, "token=what;object=same", filepath.Join(t.TempDir(), "none")), keys.ErrUnavailable, true},
	} {
		_, err := row.source.Versions(t.Context())
		if !errors.Is(err, row.want) || errors.Is(err, keys.ErrRefused) != row.refused {
			t.Errorf("%s: %v", name, err)
		}
	}
	none, err := pkcs11.New(pkcs11.Options{Module: "/none.so"}).Open("pkcs11:token=a;object=b")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := none.Versions(t.Context()); !errors.Is(err, keys.ErrUnavailable) {
		t.Error(err)
	}
}

// Tokens lock themselves after some wrong PINs. SoftHSM does not; that a refused
// PIN is not tried again is tested by making it the right one.
func TestWrongPINIsTriedOnce(t *testing.T) {
	session := hsm.put(t, "pins")
	hsm.generate(t, session, "k", "1", p256)
	hsm.do(t, hsm.ctx.CloseSession(session)) // the last session: closing it logs the token out
	pin := pinFile(t, "4321")
	scheme := pkcs11.New(pkcs11.Options{})
	versions := func() error {
		t.Helper()
		source, err := scheme.Open(uri("token=pins;object=k", pin)) // as each reading of the policy does
		if err != nil {
			t.Fatal(err)
		}
		_, err = source.Versions(t.Context())
		runtime.GC()
		return err
	}
	refused := func() {
		t.Helper()
		err := versions()
		if !errors.Is(err, keys.ErrUnavailable) || !errors.Is(err, keys.ErrRefused) || strings.Contains(err.Error(), "4321") {
			t.Error(err)
		}
	}
	refused()
	hsm.setPIN(t, "pins", userPIN, "4321")
	refused()
	if err := os.WriteFile(pin, []byte("98765"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused()
	if err := os.WriteFile(pin, []byte("4321\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := versions(); err != nil {
		t.Error(err)
	}
}

func TestReplacedKey(t *testing.T) {
	session := hsm.put(t, "wiped")
	hsm.generate(t, session, "k", "1", p256)
	source := open(t, "token=wiped;object=k", pinFile(t, userPIN))
	list, err := source.Versions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	key := list[0]
	hsm.wipe(t, session)
	if _, err := key.Sign(t.Context(), keys.ES256, []byte("x")); !errors.Is(err, keys.ErrUnavailable) || !errors.Is(err, keys.ErrRefused) {
		t.Error(err)
	}
	hsm.generate(t, session, "k", "1", p256)
	signature, err := key.Sign(t.Context(), keys.ES256, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	// It is another key now, which package keyring detects in this way.
	v, err := keys.VerifierOf(key)
	if err != nil || v.Verify(keys.ES256, []byte("x"), signature) == nil {
		t.Error("the old public key verifies a signature of the new key", err)
	}
}
