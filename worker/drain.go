package worker

import (
	"context"
	"fmt"
	"time"

	"conductor-jwt/conductor"
)

// DrainError says that a run ended with tasks in flight.
type DrainError struct {
	Left int // tasks that were neither reported nor given back
}

// Error implements the error interface.
func (e *DrainError) Error() string {
	return fmt.Sprintf("worker: %d tasks in flight could be neither reported nor given back; the server delivers those again whose definition has a response timeout", e.Left)
}

// drain waits until no task is in flight. When the drain timeout is over,
// stopExecuting ends every execution and every report, and their tasks are given
// back. A poll in flight is waited for even then: the tasks that it brings are
// leased to this worker, and no other worker can give them back.
func (w *Worker) drain(ctx context.Context, stopExecuting func()) error {
	ctx = context.WithoutCancel(ctx)
	began := time.Now()
	w.log.InfoContext(ctx, "draining: no new polls", "in_flight", w.inFlight.size(), "timeout", w.opts.DrainTimeout.String())
	idle := make(chan struct{})
	go func() {
		w.running.Wait()
		close(idle)
	}()
	if !w.waitIdle(idle, w.opts.DrainTimeout) {
		stopExecuting()
		limit := max(w.opts.DrainTimeout, w.opts.PollTimeout+conductor.PollMargin) + maxGiveBack + minAttempt
		w.waitIdle(idle, limit-time.Since(began))
	}
	if err := w.drainResult(); err != nil {
		return err
	}
	w.log.InfoContext(ctx, "drained: no task is in flight", "took", time.Since(began).String())
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
