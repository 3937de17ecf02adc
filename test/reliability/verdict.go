package reliability

import (
	"fmt"
	"strings"
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/test/conductortest"
)

// Verdict is the result of a run, as the ledger recorded it.
type Verdict struct {
	Tasks     int
	Completed int
	Failed    int // ended with another status than COMPLETED
	Tally
	Updates, Polls, Calls int
	// FirstPoll is the time from the end of the fault to the first poll that
	// the ledger served, -1 if there was none. Done is the time to the end of
	// the last task.
	FirstPoll, Done time.Duration
	// LedgerErr is the first violation of the ledger's invariant, TokenErr the
	// tokens that do not verify.
	LedgerErr, TokenErr error
	Leaks               []Leak
	CallsDuringFault    int
	Status              int // exit status other than 0 of a worker stopped when all tasks had ended
	Exits               []Exit
	Log                 string // standard output and standard error of every worker
	Pages               string // their metrics and health pages
	Ledger              *conductortest.Ledger
	// Violations lists what the row promises and the run did not keep, in a few
	// words each.
	Violations []string

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
	v.Polls, v.Calls, v.CallsDuringFault = l.Calls("poll"), calls(l), r.calls
	v.Exits = r.exits
	for _, w := range r.all {
		v.Log += w.Log()
	}
	v.Pages = r.pages
	v.LedgerErr, v.TokenErr = l.Check(), r.Verify()
	v.Leaks = findLeaks(l, r.Keys, r.Server.Tokens(), v.Log, v.Pages)
	v.recovery(r)
}

// calls counts the polls, updates and token requests.
func calls(l *conductortest.Ledger) int {
	return l.Calls("poll") + l.Calls("update") + l.Calls("token")
}

func (v *Verdict) recovery(r *Run) {
	end := r.faultEnd
	if end.IsZero() {
		end = r.Started
	}
	v.Done = v.ended.Sub(end)
	v.FirstPoll = -1
	for _, p := range r.Ledger.Polls() {
		if p.At.After(end) {
			v.FirstPoll = p.At.Sub(end)
			return
		}
	}
}

// String summarizes the verdict.
func (v Verdict) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%d of %d completed, %d failed, %d timed out, %d done twice, %d updates (%d repeated), %d polls, first poll after %.1f s, done after %.1f s",
		v.Completed, v.Tasks, v.Failed, v.TimedOut, v.DoneTwice, v.Updates, v.RepeatedUpdates, v.Polls, v.FirstPoll.Seconds(), v.Done.Seconds())
	if v.LedgerErr != nil {
		fmt.Fprintf(&out, "; ledger: %v", v.LedgerErr)
	}
	if v.TokenErr != nil {
		fmt.Fprintf(&out, "; tokens: %v", v.TokenErr)
	}
	if len(v.Leaks) > 0 {
		fmt.Fprintf(&out, "; leaks: %v", v.Leaks)
	}
	return out.String()
}

// Tally counts what deliveries show of a worker.
type Tally struct {
	// TimedOut counts the deliveries without an update within the response
	// timeout.
	TimedOut int
	// DoneTwice counts the tasks that more than one delivery completed.
	DoneTwice int
	// RepeatedUpdates counts the updates that repeat an earlier one.
	RepeatedUpdates int
}

// add counts deliveries. One call must hold all deliveries of a task.
func (t *Tally) add(deliveries []conductortest.Delivery) {
	done := map[string]int{}
	for _, d := range deliveries {
		if d.End == conductortest.EndTimedOut {
			t.TimedOut++
		}
		updates := 0
		for _, u := range d.Updates {
			if u.Result.Status == api.Completed {
				updates++
			}
		}
		if updates > 0 {
			done[d.First]++
			t.RepeatedUpdates += updates - 1
		}
	}
	for _, n := range done {
		if n > 1 {
			t.DoneTwice++
		}
	}
}
