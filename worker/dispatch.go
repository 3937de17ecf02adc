package worker

import (
	"context"
	"log/slog"
	"time"

	"conductor-jwt/conductor/api"
)

// dispatch starts the tasks that a poll brought. A server may send more than it
// was asked for. The surplus waits here for slots, and the poller does not poll
// meanwhile: these tasks are leased already.
func (p *poller) dispatch(ctxs runContexts, tasks []api.Task, granted int) {
	now := time.Now()
	used := 0
	var surplus []*delivery
	for _, t := range tasks {
		d := &delivery{task: t, queue: p.queue.index, taskType: p.queue.taskType, received: now}
		switch {
		case !p.w.receive(ctxs.reporting, d):
		case used < granted:
			used++
			p.w.launch(ctxs, d)
		default:
			surplus = append(surplus, d)
		}
	}
	p.releaseUnused(granted - used)
	for _, d := range surplus {
		p.launchLater(ctxs, d)
	}
}

// launchLater waits for a slot. If none is free in time, the task is given back.
func (p *poller) launchLater(ctxs runContexts, d *delivery) {
	ctx, cancel := context.WithDeadline(ctxs.executing, d.startBy())
	defer cancel()
	if p.w.slots.take(ctx, d.queue, true, 1, p.heartbeat.beat) > 0 {
		p.w.launch(ctxs, d)
		return
	}
	p.w.running.Go(func() { p.w.giveBackUnstarted(ctxs, d) })
}

// receive puts the delivery in flight and reports whether it is to be run now.
func (w *Worker) receive(ctx context.Context, d *delivery) bool {
	if d.task.ID == "" {
		w.metrics.unreadableTask()
		w.log.ErrorContext(ctx, "dropped a task without an id: the server cannot be told how it ended", "task_type", d.taskType)
		return false
	}
	if !w.inFlight.add(d) {
		w.metrics.Duplicate(d.taskType)
		w.log.InfoContext(ctx, "a task was delivered again while in flight; it is not run twice at once", d.ids()...)
		return false
	}
	w.metrics.Received(d.taskType)
	w.checkTaskDef(ctx, d)
	return true
}

// launch runs a delivery that has a slot, and releases the slot when the server
// has acknowledged.
func (w *Worker) launch(ctxs runContexts, d *delivery) {
	w.running.Go(func() {
		w.process(ctxs, d)
		w.slots.release(d.queue, 1)
		w.quota.ended()
	})
}

// process runs and reports a delivery, and after it a duplicate that it does not
// settle.
func (w *Worker) process(ctxs runContexts, d *delivery) {
	for d != nil {
		var end End
		outcome, abandoned, ok := w.execute(ctxs, d)
		if ok {
			end = w.report(ctxs, d, outcome)
		} else {
			end = w.giveBack(ctxs.reporting, d)
		}
		d = w.finish(ctxs.reporting, d, end)
		w.holdSlot(ctxs, abandoned)
	}
}

// giveBackUnstarted gives back a delivery that was not started, and a duplicate
// received meanwhile.
func (w *Worker) giveBackUnstarted(ctxs runContexts, d *delivery) {
	for d != nil {
		d = w.finish(ctxs.reporting, d, w.giveBack(ctxs.reporting, d))
	}
}

// finish ends a delivery and returns the duplicate that has to be run after it,
// if any.
func (w *Worker) finish(ctx context.Context, d *delivery, end End) *delivery {
	duplicate := w.inFlight.remove(d, end)
	w.ended(ctx, d, end)
	if duplicate != nil {
		w.metrics.Received(duplicate.taskType)
	}
	return duplicate
}

// ended counts and logs how a delivery ended.
func (w *Worker) ended(ctx context.Context, d *delivery, end End) {
	w.metrics.Ended(d.taskType, end)
	if end.lost() && w.draining.Load() {
		w.lost.Add(1)
	}
	ids := func() []any { return append(d.ids(), "end", string(end)) }
	switch {
	case end.lost():
		w.log.ErrorContext(ctx, "the server did not accept the task's result; it delivers the task again if the task definition has a response timeout", ids()...)
	case end == Gone:
		w.log.WarnContext(ctx, "the server no longer knows the task", ids()...)
	case end == GivenBack:
		w.log.InfoContext(ctx, "the task was given back", ids()...)
	case w.log.Enabled(ctx, slog.LevelDebug): // writing the ids takes longer than counting the end
		w.log.DebugContext(ctx, "task finished", ids()...)
	}
}

// holdSlot keeps the slot of an abandoned handler until it returns, once more
// handlers run than there are slots. Otherwise abandoned handlers would pile up
// without bound.
func (w *Worker) holdSlot(ctxs runContexts, abandoned <-chan struct{}) {
	if abandoned == nil || w.handlers.Load() <= int64(w.opts.Slots) {
		return
	}
	select {
	case <-abandoned:
	case <-ctxs.polling.Done():
	}
}
