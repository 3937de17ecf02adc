// Package jsonobj reads and builds JSON: objects whose members keep their order
// and whose numbers keep their digits. It refuses duplicate names, invalid
// UTF-8, lone surrogates and whatever exceeds the limits.
package jsonobj

import (
	"encoding/json/jsontext"
	"iter"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"conductor-jwt/internal/fault"
)

// Member is one name and its JSON value.
type Member struct {
	Name  string
	Value jsontext.Value
}

// Object is a JSON object whose members keep their order. Names are unique:
// to set one again replaces its value where it stands. The zero Object is {}.
//
// A copy of an Object shares its members with the original: use [Object.Clone]
// before changing one of them.
type Object struct {
	members []Member
	broken  bool // a string that was set is not valid UTF-8
}

// New returns an empty Object with room for n members.
func New(n int) Object { return Object{members: make([]Member, 0, n)} }

// Set sets name to a JSON value, which is kept as it is. A value from
// outside must have been read with [Parse] or [Compact] before.
func (o *Object) Set(name string, value jsontext.Value) {
	if i := o.index(name); i >= 0 {
		o.members[i].Value = value
		return
	}
	o.members = append(o.members, Member{name, value})
}

// String sets name to a JSON string.
func (o *Object) String(name, s string) { o.Set(name, o.quote(nil, s)) }

// Int sets name to a JSON number.
func (o *Object) Int(name string, n int64) {
	o.Set(name, strconv.AppendInt(make([]byte, 0, 20), n, 10))
}

// Strings sets name to a JSON array of strings.
func (o *Object) Strings(name string, list []string) {
	value := []byte{'['}
	for i, s := range list {
		if i > 0 {
			value = append(value, ',')
		}
		value = o.quote(value, s)
	}
	o.Set(name, append(value, ']'))
}

// Has reports whether there is a member of that name; names are compared
// exactly (RFC 7515 §5.3).
func (o *Object) Has(name string) bool { return o.index(name) >= 0 }

// Get returns the value of a member.
func (o *Object) Get(name string) (jsontext.Value, bool) {
	if i := o.index(name); i >= 0 {
		return o.members[i].Value, true
	}
	return nil, false
}

// Text returns the value of a member that is a JSON string; false where there
// is none or it is of another type.
func (o *Object) Text(name string) (string, bool) {
	value, ok := o.Get(name)
	if !ok {
		return "", false
	}
	return String(value)
}

// Delete removes a member, if it is there.
func (o *Object) Delete(name string) {
	if i := o.index(name); i >= 0 {
		o.members = slices.Delete(o.members, i, i+1)
	}
}

// Len is the number of members.
func (o *Object) Len() int { return len(o.members) }

// Members returns the members in order.
func (o *Object) Members() iter.Seq[Member] { return slices.Values(o.members) }

// Clone returns a copy that can be changed without changing o.
func (o *Object) Clone() Object {
	return Object{members: slices.Clone(o.members), broken: o.broken}
}

// Sort puts the members in the order of the bytes of their names.
func (o *Object) Sort() {
	slices.SortFunc(o.members, func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
}

// AppendJSON appends the object, without white space, to dst.
func (o *Object) AppendJSON(dst []byte) []byte {
	dst = append(slices.Grow(dst, o.Size()), '{')
	for i, m := range o.members {
		if i > 0 {
			dst = append(dst, ',')
		}
		// A name that is not UTF-8 is refused by Check.
		dst, _ = jsontext.AppendQuote(dst, m.Name)
		dst = append(dst, ':')
		dst = append(dst, m.Value...)
	}
	return append(dst, '}')
}

// Size is an upper bound of the object's length for names that need no
// escapes, and close to it for any other.
func (o *Object) Size() int {
	n := 2
	for i := range o.members {
		n += len(o.members[i].Name) + len(o.members[i].Value) + 4
	}
	return n
}

// Check reports a name or a string that was set and is not valid UTF-8, as an
// *[fault.Error] of [ErrEncoding].
func (o *Object) Check() error {
	if o.broken {
		return &fault.Error{Reason: ErrEncoding, Found: "this is not valid UTF-8", Hint: "encode it as UTF-8"}
	}
	for i := range o.members {
		if !utf8.ValidString(o.members[i].Name) {
			return &fault.Error{Reason: ErrEncoding, Found: "this is not valid UTF-8", Hint: "encode it as UTF-8"}
		}
	}
	return nil
}

func (o *Object) index(name string) int {
	for i := range o.members {
		if o.members[i].Name == name {
			return i
		}
	}
	return -1
}

func (o *Object) quote(dst []byte, s string) []byte {
	dst, err := jsontext.AppendQuote(dst, s)
	o.broken = o.broken || err != nil
	return dst
}
