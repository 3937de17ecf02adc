package signer_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/signer"
)

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func compactOf(header, payload string) string {
	return b64(header) + "." + b64(payload) + "." + b64("sig")
}

const goodHeader = `{"alg":"HS256"}`

func TestParse(t *testing.T) {
	good := compactOf(goodHeader, `{}`)
	for name, c := range map[string]struct {
		token  string
		reason error
	}{
		"a JWS":                             {good, nil},
		"nothing":                           {"", signer.ErrFormat},
		"two parts":                         {"a.b", signer.ErrFormat},
		"four parts":                        {good + ".x", signer.ErrFormat},
		"five parts":                        {good + ".x.y", signer.ErrEncrypted},
		"10 MB of dots":                     {strings.Repeat(".", 10<<20), signer.ErrTooLarge},
		"64 KiB of dots":                    {strings.Repeat(".", 64<<10), signer.ErrFormat},
		"a trailing newline":                {good + "\n", signer.ErrEncoding},
		"a leading space":                   {" " + good, signer.ErrEncoding},
		"padding":                           {b64(goodHeader) + "." + b64(`{}`) + ".c2lnMQ==", signer.ErrEncoding},
		"standard base64":                   {b64(goodHeader) + "." + b64(`{}`) + ".ab+/", signer.ErrEncoding},
		"extra bits at the end":             {b64(goodHeader) + "." + b64(`{}`) + ".c2lnMR", signer.ErrEncoding},
		"an impossible length":              {b64(goodHeader) + "." + b64(`{}`) + ".abcde", signer.ErrEncoding},
		"a header that is not JSON":         {compactOf(`alg`, `{}`), jsonobj.ErrSyntax},
		"a header that is an array":         {compactOf(`["alg"]`, `{}`), jsonobj.ErrSyntax},
		"an empty header":                   {"." + b64(`{}`) + ".c2ln", jsonobj.ErrSyntax},
		"two algs":                          {compactOf(`{"alg":"HS256","alg":"none"}`, `{}`), jsonobj.ErrDuplicate},
		"no alg":                            {compactOf(`{"typ":"JWT"}`, `{}`), signer.ErrHeader},
		"an alg that is a number":           {compactOf(`{"alg":256}`, `{}`), signer.ErrHeader},
		"a kid that is a number":            {compactOf(`{"alg":"HS256","kid":1}`, `{}`), signer.ErrHeader},
		"a typ that is null":                {compactOf(`{"alg":"HS256","typ":null}`, `{}`), signer.ErrHeader},
		"alg none":                          {compactOf(`{"alg":"none"}`, `{}`), signer.ErrUnsigned},
		"alg nOnE":                          {compactOf(`{"alg":"nOnE"}`, `{}`), signer.ErrUnsigned},
		"an empty signature":                {b64(goodHeader) + "." + b64(`{}`) + ".", signer.ErrUnsigned},
		"crit":                              {compactOf(`{"alg":"HS256","crit":["exp"]}`, `{}`), signer.ErrCritical},
		"an empty crit":                     {compactOf(`{"alg":"HS256","crit":[]}`, `{}`), signer.ErrCritical},
		"b64":                               {compactOf(`{"alg":"HS256","b64":false,"crit":["b64"]}`, `{}`), signer.ErrCritical},
		"b64 true":                          {compactOf(`{"alg":"HS256","b64":true}`, `{}`), signer.ErrCritical},
		"a payload that is an array":        {compactOf(goodHeader, `[1]`), signer.ErrPayload},
		"an array with a duplicate in it":   {compactOf(goodHeader, `[{"a":1,"a":2}]`), jsonobj.ErrDuplicate},
		"a payload that is null":            {compactOf(goodHeader, `null`), signer.ErrPayload},
		"a payload that is text":            {compactOf(goodHeader, `hello`), jsonobj.ErrSyntax},
		"two iss":                           {compactOf(goodHeader, `{"iss":"a","iss":"b"}`), jsonobj.ErrDuplicate},
		"a duplicate far down":              {compactOf(goodHeader, `{"a":[{"b":1,"b":1}]}`), jsonobj.ErrDuplicate},
		"a payload of 10,000 levels":        {compactOf(goodHeader, strings.Repeat("[", 10000)), jsonobj.ErrTooDeep},
		"a payload with text after it":      {compactOf(goodHeader, `{} {}`), jsonobj.ErrSyntax},
		"a payload with a lone surrogate":   {compactOf(goodHeader, `{"a":"\ud800"}`), jsonobj.ErrSyntax},
		"a header member that names itself": {compactOf(`{"alg":"HS256","jku":"https://x"}`, `{}`), nil},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := signer.Parse(c.token); !errors.Is(err, c.reason) {
				t.Errorf("err = %v, want %v", err, c.reason)
			}
		})
	}
}

