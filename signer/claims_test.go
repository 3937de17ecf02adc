package signer_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/signer"
)

const now = 1_700_000_000

func TestClaims(t *testing.T) {
	key := edKey()
	good := signer.Rules{Issuer: "I", Audiences: []string{"A"}, Subject: "S", Types: []string{"at+jwt"}, MaxAge: time.Minute}
	const base = `"iss":"I","aud":["B","A"],"sub":"S","iat":1699999990,"exp":1700000010`
	for name, c := range map[string]struct {
		typ, payload string
		change       func(*signer.Rules)
		reasons      []error
	}{
		"all as expected":              {"at+jwt", "{" + base + "}", nil, nil},
		"typ written in full":          {"application/AT+JWT", "{" + base + "}", nil, nil},
		"exp as a fraction":            {"at+jwt", `{"iss":"I","aud":"A","sub":"S","iat":1.69999999e9,"exp":1700000000.5}`, nil, nil},
		"exp in exponent form":         {"at+jwt", `{"iss":"I","aud":"A","sub":"S","iat":1699999990,"exp":4.1024448e+09}`, nil, nil},
		"a fraction expired":           {"at+jwt", `{"iss":"I","aud":"A","sub":"S","iat":1699999990,"exp":1699999999.5}`, nil, []error{signer.ErrExpired}},
		"all faults at once":           {"x", `{"iss":"i","aud":"a","sub":"s","iat":1600000000,"nbf":1700000001,"exp":1700000000}`, nil, []error{signer.ErrIssuer, signer.ErrAudience, signer.ErrSubject, signer.ErrTokenType, signer.ErrTooOld, signer.ErrNotYet, signer.ErrExpired}},
		"nothing there":                {"", `{}`, nil, []error{signer.ErrIssuer, signer.ErrAudience, signer.ErrSubject, signer.ErrTokenType, signer.ErrIssuedAt, signer.ErrNoExpiry}},
		"nothing there, none expected": {"", `{}`, func(r *signer.Rules) { *r = signer.Rules{IgnoreExpiry: true} }, nil},
		"claims of wrong types":        {"", `{"iss":1,"aud":[1],"sub":null,"jti":{},"iat":"1","nbf":true,"exp":"1700000010"}`, func(r *signer.Rules) { *r = signer.Rules{} }, []error{signer.ErrClaimType}},
		"exp in milliseconds":          {"", `{"exp":1700000010000000}`, func(r *signer.Rules) { *r = signer.Rules{} }, []error{signer.ErrClaimType}},
		"exp beyond any number":        {"", `{"exp":1e999999}`, func(r *signer.Rules) { *r = signer.Rules{} }, []error{signer.ErrClaimType}},
		"exp zero":                     {"", `{"exp":0}`, func(r *signer.Rules) { *r = signer.Rules{} }, []error{signer.ErrExpired}},
		"exp null":                     {"", `{"exp":null}`, func(r *signer.Rules) { *r = signer.Rules{} }, []error{signer.ErrClaimType}},
		"exp negative":                 {"", `{"exp":-1}`, func(r *signer.Rules) { *r = signer.Rules{} }, []error{signer.ErrExpired}},
		"expired, not looked at":       {"", `{"exp":1}`, func(r *signer.Rules) { *r = signer.Rules{IgnoreExpiry: true} }, nil},
		"expired within the leeway":    {"", `{"exp":1699999990}`, func(r *signer.Rules) { *r = signer.Rules{Leeway: 11 * time.Second} }, nil},
		"expired at its end":           {"", `{"exp":1699999990}`, func(r *signer.Rules) { *r = signer.Rules{Leeway: 10 * time.Second} }, []error{signer.ErrExpired}},
		"nbf now":                      {"", `{"exp":1700000010,"nbf":1700000000}`, func(r *signer.Rules) { *r = signer.Rules{} }, nil},
		"nbf within the leeway":        {"", `{"exp":1700000010,"nbf":1700000005}`, func(r *signer.Rules) { *r = signer.Rules{Leeway: 5 * time.Second} }, nil},
		"iat in the future":            {"", `{"exp":1700000010,"iat":1700000005}`, func(r *signer.Rules) { *r = signer.Rules{MaxAge: time.Second} }, []error{signer.ErrIssuedAt}},
		"iat in the future, no age":    {"", `{"exp":1700000010,"iat":1700000005}`, func(r *signer.Rules) { *r = signer.Rules{} }, nil},
		"an empty audience list":       {"", `{"exp":1700000010,"aud":[]}`, func(r *signer.Rules) { *r = signer.Rules{Audiences: []string{"A"}} }, []error{signer.ErrAudience}},
		"aud is not a substring":       {"", `{"exp":1700000010,"aud":"AA"}`, func(r *signer.Rules) { *r = signer.Rules{Audiences: []string{"A"}} }, []error{signer.ErrAudience}},
		"one of two audiences":         {"", `{"exp":1700000010,"aud":["B"]}`, func(r *signer.Rules) { *r = signer.Rules{Audiences: []string{"A", "B"}} }, nil},
		"none of two audiences":        {"", `{"exp":1700000010,"aud":["C"]}`, func(r *signer.Rules) { *r = signer.Rules{Audiences: []string{"A", "B"}} }, []error{signer.ErrAudience}},
		"one of two types":             {"JWT", `{"exp":1700000010}`, func(r *signer.Rules) { *r = signer.Rules{Types: []string{"at+jwt", "JWT"}} }, nil},
		"none of two types":            {"x", `{"exp":1700000010}`, func(r *signer.Rules) { *r = signer.Rules{Types: []string{"at+jwt", "JWT"}} }, []error{signer.ErrTokenType}},
		"no type, two expected":        {"", `{"exp":1700000010}`, func(r *signer.Rules) { *r = signer.Rules{Types: []string{"at+jwt", "JWT"}} }, []error{signer.ErrTokenType}},
		"iss in another case":          {"", `{"exp":1700000010,"iss":"i"}`, func(r *signer.Rules) { *r = signer.Rules{Issuer: "I"} }, []error{signer.ErrIssuer}},
	} {
		t.Run(name, func(t *testing.T) {
			rules := good
			if c.change != nil {
				c.change(&rules)
			}
			rules.Now = time.Unix(now, 0)
			err := verify(t, signedBy(t, key, jose.EdDSA, c.typ, c.payload), key, rules)
			if len(c.reasons) == 0 && err != nil {
				t.Fatal(err)
			}
			for _, reason := range c.reasons {
				if !errors.Is(err, reason) {
					t.Errorf("%v is not among: %v", reason, err)
				}
			}
		})
	}
}

