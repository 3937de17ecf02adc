package cli

import (
	"bytes"
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestCoresFollowTheLoad(t *testing.T) {
	type phase struct {
		load  float64 // cores in use
		lasts time.Duration
		all   bool // at the end
	}
	for says, phases := range map[string][]phase{
		"a worker begins with all cores":          {{0, time.Second, true}},
		"idle for five seconds: one":              {{0, 6 * time.Second, false}},
		"a few tokens a second: one":              {{0.1, 6 * time.Second, false}},
		"a backlog: all at once":                  {{0, 6 * time.Second, false}, {0.9, 300 * time.Millisecond, true}},
		"half busy keeps one":                     {{0, 6 * time.Second, false}, {0.4, time.Minute, false}},
		"half busy keeps all":                     {{0.4, time.Minute, true}},
		"a pause of four seconds keeps all":       {{2, 10 * time.Second, true}, {0, 4 * time.Second, true}, {2, time.Second, true}, {0, 4 * time.Second, true}},
		"after a backlog it takes five calm ones": {{0, 6 * time.Second, false}, {0.9, time.Second, true}, {0, 4 * time.Second, true}, {0, 2 * time.Second, false}},
	} {
		t.Run(says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var load atomic.Int64 // percent of a core
				var all atomic.Bool
				all.Store(true)
				used, last := time.Duration(0), time.Now()
				p := &procs{one: func() { all.Store(false) }, all: func() { all.Store(true) }, used: func() time.Duration {
					used += time.Duration(load.Load()) * time.Since(last) / 100
					last = time.Now()
					return used
				}}
				ctx, stop := context.WithCancel(t.Context())
				go p.run(ctx)
				synctest.Wait()
				for i, ph := range phases {
					load.Store(int64(100 * ph.load))
					time.Sleep(ph.lasts)
					synctest.Wait()
					if all.Load() != ph.all {
						t.Errorf("phase %d: all cores: %t, want %t", i, all.Load(), ph.all)
					}
				}
				stop()
				synctest.Wait()
				if !all.Load() {
					t.Error("the end leaves one core")
				}
			})
		})
	}
}

func TestGOMAXPROCSOfTheEnvironmentIsKept(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	for _, set := range []bool{false, true} {
		env := logEnv(new(bytes.Buffer))
		env.Getenv = func(name string) (string, bool) {
			if !set || name != "GOMAXPROCS" {
				return "", false
			}
			return "2", true
		}
		if changes := newProcs(env) != nil; changes == set {
			t.Errorf("GOMAXPROCS is set: %t, and is changed: %t", set, changes)
		}
	}
	runtime.GOMAXPROCS(1)
	if newProcs(logEnv(new(bytes.Buffer))) != nil {
		t.Error("there is something to decide on one core")
	}
}
