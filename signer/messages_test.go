package signer_test

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/keys"
	"conductor-jwt/signer"
)

func TestAParsedTokenSaysWhatItsHeaderDoes(t *testing.T) {
	token := compactOf(`{"alg":"HS256","kid":"k-1","typ":"at+jwt"}`, `{"iss":"I"}`)
	p, err := signer.Parse(token)
	if err != nil || p.Algorithm != "HS256" || p.KeyID != "k-1" || p.Type != "at+jwt" || !p.IsClaims || string(p.Payload) != `{"iss":"I"}` || string(p.Signature) != "sig" {
		t.Errorf("%+v, %v", p, err)
	}
	if p.Compact() != token {
		t.Errorf("the token is %s now", p.Compact())
	}
}

// An error names the place and the fault, so that it can be mended.
func TestWhatIsWrongIsTold(t *testing.T) {
	good := compactOf(goodHeader, `{}`)
	for token, want := range map[string]string{
		b64(goodHeader) + "." + b64(`{}`) + ".c2lnMQ==": "base64url with padding",
		b64(goodHeader) + "." + b64(`{}`) + ".c2+nMQ":   "not base64url at byte 2",
		b64(goodHeader) + "." + b64(`{}`) + ".abcde":    "impossible length",
		good + ".x":   "not a JWT: expected three parts separated by dots, found 4",
		"a.b":         "not a JWT: expected three parts separated by dots, found 2",
		"":            "no token",
		good + ".x.y": "five parts",
		b64(`{"alg":"HS256"`) + "." + b64(`{}`) + ".c2ln": "ends too early",
	} {
		if _, err := signer.Parse(token); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", token, err, want)
		}
	}
}

func TestMoreThatIsNotSigned(t *testing.T) {
	key := ecKey(t)
	certificate := issue(t, "leaf", key, x509.KeyUsageDigitalSignature, nil, nil)
	for name, c := range map[string]struct {
		change func(*signer.Request)
		reason error
	}{
		"a header not in utf-8":         {func(r *signer.Request) { r.Header.String("a", "\xff") }, jsonobj.ErrSyntax},
		"a header name not in utf-8":    {func(r *signer.Request) { r.Header.Int("\xff", 1) }, jsonobj.ErrSyntax},
		"an unknown certificate header": {func(r *signer.Request) { r.ChainHeaders, r.Chain = []string{"x5u"}, []*x509.Certificate{certificate} }, signer.ErrCertificateInvalid},
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

func TestAChainIsJudgedToItsEnd(t *testing.T) {
	key, ca := ecKey(t), ecKey(t)
	root := issue(t, "root", ca, x509.KeyUsageCertSign, nil, nil)
	leaf := issue(t, "leaf", key, x509.KeyUsageDigitalSignature, root, ca)
	for want, c := range map[string]struct {
		chain []*x509.Certificate
		at    time.Time
	}{
		"certificate 1 of the chain is valid only from 2026-01-01T00:00:00Z": {[]*x509.Certificate{leaf, root}, from.Add(-time.Second)},
		"certificate 1 of the chain expired on 2027-01-01T00:00:00Z":         {[]*x509.Certificate{leaf, root}, until.Add(time.Second)},
		"certificate 2 of the chain did not issue the one before it":         {[]*x509.Certificate{leaf, leaf}, from},
		"certificate 3 of the chain did not issue the one before it":         {[]*x509.Certificate{leaf, root, leaf}, from},
	} {
		if err := signer.CheckChain(c.chain, c.at); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	for _, at := range []time.Time{from, until} {
		if err := signer.CheckChain([]*x509.Certificate{leaf, root}, at); err != nil {
			t.Errorf("at %s: %v", at, err)
		}
	}
	if err := signer.CheckChain(nil, from); err != nil {
		t.Errorf("without a certificate: %v", err)
	}
}

// A list of algorithms leaves no choice where all of it is one algorithm.
func TestOneAlgorithm(t *testing.T) {
	for want, lists := range map[bool][][]keys.Algorithm{
		true:  {{keys.RS256}, {keys.EdDSA}, {keys.EdDSA, keys.Ed25519}, {keys.Ed25519, keys.EdDSA}},
		false: {{keys.RS256, keys.PS256}, {keys.EdDSA, keys.RS256}, {keys.RS256, keys.Ed25519}},
	} {
		for _, list := range lists {
			if got := signer.OneAlgorithm(list); got != want {
				t.Errorf("%v: %t", list, got)
			}
		}
	}
}
