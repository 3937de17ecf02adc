package worker

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/test/conductortest"
)

func TestReadyAfterTheFirstPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		r := prepare(t, l, Options{TaskTypes: []string{"A", "B"}})
		if ok, _ := r.worker.Ready(); ok || r.worker.Live() != nil {
			t.Error("before the start: want live, not ready")
		}
		r.run()
		synctest.Wait()
		ok, h := r.worker.Ready()
		if !ok || r.since() > 0 {
			t.Errorf("not ready at once, though the server answers: %+v", h)
		}
		l.SetFaults(func(conductortest.Call) conductortest.Fault { return conductortest.Fault{Status: 500} })
		time.Sleep(10 * time.Minute)
		if ok, h = r.worker.Ready(); !ok || h.Queues[1].Failing != "server" {
			t.Errorf("an outage shows in the details alone: ready %v, %+v", ok, h)
		}
		raw, err := json.Marshal(h)
		if err != nil || !strings.Contains(string(raw), `"failing":"server"`) {
			t.Errorf("%s, %v", raw, err)
		}
		l.SetFaults(nil)
		time.Sleep(10 * time.Second)
		if _, h = r.worker.Ready(); h.Queues[0].Failing != "" {
			t.Errorf("still failing: %+v", h)
		}
		r.drainClean()
		if ok, h = r.worker.Ready(); ok || !h.Draining {
			t.Error("ready after the drain")
		}
	})
}

func TestLoopThatStandsStillIsNotLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		s := &tap{Server: l, onPoll: func(ctx context.Context, _ conductor.Query, _ func() ([]api.Task, error)) ([]api.Task, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		r := start(t, l, Options{Server: s})
		time.Sleep(59 * time.Second)
		if err := r.worker.Live(); err != nil {
			t.Errorf("after 59 s: %v", err)
		}
		time.Sleep(3 * time.Second)
		if err := r.worker.Live(); err == nil || !strings.Contains(err.Error(), "2 of 2") {
			t.Errorf("after 62 s: %v", err)
		}
		r.worker.Abort()
		if err := <-r.result; !errors.Is(err, ErrAborted) {
			t.Errorf("Run returned %v", err)
		}
		synctest.Wait()
		if err := r.worker.Live(); err != nil {
			t.Errorf("loops that have ended: %v", err)
		}
		r.stop()
	})
}

func TestLiveWhileEverythingWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		l.SetFaults(conductortest.Plan(1, conductortest.Rule{Call: "update", Fault: conductortest.Fault{Status: 500}}))
		for range 20 {
			l.Enqueue(conductortest.TaskSpec{Type: jwtType})
		}
		r := start(t, l, Options{Slots: 1, Pollers: 2})
		for range 60 {
			time.Sleep(5 * time.Second)
			if err := r.worker.Live(); err != nil {
				t.Fatalf("after %s: %v", seconds1(r.since()), err)
			}
		}
		r.worker.Abort()
		if err := <-r.result; !errors.Is(err, ErrAborted) {
			t.Errorf("Run returned %v", err)
		}
		r.stop()
	})
}
