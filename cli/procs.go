package cli

import (
	"context"
	"runtime"
	"time"
)

const (
	procsInterval = 250 * time.Millisecond
	// minBusy and maxCalm are shares of one core.
	minBusy, maxCalm = 0.5, 0.25
	// calmIntervals in a row end the use of all cores.
	calmIntervals = 20
)

// procs runs Go code on one thread while a worker uses little of one core. At a few
// tokens a second each step of a task would wake another thread, which takes a sixth
// of the CPU of a token (bench/README.md, "Why goals are missed").
type procs struct {
	used func() time.Duration // CPU time of the process
	one  func()
	all  func()
}

// newProcs returns nil where nothing is to be decided: on one core, and where the
// environment sets GOMAXPROCS.
func newProcs(env Env) *procs {
	if runtime.GOMAXPROCS(0) == 1 || env.variable("GOMAXPROCS") != "" {
		return nil
	}
	return &procs{used: cpuTime, one: func() { runtime.GOMAXPROCS(1) }, all: runtime.SetDefaultGOMAXPROCS}
}

// run decides four times a second until ctx ends. It begins and ends with all cores.
func (p *procs) run(ctx context.Context) {
	ticker := time.NewTicker(procsInterval)
	defer ticker.Stop()
	defer p.all()
	onOne, calm := false, 0
	for at, used := time.Now(), p.used(); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now, usedNow := time.Now(), p.used()
		share := float64(usedNow-used) / float64(now.Sub(at))
		at, used = now, usedNow
		switch {
		case onOne && share >= minBusy:
			p.all()
			onOne, calm = false, 0
		case onOne:
		case share > maxCalm:
			calm = 0
		default:
			if calm++; calm == calmIntervals {
				p.one()
				onOne = true
			}
		}
	}
}
