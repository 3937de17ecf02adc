package exchange

import (
	"context"
	"time"

	"conductor-jwt/internal/bulkhead"
	"conductor-jwt/provider"
)

// flight is an exchange that others wait for. All fields but done are set before done
// is closed.
type flight struct {
	done  chan struct{}
	token provider.Token
	err   error
	// abandoned reports that nothing was posted because the task that began the
	// flight ended: another task has to begin one.
	abandoned bool
}

// begin makes an assertion for a task and posts it in a goroutine, which ends within
// the time of a request although the task may end before. The assertion is made within
// the task, because what Sign uses belongs to it.
func (x *Exchanger) begin(ctx context.Context, f *flight, which id, key string, r *Request) {
	f.abandoned = true // where Sign panics
	posted := false
	defer func() {
		if !posted {
			x.end(f, which, nil)
		}
	}()
	release, err := x.acquire(r)
	if err != nil {
		f.err, f.abandoned = err, false
		return
	}
	defer func() {
		if !posted {
			release(bulkhead.ErrUnknownEnd)
		}
	}()
	assertion, err := r.Sign(ctx)
	if err != nil {
		f.err, f.abandoned = err, ctx.Err() != nil
		return
	}
	f.abandoned = false
	posted = true
	go x.fly(context.WithoutCancel(ctx), f, which, newPost(r, key, assertion), release)
}

// fly posts an assertion. A panic counts as a failure of the provider: it may come from
// the bytes of its answer.
func (x *Exchanger) fly(ctx context.Context, f *flight, which id, p *post, release func(error)) {
	var e *entry
	f.err = unavailable("the provider's answer could not be read", "report it", nil)
	defer func() {
		_ = recover()
		x.metrics.count(p.profile, outcomeOf(f.err))
		release(endOf(f.err))
		x.end(f, which, e)
	}()
	if e, f.err = p.send(ctx, x); f.err == nil {
		f.token = e.token
	}
}

// end keeps the result of a flight and wakes those who wait for it.
func (x *Exchanger) end(f *flight, which id, e *entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.flights, which)
	if !f.abandoned {
		x.keep(which, e, f.err)
	}
	close(f.done)
}

// maxCrowded is how long a task waits while more tasks wait for its provider than may.
const maxCrowded = time.Second

// wait waits for the end of a flight. A provider that is slow must not hold the slots
// of tasks that do not need it: while a quarter of the slots waits for a provider, any
// further task waits for a second only.
func (x *Exchanger) wait(ctx context.Context, f *flight, r *Request) error {
	select {
	case <-f.done:
		return nil
	default:
	}
	name := r.Profile.Provider()
	var crowded <-chan time.Time
	if x.countWaiting(name, 1) > bulkhead.Quarter(x.options.Slots) {
		timer := time.NewTimer(maxCrowded)
		defer timer.Stop()
		crowded = timer.C
	}
	defer x.countWaiting(name, -1)
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return unavailable("the exchange did not end before the task's time was up", "look at the provider", ctx.Err())
	case <-crowded:
		return x.skipped(r, bulkhead.ErrFull)
	}
}

func (x *Exchanger) countWaiting(provider string, change int) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.waiting[provider] += change
	return x.waiting[provider]
}

// acquire reserves a call of the provider and of the host: of the provider, because its
// tenants may have hosts of their own and be slow together, and of the host, because a
// tenant's host that fails must not keep the others from theirs.
func (x *Exchanger) acquire(r *Request) (release func(error), err error) {
	host, err := x.host(r.Input.URL)
	if err != nil {
		return nil, err
	}
	leave, err := x.providers.Of(r.Profile.Provider()).Acquire()
	if err != nil {
		return nil, x.skipped(r, err)
	}
	leaveHost, err := host.Acquire()
	if err != nil {
		leave(bulkhead.ErrUnknownEnd)
		return nil, x.skipped(r, err)
	}
	return func(err error) {
		leaveHost(err)
		leave(bulkhead.ErrUnknownEnd)
	}, nil
}
