package main

import (
	"fmt"
	"strconv"
)

// goal is a row of the table: the goal and the measured value.
type goal struct {
	figure string
	got    float64 // in the unit of want
	want   float64
	isMax  bool   // want is the maximum, not the minimum
	unit   string // of both
	sides  string // the compared values
}

func (g goal) row() string {
	sign, reached := "≥", g.got >= g.want
	if g.isMax {
		sign, reached = "≤", g.got <= g.want
	}
	verdict := "reached"
	if !reached {
		verdict = "**missed**"
	}
	return fmt.Sprintf("| %s | %s %s%s | %s%s | %s | %s |", g.figure, sign, formatGoal(g.want), g.unit, threeDigits(g.got), g.unit, verdict, g.sides)
}

func formatGoal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// goals returns the goals whose values were measured.
func (b *bench) goals() []goal {
	all := b.signatureGoals()
	all = append(all, b.throughputGoals()...)
	all = append(all, b.latencyGoals()...)
	all = append(all, b.cpuGoals()...)
	return append(all, b.footprintGoals()...)
}

// ratio returns a goal for the quotient of two figures, or none if one is missing.
func ratio(figure string, a, b stat, want float64, isMax bool, sides string) []goal {
	if a.n == 0 || b.n == 0 || b.mid == 0 {
		return nil
	}
	return []goal{{figure: figure, got: a.mid / b.mid, want: want, isMax: isMax, unit: " x", sides: fmt.Sprintf(sides, threeDigits(a.mid), threeDigits(b.mid))}}
}

func (b *bench) signatureGoals() []goal {
	var all []goal
	for _, workers := range []int{1, 2} {
		raw := func(worker string) Cell {
			return Cell{Figure: Raw, Worker: worker, Algorithm: rs256, Slots: workers}
		}
		speed := b.stat(raw(opensslSpeed), perSecond)
		all = append(all, ratio(fmt.Sprintf("RS256 signatures, relative to `openssl speed rsa2048`, %d signing", workers),
			b.stat(raw(rawOpenSSL), perSecond), speed, 0.9, false, "%s/s, openssl %s/s")...)
		all = append(all, ratio("the same, of whole tokens, "+strconv.Itoa(workers)+" signing",
			b.stat(raw(rawOpenSSL), tokens), speed, 0.9, false, "%s/s, openssl %s/s")...)
	}
	for _, algorithm := range []string{es256, edDSA} {
		c := Cell{Figure: Raw, Worker: rawGo, Algorithm: algorithm, Slots: 1}
		all = append(all, ratio(algorithm+" token, relative to the signature only",
			b.stat(c, perSecond), b.stat(c, tokens), 1.15, true, "%s signatures/s, %s tokens/s")...)
	}
	return all
}

func (b *bench) throughputGoals() []goal {
	var all []goal
	for _, w := range []struct{ worker, algorithm string }{{workerNative, rs256}, {workerStatic, es256}} {
		for _, slots := range []int{1, 10, 50} {
			c := Cell{Figure: Throughput, Worker: w.worker, Algorithm: w.algorithm, Slots: slots}
			ours := b.stat(c, perSecond)
			name, best := b.best(c, runners(), perSecond, false)
			want := 2.0
			if slots == 1 {
				want = 1.5
			}
			all = append(all, ratio(fmt.Sprintf("%s tasks/s at %s", w.algorithm, plural(slots, "slot")),
				ours, best, want, false, "%s/s, "+name+" %s/s")...)
			if w.algorithm != rs256 {
				continue
			}
			c.Worker = loopGo
			all = append(all, ratio(fmt.Sprintf("the same, relative to the loop with Go's RSA, at %s", plural(slots, "slot")),
				ours, b.stat(c, perSecond), 1, false, "%s/s, the loop %s/s")...)
		}
	}
	return all
}

