package signer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/keys"
	"conductor-jwt/signer"
)

func TestTheLongestTokenThatIsSigned(t *testing.T) {
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

// A store is not asked for a signature that is not used.
func TestATokenThatIsTooLongIsNotSigned(t *testing.T) {
	key := &counted{testKey: edKey()}
	var c jsonobj.Object
	c.String("a", strings.Repeat("x", 60<<10))
	if _, err := signer.Sign(t.Context(), key, signer.Request{Claims: c}); !errors.Is(err, signer.ErrTooLarge) || key.asked != 0 {
		t.Errorf("err = %v after %d signatures", err, key.asked)
	}
}

func TestTheLongestTokenThatIsRead(t *testing.T) {
	for size, want := range map[int]error{signer.MaxToken: nil, signer.MaxToken + 4: signer.ErrTooLarge} {
		head := b64(goodHeader) + "." + b64(`{}`) + "."
		token := head + strings.Repeat("A", size-len(head))
		if _, err := signer.Parse(token); !errors.Is(err, want) {
			t.Errorf("%d bytes: %v, want %v", size, err, want)
		}
	}
}

func TestTheBoundsOfATime(t *testing.T) {
	for text, want := range map[string]time.Time{
		"253402300799":   time.Unix(signer.LastSecond, 0),
		"253402300799.5": time.Unix(signer.LastSecond, 5e8),
		"-253402300799":  time.Unix(-signer.LastSecond, 0),
		"2.5e11":         time.Unix(25e10, 0),
		"-1.5":           time.Unix(-2, 5e8),
		"0":              time.Unix(0, 0),
	} {
		if got, err := signer.NumericDate(json.RawMessage(text)); err != nil || !got.Equal(want) {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{
		"253402300800", "-253402300800", "253402300800.5", "506804601598", "506804601599.5", "1e18", "-1e18", "1e999", `"1"`, "null", "[1]", "true",
	} {
		if got, err := signer.NumericDate(json.RawMessage(text)); !errors.Is(err, signer.ErrClaimType) {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	if last := time.Unix(signer.LastSecond, 0).UTC().Format(time.RFC3339); last != "9999-12-31T23:59:59Z" {
		t.Error(last)
	}
}

// RFC 7515 §4.1.9: application/ may be left out where no other slash follows.
func TestMediaTypes(t *testing.T) {
	key := edKey()
	for _, row := range []struct {
		expected, typ string
		want          error
	}{
		{"JWT", "application/jwt", nil},
		{"application/jwt", "JWT", nil},
		{"a/b", "application/a/b", signer.ErrTokenType},
		{"application/a/b", "a/b", signer.ErrTokenType},
		{"application/a/b", "APPLICATION/A/B", nil},
		{"JWT", "text/jwt", signer.ErrTokenType},
	} {
		rules := signer.Rules{Type: row.expected, NoExpiry: true}
		if err := verify(t, signedBy(t, key, jose.EdDSA, row.typ, `{}`), key, rules); !errors.Is(err, row.want) || row.want == nil && err != nil {
			t.Errorf("%s where %s is expected: %v", row.typ, row.expected, err)
		}
	}
}

// Only the faults that a token has are reported: the rest holds.
func TestNoFaultIsInvented(t *testing.T) {
	key := edKey()
	at := func(offset int) int { return now + offset }
	for name, c := range map[string]struct {
		payload string
		rules   signer.Rules
		want    []error
	}{
		"issued now":                                   {fmt.Sprintf(`{"iat":%d}`, now), signer.Rules{MaxAge: time.Minute}, nil},
		"issued in the future within the leeway":       {fmt.Sprintf(`{"iat":%d}`, at(5)), signer.Rules{MaxAge: time.Minute, Leeway: 5 * time.Second}, nil},
		"issued in the future beyond the leeway":       {fmt.Sprintf(`{"iat":%d}`, at(6)), signer.Rules{MaxAge: time.Minute, Leeway: 5 * time.Second}, []error{signer.ErrIssuedAt}},
		"as old as may be":                             {fmt.Sprintf(`{"iat":%d}`, at(-60)), signer.Rules{MaxAge: time.Minute}, nil},
		"a second older":                               {fmt.Sprintf(`{"iat":%d}`, at(-61)), signer.Rules{MaxAge: time.Minute}, []error{signer.ErrTooOld}},
		"a second older, within the leeway":            {fmt.Sprintf(`{"iat":%d}`, at(-61)), signer.Rules{MaxAge: time.Minute, Leeway: time.Second}, nil},
		"old, without a maximum age":                   {fmt.Sprintf(`{"iat":%d}`, at(-9999)), signer.Rules{}, nil},
		"an nbf beyond the leeway":                     {fmt.Sprintf(`{"nbf":%d}`, at(6)), signer.Rules{Leeway: 5 * time.Second}, []error{signer.ErrNotYet}},
		"a claim of a wrong type is reported once":     {`{"iss":1}`, signer.Rules{Issuer: "I"}, []error{signer.ErrClaimType}},
		"a subject of a wrong type is reported once":   {`{"sub":1}`, signer.Rules{Subject: "S"}, []error{signer.ErrClaimType}},
		"an audience of a wrong type is reported once": {`{"aud":1}`, signer.Rules{Audience: "A"}, []error{signer.ErrClaimType}},
		"an iat of a wrong type is reported once":      {`{"iat":"1"}`, signer.Rules{MaxAge: time.Minute}, []error{signer.ErrClaimType}},
		"an nbf of a wrong type is reported once":      {`{"nbf":"1"}`, signer.Rules{}, []error{signer.ErrClaimType}},
		"an exp of a wrong type is reported once":      {`{"exp":"1"}`, signer.Rules{}, []error{signer.ErrClaimType}},
		"no subject is reported once":                  {`{}`, signer.Rules{Subject: "S"}, []error{signer.ErrSubject}},
		"no issuer is reported once":                   {`{}`, signer.Rules{Issuer: "I"}, []error{signer.ErrIssuer}},
		"no type is reported once":                     {`{}`, signer.Rules{Type: "JWT"}, []error{signer.ErrTokenType}},
		"no iat, but an age is asked":                  {`{}`, signer.Rules{MaxAge: time.Minute}, []error{signer.ErrIssuedAt}},
		"a subject, issuer, audience as expected":      {`{"iss":"I","sub":"S","aud":"A"}`, signer.Rules{Issuer: "I", Subject: "S", Audience: "A"}, nil},
		"a subject, issuer, audience of any value":     {`{"iss":"I","sub":"S","aud":["A"],"jti":"j"}`, signer.Rules{}, nil},
	} {
		rules := c.rules
		rules.Now, rules.NoExpiry = time.Unix(now, 0), true
		err := verify(t, signedBy(t, key, jose.EdDSA, "", c.payload), key, rules)
		var faults []error
		if joined, ok := errors.AsType[interface {
			error
			Unwrap() []error
		}](err); ok {
			faults = joined.Unwrap()
		}
		if err != nil && len(faults) != len(c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if len(c.want) == 0 && err != nil || len(c.want) == 1 && !errors.Is(err, c.want[0]) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// counted counts the signatures that a key is asked for.
type counted struct {
	*testKey
	asked int
}

func (k *counted) Sign(ctx context.Context, alg keys.Algorithm, input []byte) ([]byte, error) {
	k.asked++
	return k.testKey.Sign(ctx, alg, input)
}
