package signer_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/keys"
	"conductor-jwt/signer"
)

func claims() jsonobj.Object {
	var c jsonobj.Object
	c.String("iss", "I")
	c.Set("n", json.RawMessage("9007199254740993"))
	c.Int("exp", 4102444800)
	return c
}

func TestSignedTokensVerifyElsewhere(t *testing.T) {
	for _, key := range []*testKey{hmacKey(make([]byte, 32), keys.HS256), ecKey(t), edKey()} {
		var header jsonobj.Object
		header.String("typ", "JWT")
		token, err := signer.Sign(t.Context(), key, signer.Request{KeyID: "k/1", Header: header, Claims: claims()})
		if err != nil {
			t.Fatal(err)
		}
		public := key.Public()
		if public == nil {
			public = key.private
		}
		parsed, err := jose.ParseSignedCompact(token.Compact.Reveal(), []jose.SignatureAlgorithm{jose.SignatureAlgorithm(token.Algorithm)})
		if err != nil {
			t.Fatal(err)
		}
		payload, err := parsed.Verify(public)
		if err != nil {
			t.Errorf("%s: go-jose: %v", token.Algorithm, err)
		}
		if got := string(payload); got != `{"iss":"I","n":9007199254740993,"exp":4102444800}` {
			t.Errorf("payload = %s", got)
		}
		if _, err := jwt.Parse(token.Compact.Reveal(), func(*jwt.Token) (any, error) { return public, nil },
			jwt.WithValidMethods([]string{string(token.Algorithm)}), jwt.WithStrictDecoding()); err != nil {
			t.Errorf("%s: golang-jwt: %v", token.Algorithm, err)
		}
	}
}

func TestHeaderMembersAreInAlphabeticalOrder(t *testing.T) {
	var header jsonobj.Object
	header.String("typ", "at+jwt")
	header.String("cty", "x")
	header.Int("zip2", 1)
	token, err := signer.Sign(t.Context(), edKey(), signer.Request{Algorithm: keys.Ed25519, KeyID: "k", Header: header, Claims: claims()})
	if err != nil {
		t.Fatal(err)
	}
	p, err := signer.Parse(token.Compact.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	if got := string(p.Header.AppendJSON(nil)); got != `{"alg":"Ed25519","cty":"x","kid":"k","typ":"at+jwt","zip2":1}` {
		t.Errorf("header = %s", got)
	}
	if header.Len() != 3 {
		t.Error("the request's own header was changed")
	}
}

func TestWhatIsNotSigned(t *testing.T) {
	long := strings.Repeat("x", 60<<10)
	for name, c := range map[string]struct {
		change func(*signer.Request)
		reason error
	}{
		"alg in the free header":  {func(r *signer.Request) { r.Header.String("alg", "none") }, signer.ErrReserved},
		"crit in the free header": {func(r *signer.Request) { r.Header.Set("crit", json.RawMessage(`["exp"]`)) }, signer.ErrReserved},
		"jwk in the free header":  {func(r *signer.Request) { r.Header.Set("jwk", json.RawMessage(`{}`)) }, signer.ErrReserved},
		"x5t#S256 in the header":  {func(r *signer.Request) { r.Header.String("x5t#S256", "x") }, signer.ErrReserved},
		"an algorithm of another": {func(r *signer.Request) { r.Algorithm = keys.RS256 }, keys.ErrAlgorithmMismatch},
		"a claim not in utf-8":    {func(r *signer.Request) { r.Claims.String("a", "\xff") }, jsonobj.ErrSyntax},
		"a kid not in utf-8":      {func(r *signer.Request) { r.KeyID = "\xff" }, jsonobj.ErrSyntax},
		"64 KiB":                  {func(r *signer.Request) { r.Claims.String("a", long) }, signer.ErrTooLarge},
		"x5c without certificate": {func(r *signer.Request) { r.ChainHeaders = []string{"x5c"} }, keys.ErrCertificateInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			r := signer.Request{Claims: claims()}
			c.change(&r)
			if _, err := signer.Sign(t.Context(), ecKey(t), r); !errors.Is(err, c.reason) {
				t.Errorf("err = %v, want %v", err, c.reason)
			}
		})
	}
}

