package jsonobj_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"conductor-jwt/internal/jsonobj"
)

func TestObjectKeepsOrderAndDigits(t *testing.T) {
	var o jsonobj.Object
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
	var o jsonobj.Object
	o.Int("a", 1)
	c := o.Clone()
	c.Int("a", 2)
	c.Int("b", 3)
	if got := string(o.AppendJSON(nil)); got != `{"a":1}` {
		t.Errorf("original is now %s", got)
	}
}

func TestAStringThatIsNotUTF8IsReported(t *testing.T) {
	for name, set := range map[string]func(*jsonobj.Object){
		"value":   func(o *jsonobj.Object) { o.String("a", "\xff") },
		"element": func(o *jsonobj.Object) { o.Strings("a", []string{"ok", "\xc3"}) },
		"name":    func(o *jsonobj.Object) { o.Int("\xff", 1) },
	} {
		var o jsonobj.Object
		set(&o)
		if err := o.Check(); !errors.Is(err, jsonobj.ErrEncoding) {
			t.Errorf("%s: err = %v", name, err)
		}
	}
}

func TestParse(t *testing.T) {
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
		"33 levels":                     {deep(33), "", jsonobj.ErrTooDeep},
		"10,000 levels":                 {`{"a":` + strings.Repeat("[", 10000), "", jsonobj.ErrTooDeep},
		"too long":                      {`{"a":"` + strings.Repeat("x", 64<<10) + `"}`, "", jsonobj.ErrTooLarge},
		"duplicate":                     {`{"a":1,"a":1}`, "", jsonobj.ErrDuplicate},
		"duplicate through an escape":   {`{"a":1,"\u0061":1}`, "", jsonobj.ErrDuplicate},
		"duplicate below":               {`{"x":[{"a":1,"a":2}]}`, "", jsonobj.ErrDuplicate},
		"names that differ in case":     {`{"a":1,"A":2}`, `{"a":1,"A":2}`, nil},
		"invalid utf-8":                 {"{\"a\":\"\xff\"}", "", jsonobj.ErrSyntax},
		"invalid utf-8 below":           {"{\"a\":[{\"b\":\"\xff\"}]}", "", jsonobj.ErrSyntax},
		"lone surrogate":                {`{"a":"\ud800"}`, "", jsonobj.ErrSyntax},
		"lone surrogate in a name":      {`{"\udc00":1}`, "", jsonobj.ErrSyntax},
		"lone surrogate below":          {`{"a":{"b":["\ud800x"]}}`, "", jsonobj.ErrSyntax},
		"surrogate pair":                {`{"a":"\ud83d\ude00"}`, `{"a":"\ud83d\ude00"}`, nil},
		"byte order mark":               {"\ufeff{}", "", jsonobj.ErrSyntax},
		"array":                         {`[1]`, "", jsonobj.ErrSyntax},
		"null":                          {`null`, "", jsonobj.ErrSyntax},
		"nothing":                       {``, "", jsonobj.ErrSyntax},
		"cut off":                       {`{"a":`, "", jsonobj.ErrSyntax},
		"text after it":                 {`{"a":1} x`, "", jsonobj.ErrSyntax},
		"second object":                 {`{"a":1}{}`, "", jsonobj.ErrSyntax},
		"NaN":                           {`{"a":NaN}`, "", jsonobj.ErrSyntax},
		"leading zero":                  {`{"a":01}`, "", jsonobj.ErrSyntax},
		"trailing comma":                {`{"a":1,}`, "", jsonobj.ErrSyntax},
		"control character in a string": {"{\"a\":\"\x01\"}", "", jsonobj.ErrSyntax},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := jsonobj.Parse([]byte(c.text), jsonobj.Limits{})
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
		_, err := jsonobj.Parse([]byte(text), jsonobj.Limits{})
		if err == nil || strings.Contains(err.Error(), hidden) {
			t.Errorf("%s: err = %v", text, err)
		}
	}
}

func TestAnyObjectReadsBackAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := object().Draw(t, "object")
		if err := o.Check(); err != nil {
			t.Fatal(err)
		}
		printed := o.AppendJSON(nil)
		back, err := jsonobj.Parse(printed, jsonobj.Limits{})
		if err != nil {
			t.Fatalf("%s: %v", printed, err)
		}
		if again := back.AppendJSON(nil); string(again) != string(printed) {
			t.Fatalf("%s became %s", printed, again)
		}
	})
}

