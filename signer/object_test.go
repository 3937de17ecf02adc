package signer_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"conductor-jwt/signer"
)

func TestObjectKeepsOrderAndDigits(t *testing.T) {
	var o signer.Object
	o.String("z", "a\"b\n<é>")
	o.Int("n", -7)
	o.Strings("list", []string{"x", "y"})
	o.Set("raw", json.RawMessage(`9007199254740993.10`))
	o.String("n", "replaced in its place")
	o.Strings("none", nil)
	const want = `{"z":"a\"b\n<é>","n":"replaced in its place","list":["x","y"],"raw":9007199254740993.10,"none":[]}`
	if got := string(o.AppendJSON(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	o.Delete("list")
	o.Delete("absent")
	o.Sort()
	if got := string(o.AppendJSON([]byte("x"))); got != `x{"n":"replaced in its place","none":[],"raw":9007199254740993.10,"z":"a\"b\n<é>"}` {
		t.Errorf("sorted: %s", got)
	}
	if !o.Has("raw") || o.Has("Raw") || o.Len() != 4 {
		t.Error("names are not matched exactly")
	}
}

func TestAChangedCloneLeavesTheOriginal(t *testing.T) {
	var o signer.Object
	o.Int("a", 1)
	c := o.Clone()
	c.Int("a", 2)
	c.Int("b", 3)
	if got := string(o.AppendJSON(nil)); got != `{"a":1}` {
		t.Errorf("original is now %s", got)
	}
}

func TestAStringThatIsNotUTF8IsNotMarshalled(t *testing.T) {
	for name, set := range map[string]func(*signer.Object){
		"value":   func(o *signer.Object) { o.String("a", "\xff") },
		"element": func(o *signer.Object) { o.Strings("a", []string{"ok", "\xc3"}) },
		"name":    func(o *signer.Object) { o.Int("\xff", 1) },
	} {
		var o signer.Object
		set(&o)
		if _, err := o.MarshalJSON(); !errors.Is(err, signer.ErrJSON) {
			t.Errorf("%s: err = %v", name, err)
		}
	}
}

func TestParseObject(t *testing.T) {
	deep := func(n int) string { return strings.Repeat(`{"a":`, n-1) + "{}" + strings.Repeat("}", n-1) }
	for name, c := range map[string]struct {
		text   string
		want   string // printed again
		reason error
	}{
		"empty":                         {`{}`, `{}`, nil},
		"white space goes":              {" {\n\"a\" : [ 1 , 2 ] }\t", `{"a":[1,2]}`, nil},
		"digits stay":                   {`{"a":1.10,"b":9007199254740993,"c":1E400,"d":-0.0}`, `{"a":1.10,"b":9007199254740993,"c":1E400,"d":-0.0}`, nil},
		"escapes in values stay":        {`{"a":"\u0041\/"}`, `{"a":"\u0041\/"}`, nil},
		"names are read":                {`{"\u0061":1}`, `{"a":1}`, nil},
		"32 levels":                     {deep(32), deep(32), nil},
		"brackets in a string":          {`{"a":"` + strings.Repeat("[", 99) + `\"["}`, `{"a":"` + strings.Repeat("[", 99) + `\"["}`, nil},
		"33 levels":                     {deep(33), "", signer.ErrTooDeep},
		"10,000 levels":                 {`{"a":` + strings.Repeat("[", 10000), "", signer.ErrTooDeep},
		"too long":                      {`{"a":"` + strings.Repeat("x", 64<<10) + `"}`, "", signer.ErrTooLarge},
		"duplicate":                     {`{"a":1,"a":1}`, "", signer.ErrDuplicate},
		"duplicate through an escape":   {`{"a":1,"\u0061":1}`, "", signer.ErrDuplicate},
		"duplicate below":               {`{"x":[{"a":1,"a":2}]}`, "", signer.ErrDuplicate},
		"names that differ in case":     {`{"a":1,"A":2}`, `{"a":1,"A":2}`, nil},
		"invalid utf-8":                 {"{\"a\":\"\xff\"}", "", signer.ErrJSON},
		"invalid utf-8 below":           {"{\"a\":[{\"b\":\"\xff\"}]}", "", signer.ErrJSON},
		"lone surrogate":                {`{"a":"\ud800"}`, "", signer.ErrJSON},
		"lone surrogate in a name":      {`{"\udc00":1}`, "", signer.ErrJSON},
		"lone surrogate below":          {`{"a":{"b":["\ud800x"]}}`, "", signer.ErrJSON},
		"surrogate pair":                {`{"a":"\ud83d\ude00"}`, `{"a":"\ud83d\ude00"}`, nil},
		"byte order mark":               {"\ufeff{}", "", signer.ErrJSON},
		"array":                         {`[1]`, "", signer.ErrJSON},
		"null":                          {`null`, "", signer.ErrJSON},
		"nothing":                       {``, "", signer.ErrJSON},
		"cut off":                       {`{"a":`, "", signer.ErrJSON},
		"text after it":                 {`{"a":1} x`, "", signer.ErrJSON},
		"second object":                 {`{"a":1}{}`, "", signer.ErrJSON},
		"NaN":                           {`{"a":NaN}`, "", signer.ErrJSON},
		"leading zero":                  {`{"a":01}`, "", signer.ErrJSON},
		"trailing comma":                {`{"a":1,}`, "", signer.ErrJSON},
		"control character in a string": {"{\"a\":\"\x01\"}", "", signer.ErrJSON},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := signer.ParseObject([]byte(c.text), signer.Limits{})
			if !errors.Is(err, c.reason) {
				t.Fatalf("err = %v, want %v", err, c.reason)
			}
			if err == nil && string(o.AppendJSON(nil)) != c.want {
				t.Errorf("prints %s, want %s", o.AppendJSON(nil), c.want)
			}
		})
	}
}

