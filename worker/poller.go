package worker

import (
	"context"
	"sync/atomic"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
)

// mode is what a poller asks for next.
type mode int

const (
	longPoll  mode = iota // one task, as long as the server will wait
	batchPoll             // as many as there are free slots, without waiting, until there are none
	probe                 // one task, without waiting: is the server there?
)

const (
	// singlePolls is how many polls ask for one task after an answer that was
	// over the limit.
	singlePolls = 64
	// fastEmpty bounds the rest after a cold poll that came back empty too
	// soon: something on the way does not wait as it was asked to.
	minEmptyPause, maxEmptyPause = 50 * time.Millisecond, time.Second
)

// queue is one task type, which all its pollers share.
type queue struct {
	index         int
	taskType      string
	pollsInFlight atomic.Int32 // polls in flight
	single        atomic.Int32 // polls that are still to ask for one
	lastGood      atomic.Int64 // unix nanoseconds of the last poll that succeeded; 0 for none
	class         atomic.Pointer[conductor.Class]
	proxyTimeout  atomic.Int64 // nanoseconds that the last poll took which something on the way ended
}

// poller is one loop of the doorbell: it waits for one task with the long
// timeout; when one came it sweeps up what else is queued without waiting; when
// there is no more it waits again. A long poll for many would wait for all of
// them on a server with an SQL store.
type poller struct {
	w         *Worker
	queue     *queue
	epoch     time.Time
	phase     time.Duration
	heartbeat *heartbeat

	mode          mode
	holdsPollSlot bool          // this poller holds a slot that counts as a poll's
	counted       bool          // this poller counts in queue.pollsInFlight
	failures      int           // polls failed in a row
	emptyEarly    int           // cold polls in a row that came back empty too soon
	wait          time.Duration // before the next poll
}

func (p *poller) run(ctxs runContexts) {
	defer p.heartbeat.stop()
	for ctxs.polling.Err() == nil {
		p.heartbeat.beat()
		p.step(ctxs)
	}
}

// step is one poll, with all that is to be waited for before it.
func (p *poller) step(ctxs runContexts) {
	if !p.backOff(ctxs.polling) {
		return
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
	asked := time.Now()
	tasks, err := p.poll(ctxs.reporting, n)
	took := time.Since(asked)
	p.heartbeat.beat()
	if err != nil {
		p.uncountPoll()
		p.releaseUnused(n)
		p.failed(ctxs.reporting, err, n, took)
		return
	}
	p.succeeded(ctxs.reporting, len(tasks), n, took)
	if p.mode != batchPoll {
		p.uncountPoll()
	}
	p.dispatch(ctxs, tasks, n)
}

// rest waits for what the last poll and any throttled poll asked for.
func (p *poller) backOff(ctx context.Context) bool {
	wait := p.wait
	p.wait = 0
	if !sleepBeating(ctx, wait, p.heartbeat.beat) {
		return false
	}
	for {
		d := p.w.pollPause.remaining()
		if d <= 0 {
			return true
		}
		if !sleepBeating(ctx, d, p.heartbeat.beat) {
			return false
		}
	}
}

// take gets the slots that the next poll may fill, and its share of the quota.
// None means that the polling is over.
func (p *poller) take(ctx context.Context) int {
	most, urgent := 1, p.mode == batchPoll
	if urgent && p.queue.single.Load() <= 0 {
		most = p.w.opts.Slots
	}
	if urgent && p.w.slots.full(p.queue.index) {
		p.w.opts.Observer.QueueFull(p.queue.taskType)
	}
	for {
		n := p.w.slots.take(ctx, p.queue.index, urgent, most, p.heartbeat.beat)
		if n == 0 {
			return 0
		}
		p.holdsPollSlot = !urgent
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

// giveUp returns slots that brought no task.
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

// attend and leave count the polls in flight of the queue. A sweep counts from
// its first poll to its last.
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

// poll is never cancelled: what it returns is leased already. A panic of the
// client is a failed poll.
func (p *poller) poll(ctx context.Context, n int) (tasks []api.Task, failure *conductor.Error) {
	defer func() {
		if recover() != nil {
			p.w.opts.Observer.Panicked()
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

// failed decides how long to rest. What comes next only looks whether the
// server is back, so that an empty queue does not hide for the length of a
// cold poll that it is.
func (p *poller) failed(ctx context.Context, err *conductor.Error, asked int, took time.Duration) {
	p.failures++
	if p.mode == longPoll {
		err = p.queue.detectProxyTimeout(err, took, p.w.opts.PollTimeout)
	}
	p.mode = probe
	p.wait = pollWait(err, p.failures, p.w.jitter)
	if err.RetryAfter > 0 {
		p.w.pollPause.extend(min(err.RetryAfter, conductor.MaxRetryAfter))
	}
	if err.Class == conductor.TooLarge {
		p.queue.single.Store(singlePolls)
	}
	p.queue.class.Store(&err.Class)
	p.w.opts.Observer.Polled(Polled{TaskType: p.queue.taskType, Asked: asked, Class: err.Class, Took: took})
	p.w.pollLog.failed(ctx, err, p.queue.taskType)
}

func (p *poller) succeeded(ctx context.Context, got, asked int, took time.Duration) {
	p.failures = 0
	p.queue.lastGood.Store(time.Now().UnixNano())
	p.queue.class.Store(nil)
	if p.queue.single.Load() > 0 {
		p.queue.single.Add(-1)
	}
	p.w.opts.Observer.Polled(Polled{TaskType: p.queue.taskType, Asked: asked, Got: got, Took: took})
	p.w.pollLog.succeeded(ctx, p.queue.taskType)

	was := p.mode
	if got > 0 {
		p.mode, p.emptyEarly = batchPoll, 0
		return
	}
	p.mode = longPoll
	if was != longPoll || took >= p.w.opts.PollTimeout/2 {
		p.emptyEarly = 0
		return
	}
	p.emptyEarly++
	p.wait = minEmptyPause/2 + p.w.jitter(min(maxEmptyPause, minEmptyPause<<min(p.emptyEarly-1, 10)))
}
