package main

import (
	"fmt"
	"slices"
	"strings"
)

// page returns the result as Markdown.
func (r *Result) page() string {
	var b strings.Builder
	line := func(format string, a ...any) { fmt.Fprintf(&b, format+"\n", a...) }
	line("# Soak\n")
	line("Evidence for the [reliability promise](../reliability.md): the worker as a process, for %.0f minutes at %.0f tasks a second, while its server had faults of every kind. `make soak` measures and writes this page; `make soak ARGS=-h` lists its settings. A task is lost if it does not end, if a delivery has neither a terminal update nor a redelivery, or if its token does not verify for its input.\n", r.For/60, r.Rate)
	line("**%s.**\n", strings.ToUpper(r.verdict()[:1])+r.verdict()[1:])
	line("![tasks, queue, memory, goroutines and descriptors over time](soak.svg)\n")
	r.run(line)
	r.tasks(line)
	r.overTime(line)
	r.faults(line)
	r.recovery(line)
	return b.String()
}

type printer func(format string, a ...any)

func (r *Result) run(line printer) {
	line("| run | |\n|---|---|")
	line("| date | %s |", r.Date.Format("2006-01-02 15:04 UTC"))
	line("| seed | %d |", r.Seed)
	line("| machine | %s, %s, Linux %s, shared with other work |", r.Machine.CPU, r.Machine.System, r.Machine.Kernel)
	line("| worker | %s |", r.Machine.Worker)
	line("| slots, GOMAXPROCS of worker and of server | %d, %s |", r.Slots, cores(r.Procs))
	line("| peak, measured at the start on the same machine as the server | %.0f tasks/s |", r.Peak)
	line("| load | %.0f tasks/s, %.0f %% of the peak; keys RS256, ES256 and EdDSA in turn; each ES256 and EdDSA task has its own key |", r.Rate, 100*r.Rate/r.Peak)
	line("| load held back because the queue held 15 s of it | %.0f s |", r.HeldBack)
	line("")
}

func cores(n int) string {
	if n == 0 {
		return "all cores"
	}
	return fmt.Sprint(n)
}

func (r *Result) tasks(line printer) {
	s := r.Sum
	line("## Tasks\n\n| | |\n|---|---|")
	line("| sent | %d |", r.Sent)
	line("| completed; each token verified for its own task | %d |", s.Completed)
	line("| failed: the task was invalid, or the server made it unreadable (%d) | %d |", r.Spoiled, s.Failed)
	line("| not ended | %d |", r.Left)
	line("| deliveries that timed out (10 s): the response to the poll was lost or broken, or the server was down when the result was due | %d |", s.TimedOut)
	line("| tasks completed by more than one delivery | %d |", s.DoneTwice)
	line("| updates, of which repeated after a lost response | %d, %d |", s.Updates, s.RepeatedUpdates)
	line("| secrets in the log (%d lines), metrics, reasons or another task's output | %d |", r.Lines, len(s.Leaks))
	line("| exit status after SIGTERM, panics | %d, %d |", r.Status, r.Panics)
	line("")
}

func (r *Result) overTime(line printer) {
	line("## Over time\n\n| quarter | tasks/s | cores | memory, MiB | goroutines | descriptors | p50 / p99 of seconds without faults, ms |\n|---|---|---|---|---|---|---|")
	for i, q := range r.Quarters {
		line("| %d | %.0f | %.2f | %.1f | %.0f | %.0f | %.1f / %.1f (%d tasks) |", i+1, q.Rate, q.CPU, q.Memory, q.Goroutines, q.Descriptors, q.P50, q.P99, q.NoFault)
	}
	line("\nA second without faults has no fault in it or in the second before or after, and at its sample no more tasks waited than there are slots. The 99th percentile includes backlogs after faults and other load on the machine.")
	line("\nMemory is resident memory. Memory, goroutines and descriptors are medians. From the second quarter on, the trend of memory was %+.1f MiB an hour (Theil-Sen).", r.Slope)
	if len(r.Quarters) == 4 {
		line("Between the second quarter and the last the median may grow by %.1f MiB; it changed by %+.1f MiB.", growth(r.Quarters[1].Memory), r.Quarters[3].Memory-r.Quarters[1].Memory)
	}
	line("\nBefore the first task there were %.0f goroutines and %.0f descriptors; %.0f s after the last task there were %.0f and %.0f.\n",
		r.Before.Goroutines, r.Before.Descriptors, r.IdleAfter, r.Final.Goroutines, r.Final.Descriptors)
}

func (r *Result) faults(line printer) {
	line("## Faults\n\n| fault | episodes | seconds | calls affected |\n|---|---|---|---|")
	type total struct {
		n, calls int
		seconds  float64
	}
	all := map[string]*total{}
	for _, e := range r.Episodes {
		t := all[e.Kind]
		if t == nil {
			t = &total{}
			all[e.Kind] = t
		}
		t.n, t.calls, t.seconds = t.n+1, t.calls+e.Calls, t.seconds+e.End-e.Begin
	}
	for _, k := range faultKinds() {
		switch t := all[k.name]; {
		case t == nil:
			line("| %s | 0 | | |", k.name)
		case k.name == down:
			line("| %s | %d | %.0f | all |", k.name, t.n, t.seconds)
		case k.run != nil:
			line("| %s: every token revoked each 300 ms | %d | %.0f | %d tokens granted |", k.name, t.n, t.seconds, t.calls)
		default:
			line("| %s | %d | %.0f | %d |", k.name, t.n, t.seconds, t.calls)
		}
	}
	if n := len(r.Outages); n > 0 {
		line("\nAfter the %d outages of one to three seconds under load, the first poll came %.2f s after the server started in the median, %.2f s at most.", n, median(slices.Clone(r.Outages)), slices.Max(r.Outages))
	}
	line("")
}

func (r *Result) recovery(line printer) {
	n := len(r.Recovery)
	if n == 0 {
		return
	}
	var outage, firstPoll, pollRate []float64
	for _, t := range r.Recovery {
		outage, firstPoll, pollRate = append(outage, t.Outage), append(firstPoll, t.FirstPoll), append(pollRate, t.PollRate)
	}
	line("## Recovery after an outage\n")
	line("%d worker processes whose server was down for %.0f to %.0f s, a random time.\n", n, slices.Min(outage), slices.Max(outage))
	line("| | median | min | max |\n|---|---|---|---|")
	line("| from the end of the outage to the first poll, s | %.2f | %.2f | %.2f |", median(firstPoll), slices.Min(firstPoll), slices.Max(firstPoll))
	line("| polls per second and poller in the second half of the outage | %.2f | %.2f | %.2f |", median(pollRate), slices.Min(pollRate), slices.Max(pollRate))
	line("\n`TestPollRateDuringAnOutage` (test/reliability/retry_test.go) measures the same over 500 outages in simulated time.")
}
