package worker

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
)

// mode is what a poller asks for next.
type mode int

const (
	longPoll  mode = iota // one task, with the long timeout
	batchPoll             // as many tasks as there are free slots, without waiting
	probe                 // one task, without waiting: does the server answer?
)

const (
	// singlePolls is how many polls ask for one task after an answer that was
	// too large.
	singlePolls = 64
	// minEmptyPause and maxEmptyPause bound the pause after a long poll that came
	// back empty too early: the server, or a proxy, does not wait as it was asked.
	minEmptyPause, maxEmptyPause = 50 * time.Millisecond, time.Second
)

// queue is one task type. Its pollers share it.
type queue struct {
	index         int
	taskType      string
	pollsInFlight atomic.Int32
	singlePolls   atomic.Int32 // polls left that ask for one task
	backlog       backlog
	lastPoll      atomic.Pointer[time.Time]   // that succeeded; nil for none
	failing       atomic.Pointer[pollFailure] // of the last poll; nil if it succeeded
	proxyTimeout  atomic.Int64                // nanoseconds of the last poll that a proxy seems to have ended
}

// pollFailure is why polls fail.
type pollFailure struct {
	class conductor.Class
	hint  string
	since time.Time // of the first failed poll in a row
}

// failed sets the failure of the last poll.
func (q *queue) failed(err *conductor.Error) {
	f := &pollFailure{class: err.Class, hint: hintFor(err), since: time.Now()}
	if last := q.failing.Load(); last != nil {
		f.since = last.since
	}
	q.failing.Store(f)
}

// poller is one polling loop. It waits for one task with the long timeout. When
// others seem to be queued behind that task, it fetches them without waiting;
// when there is no more, it waits again. A long poll for many tasks would be
// slower: on a server with an SQL store it returns only when all of them are
// there.
type poller struct {
	w         *Worker
	queue     *queue
	phase     time.Duration // of its long polls within the server's tick
	heartbeat heartbeat

	mode          mode
	holdsPollSlot bool          // its slot counts as the slot of a poll
	counted       bool          // it counts in queue.pollsInFlight
	lastStarted   time.Time     // of the tasks of the last poll; zero if it brought none
	failures      int           // failed polls in a row
	emptyEarly    int           // long polls in a row that came back empty too early
	backoff       time.Duration // before the next poll
}

// newPollers makes the pollers of a queue. The first one begins with a probe,
// which fetches what is queued and tells at once whether the server answers. It
// counts as a poll in flight from the start, so that the others wait for their
// phase.
func newPollers(w *Worker, q *queue) []*poller {
	pollers := make([]*poller, w.opts.Pollers)
	for i := range pollers {
		pollers[i] = &poller{w: w, queue: q, phase: phaseOf(i, len(pollers)), mode: longPoll}
	}
	pollers[0].mode = probe
	pollers[0].countPoll()
	return pollers
}

func (p *poller) run(ctxs runContexts) {
	defer p.heartbeat.stop()
	for ctxs.polling.Err() == nil {
		p.heartbeat.beat()
		p.step(ctxs)
	}
}

// step waits until it may poll, polls once and starts the tasks that came.
func (p *poller) step(ctxs runContexts) {
	if !p.backOff(ctxs.polling) {
		return
	}
	if p.mode == longPoll {
		p.queue.backlog.wait(ctxs.polling)
	}
	n := p.take(ctxs.polling)
	if n == 0 {
		return
	}
	if p.mode == longPoll && !p.sleepUntilPhase(ctxs.polling) {
		p.releaseUnused(n)
		return
	}
	p.countPoll()
	if p.mode == batchPoll {
		p.queue.backlog.begin(p) // maxBatchWait counts from here again
	}
	began := time.Now()
	tasks, err := p.poll(ctxs.reporting, n)
	took := time.Since(began)
	p.heartbeat.beat()
	if err != nil {
		p.uncountPoll()
		p.releaseUnused(n)
		p.failed(ctxs.reporting, err, took)
		return
	}
	p.succeeded(ctxs.reporting, tasks, n, took)
	if p.mode != batchPoll {
		p.uncountPoll()
	}
	p.dispatch(ctxs, tasks, n)
}

