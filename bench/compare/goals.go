package main

import (
	"fmt"
	"strconv"

	"conductor-jwt/bench/page"
	"conductor-jwt/internal/printable"
)

// goals returns the goals whose values were measured.
func (b *bench) goals() []page.Goal {
	all := b.cpuGoals()
	all = append(all, b.throughputGoals()...)
	all = append(all, b.latencyGoals()...)
	all = append(all, b.memoryGoals()...)
	return append(all, b.signatureGoals()...)
}

// ratio returns a goal for the quotient of two figures, or none if one is missing.
func ratio(figure string, a, b stat, want float64, isMax bool, sides string) []page.Goal {
	if a.n == 0 || b.n == 0 || b.mid == 0 {
		return nil
	}
	return []page.Goal{{
		Figure: figure, Got: a.mid / b.mid, Want: want, IsMax: isMax, Unit: " x",
		Sides: fmt.Sprintf(sides, page.ThreeDigits(a.mid), page.ThreeDigits(b.mid)),
	}}
}

// cpuGoals compare with the loop that signs with the same library.
func (b *bench) cpuGoals() []page.Goal {
	var all []page.Goal
	for _, w := range []struct {
		algorithm, ours, loop string
		want                  float64
	}{{rs256, workerNative, loopOpenSSL, 1.25}, {es256, workerStatic, loopGo, 1.4}} {
		c := Cell{Figure: Throughput, Worker: w.ours, Algorithm: w.algorithm, Slots: 50}
		ours := b.stat(c, cpu)
		c.Worker = w.loop
		all = append(all, ratio(w.algorithm+", CPU of a task at 50 slots, relative to the loop with the same library",
			ours, b.stat(c, cpu), w.want, true, "%s ms, the loop %s ms")...)
	}
	return all
}

func (b *bench) throughputGoals() []page.Goal {
	var all []page.Goal
	for _, slots := range []int{1, 10, 50} {
		c := Cell{Figure: Throughput, Worker: workerNative, Algorithm: rs256, Slots: slots}
		name, best := b.best(c, runners(), perSecond, false)
		want := 2.0
		if slots == 1 {
			want = 1.5
		}
		all = append(all, ratio("RS256, tasks/s at "+printable.Count(slots, "slot")+", relative to the best SDK runner",
			b.stat(c, perSecond), best, want, false, "%s/s, "+name+" %s/s")...)
	}
	return all
}

func (b *bench) latencyGoals() []page.Goal {
	var all []page.Goal
	c := Cell{Figure: Latency, Algorithm: rs256, Slots: 10, Rate: 10}
	for _, of := range []struct {
		name  string
		value func(*Sample) float64
	}{{"p50", p50}, {"p99", p99}} {
		ours, loop := c, c
		ours.Worker, loop.Worker = workerNative, loopOpenSSL
		all = append(all, ratio("RS256, "+of.name+" at 10/s, first-message server, relative to the loop with OpenSSL",
			b.stat(ours, of.value), b.stat(loop, of.value), 1.15, true, "%s ms, the loop %s ms")...)
	}
	return all
}

func (b *bench) memoryGoals() []page.Goal {
	var all []page.Goal
	for _, w := range []string{workerNative, workerStatic} {
		c := Cell{Figure: Throughput, Worker: w, Algorithm: rs256, Slots: 50}
		for _, m := range []struct {
			name string
			of   func(*Sample) float64
			want float64
		}{{"written (RssAnon)", written, 14}, {"resident", mib, 36}} {
			if s := b.stat(c, m.of); s.high > 0 {
				all = append(all, page.Goal{
					Figure: "memory at 50 slots, " + m.name + ", " + w, Got: s.high * (1 << 20) / 1e6, Want: m.want,
					IsMax: true, Unit: " MB", Sides: "the maximum of all runs",
				})
			}
		}
	}
	return all
}

func (b *bench) signatureGoals() []page.Goal {
	raw := func(worker string) Cell {
		return Cell{Figure: Raw, Worker: worker, Algorithm: rs256, Slots: b.cores()}
	}
	return ratio("RS256, whole tokens a second with as many signing as cores, relative to `openssl speed rsa2048`",
		b.stat(raw(rawOpenSSL), tokens), b.stat(raw(opensslSpeed), perSecond), 0.9, false, "%s/s, openssl %s/s")
}

func (b *bench) facts() map[string]string {
	for _, s := range b.samples {
		if s.Figure == Machine {
			return s.Facts
		}
	}
	return nil
}

// cores returns the number of the machine's cores.
func (b *bench) cores() int {
	n, _ := strconv.Atoi(b.facts()["cores"]) // written by describe
	return n
}