func TestDecodeShowsWhatParseRefuses(t *testing.T) {
	for name, token := range map[string]string{
		"alg none":            b64(`{"alg":"none"}`) + "." + b64(`{}`) + ".",
		"crit":                compactOf(`{"alg":"HS256","crit":["x"]}`, `{}`),
		"a payload of no set": compactOf(goodHeader, `[1,2]`),
		"no alg":              compactOf(`{"typ":5}`, `{}`),
	} {
		p, err := signer.Decode(token)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if p.Header.Len() == 0 || len(p.Payload) == 0 {
			t.Errorf("%s: %d members, %s", name, p.Header.Len(), p.Payload)
		}
	}
}

func TestParseReadsHeader(t *testing.T) {
	token := compactOf(`{"alg":"HS256","kid":"k-1","typ":"at+jwt"}`, `{"iss":"I"}`)
	p, err := signer.Parse(token)
	if err != nil || p.Algorithm != "HS256" || p.KeyID != "k-1" || p.Type != "at+jwt" || !p.IsClaims || string(p.Payload) != `{"iss":"I"}` || string(p.Signature) != "sig" {
		t.Errorf("%+v, %v", p, err)
	}
	if p.Compact() != token {
		t.Errorf("the token is %s now", p.Compact())
	}
}

// An error says where the fault is and what it is.
func TestParseErrors(t *testing.T) {
	good := compactOf(goodHeader, `{}`)
	for token, want := range map[string]string{
		b64(goodHeader) + "." + b64(`{}`) + ".c2lnMQ==": "the base64url has padding",
		b64(goodHeader) + "." + b64(`{}`) + ".c2+nMQ":   "the character at byte 2 is not base64url",
		b64(goodHeader) + "." + b64(`{}`) + ".abcde":    "impossible length",
		good + ".x":   "this is not a JWT: expected three parts separated by dots, found 4",
		"a.b":         "this is not a JWT: expected three parts separated by dots, found 2",
		"":            "no token",
		good + ".x.y": "five parts",
		b64(`{"alg":"HS256"`) + "." + b64(`{}`) + ".c2ln": "ends too early",
	} {
		if _, err := signer.Parse(token); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", token, err, want)
		}
	}
}

func TestParseMaxToken(t *testing.T) {
	for size, want := range map[int]error{signer.MaxToken: nil, signer.MaxToken + 4: signer.ErrTooLarge} {
		head := b64(goodHeader) + "." + b64(`{}`) + "."
		token := head + strings.Repeat("A", size-len(head))
		if _, err := signer.Parse(token); !errors.Is(err, want) {
			t.Errorf("%d bytes: %v, want %v", size, err, want)
		}
	}
}

func TestDecodeCountsParts(t *testing.T) {
	for token, found := range map[string]string{
		"hello":     "this is not a JWT: expected three parts separated by dots, found 1",
		"a.b":       "this is not a JWT: expected three parts separated by dots, found 2",
		"a.b.c.d.e": "the token is encrypted (JWE, five parts)",
	} {
		_, err := signer.Decode(token)
		if refusal, ok := errors.AsType[*fault.Error](err); !ok || refusal.Found != found {
			t.Errorf("%s: %v", token, err)
		}
	}
}
