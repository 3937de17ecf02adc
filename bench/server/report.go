package main

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"

	"conductor-jwt/bench/page"
	"conductor-jwt/internal/printable"
)

// part names what this program writes of docs/evidence/performance.md and docs/evidence/sizing.md.
const part = "figures of the real server, written by make bench-server"

// write writes the figures of all samples into the pages.
func (b *bench) write(docs string) error {
	var performance, sizing page.Page
	performance.Line("## On the real server")
	performance.Line("")
	performance.Line("Samples are in bench/server.jsonl. The workers ran in turn, with ten slots each; every measurement has a queue of its own. Figures are medians. With `auto`, the")
	performance.Line("default, the worker reads a stored task from the server for each value that it has not yet seen in clear; with `key` it reads none.")
	for _, store := range []string{sqlite, postgres} {
		i := slices.IndexFunc(b.samples, func(s sample) bool { return s.Store == store })
		if i < 0 {
			continue
		}
		title := fmt.Sprintf("Conductor %s on %s, written on %s; RS256, native edition; server, store and workers on the same cores.",
			b.samples[i].Version, store, b.samples[i].Date)
		performance.Line("\n### %s\n\n%s", store, title)
		performance.Goals(b.goals(store))
		b.costTable(&performance, store)
		sizing.Line("%s", title)
		b.coreTable(&sizing, store)
		b.rateTable(&sizing, store)
		b.waitTable(&sizing, store)
		sizing.Line("")
	}
	if err := page.Replace(filepath.Join(docs, "performance.md"), part, performance.String()); err != nil {
		return err
	}
	return page.Replace(filepath.Join(docs, "sizing.md"), part, sizing.String())
}

// cost returns the medians of a worker at a rate; 0 is a burst.
func (b *bench) cost(store, peer string, rate int) (sample, bool) {
	return b.median(cell{Figure: tokenCost, Store: store, Peer: peer, Rate: rate})
}

// goals returns the goals whose values were measured.
func (b *bench) goals(store string) []page.Goal {
	worker := func(s sample) float64 { return s.Worker }
	p50 := func(s sample) float64 { return s.P50 }
	p99 := func(s sample) float64 { return s.P99 }
	perSecond := func(s sample) float64 { return s.PerSecond }
	server := func(s sample) float64 { return s.Server }

	var all []page.Goal
	// The best SDK runner is the one with the best value of by.
	add := func(figure, ours string, rate int, by, of func(sample) float64, isMax bool, want float64, unit string) {
		s, measured := b.cost(store, ours, rate)
		name, best, ok := b.best(store, rate, by)
		if !measured || !ok {
			return
		}
		all = append(all, page.Goal{
			Figure: figure + ", " + ours, Got: of(s) / of(best), Want: want, IsMax: isMax, Unit: " x",
			Sides: fmt.Sprintf("%s%s, %s %s%s", page.ThreeDigits(of(s)), unit, name, page.ThreeDigits(of(best)), unit),
		})
	}
	for _, mode := range []struct {
		ours string
		want float64
	}{{oursKey, 0.75}, {oursAuto, 0.85}, {oursNew, 1.1}} {
		for _, l := range b.loads() {
			add(l.String()+", CPU of the worker for a token", mode.ours, l.rate, lowest(worker), worker, true, mode.want, " ms")
		}
	}
	for _, l := range []struct {
		load
		want float64
	}{{load{rate: 20}, 2.1}, {load{}, 1.3}} {
		if s, ok := b.cost(store, oursKey, l.rate); ok {
			all = append(all, page.Goal{Figure: l.String() + ", requests for a token, " + oursKey, Got: s.Requests, Want: l.want, IsMax: true})
		}
	}
	for _, ours := range []string{oursKey, oursAuto} {
		add("20/s, p50 from scheduled to ended", ours, 20, lowest(p50), p50, true, 0.6, " ms")
		add("20/s, p99 from scheduled to ended", ours, 20, lowest(p99), p99, true, 0.6, " ms")
	}
	add("burst, tokens a second", oursAuto, 0, perSecond, perSecond, false, 1, "/s")
	add("burst, CPU of the server for a token", oursAuto, 0, perSecond, server, true, 1, " ms")
	return all
}

