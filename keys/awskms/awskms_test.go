package awskms_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"conductor-jwt/keys"
	"conductor-jwt/keys/awskms"
	"conductor-jwt/test/keyconformance"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func open(t *testing.T, c *cloud, id string) keys.Source {
	t.Helper()
	source, err := awskms.New(awskms.Options{Region: region, Endpoint: c.url}).Open("awskms:///" + id)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func ec(c elliptic.Curve) crypto.Signer { return must(ecdsa.GenerateKey(c, rand.Reader)) }

func TestConformance(t *testing.T) {
	rsaKey := must(rsa.GenerateKey(rand.Reader, 2048))
	for name, row := range map[string]struct {
		next       func() crypto.Signer
		algorithms []string
	}{
		"rsa": {func() crypto.Signer { return rsaKey }, []string{
			"RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512", "RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512",
		}},
		"P-256": {func() crypto.Signer { return ec(elliptic.P256()) }, []string{"ECDSA_SHA_256"}},
		"P-384": {func() crypto.Signer { return ec(elliptic.P384()) }, []string{"ECDSA_SHA_384"}},
		"P-521": {func() crypto.Signer { return ec(elliptic.P521()) }, []string{"ECDSA_SHA_512"}},
		"ed25519": {func() crypto.Signer {
			_, p, err := ed25519.GenerateKey(rand.Reader)
			return must(p, err)
		}, []string{"ED25519_SHA_512", "ED25519_PH_SHA_512"}},
	} {
		t.Run(name, func(t *testing.T) {
			keyconformance.RunStore(t, func(t *testing.T) keyconformance.Store {
				t.Helper()
				c := newCloud(t)
				c.put(row.next(), row.algorithms...)
				s := keyconformance.Store{
					Source: open(t, c, "alias/name"), Absent: open(t, c, "alias/none"), Fail: c.failWith,
					Hold: func() func() { c.gate.Hold(); return c.gate.Release },
				}
				if name != "rsa" { // one key serves them all
					s.Rotate = func() { c.put(row.next(), row.algorithms...) }
				}
				return s
			})
		})
	}
}

// failWith answers with the error code that KMS has in place of a status.
func (c *cloud) failWith(status int) {
	codes := map[int]string{
		http.StatusForbidden: "AccessDeniedException", http.StatusNotFound: "NotFoundException", http.StatusBadRequest: "ValidationException",
		http.StatusTooManyRequests: "ThrottlingException", http.StatusInternalServerError: "KMSInternalException", http.StatusServiceUnavailable: "ServiceUnavailable",
	}
	c.set(func() {
		c.fail, c.status = codes[status], status
		if status < http.StatusInternalServerError {
			c.status = http.StatusBadRequest
		}
	})
}

func TestAliasMoves(t *testing.T) {
	c := newCloud(t)
	now := time.Now().Truncate(time.Millisecond)
	one := c.put(ec(elliptic.P256()), "ECDSA_SHA_256")
	two := c.put(ec(elliptic.P256()), "ECDSA_SHA_256")
	c.set(func() {
		c.keys[one].created, c.keys[two].created = now.Add(-9*time.Hour), now.Add(-8*time.Hour)
		c.aliases["alias/name"] = fakeAlias{one, now.Add(-7 * time.Hour)}
	})
	source := open(t, c, "alias/name")
	list, err := source.Versions(t.Context())
	if err != nil || len(list) != 1 || !list[0].Created().Equal(now.Add(-7*time.Hour)) {
		t.Fatal(len(list), err)
	}
	old := list[0]
	c.set(func() { c.aliases["alias/name"] = fakeAlias{two, now} })
	if list, err = source.Versions(t.Context()); err != nil || len(list) != 2 || list[0] != old || !list[1].Created().Equal(now) {
		t.Fatalf("%d versions, %v: a key is created when the alias is pointed to it", len(list), err)
	}
	signature, err := old.Sign(t.Context(), keys.ES256, []byte("x"))
	if v := must(keys.VerifierOf(old)); err != nil || v.Verify(keys.ES256, []byte("x"), signature) != nil {
		t.Error("a version signs with the key to which the alias points now", err)
	}
	c.set(func() { c.keys[one].state = "PendingDeletion" })
	if list, err = source.Versions(t.Context()); err != nil || len(list) != 1 || list[0] == old {
		t.Error(len(list), err)
	}
	c.set(func() { c.keys[two].state = "Disabled" })
	if _, err = source.Versions(t.Context()); !errors.Is(err, keys.ErrMissing) {
		t.Error(err)
	}
}

func TestNonSigningKeys(t *testing.T) {
	c := newCloud(t)
	arn := c.put(ec(elliptic.P256()), "ECDSA_SHA_256")
	c.set(func() { c.keys[arn].usage = "KEY_AGREEMENT" })
	if _, err := open(t, c, arn).Versions(t.Context()); !errors.Is(err, keys.ErrUnsupported) {
		t.Error(err)
	}
	c.set(func() { c.keys[arn].usage, c.keys[arn].algorithms = "SIGN_VERIFY", []string{"SM2DSA"} })
	if _, err := open(t, c, arn).Versions(t.Context()); !errors.Is(err, keys.ErrUnsupported) {
		t.Error(err)
	}
}

func TestEd25519MaxMessage(t *testing.T) {
	c := newCloud(t)
	_, private, err := ed25519.GenerateKey(rand.Reader)
	arn := c.put(must(private, err), "ED25519_SHA_512")
	list, err := open(t, c, arn).Versions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := list[0].Sign(t.Context(), keys.EdDSA, make([]byte, 4097)); !errors.Is(err, keys.ErrTooLarge) || c.asked["Sign"] != 0 {
		t.Error(err)
	}
}

func TestErrorsQuoteNothing(t *testing.T) {
	c := newCloud(t)
	t.Setenv("AWS_SECRET_ACCESS_KEY", "canary-wrong")
	_, err := open(t, c, "alias/name").Versions(t.Context())
	if !errors.Is(err, keys.ErrRefused) || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), accessKey) {
		t.Error(err)
	}
	none, err := awskms.New(awskms.Options{Region: region, Endpoint: "http://127.0.0.1:1"}).Open("awskms:///alias/name")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := none.Versions(t.Context()); !errors.Is(err, keys.ErrUnavailable) || errors.Is(err, keys.ErrRefused) || strings.Contains(err.Error(), "127.0.0.1") {
		t.Error(err)
	}
}

func TestURIs(t *testing.T) {
	s := awskms.New(awskms.Options{})
	for _, uri := range []string{
		"awskms:///alias/a/b", "awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234-ab", "awskms:///arn:aws-us-gov:kms:us-gov-west-1:111122223333:alias/x", "awskms:///mrk-1234",
	} {
		if _, err := s.Open(uri); err != nil {
			t.Errorf("%s: %v", uri, err)
		}
	}
	for _, uri := range []string{
		"awskms:///", "awskms://alias/a", "awskms://host/alias/a", "awskms:///key/x", "awskms:///arn:aws:s3:::bucket", "awskms:///alias/", "awskms:///alias/a?b=c", "awskms:///alias/a#b",
	} {
		if _, err := s.Open(uri); !errors.Is(err, keys.ErrUnsupported) {
			t.Errorf("%s: %v", uri, err)
		}
	}
}