// backOff waits for the backoff of the last poll and for the pause that the
// server asked of all pollers. It reports whether the poller may poll.
func (p *poller) backOff(ctx context.Context) bool {
	backoff := p.backoff
	p.backoff = 0
	if !sleepBeating(ctx, backoff, p.heartbeat.beat) {
		return false
	}
	for {
		pause := p.w.pollPause.remaining()
		if pause <= 0 {
			return true
		}
		if !sleepBeating(ctx, pause, p.heartbeat.beat) {
			return false
		}
	}
}

// maxGather is how long a batch poll waits for more slots. With all slots busy,
// slots become free one by one, and a poll for each of them would cost a request
// for each task.
const maxGather = 20 * time.Millisecond

// minBatch is for how many free slots a batch poll waits: a third of all.
func minBatch(slots int) int { return (slots + 2) / 3 }

// take takes the slots that the next poll may fill, and its share of the quota.
// It returns 0 when polling has ended.
func (p *poller) take(ctx context.Context) int {
	limit, urgent := 1, p.mode == batchPoll
	if urgent && p.queue.singlePolls.Load() <= 0 {
		limit = p.w.opts.Slots
	}
	if urgent && p.w.slots.full(p.queue.index) {
		p.w.metrics.QueueFull(p.queue.taskType)
	}
	for {
		n := p.w.slots.take(ctx, p.queue.index, urgent, limit, p.heartbeat.beat)
		if n == 0 {
			return 0
		}
		p.holdsPollSlot = !urgent
		if urgent {
			n += p.w.slots.gather(ctx, p.queue.index, min(limit, minBatch(p.w.opts.Slots))-n, maxGather)
			if ctx.Err() != nil {
				p.release(n)
				return 0
			}
		}
		granted, changed := p.w.quota.claim(n)
		if granted < n {
			p.release(n - granted)
		}
		if granted > 0 {
			return granted
		}
		if !waitBeating(ctx, changed, p.heartbeat.beat) {
			return 0
		}
	}
}

// releaseUnused returns n slots that brought no task, and their share of the
// quota.
func (p *poller) releaseUnused(n int) {
	p.release(n)
	p.w.quota.unclaim(n)
}

// release ends the poll and returns n of its slots.
func (p *poller) release(n int) {
	if p.holdsPollSlot {
		p.holdsPollSlot = false
		p.w.slots.releasePoll(p.queue.index, n)
		return
	}
	p.w.slots.release(p.queue.index, n)
}

// sleepUntilPhase waits, before every long poll, for the poller's phase of the
// server's tick: pollers that are spread only once drift together within a
// minute. It does not wait if no other poll of the queue is in flight, because
// the wait would add to the latency of the next task, nor after a task that came
// before the phase of the next poller: the long poll then also fetches a task
// that is queued already.
func (p *poller) sleepUntilPhase(ctx context.Context) bool {
	if p.queue.pollsInFlight.Load() == 0 {
		return ctx.Err() == nil
	}
	wait := untilPhase(time.Since(p.w.epoch), p.phase)
	if late := tick - wait; !p.lastStarted.IsZero() && late < tick/time.Duration(p.w.opts.Pollers) {
		return ctx.Err() == nil
	}
	return sleep(ctx, wait)
}

// countPoll counts a poll in flight of the queue, until uncountPoll. A series of
// batch polls counts from its first to its last.
func (p *poller) countPoll() {
	if !p.counted {
		p.counted = true
		p.queue.pollsInFlight.Add(1)
	}
}

func (p *poller) uncountPoll() {
	if p.counted {
		p.counted = false
		p.queue.pollsInFlight.Add(-1)
	}
}

// poll asks for n tasks. It is never cancelled, because the tasks that it
// returns are already leased. A panic of the client counts as a failed poll.
func (p *poller) poll(ctx context.Context, n int) (tasks []api.Task, failure *conductor.Error) {
	defer func() {
		if recover() != nil {
			p.w.metrics.panicked()
			tasks, failure = nil, panicError("poll")
		}
	}()
	q := conductor.Query{
		TaskType: p.queue.taskType, Domain: p.w.opts.Domain, WorkerID: p.w.opts.WorkerID, Count: n,
	}
	if p.mode == longPoll {
		q.Timeout = p.w.opts.PollTimeout
	}
	tasks, err := p.w.opts.Server.Poll(ctx, q)
	if err != nil {
		return nil, conductorError("poll", err)
	}
	return tasks, nil
}

