package conductortest

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/retryafter"
)

// ErrInjected is the cause of every network error that a plan injects.
var ErrInjected = errors.New("injected fault")

// Call is one call of the server, as a plan of faults receives it.
type Call struct {
	Name     string // "poll", "update", "get task", "get taskdef", "create taskdef", "token", "version"
	Seq      int    // number of earlier calls of that name
	TaskType string // or the definition's name
	TaskID   string
	WorkerID string
	Status   api.Status // of an update
}

// Faults returns the fault of a call. It must be safe for concurrent use.
type Faults func(Call) Fault

// Fault is the fault of one call; the zero value is none.
type Fault struct {
	// Delay is waited for first.
	Delay time.Duration
	// Err is returned by the ledger, which does not process the call.
	Err error
	// Status is the response's status, with the Retry-After header RetryAfter.
	// The call is not processed.
	Status     int
	RetryAfter string
	// Lost processes the call and drops the response.
	Lost bool
	// Extra is the number of tasks delivered beyond the poll's count.
	Extra int
	// Twice delivers every task twice in the response to a poll.
	Twice bool
	// Unreadable makes the first task in the response to a poll unreadable.
	Unreadable Unreadable
	// Wire damages the response over HTTP; the ledger's own methods return a
	// network error instead. With Lost the call is processed first.
	Wire Wire
	// Location is the header of a redirect.
	Location string
}

// Unreadable is how a task is made unreadable.
type Unreadable int

// The ways to make a task unreadable.
const (
	UnreadableField Unreadable = iota + 1 // a field has a wrong type; the IDs are readable
	UnreadableID                          // no ID: the task cannot be updated
)

// Rule is one line of a plan.
type Rule struct {
	Call   string  // name of the call; "" for all
	Skip   int     // the first calls of that name without a fault
	Times  int     // maximum number of faults; 0 is no limit
	Chance float64 // probability; 0 and 1 are always
	Fault  Fault
}

// Plan returns faults from rules; the first rule that applies is used. The same
// seed and order of calls give the same faults.
func Plan(seed uint64, rules ...Rule) Faults {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // a seed repeats the plan
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

// next counts a call and returns its fault.
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

// applyFault applies a call's fault in the ledger's own methods.
func (l *Ledger) applyFault(ctx context.Context, c Call) (Fault, error) {
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
		return f, injectedError(conductor.Call(c.Name)) // there is no connection; the call fails
	}
	if f.Status != 0 {
		e := refused(conductor.Call(c.Name), f.Status)
		e.RetryAfter = retryafter.Read(f.RetryAfter, l.now())
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

// Calls returns the number of calls of a name, faults included.
func (l *Ledger) Calls(name string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls[name]
}

// Pause waits for d. Its error is the cause of the end of ctx.
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

func injectedError(call conductor.Call) error { return network(call, ErrInjected) }

func network(call conductor.Call, cause error) error {
	return &conductor.Error{Class: conductor.Network, Call: call, Cause: cause}
}

func refused(call conductor.Call, status int) *conductor.Error {
	return &conductor.Error{Class: conductor.ClassOf(status), Call: call, Status: status}
}
