package reliability

import (
	"errors"
	"fmt"
)

// ErrDoesNotEnd is a worker that has to be killed.
var ErrDoesNotEnd = errors.New("the worker does not end")

// unkept is what a run did not keep of a promise. The error is the run's.
func (p Promise) unkept(v Verdict, err error) []string {
	if v.Ledger == nil {
		return []string{"did not start"}
	}
	var out []string
	count := func(n int, what string) {
		if n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, what))
		}
	}
	yes := func(is bool, what string) {
		if is {
			out = append(out, what)
		}
	}
	count(v.Tasks-v.Completed-v.Failed, "not done in time")
	count(v.Failed-p.Fails, "failed")
	if !p.Redelivers {
		count(v.TakenBack, "lost until the response timeout")
		count(v.Again, "done twice")
	}
	yes(v.Broken != nil && !p.Doubles && len(out) == 0, "the ledger does not add up")
	yes(v.Wrong != nil, "wrong tokens")
	for _, l := range v.Leaks {
		yes(true, l.String())
	}
	for _, e := range v.Endings {
		yes(e.Status < 0, "has to be killed after 40 s")
		yes(e.Status >= 0 && e.Status != p.Ends, fmt.Sprintf("exit status %d, not %d", e.Status, p.Ends))
		if !p.Redelivers {
			count(e.Left, "left in progress at the end")
		}
	}
	yes(errors.Is(err, ErrDoesNotEnd), "has to be killed after 40 s")
	yes(v.Status != 0, fmt.Sprintf("exit status %d", v.Status))
	yes(p.Calls > 0 && v.Faulted > p.Calls, fmt.Sprintf("%d calls during the fault", v.Faulted))
	yes(err != nil && len(out) == 0, "was not seen to the end")
	return out
}
