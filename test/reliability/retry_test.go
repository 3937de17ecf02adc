package reliability

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/config"
	"conductor-jwt/keys"
	"conductor-jwt/task"
	"conductor-jwt/test/conductortest"
	"conductor-jwt/worker"
)

// startWorker runs a worker on a ledger until stop is called.
func startWorker(t *testing.T, l *conductortest.Ledger) (stop func()) {
	t.Helper()
	w := newWorker(t, l, newHandler(func(o *task.Options) { o.Stored = l }))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := l.Check(); err != nil {
			t.Error(err)
		}
	}
}

// newWorker returns a worker of eight slots with the default settings.
func newWorker(t *testing.T, s worker.Server, h worker.Handler) *worker.Worker {
	t.Helper()
	types := []string{TaskType}
	w, err := worker.New(worker.Options{
		Server: s, Handler: h, Metrics: worker.NewMetrics(types), Logger: slog.New(slog.DiscardHandler),
		TaskTypes: types, WorkerID: "w", Slots: 8, Pollers: 2, PollTimeout: conductortest.MaxPollTimeout, DrainTimeout: 25 * time.Second,
	})
	must(t, err)
	return w
}

// newHandler returns a handler with the default settings, modified by change.
func newHandler(change func(*task.Options)) *task.Handler {
	c := config.Defaults()
	o := task.Options{
		Keys:       keys.NewParser(keys.ParserOptions{}),
		DefaultTTL: c.DefaultTTL,
		MaxTTL:     c.MaxTTL,
		KeyWait:    c.KeyWait,
		Output:     task.OutputMode(c.Output),
		Injection:  task.InjectionMode(c.SecretInjection),
		Unknown:    task.UnknownMode(c.UnknownInputs),
		Now:        time.Now,
		NewID:      task.NewID,
		Logger:     slog.New(slog.DiscardHandler),
	}
	change(&o)
	return task.NewHandler(o)
}

// Retry-After is obeyed up to a minute; a malformed one is ignored.
func TestRetryAfterIsObeyedUpToAMinute(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		header           string
		minWait, maxWait time.Duration
	}{
		{"5", 5 * time.Second, 5200 * time.Millisecond},
		{"60", 60 * time.Second, 60 * time.Second},
		{"61", 60 * time.Second, 60 * time.Second},
		{"86400", 60 * time.Second, 60 * time.Second},
		{"99999999999999999999999999", 60 * time.Second, 60 * time.Second},
		{"Sat, 01 Jan 2000 00:00:20 GMT", 14500 * time.Millisecond, 15500 * time.Millisecond}, // polled at :05 in the bubble
		{"Fri, 31 Dec 1999 00:00:00 GMT", 0, 200 * time.Millisecond},
		{"0", 0, 200 * time.Millisecond},
		{"-3", 0, 200 * time.Millisecond},
		{"1.5", 0, 200 * time.Millisecond},
		{"soon", 0, 200 * time.Millisecond},
		{"", 0, 200 * time.Millisecond},
	} {
		t.Run(c.header, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var refused, again time.Time
				l := conductortest.NewLedger(conductortest.Options{Faults: func(call conductortest.Call) conductortest.Fault {
					switch {
					case call.Name != "poll":
					case call.Seq == 4: // earlier polls are in flight; no poll may be sent before the time is over
						refused = time.Now()
						return conductortest.Fault{Status: http.StatusTooManyRequests, RetryAfter: c.header}
					case call.Seq > 4 && again.IsZero() && time.Since(refused) > 0:
						again = time.Now()
					}
					return conductortest.Fault{}
				}})
				stop := startWorker(t, l)
				<-time.After(5 * time.Minute)
				stop()
				if gap := again.Sub(refused); gap < c.minWait || gap > c.maxWait+time.Second {
					t.Errorf("the next poll came after %s, want %s to %s", gap, c.minWait, c.maxWait)
				}
			})
		})
	}
}

// While the server is down polls are rare, and the first poll after the outage
// comes soon.
func TestPollRateDuringAnOutage(t *testing.T) {
	t.Parallel()
	const trials, pollers = 500, 2
	var recovered []time.Duration
	polled := 0
	synctest.Test(t, func(t *testing.T) {
		l := conductortest.NewLedger(conductortest.Options{})
		stop := startWorker(t, l)
		down := func(conductortest.Call) conductortest.Fault {
			return conductortest.Fault{Err: &conductor.Error{Class: conductor.Network, Call: "poll"}}
		}
		for range trials {
			l.SetFaults(down)
			<-time.After(20 * time.Second) // until the backoff has reached its maximum
			before := l.Calls("poll")
			<-time.After(30*time.Second + rand.N(5*time.Second))
			polled += l.Calls("poll") - before
			l.SetFaults(nil)
			back, polls := time.Now(), len(l.Polls())
			must(t, l.WaitFor(t.Context(), func() bool { return len(l.Polls()) > polls }))
			recovered = append(recovered, time.Since(back))
			<-time.After(time.Minute)
		}
		stop()
	})
	slices.Sort(recovered)
	median := recovered[trials/2]
	rate := float64(polled) / (trials * 32.5 * pollers)
	t.Logf("first poll after %s in the median of %d outages, %s at most; %.2f polls a second for each poller", median, trials, recovered[trials-1], rate)
	if median > 2*time.Second {
		t.Errorf("the first poll came %s after the outage in the median, want at most 2 s", median)
	}
	if rate > 1 {
		t.Errorf("%.2f polls a second from each poller during an outage, want at most 1", rate)
	}
}
