package task

import (
	"fmt"
	"strings"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/printable"
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

// maxNameShown is the length in bytes of an input's name in a message.
const maxNameShown = 64

// shown returns an input's name as a message may hold it.
func shown(name string) string { return printable.ASCII(name, maxNameShown) }

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
