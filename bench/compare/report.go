package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// write writes the page, its picture, and the figures of docs/sizing.md.
func (b *bench) write() error {
	var p page
	b.head(&p)
	b.goalTable(&p)
	b.throughputTables(&p)
	b.latencyTables(&p)
	b.otherTables(&p)
	if err := os.WriteFile(filepath.Join(b.docs, "performance.md"), []byte(p.String()), 0o644); err != nil { //nolint:gosec // to be read by all
		return err
	}
	if err := b.picture(filepath.Join(b.docs, "performance.svg")); err != nil {
		return err
	}
	return b.sizing()
}

// page is a Markdown page under construction.
type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) {
	_, _ = fmt.Fprintf(p, format+"\n", args...)
}

// table writes a table.
func (p *page) table(head []string, rows [][]string) {
	p.line("")
	if len(rows) == 0 {
		p.line("Not measured.")
		return
	}
	p.line("| %s |", strings.Join(head, " | "))
	p.line("|%s", strings.Repeat("---|", len(head)))
	for _, r := range rows {
		p.line("| %s |", strings.Join(r, " | "))
	}
}

func (b *bench) head(p *page) {
	f := b.facts()
	p.line("# Performance")
	p.line("")
	p.line("Written by `make bench` on %s; do not edit. Samples are in bench/results.jsonl.", f["date"])
	p.line("")
	p.line("All workers ran in turn on one machine with one stub server, which delivers the task of the README with its key inlined")
	p.line("(4 kB), as Conductor 3.32 does. Each caches its parsed key and signs the same claims. Figures are medians, with minimum and maximum.")
	p.line("Compare only figures of one run. CPU is the worker's; the server uses the same cores.")
	p.line("")
	p.line("%s, %s cores, %s, kernel %s, %s, %s.", f["cpu"], f["cores"], f["system"], f["kernel"], f["go"], f["openssl"])
	p.table([]string{"worker", "what it is"}, [][]string{
		{workerNative, "`" + f["native"] + "`"},
		{workerStatic, "`" + f["static"] + "`"},
		{conductorGo, "TaskRunner, polls each 100 ms: " + f[conductorGo]},
		{python, "@worker_task: " + f[python]},
		{javascript, "TaskHandler: " + f[javascript]},
		{java, "TaskRunnerConfigurer, polls each 100 ms: " + f[java]},
		{loopGo, "a minimal Go worker with Go's RSA; no retries, no checks, no metrics"},
		{loopOpenSSL, "the same with OpenSSL's RSA"},
	})
	p.line("")
	p.line("![tasks a second, latency and memory of each worker](performance.svg)")
}

func (b *bench) goalTable(p *page) {
	p.line("")
	p.line("## Goals")
	p.line("")
	p.line("| figure | goal | measured | | compared |")
	p.line("|---|---|---|---|---|")
	for _, g := range b.goals() {
		p.line("%s", g.row())
	}
	p.line("")
	p.line("Unlike the loop, the worker reads the input strictly, looks for key material where it must")
	p.line("not be, retries each update until it is acknowledged, and has metrics. At one slot a task is two round trips and a signature in sequence. One call of the")
	p.line("server, update-v2, would save a round trip; it is not used, because a task in a response that is lost is not redelivered before its response timeout.")
	p.line("[bench/README.md](../bench/README.md) explains missed goals.")
}

func (b *bench) throughputTables(p *page) {
	p.line("")
	p.line("## Tasks a second")
	p.line("")
	p.line("`secret_injection: key`, as the others do. Each cell: tasks/s · CPU ms a task · resident MiB.")
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
		p.table([]string{algorithm, "1 slot", "10 slots", "50 slots"}, rows)
	}
}

func (b *bench) taskCell(c Cell) (string, bool) {
	rate := b.stat(c, perSecond)
	if rate.n == 0 {
		return "–", false
	}
	return fmt.Sprintf("%s · %s · %s", rate, threeDigits(b.stat(c, cpu).mid), threeDigits(b.stat(c, mib).mid)), true
}

func (b *bench) latencyTables(p *page) {
	p.line("")
	p.line("## Enqueued to updated")
	p.line("")
	p.line("RS256, 10 slots, milliseconds: p50 / p99. A first-message server responds to a poll as soon as it has a task, as with Redis; one that")
	p.line("fills checks each 100 ms and waits for the requested number of tasks, as with SQL stores.")
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
					text, seen = threeDigits(median.mid)+" / "+tail.String(), true
				}
				row = append(row, text)
			}
		}
		if seen {
			rows = append(rows, row)
		}
	}
	for _, pollers := range []int{1, 2, 4} {
		add(fmt.Sprintf("%s, %s", workerNative, plural(pollers, "cold poll")), Cell{Figure: Latency, Worker: workerNative, Algorithm: rs256, Slots: 10, Pollers: pollers})
	}
	for _, w := range runners() {
		add(w, Cell{Figure: Latency, Worker: w, Algorithm: rs256, Slots: 10})
	}
	p.table([]string{"worker", "first message, 10/s", "200/s", "fills, 10/s", "200/s"}, rows)
}

