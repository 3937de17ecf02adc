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

// cell is one worker in one row.
type cell struct {
	row     reliability.Row
	verdict reliability.Verdict
	err     error
	peak    int // MiB
}

// String is what became of it: held, or what was lost.
func (c cell) String() string {
	said := c.verdict.Unkept
	if len(said) == 0 {
		said = []string{"held"}
	}
	said = append([]string{}, said...)
	note := func(n int, what string) {
		if n > 0 {
			said = append(said, fmt.Sprintf("%d %s", n, what))
		}
	}
	if c.row.Promise.Redelivers {
		note(c.verdict.TakenBack, "redelivered")
		note(c.verdict.Again, "done twice")
	}
	note(late(c.verdict.Done), "s until all was done")
	switch c.row.Number {
	case 6:
		if c.verdict.Faulted <= c.row.Promise.Calls {
			note(c.verdict.Faulted, "calls")
		}
	case 12:
		note(c.peak, "MiB at most")
	}
	return strings.Join(said, ", ")
}

// late is how many seconds it took from the end of the fault until all was
// done, where that is worth telling.
func late(d time.Duration) int {
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

// rewrite puts what was measured into the last three columns of the page's
// rows. Faults that share a row are told apart by letters, in the order in
// which they were played.
func rewrite(path string, results [][]cell) error {
	page, err := os.ReadFile(path) //nolint:gosec // the page that was asked for
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
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o644); err != nil { //nolint:gosec // a page
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// columns is a row's cells by its number.
func columns(results [][]cell) map[string][]string {
	plays := map[string][][]cell{}
	for _, cells := range results {
		n := strconv.Itoa(cells[0].row.Number)
		plays[n] = append(plays[n], cells)
	}
	out := map[string][]string{}
	for n, of := range plays {
		for worker := range of[0] {
			out[n] = append(out[n], together(of, worker))
		}
	}
	return out
}

// together is what became of one worker in all that was played for a row.
func together(plays [][]cell, worker int) string {
	if len(plays) == 1 {
		return plays[0][worker].String()
	}
	var said []string
	same := true
	for i, cells := range plays {
		said = append(said, fmt.Sprintf("(%c) %s", 'a'+i, cells[worker]))
		same = same && cells[worker].String() == plays[0][worker].String()
	}
	if same {
		return plays[0][worker].String()
	}
	return strings.Join(said, "; ")
}
