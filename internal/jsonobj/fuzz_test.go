package jsonobj_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"conductor-jwt/internal/jsonobj"
)

// FuzzParse: what was read and printed reads and prints the same, and
// means the same to another decoder.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":[1,{"b":null}],"c":"\ud83d\ude00"}`, `{"a":1,"a":2}`, `{"a":"\ud800"}`, "{\"a\":\"\xff\"}", `{"a":1.0e5} x`, `{"\u0000":-0}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		o, err := jsonobj.Parse(raw, jsonobj.Limits{})
		if err != nil {
			return
		}
		printed := o.AppendJSON(nil)
		again, err := jsonobj.Parse(printed, jsonobj.Limits{Bytes: 8 * jsonobj.DefaultBytes})
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