func (b *bench) otherTables(p *page) {
	p.line("")
	p.line("## Signatures, without a server")
	var rows [][]string
	for _, c := range rawCells() {
		if s := b.stat(c, perSecond); s.n > 0 {
			rows = append(rows, []string{c.Worker, c.Algorithm, fmt.Sprint(c.Slots), s.String(), b.tokenText(c), threeDigits(b.stat(c, cpu).mid)})
		}
	}
	p.table([]string{"library", "algorithm", "signing", "signatures/s", "tokens/s", "CPU ms a signature"}, rows)

	p.line("")
	p.line("## Start to first poll")
	rows = nil
	for _, c := range startCells() {
		if s := b.stat(c, millis); s.n > 0 {
			rows = append(rows, []string{c.Worker, s.String()})
		}
	}
	p.table([]string{"worker", "ms"}, rows)
	b.variantTables(p)
}

func (b *bench) tokenText(c Cell) string {
	if s := b.stat(c, tokens); s.mid > 0 {
		return s.String()
	}
	return "–"
}

func (b *bench) variantTables(p *page) {
	p.line("")
	p.line("## What `secret_injection: auto` costs")
	p.line("")
	p.line("With the default, the worker reads a task from the server while it signs, if a claim comes from an expression; in this measurement always.")
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
	p.table([]string{"worker", "algorithm", "slots", "key", "auto"}, rows)

	p.line("")
	p.line("## The command line")
	rows = nil
	for _, c := range shellCells() {
		if s := b.stat(c, millis); s.n > 0 {
			rows = append(rows, []string{c.Worker, "sign " + c.Algorithm, s.String()})
		}
	}
	p.table([]string{"binary", "command", "ms"}, rows)
}

// docs/sizing.md holds the figures between these lines.
const (
	figuresBegin = "<!-- figures, written by make bench -->\n"
	figuresEnd   = "<!-- end of figures -->\n"
)

// sizing writes the figures of docs/sizing.md.
func (b *bench) sizing() error {
	file := filepath.Join(b.docs, "sizing.md")
	text, err := os.ReadFile(file) //nolint:gosec // the page named by -docs
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(text), figuresBegin)
	_, after, closed := strings.Cut(rest, figuresEnd)
	if !ok || !closed {
		return fmt.Errorf("%s does not have the lines %q and %q", file, figuresBegin, figuresEnd)
	}
	var p page
	p.line("Measured on %s, %s cores, %s; the stub server ran on the same cores.", b.facts()["cpu"], b.facts()["cores"], b.facts()["date"])
	b.replicaTable(&p)
	for _, w := range sizingRows() {
		b.scaleTable(&p, w.name, Cell{Figure: Throughput, Worker: w.worker, Algorithm: w.algorithm})
	}
	return os.WriteFile(file, []byte(before+figuresBegin+p.String()+figuresEnd+after), 0o644) //nolint:gosec // to be read by all
}

// sizingRows returns the editions and algorithms of docs/sizing.md.
func sizingRows() []struct{ name, worker, algorithm string } {
	return []struct{ name, worker, algorithm string }{
		{"RS256, native edition (OpenSSL)", workerNative, rs256},
		{"RS256, static edition", workerStatic, rs256},
		{"ES256, either edition", workerStatic, es256},
		{"EdDSA, either edition", workerStatic, edDSA},
	}
}

// replicaTable computes the cores and one-core replicas for a rate of tokens, from
// the CPU time of a busy worker and a share of the cores that may be busy.
func (b *bench) replicaTable(p *page) {
	const busy = 0.7
	var rows [][]string
	for _, w := range sizingRows() {
		s := b.stat(Cell{Figure: Throughput, Worker: w.worker, Algorithm: w.algorithm, Slots: 10}, cpu)
		if s.n == 0 {
			continue
		}
		row := []string{w.name, threeDigits(s.mid), fmt.Sprintf("%.0f", 1000/s.mid)}
		for _, perSecond := range []float64{1000, 10_000} {
			row = append(row, fmt.Sprintf("%.2f: %s", perSecond*s.mid/1000, plural(int(math.Ceil(perSecond*s.mid/1000/busy)), "replica")))
		}
		rows = append(rows, row)
	}
	p.table([]string{"", "CPU ms a token", "tokens/s a core", "cores for 1,000/s, replicas of one core", "for 10,000/s"}, rows)
	p.line("")
}

func (b *bench) scaleTable(p *page, name string, c Cell) {
	head, row := []string{name}, []string{"tasks/s"}
	add := func(title string, c Cell) {
		if s := b.stat(c, perSecond); s.n > 0 {
			head, row = append(head, title), append(row, threeDigits(s.mid))
		}
	}
	for _, slots := range []int{1, 2, 4, 10, 16, 50, 100} {
		c.Slots = slots
		add(plural(slots, "slot"), c)
	}
	for _, slots := range []int{1, 4, 16} {
		c.Slots, c.Cores = slots, 1
		add(plural(slots, "slot")+" on 1 core", c)
	}
	for _, replicas := range []int{2, 3} {
		add(fmt.Sprintf("%d replicas of 16", replicas), Cell{Figure: Throughput, Worker: c.Worker, Algorithm: c.Algorithm, Slots: 16, Replicas: replicas})
	}
	p.table(head, [][]string{row})
	p.line("")
}
