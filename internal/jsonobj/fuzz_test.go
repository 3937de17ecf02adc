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

// FuzzParseValue: what is read whole is read as a tree too, with the same bytes.
func FuzzParseValue(f *testing.F) {
	for _, s := range []string{`[1,{"b":null}]`, ` "a\ud83d\ude00" `, `{"a":[],"a":2}`, `"\ud800"`, "\"\xff\"", `1 2`, `[[ ], {"x":-0.0e1} ]`, `"a" "b"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		compact, err := jsonobj.Compact(raw, jsonobj.Limits{})
		v, treeErr := jsonobj.ParseValue(raw, jsonobj.Limits{Values: len(raw) + 1})
		if (err == nil) != (treeErr == nil) {
			t.Fatalf("as a value: %v, as a tree: %v", err, treeErr)
		}
		if err != nil {
			return
		}
		again, err := jsonobj.Compact(v.Raw, jsonobj.Limits{})
		if err != nil || !bytes.Equal(again, compact) || v.Kind == 0 {
			t.Errorf("%s became %s, %v", compact, again, err)
		}
		if object := v.Object(); v.Kind == '{' && !bytes.Equal(object.AppendJSON(nil), normalNames(t, raw)) {
			t.Errorf("%s became %s", compact, object.AppendJSON(nil))
		}
	})
}

func normalNames(t *testing.T, raw []byte) []byte {
	t.Helper()
	o, err := jsonobj.Parse(raw, jsonobj.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return o.AppendJSON(nil)
}