// best returns the SDK's runner with the highest value.
func (b *bench) best(store string, rate int, of func(sample) float64) (name string, best sample, ok bool) {
	for _, p := range peers() {
		s, measured := b.cost(store, p.name, rate)
		if measured && p.sdk() && (!ok || of(s) > of(best)) {
			name, best, ok = p.name, s, true
		}
	}
	return name, best, ok
}

// lowest makes the lowest value the highest.
func lowest(of func(sample) float64) func(sample) float64 {
	return func(s sample) float64 { return -of(s) }
}

func (b *bench) costTable(p *page.Page, store string) {
	var rows [][]string
	for _, l := range b.loads() {
		for _, w := range peers() {
			s, ok := b.cost(store, w.name, l.rate)
			if !ok {
				continue
			}
			times, perSecond := fmt.Sprintf("%.0f / %.0f", s.P50, s.P99), "–"
			if l.rate == 0 {
				times, perSecond = "–", fmt.Sprintf("%.0f", s.PerSecond)
			}
			rows = append(rows, []string{
				l.String(), w.name, fmt.Sprintf("%.2f", s.Worker), fmt.Sprintf("%.1f", s.Server), fmt.Sprintf("%.2f", s.Requests), times, perSecond,
			})
		}
	}
	p.Table([]string{"load", "worker", "CPU ms a token: worker", "server's Java", "requests a token", "scheduled to ended, ms: p50 / p99", "tokens/s"}, rows)
}

// coreTable computes the cores and one-core replicas for a rate of tokens, from
// the CPU time of a token in a burst and a share of the cores that may be busy.
func (b *bench) coreTable(p *page.Page, store string) {
	const busy = 0.7
	var rows [][]string
	for _, ours := range []string{oursKey, oursAuto, oursNew} {
		s, ok := b.cost(store, ours, 0)
		if !ok {
			continue
		}
		row := []string{ours, fmt.Sprintf("%.2f", s.Worker), fmt.Sprintf("%.0f", 1000/s.Worker)}
		for _, perSecond := range []float64{100, 1000} {
			cores := perSecond * s.Worker / 1000
			row = append(row, fmt.Sprintf("%.2f: %s", cores, printable.Count(int(math.Ceil(cores/busy)), "replica")))
		}
		rows = append(rows, row)
	}
	p.Table([]string{"secret_injection", "CPU ms a token in a burst", "tokens/s a core", "cores for 100/s, replicas of one core", "for 1,000/s"}, rows)
}

func (b *bench) rateTable(p *page.Page, store string) {
	var rows [][]string
	for _, c := range b.rates() {
		c.Store = store
		if s, ok := b.median(c); ok {
			rows = append(rows, []string{
				fmt.Sprintf("%d of %s", c.Replicas, printable.Count(c.Slots, "slot")), fmt.Sprintf("%.0f", s.PerSecond),
				fmt.Sprintf("%.2f", s.Worker), fmt.Sprintf("%.1f", s.Server), fmt.Sprintf("%.1f", s.Machine),
			})
		}
	}
	p.Table([]string{"workers", "tokens/s", "CPU ms a token: worker", "server's Java", "all, with the store"}, rows)
}

func (b *bench) waitTable(p *page.Page, store string) {
	var rows [][]string
	for _, c := range waits() {
		c.Store = store
		s, ok := b.median(c)
		if !ok {
			continue
		}
		pollers, times := "no worker", "–"
		if c.Pollers > 0 {
			pollers, times = strconv.Itoa(c.Pollers), fmt.Sprintf("%.0f / %.0f", s.P50, s.P99)
		}
		rows = append(rows, []string{pollers, fmt.Sprintf("%.3f", s.Server), fmt.Sprintf("%.3f", s.Machine), times})
	}
	p.Table([]string{"cold polls", "idle, cores: server's Java", "all", "scheduled to ended at 10/s, ms: p50 / p99"}, rows)
}
