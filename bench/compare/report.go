package main

import (
	"fmt"
	"path/filepath"

	"conductor-jwt/bench/page"
	"conductor-jwt/internal/printable"
)

// part names what this program writes of docs/evidence/performance.md and docs/evidence/sizing.md.
const part = "figures of the stub server, written by make bench"

// write writes the figures of docs/evidence/performance.md, with their picture, and those
// of docs/evidence/sizing.md.
func (b *bench) write() error {
	var p page.Page
	b.head(&p)
	p.Line("")
	p.Line("### Goals")
	p.Goals(b.goals())
	b.throughputTables(&p)
	b.latencyTables(&p)
	b.otherTables(&p)
	if err := page.Replace(filepath.Join(b.docs, "performance.md"), part, p.String()); err != nil {
		return err
	}
	if err := b.picture(filepath.Join(b.docs, "performance.svg")); err != nil {
		return err
	}
	return page.Replace(filepath.Join(b.docs, "sizing.md"), part, b.sizing())
}

func (b *bench) head(p *page.Page) {
	f := b.facts()
	p.Line("## On a stub server")
	p.Line("")
	p.Line("Written on %s. Samples are in bench/results.jsonl.", f["date"])
	p.Line("")
	p.Line("The stub uses very little CPU, so that the workers are the limit. It delivers the task of the README with its key inlined (4 kB), as Conductor 3.32 does.")
	p.Line("Each worker caches its parsed key and signs the same claims. Figures are medians, with minimum and maximum. CPU is the worker's; the server uses the same cores.")
	p.Line("")
	p.Line("%s, %s cores, %s, kernel %s, %s, %s.", f["cpu"], f["cores"], f["system"], f["kernel"], f["go"], f["openssl"])
	p.Table([]string{"worker", "what it is"}, [][]string{
		{workerNative, "`" + f["native"] + "`"},
		{workerStatic, "`" + f["static"] + "`"},
		{conductorGo, "TaskRunner, polls each 100 ms: " + f[conductorGo]},
		{python, "@worker_task: " + f[python]},
		{javascript, "TaskHandler: " + f[javascript]},
		{java, "TaskRunnerConfigurer, polls each 100 ms: " + f[java]},
		{loopGo, "a minimal Go worker with Go's RSA; no retries, no checks, no metrics"},
		{loopOpenSSL, "the same with OpenSSL's RSA"},
	})
	p.Line("")
	p.Line("Unlike the loop, the worker reads the input strictly, looks for key material where it must not be, retries each update until it is acknowledged, and has")
	p.Line("metrics. At one slot a task is two round trips and a signature in sequence. One call of the server, update-v2, would save a round trip; it is not used,")
	p.Line("because a task in a response that is lost is not redelivered before its response timeout.")
	p.Line("")
	p.Line("![tasks a second, latency and memory of each worker](performance.svg)")
}

func (b *bench) throughputTables(p *page.Page) {
	p.Line("")
	p.Line("### Tasks a second")
	p.Line("")
	p.Line("`secret_injection: key`, as the others do. Each cell: tasks/s · CPU ms a task · resident MiB.")
	for _, algorithm := range []string{rs256, es256, edDSA} {
		var rows [][]string
		for _, w := range append([]string{workerNative, workerStatic, loopOpenSSL, loopGo}, runners()...) {
			row := []string{w}
			seen := false
			for _, slots := range []int{1, 10, 50} {
				c := Cell{Figure: Throughput, Worker: w, Algorithm: algorithm, Slots: slots}
				text, ok := b.taskCell(c)
				row, seen = append(row, text), seen || ok
			}
			if seen {
				rows = append(rows, row)
			}
		}
		p.Table([]string{algorithm, "1 slot", "10 slots", "50 slots"}, rows)
	}
}

func (b *bench) taskCell(c Cell) (string, bool) {
	rate := b.stat(c, perSecond)
	if rate.n == 0 {
		return "–", false
	}
	return fmt.Sprintf("%s · %s · %s", rate, page.ThreeDigits(b.stat(c, cpu).mid), page.ThreeDigits(b.stat(c, mib).mid)), true
}

func (b *bench) latencyTables(p *page.Page) {
	p.Line("")
	p.Line("### Enqueued to updated")
	p.Line("")
	p.Line("RS256, 10 slots, milliseconds: p50 / p99. A first-message server responds to a poll as soon as it has a task, as with Redis; one that")
	p.Line("fills checks each 100 ms and waits for the requested number of tasks, as with SQL stores.")
	var rows [][]string
	add := func(name string, c Cell) {
		row := []string{name}
		seen := false
		for _, fills := range []bool{false, true} {
			for _, rate := range []int{10, 200} {
				c.Fills, c.Rate = fills, rate
				median, tail := b.stat(c, p50), b.stat(c, p99)
				text := "–"
				if median.n > 0 {
					text, seen = page.ThreeDigits(median.mid)+" / "+tail.String(), true
				}
				row = append(row, text)
			}
		}
		if seen {
			rows = append(rows, row)
		}
	}
	for _, pollers := range coldPolls() {
		polls := "the default cold polls"
		if pollers > 0 {
			polls = printable.Count(pollers, "cold poll")
		}
		add(workerNative+", "+polls, Cell{Figure: Latency, Worker: workerNative, Algorithm: rs256, Slots: 10, Pollers: pollers})
	}
	for _, w := range append(runners(), loopOpenSSL) {
		add(w, Cell{Figure: Latency, Worker: w, Algorithm: rs256, Slots: 10})
	}
	p.Table([]string{"worker", "first message, 10/s", "200/s", "fills, 10/s", "200/s"}, rows)
}

