package reliability

import (
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/test/conductortest"
)

// Audit judges a run that is too long to keep in memory: it removes ended tasks
// from the ledger in steps and adds up what it finds.
type Audit struct {
	Tasks     int
	Completed int
	Failed    int // ended with another status than COMPLETED
	Updates   int
	Tally
	// LedgerErr is the first violation of the ledger's invariant, TokenErr the
	// first token that does not verify.
	LedgerErr, TokenErr error
	Leaks               []Leak

	bed    *Testbed
	finder *leakFinder
}

// NewAudit returns an audit of the tasks of a testbed.
func NewAudit(b *Testbed) *Audit { return &Audit{bed: b, finder: newLeakFinder(b.Keys)} }

// Judge judges the tasks that ended before a time, removes them from the
// ledger, and calls visit with each.
func (a *Audit) Judge(before time.Time, visit func(conductortest.Snapshot)) {
	retired, err := a.bed.Ledger.Retire(before)
	if a.LedgerErr == nil {
		a.LedgerErr = err
	}
	for _, t := range retired.Tasks {
		a.Tasks++
		if t.Status == api.Completed {
			a.Completed++
		} else {
			a.Failed++
		}
		visit(t)
	}
	a.add(retired.Deliveries)
	a.updates(retired.Updates)
	for _, t := range retired.Tasks {
		a.bed.drop(t.First)
	}
	a.bed.Server.DropRequests()
}

func (a *Audit) updates(all []conductortest.Update) {
	a.Updates += len(all)
	clear(a.finder.tokens)
	a.finder.addTokens(all)
	for _, u := range all {
		a.finder.searchUpdate(u)
		if u.Result.Status != api.Completed {
			continue
		}
		if err := a.bed.verify(u); a.TokenErr == nil {
			a.TokenErr = err
		}
	}
	a.Leaks = a.finder.leaks
}

// Finish judges the remaining tasks, which must have ended, and searches the
// worker's log and pages for secrets.
func (a *Audit) Finish(visit func(conductortest.Snapshot), log, pages string) {
	a.Judge(time.Now().Add(time.Hour), visit)
	if err := a.bed.Ledger.Check(); a.LedgerErr == nil {
		a.LedgerErr = err
	}
	a.finder.addCredentials(a.bed.Server.Tokens())
	a.finder.search("the log", []byte(log), "")
	a.finder.search("a page it serves", []byte(pages), "")
	a.Leaks = a.finder.leaks
}