func TestACancelledContextReachesTheKey(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := signer.Sign(ctx, ecKey(t), signer.Request{Claims: claims()}); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
}

func BenchmarkSign(b *testing.B) {
	key := hmacKey(make([]byte, 32), keys.HS256)
	var header jsonobj.Object
	header.String("typ", "JWT")
	c := claims()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := signer.Sign(b.Context(), key, signer.Request{KeyID: "k", Header: header, Claims: c}); err != nil {
			b.Fatal(err)
		}
	}
}

func TestSignRefusesHeaders(t *testing.T) {
	key := ecKey(t)
	certificate := issue(t, "leaf", key, x509.KeyUsageDigitalSignature, nil, nil)
	for name, c := range map[string]struct {
		change func(*signer.Request)
		reason error
	}{
		"a header not in utf-8":         {func(r *signer.Request) { r.Header.String("a", "\xff") }, jsonobj.ErrSyntax},
		"a header name not in utf-8":    {func(r *signer.Request) { r.Header.Int("\xff", 1) }, jsonobj.ErrSyntax},
		"an unknown certificate header": {func(r *signer.Request) { r.ChainHeaders, r.Chain = []string{"x5u"}, []*x509.Certificate{certificate} }, keys.ErrCertificateInvalid},
		"kid in the free header":        {func(r *signer.Request) { r.Header.String("kid", "k") }, signer.ErrReserved},
		"b64 in the free header":        {func(r *signer.Request) { r.Header.Set("b64", json.RawMessage("false")) }, signer.ErrReserved},
		"x5c in the free header":        {func(r *signer.Request) { r.Header.Set("x5c", json.RawMessage("[]")) }, signer.ErrReserved},
		"x5t in the free header":        {func(r *signer.Request) { r.Header.String("x5t", "x") }, signer.ErrReserved},
		"x5cInsecure in the header":     {func(r *signer.Request) { r.Header.Set("x5cInsecure", json.RawMessage("[]")) }, signer.ErrReserved},
	} {
		r := signer.Request{Claims: claims()}
		c.change(&r)
		if _, err := signer.Sign(t.Context(), key, r); !errors.Is(err, c.reason) {
			t.Errorf("%s: err = %v, want %v", name, err, c.reason)
		}
	}
	if _, err := signer.Sign(t.Context(), &testKey{private: key.private}, signer.Request{Claims: claims()}); !errors.Is(err, signer.ErrAlgorithm) {
		t.Errorf("a key without an algorithm: %v", err)
	}
}

func TestSignMaxToken(t *testing.T) {
	key, longest := edKey(), 0
	for n := 48_900; n < 49_200; n++ {
		var c jsonobj.Object
		c.String("a", strings.Repeat("x", n))
		token, err := signer.Sign(t.Context(), key, signer.Request{Claims: c})
		switch {
		case err == nil:
			longest = max(longest, len(token.Compact.Reveal()))
		case !errors.Is(err, signer.ErrTooLarge):
			t.Fatal(err)
		}
	}
	if longest != signer.MaxToken {
		t.Errorf("the longest has %d bytes, want %d", longest, signer.MaxToken)
	}
}

// A key store is not called for a signature that would not be used.
func TestSignDoesNotCallKeyForTooLongToken(t *testing.T) {
	key := &counted{testKey: edKey()}
	var c jsonobj.Object
	c.String("a", strings.Repeat("x", 60<<10))
	if _, err := signer.Sign(t.Context(), key, signer.Request{Claims: c}); !errors.Is(err, signer.ErrTooLarge) || key.asked != 0 {
		t.Errorf("err = %v after %d signatures", err, key.asked)
	}
}

// counted counts its signatures.
type counted struct {
	*testKey
	asked int
}

func (k *counted) Sign(ctx context.Context, alg keys.Algorithm, input []byte) ([]byte, error) {
	k.asked++
	return k.testKey.Sign(ctx, alg, input)
}