func TestNoErrorQuotesTheText(t *testing.T) {
	const hidden = "s3cr3t"
	for _, text := range []string{
		`{"` + hidden + `":1,"` + hidden + `":2}`, `{"a":` + hidden + `}`, hidden, `"` + hidden + `"`,
		`{"a":1}` + hidden, `{"a":"` + hidden + "\xff\"}", `{"a":` + hidden, "{'" + hidden + "':1}",
	} {
		_, err := signer.ParseObject([]byte(text), signer.Limits{})
		if err == nil || strings.Contains(err.Error(), hidden) {
			t.Errorf("%s: err = %v", text, err)
		}
	}
}

func TestAnyObjectReadsBackAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := object().Draw(t, "object")
		printed, err := o.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		back, err := signer.ParseObject(printed, signer.Limits{})
		if err != nil {
			t.Fatalf("%s: %v", printed, err)
		}
		if again := back.AppendJSON(nil); string(again) != string(printed) {
			t.Fatalf("%s became %s", printed, again)
		}
	})
}

// object draws objects whose strings and names are any Unicode text.
func object() *rapid.Generator[signer.Object] {
	return rapid.Custom(func(t *rapid.T) signer.Object {
		var o signer.Object
		for range rapid.IntRange(0, 8).Draw(t, "members") {
			name := rapid.String().Draw(t, "name")
			switch rapid.IntRange(0, 3).Draw(t, "type") {
			case 0:
				o.String(name, rapid.String().Draw(t, "string"))
			case 1:
				o.Int(name, rapid.Int64().Draw(t, "int"))
			case 2:
				o.Strings(name, rapid.SliceOfN(rapid.String(), 0, 4).Draw(t, "strings"))
			default:
				o.Set(name, json.RawMessage(rapid.SampledFrom([]string{`null`, `1e5`, `{"b":[1.0]}`, `true`}).Draw(t, "raw")))
			}
		}
		return o
	})
}
