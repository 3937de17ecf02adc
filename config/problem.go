package config

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong.
type Problem struct {
	Setting string // the name in the table; empty where it is none
	Origin  Origin // zero where the fault has no single place
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

// Error is everything that is wrong with a configuration, one line each.
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

// problems collects.
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
