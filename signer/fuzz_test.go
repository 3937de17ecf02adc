package signer_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"conductor-jwt/signer"
)

// FuzzParse: whatever parses is the one text of its parts, and its claims are
// what another decoder reads.
func FuzzParse(f *testing.F) {
	f.Add(compactOf(goodHeader, `{"iss":"I","exp":1}`))
	f.Add(compactOf(`{"alg":"none"}`, `{}`))
	f.Add(compactOf(`{"alg":"HS256","crit":["b64"],"b64":false}`, `{}`))
	f.Add("eyJhbGciOiJIUzI1NiJ9.e30.c2ln=")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		p, err := signer.Parse(token)
		if err != nil {
			return
		}
		parts := strings.Split(token, ".")
		for i, want := range []string{"", base64.RawURLEncoding.EncodeToString(p.Payload), base64.RawURLEncoding.EncodeToString(p.Signature)} {
			if want != "" && parts[i] != want {
				t.Errorf("part %d is not canonical", i)
			}
		}
		var claims map[string]json.RawMessage
		if err := json.Unmarshal(p.Payload, &claims); err != nil || len(claims) != p.Claims.Len() {
			t.Errorf("%d claims, another decoder reads %d (%v)", p.Claims.Len(), len(claims), err)
		}
	})
}

// FuzzParseObject: what was read and printed reads and prints the same, and
// means the same to another decoder.
func FuzzParseObject(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":[1,{"b":null}],"c":"\ud83d\ude00"}`, `{"a":1,"a":2}`, `{"a":"\ud800"}`, "{\"a\":\"\xff\"}", `{"a":1.0e5} x`, `{"\u0000":-0}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		o, err := signer.ParseObject(raw, signer.Limits{})
		if err != nil {
			return
		}
		printed := o.AppendJSON(nil)
		again, err := signer.ParseObject(printed, signer.Limits{Bytes: 8 * signer.DefaultBytes})
		if err != nil {
			t.Fatalf("%s: %v", printed, err)
		}
		if !bytes.Equal(again.AppendJSON(nil), printed) {
			t.Errorf("%s became %s", printed, again.AppendJSON(nil))
		}
		if a, b := meaning(t, raw), meaning(t, printed); a != b {
			t.Errorf("%s means %s", raw, b)
		}
	})
}

func meaning(t *testing.T, raw []byte) string {
	t.Helper()
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
