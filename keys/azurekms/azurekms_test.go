package azurekms_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"

	"conductor-jwt/keys"
	"conductor-jwt/keys/azurekms"
	"conductor-jwt/test/keyconformance"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func open(t *testing.T, c *cloud, path string) keys.Source {
	t.Helper()
	source, err := azurekms.New(azurekms.Options{Credential: &azfake.TokenCredential{}, Transport: c}).Open("azurekms://v/" + path)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func ec(c elliptic.Curve) crypto.Signer { return must(ecdsa.GenerateKey(c, rand.Reader)) }

func TestConformance(t *testing.T) {
	rsaKey := must(rsa.GenerateKey(rand.Reader, 2048))
	for name, next := range map[string]func() crypto.Signer{
		"rsa":   func() crypto.Signer { return rsaKey },
		"P-256": func() crypto.Signer { return ec(elliptic.P256()) },
		"P-384": func() crypto.Signer { return ec(elliptic.P384()) },
		"P-521": func() crypto.Signer { return ec(elliptic.P521()) },
	} {
		t.Run(name, func(t *testing.T) {
			keyconformance.RunStore(t, func(t *testing.T) keyconformance.Store {
				t.Helper()
				c := newCloud()
				t.Cleanup(c.gate.Release)
				c.put(next())
				s := keyconformance.Store{
					Source: open(t, c, "k"), Absent: open(t, c, "none"),
					Fail: func(status int) { c.set(func() { c.status = status }) },
					Hold: func() func() { c.gate.Hold(); return c.gate.Release },
				}
				if name != "rsa" { // one key serves them all
					s.Rotate = func() { c.put(next()) }
				}
				return s
			})
		})
	}
}

func TestVersions(t *testing.T) {
	c := newCloud()
	var all []*fakeKey
	for range 5 {
		all = append(all, c.put(ec(elliptic.P256())))
	}
	later := all[4].created.Add(time.Hour)
	c.set(func() { all[0].enabled, all[1].before = false, &later })
	source := open(t, c, "k")
	for range 2 {
		list, err := source.Versions(t.Context())
		if err != nil || len(list) != 4 || !list[0].Created().Equal(all[2].created) || !list[3].Created().Equal(later) {
			t.Fatalf("%d versions, %v", len(list), err)
		}
	}
	if c.asked != 4 {
		t.Errorf("public keys were read %d times", c.asked)
	}
	if list, err := open(t, c, fmt.Sprintf("k/%032x", 3)).Versions(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("%d versions, %v", len(list), err)
	}
	c.set(func() { all[4].ops[0] = nil })
	if _, err := open(t, c, "k").Versions(t.Context()); !errors.Is(err, keys.ErrUse) {
		t.Error(err)
	}
	c.set(func() { all[4].kty = "oct-HSM"; all[4].ops = nil })
	if _, err := open(t, c, "k").Versions(t.Context()); !errors.Is(err, keys.ErrUnsupported) {
		t.Error(err)
	}
}

func TestErrorsQuoteNothing(t *testing.T) {
	c := newCloud()
	c.put(ec(elliptic.P256()))
	c.set(func() { c.status = 403 })
	_, err := open(t, c, "k").Versions(t.Context())
	if !errors.Is(err, keys.ErrRefused) || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "vault.azure.net") {
		t.Error(err)
	}
}

func TestURIs(t *testing.T) {
	s := azurekms.New(azurekms.Options{})
	for _, uri := range []string{"azurekms://v/k", "azurekms://v.managedhsm.azure.net/k", "azurekms://v/k/0123456789abcdef0123456789abcdef"} {
		if _, err := s.Open(uri); err != nil {
			t.Errorf("%s: %v", uri, err)
		}
	}
	for _, uri := range []string{
		"azurekms://v", "azurekms:///k", "azurekms://v/k/", "azurekms://v/k/1", "azurekms://u@v/k", "azurekms://v:80/k", "azurekms://v/k?a=b", "azurekms://v/../k", "azurekms:v/k",
	} {
		if _, err := s.Open(uri); !errors.Is(err, keys.ErrUnsupported) {
			t.Errorf("%s: %v", uri, err)
		}
	}
}