func (b *bench) latencyGoals() []goal {
	var all []goal
	c := Cell{Figure: Latency, Algorithm: rs256, Slots: 10, Rate: 10}
	for _, pollers := range []int{1, 4} {
		ours := c
		ours.Worker, ours.Pollers = workerNative, pollers
		name, best := b.best(c, runners(), p50, true)
		all = append(all, ratio(fmt.Sprintf("p99 at 10/s, first-message server, %s, relative to the best p50", plural(pollers, "cold poll")),
			b.stat(ours, p99), best, 1, true, "p99 %s ms, "+name+" p50 %s ms")...)
	}
	c.Fills = true
	for _, want := range []struct {
		pollers int
		ratio   float64
	}{{1, 1}, {4, 0.6}} {
		ours := c
		ours.Worker, ours.Pollers = workerNative, want.pollers
		name, best := b.best(c, runners(), p99, true)
		all = append(all, ratio(fmt.Sprintf("p99 at 10/s, fill-or-timeout server, %s, relative to the best p99", plural(want.pollers, "cold poll")),
			b.stat(ours, p99), best, want.ratio, true, "p99 %s ms, "+name+" p99 %s ms")...)
	}
	return all
}

// cpuGoals compare with the CPU time of a signature, a share of a poll and an
// update.
func (b *bench) cpuGoals() []goal {
	var all []goal
	raw := b.stat(Cell{Figure: Raw, Worker: rawOpenSSL, Algorithm: rs256, Slots: 1}, cpu)
	for _, slots := range []int{1, 10, 50} {
		c := Cell{Figure: Throughput, Worker: workerNative, Algorithm: rs256, Slots: slots}
		ours := b.stat(c, cpu)
		c.Worker = loopBare
		bare := b.stat(c, cpu)
		if raw.n == 0 || bare.n == 0 {
			continue
		}
		bare.mid += raw.mid
		all = append(all, ratio(fmt.Sprintf("CPU of an RS256 task at %s, relative to signature + poll share + update", plural(slots, "slot")),
			ours, bare, 1.25, true, "%s ms, %s ms")...)
	}
	return all
}

func (b *bench) footprintGoals() []goal {
	var all []goal
	for _, w := range []string{workerNative, workerStatic} {
		if s := b.stat(Cell{Figure: Throughput, Worker: w, Algorithm: rs256, Slots: 50}, mib); s.n > 0 {
			all = append(all, goal{figure: "resident memory at 50 slots, " + w, got: s.high * (1 << 20) / 1e6, want: 30, isMax: true, unit: " MB", sides: "the maximum of all runs"})
		}
	}
	for _, w := range []string{workerNative, workerStatic} {
		if s := b.stat(Cell{Figure: Start, Worker: w, Algorithm: rs256, Slots: 50}, millis); s.n > 0 {
			all = append(all, goal{figure: "start to first poll, " + w, got: s.mid, want: 50, isMax: true, unit: " ms", sides: "from before fork to the arrival of the poll"})
		}
	}
	for _, algorithm := range []string{rs256, es256} {
		c := Cell{Figure: Shell, Worker: workerStatic, Algorithm: algorithm}
		ours := b.stat(c, millis)
		c.Worker = step
		all = append(all, ratio("`sign`, relative to `step crypto jwt sign`, "+algorithm, ours, b.stat(c, millis), 0.333, true, "%s ms, step %s ms")...)
	}
	ours, theirs := b.bytes(workerStatic), b.bytes(step)
	return append(all, ratio("the binary, relative to step's release", ours, theirs, 0.5, true, "%s MB, step %s MB")...)
}

// bytes returns the size of a binary, in MB.
func (b *bench) bytes(name string) stat {
	n, err := strconv.ParseFloat(b.facts()[name+" bytes"], 64)
	if err != nil {
		return stat{}
	}
	return stat{mid: n / 1e6, n: 1}
}

func (b *bench) facts() map[string]string {
	for _, s := range b.samples {
		if s.Figure == Machine {
			return s.Facts
		}
	}
	return nil
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