// object draws objects whose strings and names are any Unicode text.
func object() *rapid.Generator[jsonobj.Object] {
	return rapid.Custom(func(t *rapid.T) jsonobj.Object {
		var o jsonobj.Object
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

// Each limit holds at its exact value, and not one beyond it.
func TestTheBoundsOfAnObject(t *testing.T) {
	text := func(n int) string { return `{"a":"` + strings.Repeat("x", n-8) + `"}` }
	list := func(n int) string { return `{"a":[` + strings.Repeat("{},", n-1) + `{}]}` }
	for name, c := range map[string]struct {
		text   string
		limits jsonobj.Limits
		reason error
	}{
		"64 KiB":                            {text(64 << 10), jsonobj.Limits{}, nil},
		"a byte more than 64 KiB":           {text(64<<10 + 1), jsonobj.Limits{}, jsonobj.ErrTooLarge},
		"as many bytes as the caller reads": {text(100), jsonobj.Limits{Bytes: 100}, nil},
		"a byte more than the caller reads": {text(101), jsonobj.Limits{Bytes: 100}, jsonobj.ErrTooLarge},
		"as many levels as the caller has":  {`{"a":[{}]}`, jsonobj.Limits{Levels: 3}, nil},
		"a level more than the caller has":  {`{"a":[[{}]]}`, jsonobj.Limits{Levels: 3}, jsonobj.ErrTooDeep},
		"objects beside each other":         {list(100), jsonobj.Limits{}, nil},
		"arrays beside each other":          {strings.NewReplacer("{}", "[]").Replace(list(100)), jsonobj.Limits{}, nil},
	} {
		if _, err := jsonobj.Parse([]byte(c.text), c.limits); !errors.Is(err, c.reason) {
			t.Errorf("%s: err = %v, want %v", name, err, c.reason)
		}
		if _, err := jsonobj.Compact([]byte(c.text), c.limits); !errors.Is(err, c.reason) {
			t.Errorf("%s, as a value: err = %v, want %v", name, err, c.reason)
		}
	}
}

func TestLevelsCountWhatIsOpenAtOnce(t *testing.T) {
	for text, want := range map[string]int{
		`1`: 0, `{}`: 1, `[]`: 1, `[{}]`: 2, `{"a":{},"b":{}}`: 2, `[[],[]]`: 2, `[{},[],{}]`: 2,
		`{"a":[[]],"b":[]}`: 3, `"[["`: 0, `["\"[["]`: 1, `["\\",[]]`: 2, `["[","{"]`: 1,
	} {
		for limit := 1; limit < 4; limit++ {
			limits := jsonobj.Limits{Levels: limit}
			_, compact := jsonobj.Compact([]byte(text), limits)
			_, value := jsonobj.ParseValue([]byte(text), limits)
			if tooDeep := want > limit; errors.Is(compact, jsonobj.ErrTooDeep) != tooDeep || errors.Is(value, jsonobj.ErrTooDeep) != tooDeep {
				t.Errorf("%s: at most %d levels: %v, %v", text, limit, compact, value)
			}
		}
	}
}

func TestTypesOfJSONAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		`null`: "null", `true`: "boolean", `false`: "boolean", `"a"`: "string", `1`: "number", `-1.5e3`: "number",
		`{}`: "object", `[]`: "array", ``: "nothing", `x`: "nothing",
	} {
		if got := jsonobj.TypeName(json.RawMessage(text)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestMembersAreFoundByTheirExactName(t *testing.T) {
	var o jsonobj.Object
	o.String("first", "1")
	o.Int("second", 2)
	o.Set("third", json.RawMessage(`["x"]`))
	for name, want := range map[string]bool{"first": true, "second": true, "third": true, "First": false, "": false, "fourth": false} {
		_, got := o.Get(name)
		if got != want || o.Has(name) != want {
			t.Errorf("%q: get %t, has %t", name, got, o.Has(name))
		}
	}
	for name, want := range map[string]string{"first": "1", "second": "", "third": "", "fourth": ""} {
		if got, ok := o.Text(name); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %t", name, got, ok)
		}
	}
	o.Delete("first")
	if o.Has("first") || o.Len() != 2 {
		t.Error("the first member stays")
	}
}

// An error names the place and the fault.
func TestWhatIsWrongIsTold(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":1`: "ends too early", `{"a" 1}`: "not JSON (line 1, column 6)", `{"a":1,"a":2}`: "appears twice", `{}x`: "there is text after the JSON object",
		`true`: "a JSON boolean", `[1]`: "a JSON array", `"a"`: "a JSON string", `5`: "a JSON number",
		"": "ends too early", " \t\r\n": "ends too early", "\n\r\n \tnope": "this is not a JSON object (line 3, column 3)", "{\n  é: 1}": "not JSON (line 2, column 3)",
	} {
		if _, err := jsonobj.Parse([]byte(text), jsonobj.Limits{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
