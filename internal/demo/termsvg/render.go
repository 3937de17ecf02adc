package main

import (
	"strings"
)

// attribute is how a run of characters looks.
type attribute struct {
	colour string // of ECMA-48 SGR, "" is the default
	bold   bool
	dim    bool
}

// run is a stretch of a line that looks the same.
type run struct {
	column int
	text   string
	attribute
}

// render plays text with the few control sequences that the demo uses, and
// gives the lines of the screen that is left.
func render(text string) [][]run {
	var s screen
	for text != "" {
		if rest, ok := s.control(text); ok {
			text = rest
			continue
		}
		r := []rune(text)[0]
		s.put(r)
		text = text[len(string(r)):]
	}
	return s.runs()
}

type cell struct {
	r rune
	attribute
}

type screen struct {
	lines  [][]cell
	row    int
	column int
	now    attribute
}

// control carries out a line end, a carriage return, "erase to the end of the
// line" or a change of attributes.
func (s *screen) control(text string) (rest string, ok bool) {
	switch {
	case text[0] == '\n':
		s.row, s.column = s.row+1, 0
		s.line()
		return text[1:], true
	case text[0] == '\r':
		s.column = 0
		return text[1:], true
	case strings.HasPrefix(text, "\x1b[K"):
		line := s.line()
		*line = (*line)[:min(s.column, len(*line))]
		return text[3:], true
	case strings.HasPrefix(text, "\x1b["):
		codes, rest, found := strings.Cut(text[2:], "m")
		if !found {
			return "", true
		}
		for code := range strings.SplitSeq(codes, ";") {
			s.attribute(code)
		}
		return rest, true
	}
	return text, false
}

func (s *screen) attribute(code string) {
	switch code {
	case "", "0":
		s.now = attribute{}
	case "1":
		s.now.bold = true
	case "2":
		s.now.dim = true
	default:
		s.now.colour = code
	}
}

func (s *screen) line() *[]cell {
	for len(s.lines) <= s.row {
		s.lines = append(s.lines, nil)
	}
	return &s.lines[s.row]
}

func (s *screen) put(r rune) {
	line := s.line()
	for len(*line) <= s.column {
		*line = append(*line, cell{r: ' '})
	}
	(*line)[s.column] = cell{r: r, attribute: s.now}
	s.column++
}

func (s *screen) runs() [][]run {
	lines := s.lines
	for len(lines) > 0 && len(lines[len(lines)-1]) == 0 {
		lines = lines[:len(lines)-1]
	}
	all := make([][]run, len(lines))
	for i, line := range lines {
		for column, c := range line {
			last := len(all[i]) - 1
			if last >= 0 && all[i][last].attribute == c.attribute {
				all[i][last].text += string(c.r)
				continue
			}
			all[i] = append(all[i], run{column: column, text: string(c.r), attribute: c.attribute})
		}
	}
	return all
}
