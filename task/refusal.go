package task

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"conductor-jwt/internal/fault"
)

func refuse(reason error, field, found, hint string) error {
	return &fault.Error{Reason: reason, Field: field, Found: found, Hint: hint}
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
