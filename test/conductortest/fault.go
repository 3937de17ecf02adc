package conductortest

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
)

// ErrInjected is the cause of every network error that a plan injects.
var ErrInjected = errors.New("injected fault")

// Call is one call of the server, as a plan of faults sees it.
type Call struct {
	Name     string // "poll", "update", "get task", "get taskdef", "create taskdef", "token", "version"
	Seq      int    // how many calls of that name came before
	TaskType string // or the definition's name
	TaskID   string
	WorkerID string
	Status   api.Status // of an update
}

// Faults says what goes wrong with a call. It may be called from many
// goroutines at once.
type Faults func(Call) Fault

// Fault is what goes wrong with one call; the zero value is nothing.
type Fault struct {
	// Delay passes before anything else happens.
	Delay time.Duration
	// Err is returned by the ledger instead of doing the call.
	Err error
	// Status is answered instead of doing the call, with RetryAfter as the
	// header of that name.
	Status     int
	RetryAfter string
	// Lost does the call and loses the answer.
	Lost bool
	// Extra delivers so many tasks more than the poll asked for.
	Extra int
	// Twice delivers every task of a poll's answer twice over in it.
	Twice bool
	// Spoil makes the first task of a poll's answer unreadable.
	Spoil Spoil
	// Wire is done to the answer by the HTTP shell; the ledger's own methods
	// fail with a network error instead. With Lost the call is done first.
	Wire Wire
	// Location goes with a Status of a redirect.
	Location string
}

// Spoil is how the first task of an answer is made unreadable.
type Spoil int

// The ways to spoil a task.
const (
	SpoilField Spoil = iota + 1 // a wrong type somewhere: ids are readable
	SpoilID                     // no id: the task cannot be answered
)

// Rule is one line of a plan.
type Rule struct {
	Call   string  // name of the call; "" for all
	Skip   int     // so many calls of that name are spared first
	Times  int     // the rule is used up after so many; 0 is never
	Chance float64 // 0 and 1 are always
	Fault  Fault
}

// Plan makes faults from rules; the first rule that applies wins. The same
// seed and the same order of calls give the same faults.
func Plan(seed uint64, rules ...Rule) Faults {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // a plan is to be repeatable
	used := make([]int, len(rules))
	return func(c Call) Fault {
		mu.Lock()
		defer mu.Unlock()
		for i, r := range rules {
			if r.Call != "" && r.Call != c.Name || c.Seq < r.Skip {
				continue
			}
			if r.Times > 0 && used[i] >= r.Times {
				continue
			}
			if r.Chance > 0 && random.Float64() >= r.Chance {
				continue
			}
			used[i]++
			return r.Fault
		}
		return Fault{}
	}
}

// next counts a call and asks the plan about it.
func (l *Ledger) next(c Call) Fault {
	l.mu.Lock()
	c.Seq = l.calls[c.Name]
	l.calls[c.Name]++
	faults := l.faults
	l.mu.Unlock()
	if faults == nil {
		return Fault{}
	}
	return faults(c)
}

// strike lets the plan have its way with a call of the ledger's own methods.
func (l *Ledger) strike(ctx context.Context, c Call) (Fault, error) {
	f := l.next(c)
	if err := ctx.Err(); err != nil {
		return f, network(conductor.Call(c.Name), err)
	}
	if err := Pause(ctx, f.Delay); err != nil {
		return f, network(conductor.Call(c.Name), err)
	}
	if f.Err != nil {
		return f, f.Err
	}
	if f.Wire != 0 && !f.Lost {
		return f, lost(conductor.Call(c.Name)) // there is no wire here; the call fails for its caller
	}
	if f.Status != 0 {
		e := refused(conductor.Call(c.Name), f.Status)
		e.RetryAfter = conductor.RetryAfter(f.RetryAfter, l.now())
		return f, e
	}
	return f, nil
}

// SetFaults replaces the plan; nil ends all faults.
func (l *Ledger) SetFaults(f Faults) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = f
}

// Calls is how many calls of a name there were, faults included.
func (l *Ledger) Calls(name string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls[name]
}

// Pause lets time pass. Its error is the cause of the end of ctx.
func Pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

func lost(call conductor.Call) error { return network(call, ErrInjected) }

func network(call conductor.Call, cause error) error {
	return &conductor.Error{Class: conductor.Network, Call: call, Cause: cause}
}

func refused(call conductor.Call, status int) *conductor.Error {
	return &conductor.Error{Class: conductor.ClassOf(status), Call: call, Status: status}
}
