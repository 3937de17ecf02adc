package jsonobj

import (
	"bytes"
	"encoding/json/jsontext"
	"iter"
	"maps"
	"slices"
	"unicode/utf8"
)

// Value is a JSON value with all that it holds. The zero Value is no value.
type Value struct {
	Kind  jsontext.Kind  // 0 for no value
	Raw   jsontext.Value // as it was read
	Text  string         // of a string: its characters; of a number: its digits
	Items []Value        // of an array: its elements; of an object: its members' values
	Names []string       // of an object: the name of each of Items
}

// ParseValue reads one JSON value and nothing after it by the rules of
// [Parse], and refuses more values than limits has.
func ParseValue(raw []byte, limits Limits) (Value, error) {
	limits, err := limits.check(raw)
	if err != nil {
		return Value{}, err
	}
	if text, ok := String(raw); ok {
		return Value{Kind: jsontext.KindString, Raw: raw, Text: text}, nil
	}
	if isDigits(raw) {
		return Value{Kind: jsontext.KindNumber, Raw: raw, Text: string(raw)}, nil
	}
	r := newReader(raw, limits)
	v, err := r.tree()
	if err := r.finish(err); err != nil {
		return Value{}, err
	}
	return v, nil
}

// tree reads the next value with all that it holds.
func (r *reader) tree() (Value, error) {
	if r.values++; r.values > r.limits.Values {
		return Value{}, ErrTooMany
	}
	v := Value{Kind: r.dec.PeekKind()}
	var err error
	switch v.Kind {
	case jsontext.KindBeginObject, jsontext.KindBeginArray:
		err = r.inside(&v)
	case jsontext.KindString:
		if v.Raw, err = r.value(); err == nil {
			v.Text, _ = String(v.Raw)
		}
	default:
		if v.Raw, err = r.value(); v.Kind == jsontext.KindNumber {
			v.Text = string(v.Raw)
		}
	}
	return v, err
}

// inside reads an array or an object.
func (r *reader) inside(v *Value) error {
	if _, err := r.dec.ReadToken(); err != nil {
		return err
	}
	start := r.dec.InputOffset() - 1
	for kind := r.dec.PeekKind(); kind != jsontext.KindEndObject && kind != jsontext.KindEndArray; kind = r.dec.PeekKind() {
		if v.Kind == jsontext.KindBeginObject {
			name, err := r.dec.ReadToken()
			if err != nil {
				return err
			}
			v.Names = append(v.Names, name.String())
		}
		item, err := r.tree()
		if err != nil {
			return err
		}
		v.Items = append(v.Items, item)
	}
	_, err := r.dec.ReadToken()
	end := r.dec.InputOffset()
	v.Raw = r.raw[start:end:end]
	return err
}

// isDigits reports whether a value is a number of digits alone (RFC 8259 §6).
func isDigits(raw jsontext.Value) bool {
	return len(raw) > 0 && (raw[0] != '0' || len(raw) == 1) && len(bytes.Trim(raw, "0123456789")) == 0
}

// plainString returns the text of a JSON string without escapes (RFC 8259 §7),
// as most are.
func plainString(raw jsontext.Value) (string, bool) {
	if len(raw) < 2 || raw[0] != '"' || raw[len(raw)-1] != '"' {
		return "", false
	}
	inside := raw[1 : len(raw)-1]
	for _, c := range inside {
		if c < ' ' || c == '"' || c == '\\' {
			return "", false
		}
	}
	return string(inside), utf8.Valid(inside)
}

// Members returns the names and values of an object's members in order.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		for i, name := range v.Names {
			if !yield(name, v.Items[i]) {
				return
			}
		}
	}
}

// Get returns a member of an object.
func (v Value) Get(name string) (Value, bool) {
	if i := slices.Index(v.Names, name); i >= 0 {
		return v.Items[i], true
	}
	return Value{}, false
}

