package jsonobj

import (
	"bytes"
	"cmp"
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
	ErrTooMany   = errors.New("too many values")
	ErrDuplicate = errors.New("duplicate member")
	ErrSyntax    = errors.New("not JSON")
	ErrEncoding  = fmt.Errorf("%w: not UTF-8", ErrSyntax)
	ErrTrailing  = fmt.Errorf("%w: text after the value", ErrSyntax)
)

// Position is the Cause of an error about a place in the text.
type Position struct {
	Line, Column int // from 1, in characters

	// Member is the member of the outermost object in which the place is, or
	// empty. It comes from the text: check it before you print it.
	Member string
}

// Error implements the error interface. It does not print the member.
func (p *Position) Error() string { return fmt.Sprintf("line %d, column %d", p.Line, p.Column) }

// The defaults of [Limits], and the maximum of its Levels, which is that of
// encoding/json/jsontext.
const (
	DefaultBytes  = 64 << 10
	DefaultLevels = 32
	DefaultValues = 1 << 15
	MaxLevels     = 10_000
)

// Limits bounds what is read; a zero field takes its default.
type Limits struct {
	Bytes  int // length of the text in bytes, [DefaultBytes]
	Levels int // levels of nesting, the outermost included, [DefaultLevels]
	Values int // values at all levels, [DefaultValues]; for [ParseValue] only
}

// check returns the limits with their defaults, and an error for a text that
// exceeds Bytes.
func (l Limits) check(raw []byte) (Limits, error) {
	l = Limits{cmp.Or(l.Bytes, DefaultBytes), cmp.Or(l.Levels, DefaultLevels), cmp.Or(l.Values, DefaultValues)}
	if len(raw) <= l.Bytes {
		return l, nil
	}
	return l, &fault.Error{
		Reason: ErrTooLarge, Found: fmt.Sprintf("this has %d bytes of JSON", len(raw)),
		Hint: fmt.Sprintf("at most %d bytes are read", l.Bytes),
	}
}

// Parse reads one JSON object and nothing after it. At every depth it refuses
// duplicate names (RFC 7515 §4, RFC 7519 §4), invalid UTF-8, lone surrogates
// (RFC 8259 §8.2) and more levels than limits has. Members keep their order;
// values keep their bytes, white space excepted, and may share the memory of
// raw. An error is a *[fault.Error] with one of the reasons of this package,
// which quotes nothing; its Cause is a *[Position] where there is a place.
func Parse(raw []byte, limits Limits) (Object, error) {
	members, err := ParseMembers(raw, limits)
	for i := range members {
		members[i].Value = compact(members[i].Value)
	}
	return Object{members: members}, err
}

// ParseMembers is [Parse] with each value as it was written, white space
// included.
func ParseMembers(raw []byte, limits Limits) ([]Member, error) {
	limits, err := limits.check(raw)
	if err != nil {
		return nil, err
	}
	r := newReader(raw, limits)
	members, err := r.members()
	if err := r.finish(err); err != nil {
		return nil, err
	}
	return members, nil
}

// Compact reads one JSON value by the rules of [Parse] and returns it without
// white space.
func Compact(raw []byte, limits Limits) (jsontext.Value, error) {
	limits, err := limits.check(raw)
	if err != nil {
		return nil, err
	}
	r := newReader(raw, limits)
	value, err := r.value()
	if err := r.finish(err); err != nil {
		return nil, err
	}
	return compact(value), nil
}

// reader reads one JSON text; the decoder refuses duplicate names, invalid
// UTF-8 and lone surrogates.
type reader struct {
	raw    []byte
	dec    *jsontext.Decoder
	limits Limits
	values int // read by tree
}

var errNotObject = errors.New("not an object")

// newReader returns a reader whose decoder reads raw in place.
func newReader(raw []byte, limits Limits) *reader {
	return &reader{raw: raw, dec: jsontext.NewDecoder(bytes.NewBuffer(raw)), limits: limits}
}

// members reads an object.
func (r *reader) members() ([]Member, error) {
	if r.dec.PeekKind() != jsontext.KindBeginObject {
		return nil, errNotObject
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return nil, err
	}
	members := make([]Member, 0, 8)
	for r.dec.PeekKind() != jsontext.KindEndObject {
		token, err := r.dec.ReadToken()
		if err != nil {
			return nil, err
		}
		name := token.String() // the token is valid until the next read
		value, err := r.value()
		if err != nil {
			return nil, err
		}
		members = append(members, Member{name, value})
	}
	_, err := r.dec.ReadToken()
	return members, err
}

