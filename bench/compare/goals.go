package main

import (
	"fmt"
	"strconv"
)

// goal is one line of the table: what is to be reached, and what was.
type goal struct {
	figure string
	got    float64 // in the unit of want
	want   float64
	most   bool   // want is the most, not the least
	unit   string // behind both
	how    string // the two sides
}

func (g goal) row() string {
	sign, reached := "≥", g.got >= g.want
	if g.most {
		sign, reached = "≤", g.got <= g.want
	}
	verdict := "reached"
	if !reached {
		verdict = "**missed**"
	}
	return fmt.Sprintf("| %s | %s %s%s | %s%s | %s | %s |", g.figure, sign, trimmed(g.want), g.unit, number(g.got), g.unit, verdict, g.how)
}

func trimmed(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// goals are all those whose two sides were measured.
func (b *bench) goals() []goal {
	all := b.signatureGoals()
	all = append(all, b.throughputGoals()...)
	all = append(all, b.latencyGoals()...)
	all = append(all, b.cpuGoals()...)
	return append(all, b.footprintGoals()...)
}

// ratio makes a goal of two figures, if there are both.
func ratio(figure string, a, b stat, want float64, most bool, how string) []goal {
	if a.n == 0 || b.n == 0 || b.mid == 0 {
		return nil
	}
	return []goal{{figure: figure, got: a.mid / b.mid, want: want, most: most, unit: " x", how: fmt.Sprintf(how, number(a.mid), number(b.mid))}}
}

func (b *bench) signatureGoals() []goal {
	var all []goal
	for _, workers := range []int{1, 2} {
		raw := func(worker string) Cell {
			return Cell{Figure: Raw, Worker: worker, Algorithm: rs256, Slots: workers}
		}
		speed := b.stat(raw(opensslSpeed), perSecond)
		all = append(all, ratio(fmt.Sprintf("RS256 signatures beside `openssl speed rsa2048`, %d signing", workers),
			b.stat(raw(rawOpenSSL), perSecond), speed, 0.9, false, "%s/s, openssl %s/s")...)
		all = append(all, ratio("the same, of whole tokens, "+strconv.Itoa(workers)+" signing",
			b.stat(raw(rawOpenSSL), tokens), speed, 0.9, false, "%s/s, openssl %s/s")...)
	}
	for _, algorithm := range []string{es256, edDSA} {
		c := Cell{Figure: Raw, Worker: rawGo, Algorithm: algorithm, Slots: 1}
		all = append(all, ratio(algorithm+" token, beside the signature alone",
			b.stat(c, perSecond), b.stat(c, tokens), 1.15, true, "%s signatures/s, %s tokens/s")...)
	}
	return all
}

func (b *bench) throughputGoals() []goal {
	var all []goal
	for _, w := range []struct{ worker, algorithm string }{{oursNative, rs256}, {oursStatic, es256}} {
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
			all = append(all, ratio(fmt.Sprintf("the same, beside the loop with Go's RSA, at %s", plural(slots, "slot")),
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
		ours.Worker, ours.Pollers = oursNative, pollers
		name, best := b.best(c, runners(), p50, true)
		all = append(all, ratio(fmt.Sprintf("p99 at 10/s, first-message server, %s, beside the best p50", plural(pollers, "cold poll")),
			b.stat(ours, p99), best, 1, true, "p99 %s ms, "+name+" p50 %s ms")...)
	}
	c.Fills = true
	for _, want := range []struct {
		pollers int
		most    float64
	}{{1, 1}, {4, 0.6}} {
		ours := c
		ours.Worker, ours.Pollers = oursNative, want.pollers
		name, best := b.best(c, runners(), p99, true)
		all = append(all, ratio(fmt.Sprintf("p99 at 10/s, fill-or-timeout server, %s, beside the best p99", plural(want.pollers, "cold poll")),
			b.stat(ours, p99), best, want.most, true, "p99 %s ms, "+name+" p99 %s ms")...)
	}
	return all
}

// cpuGoals compare with the price of a bare signature, a share of a poll and an
// update.
func (b *bench) cpuGoals() []goal {
	var all []goal
	raw := b.stat(Cell{Figure: Raw, Worker: rawOpenSSL, Algorithm: rs256, Slots: 1}, cpu)
	for _, slots := range []int{1, 10, 50} {
		c := Cell{Figure: Throughput, Worker: oursNative, Algorithm: rs256, Slots: slots}
		ours := b.stat(c, cpu)
		c.Worker = loopBare
		bare := b.stat(c, cpu)
		if raw.n == 0 || bare.n == 0 {
			continue
		}
		bare.mid += raw.mid
		all = append(all, ratio(fmt.Sprintf("CPU of an RS256 task at %s, beside signature + poll share + update", plural(slots, "slot")),
			ours, bare, 1.25, true, "%s ms, %s ms")...)
	}
	return all
}

func (b *bench) footprintGoals() []goal {
	var all []goal
	for _, w := range []string{oursNative, oursStatic} {
		if s := b.stat(Cell{Figure: Throughput, Worker: w, Algorithm: rs256, Slots: 50}, mib); s.n > 0 {
			all = append(all, goal{figure: "resident memory at 50 slots, " + w, got: s.high * (1 << 20) / 1e6, want: 30, most: true, unit: " MB", how: "the most of all runs"})
		}
	}
	for _, w := range []string{oursNative, oursStatic} {
		if s := b.stat(Cell{Figure: Start, Worker: w, Algorithm: rs256, Slots: 50}, millis); s.n > 0 {
			all = append(all, goal{figure: "start to first poll, " + w, got: s.mid, want: 50, most: true, unit: " ms", how: "from before fork to the poll's arrival"})
		}
	}
	for _, algorithm := range []string{rs256, es256} {
		c := Cell{Figure: Shell, Worker: oursStatic, Algorithm: algorithm}
		ours := b.stat(c, millis)
		c.Worker = step
		all = append(all, ratio("`sign` beside `step crypto jwt sign`, "+algorithm, ours, b.stat(c, millis), 0.333, true, "%s ms, step %s ms")...)
	}
	ours, theirs := b.bytes(oursStatic), b.bytes(step)
	return append(all, ratio("the binary beside step's as shipped", ours, theirs, 0.5, true, "%s MB, step %s MB")...)
}

// bytes is the size of a binary, in MB.
func (b *bench) bytes(name string) stat {
	n, err := strconv.ParseFloat(b.facts()[name+" bytes"], 64)
	if err != nil {
		return stat{}
	}
	return stat{mid: n / 1e6, n: 1}
}

func (b *bench) facts() map[string]string {
	for _, s := range b.have {
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
