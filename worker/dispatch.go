package worker

import (
	"context"
	"time"

	"conductor-jwt/conductor/api"
)

// dispatch starts what a poll brought. A server may send more than it was asked
// for: those wait for slots here, and there is no further poll until they have
// them, because they are leased already.
func (p *poller) dispatch(ctxs runContexts, tasks []api.Task, granted int) {
	now := time.Now()
	used := 0
	var surplus []*delivery
	for i := range tasks {
		j := &delivery{task: tasks[i], queue: p.queue.index, taskType: p.queue.taskType, received: now}
		switch {
		case !p.w.receive(ctxs.reporting, j):
		case used < granted:
			used++
			p.w.launch(ctxs, j)
		default:
			surplus = append(surplus, j)
		}
	}
	p.releaseUnused(granted - used)
	for _, j := range surplus {
		p.launchLater(ctxs, j)
	}
}

// launchLater waits for a slot while the job has time for it; then the task is
// given back.
func (p *poller) launchLater(ctxs runContexts, j *delivery) {
	ctx, cancel := context.WithDeadline(ctxs.executing, j.startBy())
	defer cancel()
	if p.w.slots.take(ctx, j.queue, true, 1, p.heartbeat.beat) > 0 {
		p.w.launch(ctxs, j)
		return
	}
	p.w.running.Go(func() { p.w.giveBackUnstarted(ctxs, j) })
}

// receive takes the delivery in hand and reports whether it is to be run now.
func (w *Worker) receive(ctx context.Context, j *delivery) bool {
	if j.task.ID == "" {
		w.log.ErrorContext(ctx, "a task without an id was dropped, since nothing can be said of it", "task_type", j.taskType)
		return false
	}
	if !w.inFlight.add(j) {
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
func (w *Worker) launch(ctxs runContexts, j *delivery) {
	w.running.Go(func() {
		w.process(ctxs, j)
		w.slots.release(j.queue, 1)
		w.quota.ended()
	})
}

// process carries a delivery to its end, and after it another of the same task
// that came meanwhile and is not settled by the first.
func (w *Worker) process(ctxs runContexts, j *delivery) {
	for j != nil {
		end, abandoned := w.run(ctxs, j)
		j = w.finish(ctxs.reporting, j, end)
		w.holdSlot(ctxs, abandoned)
	}
}

// run executes and reports.
func (w *Worker) run(ctxs runContexts, j *delivery) (End, <-chan struct{}) {
	outcome, abandoned, ok := w.execute(ctxs, j)
	if !ok {
		return w.giveBack(ctxs.reporting, j), abandoned
	}
	return w.report(ctxs, j, outcome), abandoned
}

// giveBackUnstarted gives a delivery back that was never started, and a duplicate that was
// received meanwhile too.
func (w *Worker) giveBackUnstarted(ctxs runContexts, j *delivery) {
	for j != nil {
		j = w.finish(ctxs.reporting, j, w.giveBack(ctxs.reporting, j))
	}
}

// finish takes the delivery out of the hand and returns the one that is to
// follow it, if any.
func (w *Worker) finish(ctx context.Context, j *delivery, end End) *delivery {
	next := w.inFlight.remove(j, end)
	w.ended(ctx, j, end)
	if next != nil {
		w.opts.Observer.Received(next.taskType)
	}
	return next
}

// ended says how a delivery ended; the log has its ids alone.
func (w *Worker) ended(ctx context.Context, j *delivery, end End) {
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

// holdSlot keeps the slot of a handler that was given up and still runs, once
// there are as many of them as slots: else they would pile up without bound.
func (w *Worker) holdSlot(ctxs runContexts, abandoned <-chan struct{}) {
	if abandoned == nil || w.abandoned.Load() <= int64(w.opts.Slots) {
		return
	}
	select {
	case <-abandoned:
	case <-ctxs.polling.Done():
	}
}