// value reads the next value as a part of raw.
func (r *reader) value() (jsontext.Value, error) {
	value, err := r.dec.ReadValue()
	if err != nil {
		return nil, err
	}
	end := int(r.dec.InputOffset())
	return r.raw[end-len(value) : end : end], nil
}

// finish refuses text after what was read and too many levels, and replaces
// the decoder's errors, which quote the text.
func (r *reader) finish(err error) error {
	if err == nil {
		if _, after := r.dec.ReadToken(); !errors.Is(after, io.EOF) {
			err = ErrTrailing
		}
	}
	// The decoder itself reads no more than MaxLevels.
	if (err != nil || r.limits.Levels < MaxLevels) && levels(r.raw) > r.limits.Levels {
		err = errors.Join(ErrTooDeep, err)
	}
	return r.fault(err)
}

// compact removes the white space outside of strings from a value that was
// read; one without any is returned as it is.
func compact(value jsontext.Value) jsontext.Value {
	quoted := false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ' ' || c == '\t' || c == '\r' || c == '\n'):
			value = value.Clone()
			_ = value.Compact() // it was read, so it is valid
			return value
		}
	}
	return value
}

// levels counts how deep brackets nest outside of strings. In a text that is
// not JSON it is exact up to the first error.
func levels(raw []byte) int {
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

// fault describes an error of the decoder or of this package.
func (r *reader) fault(err error) error {
	if err == nil {
		return nil
	}
	e, place := &fault.Error{}, ""
	if at, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		p := position(r.raw, int(at.ByteOffset))
		for name := range at.JSONPointer.Tokens() {
			p.Member = name
			break
		}
		e.Cause, place = p, " ("+p.Error()+")"
	}
	switch {
	case errors.Is(err, ErrTooDeep):
		e.Reason, e.Found, e.Hint = ErrTooDeep, fmt.Sprintf("this has more than %d levels of JSON", r.limits.Levels), "nest it less deeply"
	case errors.Is(err, ErrTooMany):
		e.Reason, e.Found, e.Hint = ErrTooMany, fmt.Sprintf("this has more than %d JSON values", r.limits.Values), "give fewer"
	case errors.Is(err, jsontext.ErrDuplicateName):
		e.Reason, e.Found, e.Hint = ErrDuplicate, "a JSON member name appears twice", "keep one of them"
	case errors.Is(err, ErrTrailing):
		e.Reason, e.Found, e.Hint = ErrTrailing, "there is text after the JSON "+TypeName(r.raw), "remove it"
	case len(bytes.TrimSpace(r.raw)) == 0, errors.Is(err, io.ErrUnexpectedEOF):
		e.Reason, e.Found, e.Hint = ErrSyntax, "the JSON ends too early", "give one whole JSON object"
	case errors.Is(err, errNotObject):
		return notObject(r.raw)
	case !utf8.Valid(r.raw):
		e.Reason, e.Found, e.Hint = ErrEncoding, "this is not valid UTF-8"+place, "encode it as UTF-8"
	default:
		e.Reason, e.Found, e.Hint = ErrSyntax, "this is not JSON"+place, "give JSON in UTF-8 (RFC 8259)"
	}
	return e
}

// notObject describes a text that does not begin as an object does: a value of
// another type, or no JSON at all.
func notObject(raw []byte) error {
	if value, err := Compact(raw, Limits{Bytes: len(raw), Levels: MaxLevels}); err == nil {
		return &fault.Error{Reason: ErrSyntax, Found: "this is a JSON " + TypeName(value), Hint: "give a JSON object"}
	}
	p := position(raw, len(raw)-len(bytes.TrimLeft(raw, " \t\r\n")))
	return &fault.Error{Reason: ErrSyntax, Found: "this is not a JSON object (" + p.Error() + ")", Hint: "give a JSON object", Cause: p}
}

func position(raw []byte, offset int) *Position {
	before := raw[:min(offset, len(raw))]
	line := bytes.Count(before, []byte("\n"))
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return &Position{Line: line + 1, Column: column + 1}
}
