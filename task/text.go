package task

import (
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"slices"
	"strings"

	"conductor-jwt/internal/jsonobj"
)

// text gives an input of type "string or whole number": a number as its
// digits, a string as it is.
func (g *given) text(name string) (string, error) {
	n, ok := g.values[name]
	if !ok {
		return "", nil
	}
	return boundedText(name, "", n)
}

// boundedText reads one such value; where is "" or names an element of a list.
func boundedText(field, where string, n jsonobj.Value) (string, error) {
	text := n.Text
	if n.Kind == jsontext.KindNumber {
		digits, err := wholeDigits(n.Text, maxText)
		switch {
		case errors.Is(err, errTooLong):
			return "", tooLarge(field, where+"a number of more than 4096 digits", "write at most 4096 characters")
		case err != nil:
			return "", invalid(field, where+"a number that is not whole", "write a whole number, or a string")
		}
		text = digits
	}
	if len(text) > maxText {
		return "", tooLarge(field, where+fmt.Sprintf("a string of %d bytes", len(text)), fmt.Sprintf("write at most %d bytes", maxText))
	}
	return text, nil
}

// choice gives an input that is one of a few words, matched exactly.
func (g *given) choice(name, fallback string, allowed ...string) (string, error) {
	n, ok := g.values[name]
	if !ok {
		return fallback, nil
	}
	if slices.Contains(allowed, n.Text) {
		return n.Text, nil
	}
	return "", invalid(name, describe(n)+" that is not one of the allowed words", "write "+oneOf(allowed))
}

// choices gives an input that is a list of such words, each once.
func (g *given) choices(name string, allowed ...string) ([]string, error) {
	var list []string
	for i, item := range g.values[name].Items {
		if item.Kind != jsontext.KindString || !slices.Contains(allowed, item.Text) {
			return nil, invalid(name, element(i)+describe(item)+", which is not one of the allowed words", "list "+oneOf(allowed))
		}
		if !slices.Contains(list, item.Text) {
			list = append(list, item.Text)
		}
	}
	return list, nil
}

// element names a place in a list, counted from 1.
func element(i int) string { return fmt.Sprintf("element %d is ", i+1) }

// plain takes the marks of the documents out of a sentence.
func plain(s string) string { return strings.ReplaceAll(s, "`", "") }