func TestEveryClaimOfWrongTypeIsNamed(t *testing.T) {
	key := edKey()
	err := verify(t, signedBy(t, key, jose.EdDSA, "", `{"iss":1,"aud":{},"sub":null,"jti":0,"iat":"1","nbf":true,"exp":[]}`), key, signer.Rules{})
	for _, claim := range []string{"iss", "aud", "sub", "jti", "iat", "nbf", "exp"} {
		if err == nil || !strings.Contains(err.Error(), claim+": ") {
			t.Errorf("%s is not named: %v", claim, err)
		}
	}
}

const lastSecond = 253402300799 // of the year 9999

func TestNumericDateBounds(t *testing.T) {
	for text, want := range map[string]time.Time{
		"253402300799":   time.Unix(lastSecond, 0),
		"253402300799.5": time.Unix(lastSecond, 5e8),
		"-253402300799":  time.Unix(-lastSecond, 0),
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
	if last := time.Unix(lastSecond, 0).UTC().Format(time.RFC3339); last != "9999-12-31T23:59:59Z" {
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
		rules := signer.Rules{Types: []string{row.expected}, IgnoreExpiry: true}
		if err := verify(t, signedBy(t, key, jose.EdDSA, row.typ, `{}`), key, rules); !errors.Is(err, row.want) || row.want == nil && err != nil {
			t.Errorf("%s where %s is expected: %v", row.typ, row.expected, err)
		}
	}
}

func TestOnlyActualFaultsAreReported(t *testing.T) {
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
		"an audience of a wrong type is reported once": {`{"aud":1}`, signer.Rules{Audiences: []string{"A"}}, []error{signer.ErrClaimType}},
		"an iat of a wrong type is reported once":      {`{"iat":"1"}`, signer.Rules{MaxAge: time.Minute}, []error{signer.ErrClaimType}},
		"an nbf of a wrong type is reported once":      {`{"nbf":"1"}`, signer.Rules{}, []error{signer.ErrClaimType}},
		"an exp of a wrong type is reported once":      {`{"exp":"1"}`, signer.Rules{}, []error{signer.ErrClaimType}},
		"no subject is reported once":                  {`{}`, signer.Rules{Subject: "S"}, []error{signer.ErrSubject}},
		"no issuer is reported once":                   {`{}`, signer.Rules{Issuer: "I"}, []error{signer.ErrIssuer}},
		"no type is reported once":                     {`{}`, signer.Rules{Types: []string{"JWT"}}, []error{signer.ErrTokenType}},
		"no iat, but an age is asked":                  {`{}`, signer.Rules{MaxAge: time.Minute}, []error{signer.ErrIssuedAt}},
		"a subject, issuer, audience as expected":      {`{"iss":"I","sub":"S","aud":"A"}`, signer.Rules{Issuer: "I", Subject: "S", Audiences: []string{"A"}}, nil},
		"a subject, issuer, audience of any value":     {`{"iss":"I","sub":"S","aud":["A"],"jti":"j"}`, signer.Rules{}, nil},
	} {
		rules := c.rules
		rules.Now, rules.IgnoreExpiry = time.Unix(now, 0), true
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

func TestRequiredClaims(t *testing.T) {
	key := edKey()
	for name, row := range map[string]struct {
		payload, claim, values string
		want                   error
	}{
		"the value":                            {`{"c":"a"}`, "c", `["a"]`, nil},
		"one of the values":                    {`{"c":"b"}`, "c", `["a","b"]`, nil},
		"another value":                        {`{"c":"c"}`, "c", `["a","b"]`, signer.ErrRequired},
		"another case":                         {`{"c":"A"}`, "c", `["a"]`, signer.ErrRequired},
		"the claim is missing":                 {`{"C":"a"}`, "c", `["a"]`, signer.ErrRequired},
		"an array with the value":              {`{"c":["x","a"]}`, "c", `["a"]`, nil},
		"an array with one of the values":      {`{"c":["x","b"]}`, "c", `["a","b"]`, nil},
		"an array without the value":           {`{"c":["x"]}`, "c", `["a"]`, signer.ErrRequired},
		"an empty array":                       {`{"c":[]}`, "c", `["a"]`, signer.ErrRequired},
		"an array in an array":                 {`{"c":[["a"]]}`, "c", `["a"]`, signer.ErrRequired},
		"a member of an object":                {`{"c":{"a":"a"}}`, "c", `["a"]`, signer.ErrRequired},
		"a part of the value":                  {`{"c":"ab"}`, "c", `["a"]`, signer.ErrRequired},
		"a number":                             {`{"c":12345678901234567890}`, "c", `[12345678901234567890]`, nil},
		"a number that differs by rounding":    {`{"c":12345678901234567891}`, "c", `[12345678901234567890]`, signer.ErrRequired},
		"a number where a string is required":  {`{"c":1}`, "c", `["1"]`, signer.ErrRequired},
		"a boolean":                            {`{"c":true}`, "c", `[true]`, nil},
		"the other boolean":                    {`{"c":false}`, "c", `[true]`, signer.ErrRequired},
		"a string where a boolean is required": {`{"c":"true"}`, "c", `[true]`, signer.ErrRequired},
		"null is no value":                     {`{"c":null}`, "c", `["a"]`, signer.ErrRequired},
	} {
		values, err := jsonobj.ParseValue([]byte(row.values), jsonobj.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		rules := signer.Rules{IgnoreExpiry: true, Required: []signer.RequiredClaim{{Name: row.claim, Values: values.Items}}}
		if err := verify(t, signedBy(t, key, jose.EdDSA, "", row.payload), key, rules); !errors.Is(err, row.want) || row.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", name, err, row.want)
		}
	}
}

func TestEveryRequiredClaimMustHold(t *testing.T) {
	key := edKey()
	a, err := jsonobj.ParseValue([]byte(`"a"`), jsonobj.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	rules := signer.Rules{IgnoreExpiry: true, Required: []signer.RequiredClaim{
		{Name: "first", Values: []jsonobj.Value{a}}, {Name: "second", Values: []jsonobj.Value{a}}, {Name: "third"},
	}}
	err = verify(t, signedBy(t, key, jose.EdDSA, "", `{"first":"a","second":"b","third":"a"}`), key, rules)
	if err == nil || strings.Contains(err.Error(), "first: ") || !strings.Contains(err.Error(), "second: ") || !strings.Contains(err.Error(), "third: ") {
		t.Errorf("%v, want the faults of second and third", err)
	}
}
