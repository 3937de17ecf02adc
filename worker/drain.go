package worker

import (
	"context"
	"fmt"
	"time"

	"conductor-jwt/conductor"
)

// DrainError is a run that ended with tasks in hand.
type DrainError struct {
	Left int // tasks that were neither reported nor given back
}

// Error implements the error interface.
func (e *DrainError) Error() string {
	return fmt.Sprintf("worker: %d tasks in hand could be neither reported nor given back; the server delivers those again whose definition has a response timeout", e.Left)
}

// drain waits until nothing is in hand. When the drain timeout is over, stopExecuting
// ends every execution and every report, and those tasks are given back. A poll
// in flight is waited for however short the timeout is: what it brings is
// leased to this worker, and nobody else can give it back.
func (w *Worker) drain(ctx context.Context, stopExecuting func()) error {
	ctx = context.WithoutCancel(ctx)
	began := time.Now()
	w.log.InfoContext(ctx, "draining: no new polls", "in_hand", w.inFlight.size(), "timeout", w.opts.DrainTimeout.String())
	idle := make(chan struct{})
	go func() {
		w.running.Wait()
		close(idle)
	}()
	if !w.waitIdle(idle, w.opts.DrainTimeout) {
		stopExecuting()
		last := max(w.opts.DrainTimeout, w.opts.PollTimeout+conductor.PollMargin) + maxGiveBack + minAttempt
		w.waitIdle(idle, last-time.Since(began))
	}
	if err := w.drainResult(); err != nil {
		return err
	}
	w.log.InfoContext(ctx, "drained: nothing is left in hand", "took", time.Since(began).String())
	return nil
}

// waitIdle reports whether all tasks ended, or Abort was called, within d.
func (w *Worker) waitIdle(idle <-chan struct{}, d time.Duration) bool {
	select {
	case <-idle:
		return true
	case <-w.abort:
		return true
	case <-time.After(d):
		return false
	}
}

func (w *Worker) drainResult() error {
	left := w.inFlight.size() + int(w.lost.Load())
	select {
	case <-w.abort:
		return fmt.Errorf("%w (%d)", ErrAborted, left)
	default:
	}
	if left > 0 {
		return &DrainError{Left: left}
	}
	return nil
}
