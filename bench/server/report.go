package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// report is the figures of one store.
type report struct {
	store, version string
	costs          []cost
	rates          []rate
	waits          []wait
}

// write returns the tables as Markdown.
func write(reports []report) string {
	var p strings.Builder
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(&p, format+"\n", args...) }
	for _, r := range reports {
		line("Conductor %s on %s, written on %s; RS256, server, store and workers on the same cores.\n",
			r.version, r.store, time.Now().UTC().Format(time.DateOnly))
		if len(r.costs) > 0 {
			line("Ten slots each, medians of several rounds in turn:\n")
			line("| load | worker | CPU ms a token: worker | server's Java | requests a token | scheduled to ended, ms: p50 / p99 | tokens/s |")
			line("|---|---|---|---|---|---|---|")
			for _, c := range r.costs {
				times, rate := fmt.Sprintf("%.0f / %.0f", c.p50, c.p99), "–"
				if c.load.rate == 0 {
					times, rate = "–", fmt.Sprintf("%.0f", c.rate)
				}
				line("| %s | %s | %.2f | %.1f | %.2f | %s | %s |", c.load, c.peer, c.worker, c.server, c.requests, times, rate)
			}
			line("")
		}
		line("| workers | tokens/s | CPU ms a token: worker | server's Java | all, with the store |")
		line("|---|---|---|---|---|")
		for _, one := range r.rates {
			line("| %d of %d slots | %.0f | %.2f | %.1f | %.1f |", one.replicas, one.slots, one.perSecond, one.worker, one.server, one.machine)
		}
		line("\n| cold polls | idle, cores: server's Java | all | scheduled to ended at 10/s, ms: p50 / p99 |")
		line("|---|---|---|---|")
		for _, one := range r.waits {
			if one.pollers == 0 {
				line("| no worker | %.3f | %.3f | – |", one.java, one.idle)
				continue
			}
			line("| %d | %.3f | %.3f | %.0f / %.0f |", one.pollers, one.java, one.idle, one.p50, one.p99)
		}
		line("")
	}
	return p.String()
}

// The page holds the figures between these lines.
const (
	begin = "<!-- figures of the real server, written by make bench-server -->\n"
	end   = "<!-- end of figures of the real server -->\n"
)

func insert(file, figures string) error {
	text, err := os.ReadFile(file) //nolint:gosec // the caller's own page
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return fmt.Errorf("%s does not have the lines %q and %q", file, begin, end)
	}
	return os.WriteFile(file, []byte(before+begin+figures+end+after), 0o644) //nolint:gosec // to be read by all
}
