package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one mistake.
type Problem struct {
	Place   Place
	Text    string // what was found; what to do. It quotes no value
	Excerpt string // the line with its values left out, and a mark under the place; may be empty
}

// Error is everything that is wrong with a file.
type Error struct {
	Path     string
	Problems []Problem
}

// Error gives each problem a line, and its excerpt below it, indented.
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
		for line := range strings.Lines(p.Excerpt) {
			b.WriteString("\n  " + strings.TrimSuffix(line, "\n"))
		}
	}
	return b.String()
}

// source is the text of a file, for excerpts.
type source struct {
	path  string
	lines []string
}

func (s source) problem(at Place, text string) Problem {
	p := Problem{Place: at, Text: text}
	if at.Line >= 1 && at.Line <= len(s.lines) {
		p.Excerpt = excerpt(s.lines[at.Line-1], at)
	}
	return p
}

// Fault is an error about what stands at a place of the file, for whoever
// finds out later that it does not hold.
func (p *Policy) Fault(at Place, text string) *Error {
	return &Error{Path: p.source.path, Problems: []Problem{p.source.problem(at, text)}}
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
