package main

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	ct "conductor-jwt/test/conductortest"
	"conductor-jwt/test/reliability"
)

// faultKind is one kind of fault.
type faultKind struct {
	name  string
	rules []ct.Rule
	// run does for the given time what rules cannot; nil if there are only rules.
	run func(ctx context.Context, s *reliability.Testbed, d time.Duration) error
}

// often is the probability of a fault that costs a call, rarely of one that
// costs seconds.
const (
	often  = 0.25
	rarely = 0.02
)

func faultKinds() []faultKind {
	chance := func(p float64, faults ...ct.Fault) []ct.Rule {
		var out []ct.Rule
		for _, f := range faults {
			out = append(out, ct.Rule{Chance: p / float64(len(faults)), Fault: f})
		}
		return out
	}
	times := func(n int, call string, faults ...ct.Fault) []ct.Rule {
		var out []ct.Rule
		for _, f := range faults {
			out = append(out, ct.Rule{Call: call, Times: n, Fault: f})
		}
		return out
	}
	return []faultKind{
		{name: "resets", rules: chance(often, ct.Fault{Wire: ct.WireReset}, ct.Fault{Wire: ct.WireReset, Lost: true})},
		{name: "lost responses", rules: chance(often, ct.Fault{Lost: true})},
		{name: "5xx", rules: chance(
			often, ct.Fault{Status: 500}, ct.Fault{Status: 502, Wire: ct.WireHTML}, ct.Fault{Status: 503}, ct.Fault{Status: 504, Wire: ct.WireHTML})},
		{name: "429", rules: chance(0.05, ct.Fault{Status: http.StatusTooManyRequests, RetryAfter: "1"}, ct.Fault{Status: http.StatusTooManyRequests})},
		{name: "401", run: rotate},
		{name: "slow responses", rules: chance(0.4, ct.Fault{Delay: 100 * time.Millisecond}, ct.Fault{Delay: 600 * time.Millisecond})},
		{name: "no responses", rules: chance(rarely, ct.Fault{Wire: ct.WireHang}, ct.Fault{Wire: ct.WireSlow})},
		{name: "broken responses", rules: chance(
			often/2, ct.Fault{Wire: ct.WireTruncated}, ct.Fault{Wire: ct.WireShort}, ct.Fault{Wire: ct.WireGarbage}, ct.Fault{Wire: ct.WireHTML},
			ct.Fault{Wire: ct.WireTruncated, Lost: true})},
		{name: "oversized responses", rules: append(times(2, "poll", ct.Fault{Wire: ct.WireBomb}), times(1, "update", ct.Fault{Wire: ct.WireHuge})...)},
		{name: unreadableTasks, rules: times(2, "poll", ct.Fault{Unreadable: ct.UnreadableField}, ct.Fault{Unreadable: ct.UnreadableID})},
		{name: "duplicates", rules: []ct.Rule{{Call: "poll", Chance: 0.5, Fault: ct.Fault{Twice: true}}}},
		{name: "more than asked for", rules: []ct.Rule{{Call: "poll", Chance: 0.5, Fault: ct.Fault{Extra: 7}}}},
		{name: down, run: nil}, // see soak.outage, which times the recovery
	}
}

// The kinds that soak treats specially.
const (
	down            = "server down"
	unreadableTasks = "unreadable tasks"
)

// rotate revokes every access token each 300 ms.
func rotate(ctx context.Context, s *reliability.Testbed, d time.Duration) error {
	end := time.Now().Add(d)
	for time.Now().Before(end) {
		s.Server.Rotate()
		if err := ct.Pause(ctx, 300*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// Episode is one occurrence of a fault.
type Episode struct {
	Kind       string
	Begin, End float64 // seconds since the load began
	Calls      int     // affected
}

// script draws the order and the times of faults. Each kind occurs once before
// any occurs again.
type script struct {
	random     *rand.Rand
	gap, fault time.Duration
	faultKinds []faultKind
	left       []faultKind
}

func newScript(o Options) *script {
	return &script{random: rand.New(rand.NewPCG(o.Seed, 28)), gap: o.Gap, fault: o.Fault, faultKinds: faultKinds()} //nolint:gosec // a seed repeats the run
}

// vary returns a random duration between d/2 and 3d/2.
func (s *script) vary(d time.Duration) time.Duration { return d/2 + s.random.N(d) }

func (s *script) next() (k faultKind, after, lasts time.Duration) {
	if len(s.left) == 0 {
		s.left = append(s.left, s.faultKinds...)
		s.random.Shuffle(len(s.left), func(i, j int) { s.left[i], s.left[j] = s.left[j], s.left[i] })
	}
	k, s.left = s.left[0], s.left[1:]
	return k, s.vary(s.gap), s.vary(s.fault)
}

// counted returns a plan that counts the calls with a fault.
func counted(plan ct.Faults, n *atomic.Int64) ct.Faults {
	return func(c ct.Call) ct.Fault {
		f := plan(c)
		if f != (ct.Fault{}) {
			n.Add(1)
		}
		return f
	}
}
