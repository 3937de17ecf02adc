package worker

import (
	"context"
	"time"

	"conductor-jwt/conductor"
)

// dispatch starts what a poll brought. A server may send more than it was asked
// for: those wait for slots here, and there is no further poll until they have
// them, because they are leased already.
func (p *poller) dispatch(s spans, tasks []conductor.Task, granted int) {
	now := time.Now()
	used := 0
	var surplus []*job
	for i := range tasks {
		j := &job{task: tasks[i], kind: p.queue.kind, taskType: p.queue.taskType, received: now}
		switch {
		case !p.w.receive(s.flushing, j):
		case used < granted:
			used++
			p.w.launch(s, j)
		default:
			surplus = append(surplus, j)
		}
	}
	p.giveUp(granted - used)
	for _, j := range surplus {
		p.launchLater(s, j)
	}
}

// launchLater waits for a slot while the job has time for it; then the task is
// given back.
func (p *poller) launchLater(s spans, j *job) {
	ctx, cancel := context.WithDeadline(s.working, j.startBy())
	defer cancel()
	if p.w.slots.take(ctx, j.kind, true, 1, p.pulse.beat) > 0 {
		p.w.launch(s, j)
		return
	}
	p.w.running.Go(func() { p.w.decline(s, j) })
}

// receive takes the delivery in hand and reports whether it is to be run now.
func (w *Worker) receive(ctx context.Context, j *job) bool {
	if j.task.ID == "" {
		w.log.ErrorContext(ctx, "a task without an id was dropped, since nothing can be said of it", "task_type", j.taskType)
		return false
	}
	if !w.hand.accept(j) {
		w.opts.Observer.Duplicate(j.taskType)
		w.log.InfoContext(ctx, "a task was delivered again while in hand; it is not run beside itself", j.ids()...)
		return false
	}
	w.opts.Observer.Received(j.taskType)
	w.checkTaskDef(ctx, j)
	return true
}

// launch runs a job that has a slot, and gives the slot back when the server
// has acknowledged.
func (w *Worker) launch(s spans, j *job) {
	w.running.Go(func() {
		w.process(s, j)
		w.slots.release(j.kind, 1)
		w.quota.ended()
	})
}

// process carries a delivery to its end, and after it another of the same task
// that came meanwhile and is not settled by the first.
func (w *Worker) process(s spans, j *job) {
	for j != nil {
		end, stray := w.carry(s, j)
		j = w.conclude(s.flushing, j, end)
		w.holdFor(s, stray)
	}
}

// carry executes and reports.
func (w *Worker) carry(s spans, j *job) (End, <-chan struct{}) {
	outcome, stray, ok := w.execute(s, j)
	if !ok {
		return w.handBack(s.flushing, j), stray
	}
	return w.report(s, j, outcome), stray
}

// decline gives a delivery back that was never started, and a duplicate that was
// received meanwhile too.
func (w *Worker) decline(s spans, j *job) {
	for j != nil {
		j = w.conclude(s.flushing, j, w.handBack(s.flushing, j))
	}
}

// conclude takes the delivery out of the hand and returns the one that is to
// follow it, if any.
func (w *Worker) conclude(ctx context.Context, j *job, end End) *job {
	next := w.hand.done(j, end)
	w.ended(ctx, j, end)
	if next != nil {
		w.opts.Observer.Received(next.taskType)
	}
	return next
}

// ended says how a delivery ended; the log has its ids alone.
func (w *Worker) ended(ctx context.Context, j *job, end End) {
	w.opts.Observer.Ended(j.taskType, end)
	if end.lost() && w.draining.Load() {
		w.lost.Add(1)
	}
	ids := append(j.ids(), "end", string(end))
	switch {
	case end.lost():
		w.log.ErrorContext(ctx, "the server did not take the task's result; it delivers the task again where the definition has a response timeout", ids...)
	case end == Gone:
		w.log.WarnContext(ctx, "the server no longer knows the task", ids...)
	case end == GivenBack:
		w.log.InfoContext(ctx, "the task was given back", ids...)
	default:
		w.log.DebugContext(ctx, "task finished", ids...)
	}
}

// holdFor keeps the slot of a handler that was given up and still runs, once
// there are as many of them as slots: else they would pile up without bound.
func (w *Worker) holdFor(s spans, stray <-chan struct{}) {
	if stray == nil || w.strays.Load() <= int64(w.opts.Slots) {
		return
	}
	select {
	case <-stray:
	case <-s.polling.Done():
	}
}
