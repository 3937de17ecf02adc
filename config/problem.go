package config

import (
	"fmt"
	"strings"
)

// Problem is one mistake in the settings.
type Problem struct {
	Setting string // its name in the table; empty for an unknown name
	Origin  Origin // zero where the problem has no single place
	Text    string // what was found; what to do
}

func (p Problem) String() string {
	where := p.Origin.Where
	switch {
	case p.Setting == "" && where == "":
		return p.Text
	case p.Setting == "":
		return where + ": " + p.Text
	case where == "":
		return p.Setting + ": " + p.Text
	}
	return p.Setting + " (" + where + "): " + p.Text
}

// Error is all problems of a configuration. It prints one line for each.
type Error struct {
	Problems []Problem
}

func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// problems collects what is wrong.
type problems []Problem

func (p *problems) add(setting string, at Origin, format string, args ...any) {
	*p = append(*p, Problem{Setting: setting, Origin: at, Text: fmt.Sprintf(format, args...)})
}

func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return &Error{Problems: p}
}
