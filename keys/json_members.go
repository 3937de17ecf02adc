package keys

import (
	"encoding/base64"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"io"
	"strings"

	"conductor-jwt/internal/fault"
)

// members are those of a JSON object, each value as it was written.
type members map[string]jsontext.Value

// readMembers reads one JSON object and nothing behind it; white space and a
// byte order mark may stand in front. Duplicate names at
// any depth, invalid UTF-8 and lone surrogates are refused (RFC 7517 §4,
// RFC 8259 §8), names are matched byte for byte.
func readMembers(text string) (members, error) {
	text = trimStart(text)
	m, err := parseMembers(text)
	if err == nil || errors.Is(err, ErrInconsistent) {
		return m, err
	}
	switch {
	case strings.HasPrefix(text, `{\`):
		return nil, &fault.Error{Reason: ErrUnreadable, Found: "a json key with backslashes in front of its quotes", Hint: "give the object as it was before it was escaped"}
	case strings.HasPrefix(text, `{'`):
		return nil, &fault.Error{Reason: ErrUnreadable, Found: "a json key with single quotes", Hint: "write it with double quotes (rfc 8259 section 7)"}
	}
	return nil, err
}

func parseMembers(text string) (members, error) {
	d := jsontext.NewDecoder(strings.NewReader(text))
	if t, err := d.ReadToken(); err != nil || t.Kind() != jsontext.KindBeginObject {
		return nil, badJSON(err)
	}
	m := members{}
	for d.PeekKind() != jsontext.KindEndObject {
		name, err := d.ReadToken()
		if err != nil {
			return nil, badJSON(err)
		}
		key := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return nil, badJSON(err)
		}
		if !saysNothing(key, value) {
			m[key] = value.Clone()
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, badJSON(err)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, &fault.Error{Reason: ErrUnreadable, Found: "a json key with text behind it", Hint: "give one json object"}
	}
	return m, nil
}

// badJSON says what is wrong without the decoder's words, which quote names.
func badJSON(err error) error {
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return &fault.Error{Reason: ErrInconsistent, Found: "a json key that has a member twice", Hint: "remove the duplicate member (rfc 7517 section 4)"}
	}
	return &fault.Error{Reason: ErrUnreadable, Found: "text that begins like a json key but is not valid json", Hint: "give the jwk, jwks or service account file unchanged"}
}

func (m members) has(name string) bool { _, ok := m[name]; return ok }

// text gives a string member; empty and false where it is missing.
func (m members) text(name string) (string, bool, error) {
	value, ok := m[name]
	if !ok {
		return "", false, nil
	}
	s, err := unquote(name, value)
	return s, err == nil, err
}

// list gives a member that is an array of strings.
func (m members) list(name string) ([]string, bool, error) {
	value, ok := m[name]
	if !ok {
		return nil, false, nil
	}
	elements, err := readArray(name, value)
	if err != nil {
		return nil, false, err
	}
	out := make([]string, 0, len(elements))
	for _, e := range elements {
		s, err := unquote(name, e)
		if err != nil {
			return nil, false, err
		}
		out = append(out, s)
	}
	return out, true, nil
}

func readArray(name string, value jsontext.Value) ([]jsontext.Value, error) {
	if value.Kind() != jsontext.KindBeginArray {
		return nil, wrongType(name, "an array", value)
	}
	d := jsontext.NewDecoder(strings.NewReader(string(value)))
	if _, err := d.ReadToken(); err != nil {
		return nil, badJSON(err)
	}
	var out []jsontext.Value
	for d.PeekKind() != jsontext.KindEndArray {
		e, err := d.ReadValue()
		if err != nil {
			return nil, badJSON(err)
		}
		out = append(out, e.Clone())
	}
	return out, nil
}

func unquote(name string, value jsontext.Value) (string, error) {
	if value.Kind() != jsontext.KindString {
		return "", wrongType(name, "a string", value)
	}
	out, err := jsontext.AppendUnquote(nil, value)
	if err != nil {
		return "", badJSON(err)
	}
	return string(out), nil
}

func wrongType(name, want string, value jsontext.Value) error {
	return &fault.Error{
		Reason: ErrUnreadable, Found: fmt.Sprintf("a json key whose member %s is %s, not %s", name, jsonType(value.Kind()), want),
		Hint: "write it so, or leave it out where it is optional (rfc 7517 section 4)",
	}
}

func jsonType(k jsontext.Kind) string {
	switch k {
	case jsontext.KindNull:
		return "null"
	case jsontext.KindTrue, jsontext.KindFalse:
		return "a boolean"
	case jsontext.KindString:
		return "a string"
	case jsontext.KindNumber:
		return "a number"
	case jsontext.KindBeginArray:
		return "an array"
	default:
		return "an object"
	}
}

// saysNothing tells a member that is there but counts as absent, as serialisers
// write one: null, "" and [], but for an empty key_ops, which permits nothing,
// and an empty set.
func saysNothing(name string, value jsontext.Value) bool {
	switch value.Kind() {
	case jsontext.KindNull:
		return true
	case jsontext.KindString:
		return len(value) == len(`""`) && name != "k" // a secret without a byte is a weak one
	case jsontext.KindBeginArray:
		return strings.TrimSpace(strings.Trim(string(value), "[]")) == "" && name != "key_ops" && name != "keys"
	}
	return false
}

// bytes gives a member in base64url without white space or nonzero bits after its
// end (RFC 7515 §2, RFC 4648 §3.5); it may have its padding, which many
// writers add. It fails where it is missing.
func (m members) bytes(name string) ([]byte, error) {
	s, ok, err := m.text(name)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, &fault.Error{
			Reason: ErrUnreadable, Found: fmt.Sprintf("a jwk without its member %s", name),
			Hint: "export the whole key again",
		}
	}
	out, ok := decodeStrict(s, base64.URLEncoding)
	if !ok {
		return nil, &fault.Error{
			Reason: ErrUnreadable, Found: fmt.Sprintf("a jwk whose member %s is not base64url", name),
			Hint: "write it in the url-safe alphabet, without = and white space (rfc 7515 section 2)",
		}
	}
	return out, nil
}

// octets gives a member of exactly size octets.
func (m members) octets(name string, size int) ([]byte, error) {
	b, err := m.bytes(name)
	if err != nil {
		return nil, err
	}
	if len(b) == size {
		return b, nil
	}
	how, hint := "too short", "write it in its full width, leading zeros included"
	switch {
	case len(b) == size+1 && b[0] == 0: // as a signed number is written
		how, hint = "too long", "remove the zero byte at its start"
	case len(b) > size:
		how, hint = "too long", "export the whole key again"
	}
	return nil, &fault.Error{
		Reason: ErrUnreadable, Found: fmt.Sprintf("a jwk whose member %s has %d bytes, not %d: it is %s", name, len(b), size, how),
		Hint: hint,
	}
}
