package signer

import (
	"encoding/json/jsontext"
	"unicode/utf8"
)

// AppendJSON appends the object, without white space, to dst.
func (o *Object) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	for i, m := range o.members {
		if i > 0 {
			dst = append(dst, ',')
		}
		// A name that is not UTF-8 is caught by valid before anything is signed.
		dst, _ = jsontext.AppendQuote(dst, m.Name)
		dst = append(dst, ':')
		dst = append(dst, m.Value...)
	}
	return append(dst, '}')
}

// MarshalJSON implements [json.Marshaler].
func (o Object) MarshalJSON() ([]byte, error) {
	if err := o.valid(); err != nil {
		return nil, err
	}
	return o.AppendJSON(make([]byte, 0, o.size())), nil
}

// UnmarshalJSON implements [json.Unmarshaler] with [ParseObject] and the
// default limits.
func (o *Object) UnmarshalJSON(raw []byte) error {
	parsed, err := ParseObject(raw, Limits{})
	if err != nil {
		return err
	}
	*o = parsed
	return nil
}

// size is an upper bound of the object's length for names that need no
// escapes, and close to it for any other.
func (o *Object) size() int {
	n := 2
	for i := range o.members {
		n += len(o.members[i].Name) + len(o.members[i].Value) + 4
	}
	return n
}

func (o *Object) valid() error {
	if o.broken {
		return invalidText()
	}
	for i := range o.members {
		if !utf8.ValidString(o.members[i].Name) {
			return invalidText()
		}
	}
	return nil
}
