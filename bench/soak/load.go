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

// invalidShare is the share of tasks that cannot succeed.
const invalidShare = 0.002

// maxBacklog bounds the queue to the load of this time: more is held back until
// the worker has caught up, which it might never do on a busy machine.
const maxBacklog = 15 * time.Second

// load enqueues tasks.
type load struct {
	bed    *reliability.Testbed
	random *rand.Rand
	sent   int
	count  atomic.Int64  // sent, for concurrent readers
	held   time.Duration // time for which the load was held back

	mu      sync.Mutex
	invalid map[string]bool
}

func newLoad(s *reliability.Testbed, seed uint64) *load {
	return &load{bed: s, random: rand.New(rand.NewPCG(seed, 70)), invalid: map[string]bool{}} //nolint:gosec // a seed repeats the run
}

// one enqueues a task, which is sometimes invalid.
func (l *load) one() {
	l.sent++
	defer l.count.Add(1)
	if l.random.Float64() >= invalidShare {
		l.bed.Enqueue(nil)
		return
	}
	field, value := "algorithm", `"XX999"`
	switch l.random.IntN(3) {
	case 1:
		field, value = "privateKey", `"no key at all"`
	case 2:
		field, value = "ttlInSecond", `-5`
	}
	l.mu.Lock() // otherwise the task could end before it is recorded as invalid
	defer l.mu.Unlock()
	l.invalid[l.bed.Enqueue(func(s *ct.TaskSpec) { setField(s, field, value) })] = true
}

func setField(s *ct.TaskSpec, field, value string) {
	var input map[string]json.RawMessage
	if json.Unmarshal(s.Template, &input) != nil {
		return
	}
	input[field] = json.RawMessage(value)
	if raw, err := json.Marshal(input); err == nil {
		s.Template = raw
	}
}

// wasInvalid reports whether a task was invalid, and removes it.
func (l *load) wasInvalid(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.invalid[id]
	delete(l.invalid, id)
	return was
}

// ended returns the number of ended tasks.
func (l *load) ended() int { return l.sent - l.bed.Ledger.Unended() }

// peak returns the tasks per second that the worker completes while the queue is
// never empty. The first quarter of d does not count.
func (l *load) peak(ctx context.Context, d time.Duration, slots int) (float64, error) {
	began := time.Now()
	from, counted := time.Time{}, 0
	for time.Since(began) < d {
		for l.bed.Ledger.Unended() < 20*slots {
			l.one()
		}
		if from.IsZero() && time.Since(began) > d/4 {
			from, counted = time.Now(), l.ended()
		}
		if err := ct.Pause(ctx, 2*time.Millisecond); err != nil {
			return 0, err
		}
	}
	return float64(l.ended()-counted) / time.Since(from).Seconds(), l.bed.Await(ctx)
}

// steady enqueues tasks at a rate, independent of the worker, up to maxBacklog.
func (l *load) steady(ctx context.Context, rate float64, d time.Duration) error {
	maxUnended := int(math.Ceil(rate * maxBacklog.Seconds()))
	began := time.Now()
	owed, last := 0.0, began
	for {
		now := time.Now()
		elapsed := now.Sub(last)
		last = now
		if now.Sub(began) >= d {
			return nil
		}
		if l.bed.Ledger.Unended() > maxUnended {
			l.held += elapsed
		} else {
			owed += rate * elapsed.Seconds()
		}
		for ; owed >= 1; owed-- {
			l.one()
		}
		if err := ct.Pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
}
