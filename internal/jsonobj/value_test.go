package jsonobj_test

import (
	"encoding/json/jsontext"
	"errors"
	"slices"
	"strings"
	"testing"

	"conductor-jwt/internal/jsonobj"
)

func parseValue(t *testing.T, text string) jsonobj.Value {
	t.Helper()
	v, err := jsonobj.ParseValue([]byte(text), jsonobj.Limits{})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func TestAValueKeepsOrderDigitsAndBytes(t *testing.T) {
	v := parseValue(t, ` { "z" : [ 1.10 , "a\u0041" ], "a": {"b":null, "c":true}, "n":-0E1 } `)
	if v.Kind != jsontext.KindBeginObject || !slices.Equal(v.Names, []string{"z", "a", "n"}) {
		t.Fatalf("%s %q", v.Kind, v.Names)
	}
	list, _ := v.Get("z")
	inner, _ := v.Get("a")
	if string(list.Raw) != `[ 1.10 , "a\u0041" ]` || list.Items[0].Text != "1.10" || list.Items[1].Text != "aA" || string(list.Items[1].Raw) != `"a\u0041"` {
		t.Errorf("%+v", list)
	}
	if string(inner.Raw) != `{"b":null, "c":true}` || inner.Items[0].Kind != jsontext.KindNull {
		t.Errorf("%+v", inner)
	}
	if _, ok := v.Get("Z"); ok || v.ByName()["n"].Text != "-0E1" {
		t.Error("names are not matched exactly")
	}
	object := v.Object()
	if got := string(object.AppendJSON(nil)); got != `{"z":[1.10,"a\u0041"],"a":{"b":null,"c":true},"n":-0E1}` {
		t.Errorf("the object is %s", got)
	}
	var texts []string
	v.Walk(func(text string) { texts = append(texts, text) })
	if !slices.Equal(texts, []string{"z", "1.10", "aA", "a", "b", "c", "n", "-0E1"}) {
		t.Errorf("texts %q", texts)
	}
}

func TestWhatIsRefusedOfAnObjectIsRefusedOfAValue(t *testing.T) {
	for text, want := range map[string]error{
		`"\ud800"`: jsonobj.ErrSyntax, "\"\xff\"": jsonobj.ErrEncoding, `[{"a":1,"\u0061":2}]`: jsonobj.ErrDuplicate, `1 2`: jsonobj.ErrTrailing,
		`"a" x`: jsonobj.ErrTrailing, `[1,]`: jsonobj.ErrSyntax, ``: jsonobj.ErrSyntax, `]`: jsonobj.ErrSyntax, `[1}`: jsonobj.ErrSyntax, `01`: jsonobj.ErrTrailing,
		strings.Repeat("[", 33) + strings.Repeat("]", 33): jsonobj.ErrTooDeep, strings.Repeat("[", 20_000): jsonobj.ErrTooDeep,
		`"` + strings.Repeat("x", 64<<10) + `"`: jsonobj.ErrTooLarge, "[" + strings.Repeat("1,", 32<<10-2) + "1]": nil, "[" + strings.Repeat("1,", 32<<10-1) + "1]": jsonobj.ErrTooMany,
	} {
		if _, err := jsonobj.ParseValue([]byte(text), jsonobj.Limits{Bytes: 64<<10 + 1}); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%.40s: err = %v, want %v", text, err, want)
		}
	}
}

func TestValuesAreEqualByMeaning(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{`{"a":1,"b":[true]}`, `{"b":[true],"a":1}`, true},
		{`"A"`, `"\u0041"`, true},
		{`1`, `1.0`, false},
		{`1`, `"1"`, false},
		{`[1,2]`, `[2,1]`, false},
		{`{"a":1}`, `{"b":1}`, false},
		{`{"a":1}`, `{"a":1,"b":1}`, false},
		{`{}`, `[]`, false},
		{`true`, `false`, false},
		{`null`, `null`, true},
	} {
		if a, b := parseValue(t, c.a), parseValue(t, c.b); a.Equal(b) != c.want || b.Equal(a) != c.want {
			t.Errorf("%s and %s: want %t", c.a, c.b, c.want)
		}
	}
}

func TestBlankValues(t *testing.T) {
	for text, want := range map[string]bool{
		`null`: true, `""`: true, `[]`: true, `[ ]`: true, `" "`: false, `0`: false, `false`: false, `{}`: false, `[[]]`: false, `[null]`: false,
	} {
		if v := parseValue(t, text); jsonobj.Blank(v.Raw) != want {
			t.Errorf("%s: want %t", text, want)
		}
	}
	if jsonobj.Blank(nil) {
		t.Error("no value is blank")
	}
}

// An error says where reading stopped, also for a caller that names it.
func TestAnErrorHasItsPosition(t *testing.T) {
	for text, want := range map[string]jsonobj.Position{
		`{"a":1,"b":{"c":1,"c":2}}`:                  {Line: 1, Column: 19, Member: "b"},
		"{\"a\":1,\n\"b\":nope}":                     {Line: 2, Column: 6, Member: "b"},
		`{"a":` + strings.Repeat("[", 10_001) + `]}`: {Line: 1, Column: 10_005, Member: "a"},
		` nope`: {Line: 1, Column: 2},
	} {
		_, err := jsonobj.Parse([]byte(text), jsonobj.Limits{Bytes: 1 << 20, Levels: jsonobj.MaxLevels})
		at, ok := errors.AsType[*jsonobj.Position](err)
		if !ok || *at != want {
			t.Errorf("%.40s: %v at %+v, want %+v", text, err, at, want)
		}
	}
}

func TestMembersAsTheyWereWritten(t *testing.T) {
	raw := []byte(` {"a" : [ 1 ], "b": "x y" }`)
	members, err := jsonobj.ParseMembers(raw, jsonobj.Limits{})
	if err != nil || len(members) != 2 || string(members[0].Value) != "[ 1 ]" || string(members[1].Value) != `"x y"` {
		t.Errorf("%q, %v", members, err)
	}
	object, err := jsonobj.Parse(raw, jsonobj.Limits{})
	if got := string(object.AppendJSON(nil)); err != nil || got != `{"a":[1],"b":"x y"}` || string(raw) != ` {"a" : [ 1 ], "b": "x y" }` {
		t.Errorf("%s of %s, %v", got, raw, err)
	}
}

func TestStringsAndTheTypesOfValues(t *testing.T) {
	for text, want := range map[string]int{`["a","\u0042"]`: 2, `[]`: 0, `["a",1]`: -1, `"a"`: -1, ``: -1} {
		list, ok := jsonobj.Strings(jsontext.Value(text))
		if ok != (want >= 0) || ok && len(list) != want {
			t.Errorf("%s: %q, %t", text, list, ok)
		}
	}
	for kind, want := range map[jsontext.Kind]string{'{': "an object", '[': "an array", '"': "a string", '0': "a number", 't': "a boolean", 'n': "null", 0: "nothing"} {
		if got := jsonobj.TypePhrase(kind); got != want {
			t.Errorf("%s: %s, want %s", kind, got, want)
		}
	}
}
