package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"conductor-jwt/test/reliability"
)

func TestMeasuredColumnsAreRewritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	const before = "# A page\n\n| row | fault | ours | one | two |\n|---|---|---|---|---|\n" +
		"| 3 | a, b | – | – | – |\n| 4 | c | – | – | – |\n| 30 | d | old | old | old |\n\nThe end.\n"
	if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	of := func(number int, unkept ...string) cell {
		return cell{row: reliability.Row{Number: number}, verdict: reliability.Verdict{Violations: unkept}}
	}
	results := [][]cell{
		{of(3), of(3), of(3, "2 not done in time")},
		{of(3), of(3, "1 failed", "does not end"), of(3, "2 not done in time")},
		{of(4), of(4), of(4)},
	}
	if err := rewrite(path, results); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const want = "# A page\n\n| row | fault | ours | one | two |\n|---|---|---|---|---|\n" +
		"| 3 | a, b | held | (a) held; (b) 1 failed, does not end | 2 not done in time |\n| 4 | c | held | held | held |\n" +
		"| 30 | d | old | old | old |\n\nThe end.\n"
	if string(after) != want {
		t.Errorf("got\n%s\nwant\n%s", after, want)
	}
}

func TestCellText(t *testing.T) {
	kills := reliability.Row{Number: 20, Promise: reliability.Promise{AllowsRedelivery: true}}
	forbidden := reliability.Row{Number: 6, Promise: reliability.Promise{MaxCalls: 16}}
	cases := map[string]cell{
		"held":                              {},
		"held, 3 redelivered, 1 done twice": {row: kills, verdict: reliability.Verdict{TimedOut: 3, DoneTwice: 1, Done: 7 * time.Second}},
		"held, 12 s until all was done":     {verdict: reliability.Verdict{Done: 12 * time.Second}},
		"held, 5 calls":                     {row: forbidden, verdict: reliability.Verdict{CallsDuringFault: 5}},
		"41 calls during the fault": {
			row: forbidden, verdict: reliability.Verdict{CallsDuringFault: 41, Violations: []string{"41 calls during the fault"}},
		},
		"held, 52 MiB at most": {row: reliability.Row{Number: 12}, peak: 52},
	}
	for want, c := range cases {
		if got := c.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
