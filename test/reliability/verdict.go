package reliability

import (
	"fmt"
	"strings"
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/test/conductortest"
)

// Verdict is what the ledger saw of a run.
type Verdict struct {
	Tasks     int // that were to be done
	Completed int
	Failed    int // that ended otherwise than completed
	Tally
	Updates, Polls, Calls int
	// Recovered is from the end of the fault to the first poll that the
	// ledger served, Done to the end of the last task.
	Recovered, Done time.Duration
	// Broken is the first breach of the ledger's invariant, Wrong the tokens
	// that do not verify.
	Broken, Wrong error
	// Leaks is the secrets that were found where they may not be.
	Leaks []Leak
	// Faulted is the calls until the end of the fault.
	Faulted int
	Status  int // exit status other than 0 of one that ended when all was done
	Endings []Ending
	Log     string // of every worker: standard output and standard error
	Pages   string // what they served: metrics and probes
	Ledger  *conductortest.Ledger
	// Unkept is what the row promises and the run did not keep, in a few
	// words each; empty where the worker held.
	Unkept []string

	ended time.Time
}

func (v *Verdict) judge(r *Run) {
	l := r.Ledger
	v.Ledger, v.Tasks = l, len(l.Tasks())
	counts := l.Counts()
	v.Completed = counts[api.Completed]
	v.Failed = counts[api.FailedWithTerminalError] + counts[api.Failed] + counts[conductortest.TimedOut]
	v.add(l.Deliveries())
	v.Updates = len(l.Updates())
	v.Polls, v.Calls, v.Faulted = l.Calls("poll"), calls(l), r.calls
	v.Endings = r.endings
	for _, w := range r.logs {
		v.Log += w.Log()
	}
	v.Pages = r.pages
	v.Broken, v.Wrong = l.Check(), r.Verify()
	v.Leaks = leaks(l, r.Keys, r.Server.Tokens(), v.Log, v.Pages)
	v.recovery(r)
}

// calls is how many calls that matter there were.
func calls(l *conductortest.Ledger) int {
	return l.Calls("poll") + l.Calls("update") + l.Calls("token")
}

func (v *Verdict) recovery(r *Run) {
	healed := r.healed
	if healed.IsZero() {
		healed = r.Began
	}
	v.Done = v.ended.Sub(healed)
	v.Recovered = -1
	for _, p := range r.Ledger.Polls() {
		if p.At.After(healed) {
			v.Recovered = p.At.Sub(healed)
			return
		}
	}
}

// String is the verdict in a few words.
func (v Verdict) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%d of %d completed, %d failed, %d taken back, %d done again, %d updates (%d repeated), %d polls, first poll after %.1f s, done after %.1f s",
		v.Completed, v.Tasks, v.Failed, v.TakenBack, v.Again, v.Updates, v.Repeated, v.Polls, v.Recovered.Seconds(), v.Done.Seconds())
	if v.Broken != nil {
		fmt.Fprintf(&out, "; ledger: %v", v.Broken)
	}
	if v.Wrong != nil {
		fmt.Fprintf(&out, "; tokens: %v", v.Wrong)
	}
	if len(v.Leaks) > 0 {
		fmt.Fprintf(&out, "; leaks: %v", v.Leaks)
	}
	return out.String()
}

// Tally is what deliveries say of a worker.
type Tally struct {
	// TakenBack is the deliveries that the server took back, because the
	// worker was silent for the response timeout.
	TakenBack int
	// Again is the tasks that were completed by more than one delivery.
	Again int
	// Repeated is the updates that said the same once more.
	Repeated int
}

// add counts deliveries. All those of one task come in one call.
func (t *Tally) add(deliveries []conductortest.Delivery) {
	done := map[string]int{}
	for _, d := range deliveries {
		if d.End == conductortest.EndTimedOut {
			t.TakenBack++
		}
		said := 0
		for _, u := range d.Updates {
			if u.Result.Status == conductortest.Completed {
				said++
			}
		}
		if said > 0 {
			done[d.First]++
			t.Repeated += said - 1
		}
	}
	for _, n := range done {
		if n > 1 {
			t.Again++
		}
	}
}
