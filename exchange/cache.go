package exchange

import (
	"time"

	"conductor-jwt/internal/retryafter"
	"conductor-jwt/keys"
	"conductor-jwt/provider"
)

const (
	// maxKept is the maximum length of a kept token with its response, in bytes: few
	// servers read a longer header, and all entries together take 32 MiB at most.
	maxKept = 32 << 10

	renewPause    = 5 * time.Second // after a renewal that failed
	sweepInterval = time.Minute     // maximum time until the token of a retired key is dropped
)

// entry is a kept token.
type entry struct {
	token    provider.Token
	key      string // its identity
	keyName  string // empty: the key came with a task
	obtained time.Time
	life     time.Duration // from obtained on
	renewAt  time.Time     // not before, because a renewal failed
}

// left returns how much of the life is left, by the clock or by the monotonic clock,
// whichever has run further: the clock may be set back, and the monotonic clock stops
// while the machine is suspended. It is 0 where neither has run since.
func (e *entry) left(now time.Time) time.Duration {
	passed := max(now.Sub(e.obtained), now.Round(0).Sub(e.obtained.Round(0)))
	if passed < 0 {
		return 0
	}
	return max(e.life-passed, 0)
}

func (e *entry) size() int {
	return e.token.AccessToken.Len() + len(e.token.TokenType) + len(e.token.Scope) + e.token.Response.Size()
}

// found is what there is of a token.
type found struct {
	token  *provider.Token // a kept one that may be used
	flight *flight         // in flight; nil where the token is used and not renewed
	mine   bool            // the caller has to begin the flight

	paused time.Duration // until the provider may be asked again
}

// find returns a kept token, or the flight that will have one. Where there is neither,
// or the token is to be renewed, it makes a flight.
func (x *Exchanger) find(which id, r *Request) found {
	x.mu.Lock()
	defer x.mu.Unlock()
	now := x.options.Now()
	var f found
	e, ok := x.kept.Get(which)
	if ok && !r.Fresh {
		if left := e.left(now); left > 0 && left >= r.MinLifetime {
			f.token = &e.token
			if left > e.life/5 || now.Before(e.renewAt) {
				return f
			}
		}
	}
	if f.flight, ok = x.flights[which]; ok {
		return f
	}
	if wait := x.pause(which, now); wait > 0 {
		if f.token == nil {
			f.paused = wait
		}
		return f
	}
	f.flight, f.mine = &flight{done: make(chan struct{})}, true
	x.flights[which] = f.flight
	return f
}

// pause returns how long a token is not to be asked for.
func (x *Exchanger) pause(which id, now time.Time) time.Duration {
	until, ok := x.pauses.Get(which)
	if !ok {
		return 0
	}
	wait := until.Sub(now)
	if wait <= 0 || wait > retryafter.Max { // over, or the clock was set back
		x.pauses.Remove(which)
		return 0
	}
	return wait
}

// keep keeps the token of a flight, or what its failure says about the next one.
func (x *Exchanger) keep(which id, e *entry, err error) {
	now := x.options.Now()
	if wait := RetryAfterOf(err); wait > 0 {
		x.pauses.Add(which, now.Add(wait))
	}
	if err != nil {
		if kept, ok := x.kept.Peek(which); ok {
			kept.renewAt = now.Add(renewPause)
		}
		return
	}
	if e.life <= 0 || e.size() > maxKept { // a life of 0 is unknown
		return
	}
	x.kept.Add(which, e)
	x.sweepLater()
}

// Sweep drops expired tokens, and those of a configured key whose version was revoked
// or no longer signs. The Exchanger does so by itself once a minute; call it where the
// policy was reloaded.
func (x *Exchanger) Sweep() {
	active := map[string]string{}
	for _, name := range x.keyNames() {
		if identity, known := x.activeIdentity(name); known {
			active[name] = identity
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	now := x.options.Now()
	for _, which := range x.kept.Keys() {
		e, _ := x.kept.Peek(which)
		identity, known := active[e.keyName]
		if e.left(now) <= 0 || known && identity != e.key {
			x.kept.Remove(which)
		}
	}
}

func (x *Exchanger) keyNames() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	seen := map[string]bool{"": true}
	var names []string
	for _, e := range x.kept.Values() {
		if !seen[e.keyName] {
			seen[e.keyName] = true
			names = append(names, e.keyName)
		}
	}
	return names
}

// activeIdentity returns the identity of the version of a key that signs now; empty for
// none.
func (x *Exchanger) activeIdentity(name string) (identity string, known bool) {
	key, known := x.options.Active(name)
	if key == nil || !known {
		return "", known
	}
	identity, err := keys.Identity(key, x.pepper)
	return identity, err == nil
}

// sweepLater sweeps in a minute, and again as long as tokens are kept. A timer needs no
// goroutine until then.
func (x *Exchanger) sweepLater() {
	if x.sweeping {
		return
	}
	x.sweeping = true
	time.AfterFunc(sweepInterval, func() {
		x.Sweep()
		x.mu.Lock()
		defer x.mu.Unlock()
		x.sweeping = false
		if x.kept.Len() > 0 {
			x.sweepLater()
		}
	})
}

// entries returns the number of kept tokens.
func (x *Exchanger) entries() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.kept.Len()
}
