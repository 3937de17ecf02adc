package decode

import (
	"encoding/base64"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"strings"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
)

// members are the members of a JSON object, each value as it was written.
type members map[string]jsontext.Value

// readMembers reads one JSON object and nothing after it; white space and a
// byte order mark may stand in front. It is as strict as [jsonobj.Parse] (RFC
// 7517 §4) and leaves out blank members; names are matched byte for byte.
func readMembers(text string) (members, error) {
	text = trimStart(text)
	m, err := parseMembers(text)
	if err == nil || errors.Is(err, ErrInconsistent) {
		return m, err
	}
	switch {
	case strings.HasPrefix(text, `{\`):
		return nil, &fault.Error{Reason: ErrUnreadable, Found: "this is a JSON key with backslashes in front of its quotes", Hint: "give the object as it was before it was escaped"}
	case strings.HasPrefix(text, `{'`):
		return nil, &fault.Error{Reason: ErrUnreadable, Found: "this is a JSON key with single quotes", Hint: "write it with double quotes (RFC 8259 section 7)"}
	}
	return nil, err
}

func parseMembers(text string) (members, error) {
	list, err := jsonobj.ParseMembers([]byte(text), jsonobj.Limits{Bytes: len(text), Levels: jsonobj.MaxLevels})
	if err != nil {
		return nil, badJSON(err)
	}
	m := members{}
	for _, member := range list {
		if !isAbsent(member) {
			m[member.Name] = member.Value
		}
	}
	return m, nil
}

// badJSON describes an error of package jsonobj.
func badJSON(err error) error {
	switch {
	case errors.Is(err, jsonobj.ErrDuplicate):
		return &fault.Error{Reason: ErrInconsistent, Found: "this is a JSON key that has a member twice", Hint: "remove the duplicate member (RFC 7517 section 4)"}
	case errors.Is(err, jsonobj.ErrTrailing):
		return &fault.Error{Reason: ErrUnreadable, Found: "this is a JSON key followed by other text", Hint: "give one JSON object"}
	}
	return &fault.Error{Reason: ErrUnreadable, Found: "this is text that begins like a JSON key but is not valid JSON", Hint: "give the JWK, JWKS or service account file unchanged"}
}

func (m members) has(name string) bool { _, ok := m[name]; return ok }

// text returns a string member; empty and false where it is missing.
func (m members) text(name string) (string, bool, error) {
	value, ok := m[name]
	if !ok {
		return "", false, nil
	}
	s, ok := jsonobj.String(value)
	if !ok {
		return "", false, wrongType(name, "a string", value)
	}
	return s, true, nil
}

// list returns a member that is an array of strings.
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
		s, ok := jsonobj.String(e)
		if !ok {
			return nil, false, wrongType(name, "a string", e)
		}
		out = append(out, s)
	}
	return out, true, nil
}

func readArray(name string, value jsontext.Value) ([]jsontext.Value, error) {
	elements, ok := jsonobj.Elements(value)
	if !ok {
		return nil, wrongType(name, "an array", value)
	}
	return elements, nil
}

func wrongType(name, want string, value jsontext.Value) error {
	return &fault.Error{
		Reason: ErrUnreadable, Found: fmt.Sprintf("this is a JSON key whose member %s is %s, not %s", name, jsonobj.TypePhrase(value.Kind()), want),
		Hint: "write it so, or leave it out where it is optional (RFC 7517 section 4)",
	}
}

// isAbsent reports whether a member counts as absent: null, "" and [], as
// serialisers write them; except an empty secret, which is a weak one, an empty
// key_ops, which permits nothing, and an empty set.
func isAbsent(m jsonobj.Member) bool {
	switch m.Value.Kind() {
	case jsontext.KindString:
		return m.Name != "k" && jsonobj.Blank(m.Value)
	case jsontext.KindBeginArray:
		return m.Name != "key_ops" && m.Name != "keys" && jsonobj.Blank(m.Value)
	}
	return jsonobj.Blank(m.Value)
}

// bytes returns a required member in base64url, without white space or nonzero
// trailing bits (RFC 7515 §2, RFC 4648 §3.5). It may be padded, as many writers
// do.
func (m members) bytes(name string) ([]byte, error) {
	s, ok, err := m.text(name)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, &fault.Error{
			Reason: ErrUnreadable, Found: fmt.Sprintf("this is a JWK without its member %s", name),
			Hint: "export the whole key again",
		}
	}
	out, ok := decodeStrict(s, base64.URLEncoding)
	if !ok {
		return nil, &fault.Error{
			Reason: ErrUnreadable, Found: fmt.Sprintf("this is a JWK whose member %s is not base64url", name),
			Hint: "write it in the URL-safe alphabet, without = and white space (RFC 7515 section 2)",
		}
	}
	return out, nil
}

// octets returns a member of exactly size bytes.
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
		Reason: ErrUnreadable, Found: fmt.Sprintf("this is a JWK whose member %s has %d bytes, not %d: it is %s", name, len(b), size, how),
		Hint: hint,
	}
}
