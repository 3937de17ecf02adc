package main

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	ct "conductor-jwt/test/conductortest"
	"conductor-jwt/test/reliability"
)

// bad is the share of tasks that nobody can do.
const bad = 0.002

// patience is for how long the load waits in the queue, at the most: more is
// held back until the worker has caught up, as on a machine that is busy with
// something else it might never.
const patience = 15 * time.Second

// load enqueues tasks.
type load struct {
	stage  *reliability.Stage
	random *rand.Rand
	sent   int
	count  atomic.Int64  // sent, for who looks on
	held   time.Duration // for which the load was held back

	mu  sync.Mutex
	bad map[string]bool
}

func newLoad(s *reliability.Stage, seed uint64) *load {
	return &load{stage: s, random: rand.New(rand.NewPCG(seed, 70)), bad: map[string]bool{}} //nolint:gosec // a seed repeats the run
}

// one enqueues a task, which is bad now and then.
func (l *load) one() {
	l.sent++
	defer l.count.Add(1)
	if l.random.Float64() >= bad {
		l.stage.Enqueue(nil)
		return
	}
	field, value := "algorithm", `"XX999"`
	switch l.random.IntN(3) {
	case 1:
		field, value = "privateKey", `"no key at all"`
	case 2:
		field, value = "ttlInSecond", `-5`
	}
	l.mu.Lock() // or it might be over before it is known to be bad
	defer l.mu.Unlock()
	l.bad[l.stage.Enqueue(func(s *ct.TaskSpec) { spoil(s, field, value) })] = true
}

func spoil(s *ct.TaskSpec, field, value string) {
	var input map[string]json.RawMessage
	if json.Unmarshal(s.Template, &input) != nil {
		return
	}
	input[field] = json.RawMessage(value)
	if raw, err := json.Marshal(input); err == nil {
		s.Template = raw
	}
}

// isBad reports whether a task was, and forgets it.
func (l *load) isBad(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.bad[id]
	delete(l.bad, id)
	return was
}

// ended is how many tasks have.
func (l *load) ended() int { return l.sent - l.stage.Ledger.Unended() }

// peak is how many tasks a second the worker does where there are always
// enough of them. The first quarter does not count.
func (l *load) peak(ctx context.Context, d time.Duration, slots int) (float64, error) {
	began := time.Now()
	from, counted := time.Time{}, 0
	for time.Since(began) < d {
		for l.stage.Ledger.Unended() < 20*slots {
			l.one()
		}
		if from.IsZero() && time.Since(began) > d/4 {
			from, counted = time.Now(), l.ended()
		}
		if err := ct.Pause(ctx, 2*time.Millisecond); err != nil {
			return 0, err
		}
	}
	return float64(l.ended()-counted) / time.Since(from).Seconds(), l.stage.Await(ctx)
}

// steady enqueues at a rate, whatever the worker does.
func (l *load) steady(ctx context.Context, rate float64, d time.Duration) error {
	most := int(math.Ceil(rate * patience.Seconds()))
	began := time.Now()
	owed, last := 0.0, began
	for {
		now := time.Now()
		gone := now.Sub(last)
		last = now
		if now.Sub(began) >= d {
			return nil
		}
		if l.stage.Ledger.Unended() > most {
			l.held += gone
		} else {
			owed += rate * gone.Seconds()
		}
		for ; owed >= 1; owed-- {
			l.one()
		}
		if err := ct.Pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
}
