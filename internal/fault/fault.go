// Package fault holds the error type of the product's packages: a reason to
// branch on, and a text that names the field, says what was found and what to
// do next.
package fault

import (
	"errors"
	"strings"
)

// The fields of a key, as the packages below task and cli name them, in Field
// and within Found and Hint. [Error.Message] replaces them with the caller's own
// names, which are inputs of a task or flags. No name that an author may choose
// is shown with a character outside of ASCII, so none is taken for a field.
const (
	Key       = "‹key›"
	KeyID     = "‹kid›"
	Password  = "‹password›"
	Algorithm = "‹alg›"
	Encoding  = "‹encoding›"
)

// Error is a refusal. No text of it quotes a value: texts hold types, lengths
// and the names that a specification defines.
type Error struct {
	Reason error  // a sentinel of the package that refuses
	Field  string // what is at fault: a field above, a claim, a header parameter, an input; may be empty
	Found  string // a sentence without the field, such as "this is a public key"; lower case, no full stop
	Hint   string // what to do, lower case, no full stop; may be empty
	Cause  error  // for errors.Is and errors.As; never printed
}

// Error implements the error interface: "field: found; hint", fields by the
// names that this package gives them.
func (e *Error) Error() string {
	message := e.Message(nil)
	if e.Field != "" {
		message = Rename(e.Field, nil) + ": " + message
	}
	return message
}

// Message returns "found; hint" with names in place of the fields of a key; see
// [Rename].
func (e *Error) Message(names map[string]string) string {
	if e.Hint == "" {
		return Rename(e.Found, names)
	}
	return Rename(e.Found+"; "+e.Hint, names)
}

// Unwrap returns the reason and, where there is one, the cause.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Reason}
	}
	return []error{e.Reason, e.Cause}
}

// In returns err with its field set, where err is an *[Error] without one.
func In(field string, err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Field != "" {
		return err
	}
	located := *e
	located.Field = field
	return &located
}

// Rename replaces each field of a key in text by its name in names, or by the
// field without its brackets where names has none.
func Rename(text string, names map[string]string) string {
	if !strings.Contains(text, "‹") {
		return text
	}
	for _, field := range []string{Key, KeyID, Password, Algorithm, Encoding} {
		name, ok := names[field]
		if !ok {
			name = strings.Trim(field, "‹›")
		}
		text = strings.ReplaceAll(text, field, name)
	}
	return text
}
