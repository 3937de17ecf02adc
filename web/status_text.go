package web

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"conductor-jwt/internal/printable"
)

// WriteStatus writes what the status page shows as text.
func WriteStatus(w io.Writer, s Status) error {
	v := viewOf(s)
	t := textTables{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	where := s.Process.Server + " as " + s.Process.ID
	if s.Process.Domain != "" {
		where += " in domain " + s.Process.Domain
	}
	t.row("conductor-jwt: " + v.Headline().text())
	t.row(v.State.About)
	t.row(fmt.Sprintf("%s, %s edition, %s crypto, up %s", s.Process.Version, s.Process.Edition, s.Process.Crypto, v.Up))
	t.row(where)
	t.row("as of " + v.AsOf)

	t.table("Queues", []string{"TASK TYPE", "LAST SUCCESSFUL POLL", "STATE", ""}, len(v.Queues), func(i int) []string {
		q := v.Queues[i]
		return []string{q.TaskType, q.LastPoll, q.State.text(), q.Hint}
	})
	t.row(v.SlotsText())
	t.table("The last hour", []string{"COMPLETED", "FAILED", "WAITING", "FAILED POLLS"}, 1, func(int) []string {
		return []string{v.Completed, v.Failed, v.Waiting, v.FailedPolls}
	})
	t.table("Latency in the last hour", []string{"STAGE", "COUNT", "P50", "P99"}, len(v.Latency), func(i int) []string {
		l := v.Latency[i]
		return []string{l.Stage, l.Count, l.P50, l.P99}
	})
	t.table("Failed in the last hour", []string{"CODE", "COUNT"}, len(v.Codes), func(i int) []string {
		return []string{v.Codes[i].Code, v.Codes[i].Count}
	})
	t.table("Last failures", []string{"LAST", "TIMES", "WORKFLOW", "TASK", "CODE", "FIELD", "EXECUTION", "MESSAGE"}, len(v.Failures), func(i int) []string {
		f := v.Failures[i]
		return []string{f.Last, f.Times, f.Workflow, f.TaskName, f.Code, f.Field, f.Execution.Whole, f.Message}
	})
	t.table("Named keys", []string{"KEY", "SIGNS", "ALGORITHM", "AGE", "UNTIL (UTC)", "NEXT (UTC)", "STILL PUBLISHED (UTC)", "STORE"}, len(v.Keys), func(i int) []string {
		k := v.Keys[i]
		return []string{k.Name, k.Signs.Whole, k.Algorithm, k.Since, k.Until, joined(k.Next), joined(k.Former), k.Store.text()}
	})
	if s.AccessTokens != nil {
		t.table("Access tokens since the start", []string{"PROVIDER", "FROM THE CACHE", "EXCHANGED", "REFUSED", "FAILED"}, len(v.Providers), func(i int) []string {
			p := v.Providers[i]
			return []string{p.Name, p.Hits, p.Granted, p.Refused, p.Failed}
		})
		t.row(v.CachedText())
	}
	if len(v.Verifiers) > 0 {
		t.table("Verifiers", []string{"VERIFIER", "KEYS", "FETCHED", "STATE"}, len(v.Verifiers), func(i int) []string {
			one := v.Verifiers[i]
			return []string{one.Name, one.Keys, one.Fetched, one.State.text()}
		})
	}
	t.table("Settings that differ from their defaults", []string{"SETTING", "VALUE", "FROM"}, len(s.Set), func(i int) []string {
		return []string{s.Set[i].Name, s.Set[i].Value, s.Set[i].From}
	})
	return t.Flush()
}

func joined(lines []keyLine) string {
	var all []string
	for _, l := range lines {
		all = append(all, l.String())
	}
	return strings.Join(all, ", ")
}

// text is the state with its sign.
func (m mark) text() string { return m.Sign() + " " + m.Text }

// textTables writes lines and tables. Flush returns the error of any write.
type textTables struct{ *tabwriter.Writer }

// row writes cells; a row of one cell is a line, which ends a table.
func (t textTables) row(cells ...string) {
	for i := range cells {
		cells[i] = printable.Line(cells[i])
	}
	_, _ = fmt.Fprintln(t, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
}

// table writes a title and n rows.
func (t textTables) table(title string, head []string, n int, cells func(i int) []string) {
	t.row("")
	if n == 0 {
		t.row(title + ": none")
		return
	}
	t.row(title)
	t.row(head...)
	for i := range n {
		t.row(cells(i)...)
	}
}
