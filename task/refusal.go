package task

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error is a refusal of this package: its reason (one of the sentinels of
// errors.go), the input at fault, what was found there and what to do about
// it. No text of it quotes the value of an input.
type Error struct {
	Reason error
	Field  string // an input's name as it may be shown; may be empty
	Found  string // lower case, no full stop
	Hint   string // lower case, no full stop; may be empty
	Cause  error  // for errors.Is only; never printed
}

// Error implements the error interface.
func (e *Error) Error() string { return sentence(e.Found, e.Hint) }

// Unwrap gives the sentinel and, where there is one, the cause.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Reason}
	}
	return []error{e.Reason, e.Cause}
}

func refuse(reason error, field, found, hint string) error {
	return &Error{Reason: reason, Field: field, Found: found, Hint: hint}
}

func invalid(field, found, hint string) error {
	return refuse(ErrInputInvalid, field, found, hint)
}

func tooLarge(field, found, hint string) error {
	return refuse(ErrInputTooLarge, field, found, hint)
}

// maxNameShown is how much of an input's name a message may hold.
const maxNameShown = 64

// shown gives an input's name as a message may hold it: every character that
// is not printable ASCII escaped, at most [maxNameShown] characters.
func shown(name string) string {
	var b strings.Builder
	for _, r := range name {
		piece := escaped(r)
		if b.Len()+len(piece) > maxNameShown {
			break
		}
		b.WriteString(piece)
	}
	return b.String()
}

func escaped(r rune) string {
	switch {
	case r == utf8.RuneError:
		return `\ufffd`
	case r == '"' || r == '\\':
		return `\` + string(r)
	case r >= ' ' && r <= '~':
		return string(r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// count writes a number with its noun: "1 member", "2 members".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// oneOf writes a list of allowed values: "a, b or c".
func oneOf(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}
