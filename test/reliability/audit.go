package reliability

import (
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/test/conductortest"
)

// Audit judges a run that is too long to be kept: it takes what is over off
// the ledger's books from time to time, and adds up what it finds.
type Audit struct {
	Tasks     int
	Completed int
	Failed    int // that ended otherwise than completed
	Updates   int
	Tally
	// Broken is the first breach of the ledger's invariant, Wrong the first
	// token that does not verify.
	Broken, Wrong error
	Leaks         []Leak

	stage     *Stage
	detective *detective
}

// NewAudit judges the tasks of a stage.
func NewAudit(s *Stage) *Audit { return &Audit{stage: s, detective: newDetective(s.Keys)} }

// Take judges the tasks that ended before a time, and shows each.
func (a *Audit) Take(before time.Time, show func(conductortest.Snapshot)) {
	gone, err := a.stage.Ledger.Retire(before)
	if a.Broken == nil {
		a.Broken = err
	}
	for _, t := range gone.Tasks {
		a.Tasks++
		if t.Status == api.Completed {
			a.Completed++
		} else {
			a.Failed++
		}
		show(t)
	}
	a.add(gone.Deliveries)
	a.updates(gone.Updates)
	for _, t := range gone.Tasks {
		a.stage.drop(t.First)
	}
	a.stage.Server.DropRequests()
}

func (a *Audit) updates(all []conductortest.Update) {
	a.Updates += len(all)
	clear(a.detective.tokens)
	a.detective.learn(all)
	for _, u := range all {
		a.detective.update(u)
		if u.Result.Status != api.Completed {
			continue
		}
		if err := a.stage.verify(u); a.Wrong == nil {
			a.Wrong = err
		}
	}
	a.Leaks = a.detective.leaks
}

// Finish judges what is left, which is to have ended, and what the worker has
// written and served.
func (a *Audit) Finish(show func(conductortest.Snapshot), log, pages string) {
	a.Take(time.Now().Add(time.Hour), show)
	if err := a.stage.Ledger.Check(); a.Broken == nil {
		a.Broken = err
	}
	a.detective.plant(a.stage.Server.Tokens())
	a.detective.look("the log", []byte(log), "")
	a.detective.look("what it serves", []byte(pages), "")
	a.Leaks = a.detective.leaks
}