func (b *bench) otherTables(p *page.Page) {
	p.Line("")
	p.Line("### Signatures, without a server")
	var rows [][]string
	for _, c := range b.rawCells() {
		if s := b.stat(c, perSecond); s.n > 0 {
			rows = append(rows, []string{c.Worker, c.Algorithm, fmt.Sprint(c.Slots), s.String(), b.tokenText(c), page.ThreeDigits(b.stat(c, cpu).mid)})
		}
	}
	p.Table([]string{"library", "algorithm", "signing", "signatures/s", "tokens/s", "CPU ms a signature"}, rows)

	p.Line("")
	p.Line("### Start to first poll")
	rows = nil
	for _, c := range startCells() {
		if s := b.stat(c, millis); s.n > 0 {
			rows = append(rows, []string{c.Worker, s.String()})
		}
	}
	p.Table([]string{"worker", "ms"}, rows)
	b.variantTables(p)
}

func (b *bench) tokenText(c Cell) string {
	if s := b.stat(c, tokens); s.mid > 0 {
		return s.String()
	}
	return "–"
}

func (b *bench) variantTables(p *page.Page) {
	p.Line("")
	p.Line("### What `secret_injection: auto` costs")
	p.Line("")
	p.Line("With the default, the worker reads a task from the server while it signs, if a claim has a value that it has not yet seen in clear; in this measurement always, because the subject is short.")
	var rows [][]string
	for _, w := range []struct{ worker, algorithm string }{{workerNative, rs256}, {workerStatic, es256}} {
		for _, slots := range []int{1, 10, 50} {
			c := Cell{Figure: Throughput, Worker: w.worker, Algorithm: w.algorithm, Slots: slots}
			withKey, ok := b.taskCell(c)
			c.Injection = "auto"
			auto, both := b.taskCell(c)
			if ok && both {
				rows = append(rows, []string{w.worker, w.algorithm, fmt.Sprint(slots), withKey, auto})
			}
		}
	}
	p.Table([]string{"worker", "algorithm", "slots", "key", "auto"}, rows)

	p.Line("")
	p.Line("### The command line")
	rows = nil
	for _, c := range shellCells() {
		if s := b.stat(c, millis); s.n > 0 {
			rows = append(rows, []string{c.Worker, "sign " + c.Algorithm, s.String()})
		}
	}
	p.Table([]string{"binary", "command", "ms"}, rows)
}

// sizing returns the figures of docs/evidence/sizing.md.
func (b *bench) sizing() string {
	var p page.Page
	p.Line("Measured on %s, %s cores, %s; the stub server ran on the same cores.", b.facts()["cpu"], b.facts()["cores"], b.facts()["date"])
	var rows [][]string
	for _, w := range sizingRows() {
		if s := b.stat(Cell{Figure: Throughput, Worker: w.worker, Algorithm: w.algorithm, Slots: 10}, cpu); s.n > 0 {
			rows = append(rows, []string{w.name, page.ThreeDigits(s.mid)})
		}
	}
	p.Table([]string{"", "CPU ms a token, 10 slots"}, rows)
	p.Line("")
	for _, w := range sizingRows() {
		b.scaleTable(&p, w.name, Cell{Figure: Throughput, Worker: w.worker, Algorithm: w.algorithm})
	}
	return p.String()
}

// sizingRows returns the editions and algorithms of docs/evidence/sizing.md.
func sizingRows() []struct{ name, worker, algorithm string } {
	return []struct{ name, worker, algorithm string }{
		{"RS256, native edition (OpenSSL)", workerNative, rs256},
		{"RS256, static edition", workerStatic, rs256},
		{"ES256, either edition", workerStatic, es256},
		{"EdDSA, either edition", workerStatic, edDSA},
	}
}

func (b *bench) scaleTable(p *page.Page, name string, c Cell) {
	head, row := []string{name}, []string{"tasks/s"}
	add := func(title string, c Cell) {
		if s := b.stat(c, perSecond); s.n > 0 {
			head, row = append(head, title), append(row, page.ThreeDigits(s.mid))
		}
	}
	for _, slots := range []int{1, 2, 4, 10, 16, 50, 100} {
		c.Slots = slots
		add(printable.Count(slots, "slot"), c)
	}
	for _, slots := range []int{1, 4, 16} {
		c.Slots, c.Cores = slots, 1
		add(printable.Count(slots, "slot")+" on 1 core", c)
	}
	for _, replicas := range []int{2, 3} {
		add(fmt.Sprintf("%d replicas of 16", replicas), Cell{Figure: Throughput, Worker: c.Worker, Algorithm: c.Algorithm, Slots: 16, Replicas: replicas})
	}
	p.Table(head, [][]string{row})
	p.Line("")
}