// ByName returns the members of an object, for many look-ups.
func (v Value) ByName() map[string]Value { return maps.Collect(v.Members()) }

// Object returns the members of an object that was read, without white space
// in their values.
func (v Value) Object() Object {
	object := New(len(v.Names))
	for name, value := range v.Members() {
		object.members = append(object.members, Member{name, compact(value.Raw)})
	}
	return object
}

// Equal reports whether two values are the same: numbers by their digits,
// members in any order.
func (v Value) Equal(w Value) bool {
	if v.Kind != w.Kind || v.Text != w.Text || len(v.Items) != len(w.Items) {
		return false
	}
	if v.Kind != jsontext.KindBeginObject {
		return slices.EqualFunc(v.Items, w.Items, Value.Equal)
	}
	others := w.ByName()
	for name, value := range v.Members() {
		if other, ok := others[name]; !ok || !value.Equal(other) {
			return false
		}
	}
	return true
}

// Walk calls visit with every text in the value, in its order: strings,
// numbers and member names, at every depth.
func (v Value) Walk(visit func(text string)) {
	switch v.Kind {
	case jsontext.KindString, jsontext.KindNumber:
		visit(v.Text)
	}
	for i, item := range v.Items {
		if v.Kind == jsontext.KindBeginObject {
			visit(v.Names[i])
		}
		item.Walk(visit)
	}
}

// String returns the text of a JSON string; false for any other value. It needs
// no decoder, which costs more than reading a string does.
func String(value jsontext.Value) (string, bool) {
	if len(value) == 0 || value[0] != '"' {
		return "", false
	}
	if text, ok := plainString(value); ok {
		return text, true
	}
	s, err := jsontext.AppendUnquote(make([]byte, 0, len(value)), value)
	return string(s), err == nil
}

// Elements returns the elements of a JSON array that was read; false for any
// other value.
func Elements(value jsontext.Value) ([]jsontext.Value, bool) {
	if value.Kind() != jsontext.KindBeginArray {
		return nil, false
	}
	r := newReader(value, Limits{})
	if _, err := r.dec.ReadToken(); err != nil {
		return nil, false
	}
	var elements []jsontext.Value
	for r.dec.PeekKind() != jsontext.KindEndArray {
		element, err := r.value()
		if err != nil {
			return nil, false
		}
		elements = append(elements, element)
	}
	return elements, true
}

// Strings returns the elements of a JSON array of strings that was read; false
// for any other value.
func Strings(value jsontext.Value) ([]string, bool) {
	elements, ok := Elements(value)
	if !ok {
		return nil, false
	}
	list := make([]string, len(elements))
	for i, element := range elements {
		if list[i], ok = String(element); !ok {
			return nil, false
		}
	}
	return list, true
}

// Blank reports whether a value that was read says nothing: null, "" or [].
func Blank(value jsontext.Value) bool {
	switch value.Kind() {
	case jsontext.KindNull:
		return true
	case jsontext.KindString:
		return len(value) == len(`""`)
	case jsontext.KindBeginArray:
		return len(bytes.TrimSpace(value[1:len(value)-1])) == 0
	}
	return false
}

// TypeName returns the name of a value's JSON type.
func TypeName(value jsontext.Value) string {
	switch value.Kind() {
	case jsontext.KindNull:
		return "null"
	case jsontext.KindTrue, jsontext.KindFalse:
		return "boolean"
	case jsontext.KindString:
		return "string"
	case jsontext.KindNumber:
		return "number"
	case jsontext.KindBeginObject:
		return "object"
	case jsontext.KindBeginArray:
		return "array"
	}
	return "nothing"
}

// TypePhrase returns the name of a JSON type with its article: a string, an object,
// null.
func TypePhrase(kind jsontext.Kind) string {
	switch name := TypeName(jsontext.Value{byte(kind)}); name {
	case "null", "nothing":
		return name
	case "object", "array":
		return "an " + name
	default:
		return "a " + name
	}
}
