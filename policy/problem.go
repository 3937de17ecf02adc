package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one mistake.
type Problem struct {
	Place Place
	Text  string // what was found; what to do. It quotes no value
}

// Error is everything that is wrong with a file.
type Error struct {
	Path     string
	Problems []Problem
}

// Error gives each problem a line.
func (e *Error) Error() string {
	var b strings.Builder
	for i, p := range e.Problems {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(e.Path)
		if p.Place.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", p.Place.Line, p.Place.Column)
		}
		b.WriteString(": " + p.Text)
	}
	return b.String()
}

// Fault returns an error at a place of the file, for what the caller finds wrong
// after the file was read.
func (p *Policy) Fault(at Place, text string) *Error {
	return &Error{Path: p.path, Problems: []Problem{{Place: at, Text: text}}}
}

// Join makes one error of several of the same file.
func Join(errs ...*Error) error {
	var all Error
	for _, e := range errs {
		if e != nil {
			all.Path = e.Path
			all.Problems = append(all.Problems, e.Problems...)
		}
	}
	if len(all.Problems) == 0 {
		return nil
	}
	all.sort()
	return &all
}

func (e *Error) sort() {
	slices.SortStableFunc(e.Problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Place.Line, b.Place.Line), cmp.Compare(a.Place.Column, b.Place.Column))
	})
}
