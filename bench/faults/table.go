package main

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"conductor-jwt/test/reliability"
)

// cell is the result of one worker in one row.
type cell struct {
	row     reliability.Row
	verdict reliability.Verdict
	err     error
	peak    int // MiB
}

// String returns "held" or the violations, and notes.
func (c cell) String() string {
	words := c.verdict.Violations
	if len(words) == 0 {
		words = []string{"held"}
	}
	words = append([]string{}, words...)
	note := func(n int, what string) {
		if n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, what))
		}
	}
	if c.row.Promise.AllowsRedelivery {
		note(c.verdict.TimedOut, "redelivered")
		note(c.verdict.DoneTwice, "done twice")
	}
	note(slowSeconds(c.verdict.Done), "s until all was done")
	switch c.row.Number {
	case 6:
		if c.verdict.CallsDuringFault <= c.row.Promise.MaxCalls {
			note(c.verdict.CallsDuringFault, "calls")
		}
	case 12:
		note(c.peak, "MiB at most")
	}
	return strings.Join(words, ", ")
}

// slowSeconds returns the time from the end of the fault until all tasks were
// done, or 0 if it is below 8 s.
func slowSeconds(d time.Duration) int {
	if d < 8*time.Second {
		return 0
	}
	return int(d.Round(time.Second) / time.Second)
}

const head = "| row | fault | conductor-jwt | TaskRunner | Python SDK |\n|---|---|---|---|---|\n"

func tableOf(results [][]cell) string {
	var out strings.Builder
	out.WriteString(head)
	for _, cells := range results {
		out.WriteString(lineOf(cells) + "\n")
	}
	return out.String()
}

func lineOf(cells []cell) string {
	words := []string{strconv.Itoa(cells[0].row.Number), cells[0].row.Fault}
	for _, c := range cells {
		words = append(words, c.String())
	}
	return "| " + strings.Join(words, " | ") + " |"
}

// rewrite writes the results into the last three columns of the page's rows.
// Faults that share a row are marked by letters, in the order in which they ran.
func rewrite(path string, results [][]cell) error {
	page, err := os.ReadFile(path) //nolint:gosec // the page named by -docs
	if err != nil {
		return fmt.Errorf("read the page: %w", err)
	}
	measured := columns(results)
	numbered := regexp.MustCompile(`^\| (\d+) \|`)
	lines := strings.Split(string(page), "\n")
	for i, line := range lines {
		m := numbered.FindStringSubmatch(line)
		if m == nil || measured[m[1]] == nil {
			continue
		}
		words := strings.Split(strings.TrimSuffix(strings.TrimPrefix(line, "| "), " |"), " | ")
		columns := measured[m[1]]
		if len(words) < len(columns)+2 {
			return fmt.Errorf("%s: row %s has %d columns", path, m[1], len(words))
		}
		copy(words[len(words)-len(columns):], columns)
		lines[i] = "| " + strings.Join(words, " | ") + " |"
	}
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o644); err != nil { //nolint:gosec // public documentation
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// columns returns the cells of each row by the row's number.
func columns(results [][]cell) map[string][]string {
	runs := map[string][][]cell{}
	for _, cells := range results {
		n := strconv.Itoa(cells[0].row.Number)
		runs[n] = append(runs[n], cells)
	}
	out := map[string][]string{}
	for n, of := range runs {
		for worker := range of[0] {
			out[n] = append(out[n], combined(of, worker))
		}
	}
	return out
}

// combined returns the results of one worker in all faults of a row.
func combined(runs [][]cell, worker int) string {
	if len(runs) == 1 {
		return runs[0][worker].String()
	}
	var words []string
	same := true
	for i, cells := range runs {
		words = append(words, fmt.Sprintf("(%c) %s", 'a'+i, cells[worker]))
		same = same && cells[worker].String() == runs[0][worker].String()
	}
	if same {
		return runs[0][worker].String()
	}
	return strings.Join(words, "; ")
}
