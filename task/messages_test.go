package task_test

import (
	"flag"
	"os"
	"strings"
	"testing"
)

// messages holds what the refusals of a table say, a row a line: what the row
// is about, a tab, and the reason for incompletion. A changed text is written
// anew with go test ./task -update.
type messages struct {
	file   string
	update bool
	want   map[string]string
	lines  strings.Builder
}

func readMessages(t *testing.T, name string) *messages {
	t.Helper()
	m := &messages{file: "testdata/" + name + ".txt", update: flag.Lookup("update").Value.String() == "true", want: map[string]string{}}
	if m.update {
		t.Cleanup(func() {
			if err := os.WriteFile(m.file, []byte(m.lines.String()), 0o644); err != nil {
				t.Error(err)
			}
		})
		return m
	}
	text, err := os.ReadFile(m.file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		row, reason, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		m.want[row] = reason
	}
	return m
}

// check compares the message of one row.
func (m *messages) check(t *testing.T, row, reason string) {
	t.Helper()
	m.lines.WriteString(row + "\t" + reason + "\n")
	if !m.update && m.want[row] != reason {
		t.Errorf("it says\n%s\nwant\n%s", reason, m.want[row])
	}
}