// failed sets the backoff. A probe comes next: with a long poll, an empty queue
// would hide for the length of the poll that the server is back.
func (p *poller) failed(ctx context.Context, err *conductor.Error, took time.Duration) {
	p.failures++
	p.queue.backlog.end(p)
	if p.mode == longPoll {
		err = p.queue.detectProxyTimeout(err, took, p.w.opts.PollTimeout)
	}
	p.mode = probe
	p.backoff = pollBackoff(err, p.failures, p.w.jitter)
	if err.RetryAfter > 0 {
		p.w.pollPause.extend(min(err.RetryAfter, conductor.MaxRetryAfter))
	}
	if err.Class == conductor.TooLarge {
		p.queue.singlePolls.Store(singlePolls)
	}
	p.queue.failed(err)
	p.w.metrics.Polled(p.queue.taskType, err, took)
	p.w.opts.History.Polled(true)
	p.w.pollLog.failed(ctx, err, p.queue.taskType)
}

// succeeded chooses the next mode, and a pause if the server did not wait.
func (p *poller) succeeded(ctx context.Context, tasks []api.Task, asked int, took time.Duration) {
	p.failures = 0
	now := time.Now()
	p.queue.lastPoll.Store(&now)
	p.queue.failing.Store(nil)
	if p.queue.singlePolls.Load() > 0 {
		p.queue.singlePolls.Add(-1)
	}
	p.w.metrics.Polled(p.queue.taskType, nil, took)
	p.w.pollLog.succeeded(ctx, p.queue.taskType)

	last := p.mode
	p.mode = p.nextMode(tasks, asked)
	if p.mode == batchPoll && !p.queue.backlog.begin(p) {
		p.mode = longPoll
	}
	if p.mode != batchPoll {
		p.queue.backlog.end(p)
	}
	p.lastStarted = latestStart(tasks)
	if len(tasks) > 0 || last != longPoll || took >= p.w.opts.PollTimeout/2 {
		p.emptyEarly = 0
		return
	}
	p.emptyEarly++
	p.backoff = minEmptyPause/2 + p.w.jitter(min(maxEmptyPause, minEmptyPause<<min(p.emptyEarly-1, 10)))
}

// nextMode is batchPoll while more tasks seem to be queued. A batch poll that
// brings fewer than it asked for has emptied the queue. Behind a single task
// others are queued if it waited for a tick, in which any poller of the queue
// would have fetched it, or if it was queued when the task of the last poll was
// given out. An empty batch poll for each task would cost more than it finds.
//
// Both times of a task are the server's, so that the worker's clock does not
// matter. If the wait is not known, or negative because the clocks of the
// server's nodes differ, others may be queued.
func (p *poller) nextMode(tasks []api.Task, asked int) mode {
	backlog := len(tasks) >= asked
	if p.mode != batchPoll {
		backlog = slices.ContainsFunc(tasks, func(t api.Task) bool {
			waited, known := queueWait(t)
			return !known || waited >= tick || !t.Scheduled.After(p.lastStarted)
		})
	}
	if backlog {
		return batchPoll
	}
	return longPoll
}

// queueWait is how long a task was queued, by the server's clock. It is not known
// where the server does not say, or where the clocks of its nodes differ.
func queueWait(t api.Task) (waited time.Duration, known bool) {
	waited = t.Started.Sub(t.Scheduled)
	return waited, !t.Scheduled.IsZero() && !t.Started.IsZero() && waited >= 0
}

// latestStart is when the server gave out the last of the tasks; zero for none.
func latestStart(tasks []api.Task) time.Time {
	var latest time.Time
	for _, t := range tasks {
		if t.Started.After(latest) {
			latest = t.Started
		}
	}
	return latest
}
