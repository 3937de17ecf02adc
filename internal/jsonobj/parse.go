package jsonobj

import (
	"bytes"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"conductor-jwt/internal/fault"
)

// The reasons for which JSON is refused.
var (
	ErrTooLarge  = errors.New("too large")
	ErrTooDeep   = errors.New("nested too deeply")
	ErrDuplicate = errors.New("duplicate member")
	ErrSyntax    = errors.New("not json")
)

// The limits of [Limits] that are zero.
const (
	DefaultBytes  = 64 << 10
	DefaultLevels = 32
)

// Limits bounds what [Parse] reads; a zero field takes its default.
type Limits struct {
	Bytes  int // length of the text in bytes, [DefaultBytes]
	Levels int // levels of nesting, the object itself included, [DefaultLevels]
}

func (l Limits) orDefault() Limits {
	if l.Bytes == 0 {
		l.Bytes = DefaultBytes
	}
	if l.Levels == 0 {
		l.Levels = DefaultLevels
	}
	return l
}

// Parse reads one JSON object and nothing after it. At every depth it
// refuses duplicate names (RFC 7515 §4, RFC 7519 §4), invalid UTF-8 and lone
// surrogates (RFC 8259 §8.2), and more levels than limits has. Members keep
// their order; values keep their bytes, white space excepted. An error is an
// *[fault.Error] of [ErrTooLarge], [ErrTooDeep], [ErrDuplicate] or [ErrSyntax].
func Parse(raw []byte, limits Limits) (Object, error) {
	if err := checkBounds(raw, limits.orDefault()); err != nil {
		return Object{}, err
	}
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	if d.PeekKind() != '{' {
		return Object{}, notAnObject(raw)
	}
	if _, err := d.ReadToken(); err != nil {
		return Object{}, syntax(raw, err)
	}
	object, err := readMembers(d)
	if err != nil {
		return Object{}, syntax(raw, err)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return Object{}, &fault.Error{Reason: ErrSyntax, Found: "text after the json object", Hint: "remove it"}
	}
	return object, nil
}

// notAnObject says what text is that does not begin as an object does: a JSON
// value of another type, or no JSON at all, however it begins.
func notAnObject(raw []byte) error {
	if len(bytes.TrimSpace(raw)) == 0 {
		return syntax(raw, io.EOF)
	}
	if value, err := compact(raw); err == nil {
		return &fault.Error{Reason: ErrSyntax, Found: "a json " + TypeName(value), Hint: "give a json object"}
	}
	start := len(raw) - len(bytes.TrimLeft(raw, " \t\r\n"))
	return &fault.Error{Reason: ErrSyntax, Found: "not a JSON object" + position(raw, start), Hint: "give a json object"}
}

// position tells a place in a text as an editor does.
func position(raw []byte, offset int) string {
	before := raw[:min(offset, len(raw))]
	line := bytes.Count(before, []byte("\n"))
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return fmt.Sprintf(" (line %d, column %d)", line+1, column+1)
}

// Compact reports whether raw is one JSON value within limits, by the rules
// of [Parse], and gives it without white space.
func Compact(raw []byte, limits Limits) (jsontext.Value, error) {
	if err := checkBounds(raw, limits.orDefault()); err != nil {
		return nil, err
	}
	return compact(raw)
}

func readMembers(d *jsontext.Decoder) (Object, error) {
	object := New(8)
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return Object{}, err
		}
		member := Member{Name: name.String()}
		value, err := d.ReadValue()
		if err != nil {
			return Object{}, err
		}
		if member.Value, err = compact(value); err != nil {
			return Object{}, err
		}
		// The decoder has refused duplicates, so there is nothing to look for.
		object.members = append(object.members, member)
	}
	_, err := d.ReadToken()
	return object, err
}

func compact(raw []byte) (jsontext.Value, error) {
	value := jsontext.Value(bytes.Clone(raw))
	// Format, unlike Compact, refuses duplicates and bad UTF-8 by default.
	if err := value.Format(jsontext.PreserveRawStrings(true)); err != nil {
		return nil, syntax(raw, err)
	}
	return value, nil
}

// checkBounds is what must hold before anything is decoded.
func checkBounds(raw []byte, limits Limits) error {
	if len(raw) > limits.Bytes {
		return &fault.Error{
			Reason: ErrTooLarge, Found: fmt.Sprintf("%d bytes of json", len(raw)),
			Hint: fmt.Sprintf("at most %d bytes are read", limits.Bytes),
		}
	}
	if Levels(raw) > limits.Levels {
		return &fault.Error{
			Reason: ErrTooDeep, Found: fmt.Sprintf("json of more than %d levels", limits.Levels),
			Hint: "nest it less deeply",
		}
	}
	return nil
}

// Levels counts how deep brackets nest outside of strings; on text that is not
// JSON it may count too many or too few, and a decoder then refuses it.
func Levels(raw []byte) int {
	deepest, level, quoted := 0, 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}

// syntax says what is wrong with a JSON text without a word of it: the
// decoder's own message may quote the text.
func syntax(raw []byte, err error) error {
	if own, ok := errors.AsType[*fault.Error](err); ok {
		return own
	}
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return &fault.Error{Reason: ErrDuplicate, Found: "a json member name that appears twice", Hint: "keep one of them"}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &fault.Error{Reason: ErrSyntax, Found: "json that ends too early", Hint: "give one whole json object"}
	}
	found := "text that is not json"
	if at, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		found += position(raw, int(at.ByteOffset))
	}
	return &fault.Error{Reason: ErrSyntax, Found: found, Hint: "give json in utf-8 (rfc 8259)"}
}

func invalidText() error {
	return &fault.Error{Reason: ErrSyntax, Found: "text that is not valid utf-8", Hint: "encode it as utf-8"}
}

// TypeName names the JSON type of a value, for messages.
func TypeName(value jsontext.Value) string { return kindName(value.Kind()) }

func kindName(kind jsontext.Kind) string {
	switch kind {
	case 'n':
		return "null"
	case 't', 'f':
		return "boolean"
	case '"':
		return "string"
	case '0':
		return "number"
	case '{':
		return "object"
	case '[':
		return "array"
	}
	return "nothing"
}
