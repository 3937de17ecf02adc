// Package page writes the figures of the benchmarks into Markdown pages.
package page

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// Page is Markdown under construction.
type Page struct{ strings.Builder }

// Line writes a line.
func (p *Page) Line(format string, args ...any) {
	_, _ = fmt.Fprintf(p, format+"\n", args...)
}

// Table writes a table after an empty line.
func (p *Page) Table(head []string, rows [][]string) {
	p.Line("")
	if len(rows) == 0 {
		p.Line("Not measured.")
		return
	}
	p.Line("| %s |", strings.Join(head, " | "))
	p.Line("|%s", strings.Repeat("---|", len(head)))
	for _, r := range rows {
		p.Line("| %s |", strings.Join(r, " | "))
	}
}

// Goals writes a table of goals.
func (p *Page) Goals(goals []Goal) {
	var rows [][]string
	for _, g := range goals {
		rows = append(rows, g.row())
	}
	p.Table([]string{"figure", "goal", "measured", "", "compared"}, rows)
}

// Goal is a goal and the measured value.
type Goal struct {
	Figure string
	Got    float64 // in the unit of Want
	Want   float64
	IsMax  bool   // Want is the maximum, not the minimum
	Unit   string // of both
	Sides  string // the compared values
}

func (g Goal) row() []string {
	sign, reached := "≥", g.Got >= g.Want
	if g.IsMax {
		sign, reached = "≤", g.Got <= g.Want
	}
	verdict := "reached"
	if !reached {
		verdict = "**missed**"
	}
	return []string{g.Figure, sign + " " + strconv.FormatFloat(g.Want, 'f', -1, 64) + g.Unit, ThreeDigits(g.Got) + g.Unit, verdict, g.Sides}
}

// ThreeDigits formats a number with three significant digits.
func ThreeDigits(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// Replace replaces the part of a file that a program writes: the lines between
// the comments that name the part. A file that does not exist becomes that part.
func Replace(file, part, text string) error {
	begin, end := "<!-- "+part+" -->\n", "<!-- end of "+part+" -->\n"
	old, err := os.ReadFile(file) //nolint:gosec // a page of the caller's own folder
	if errors.Is(err, fs.ErrNotExist) {
		old, err = []byte(begin+end), nil
	}
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(old), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return fmt.Errorf("%s does not have the lines %q and %q", file, begin, end)
	}
	return os.WriteFile(file, []byte(before+begin+text+end+after), 0o644) //nolint:gosec // to be read by all
}
