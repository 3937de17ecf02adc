package reliability

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/test/conductortest"
)

// Row is one fault of the matrix.
type Row struct {
	Number int
	Fault  string
	Stage  Options
	Env    map[string]string
	// Tasks are there before the worker starts.
	Tasks int
	// Plan goes wrong from the start on; nil is nothing.
	Plan conductortest.Faults
	// Play does what a plan cannot: it takes the server down, changes
	// certificates, kills. An error of its own ends the run.
	Play func(ctx context.Context, r *Run) error
	// Within bounds the run, two minutes where it is 0.
	Within time.Duration
	// Promise is what the row wants of a worker beyond what every row does.
	Promise Promise
}

// Promise is what a fault leaves to a worker. The zero value is everything:
// each task completed, and none of them left to the response timeout.
type Promise struct {
	Fails int // tasks that can only fail
	// Redelivers says that the fault itself leaves deliveries unanswered,
	// which the response timeout brings back.
	Redelivers bool
	// Doubles says that tasks are delivered behind the ledger's back.
	Doubles bool
	// Ends is the exit status of a worker that the row tells to end.
	Ends int
	// Calls is the most calls from the start to [Run.Healed]; 0 is no bound.
	Calls int
}

// Run is a row being played.
type Run struct {
	*Stage

	Began time.Time

	start   Starter
	env     map[string]string
	workers []Worker // that are running
	logs    []Worker // all of them
	healed  time.Time
	calls   int // until it healed
	endings []Ending
	pages   string
}

// Ending is how a worker that was told to end left.
type Ending struct {
	Status int // exit status, -1 where it had to be killed
	Left   int // tasks in progress when it had gone
	Took   time.Duration
}

// Run puts a worker through the row, waits until every task has ended, ends
// the worker, and says what the ledger saw. The error is the harness's own, or
// that the tasks did not end in time; the verdict is good either way.
func (row Row) Run(ctx context.Context, keys []Key, start Starter) (v Verdict, err error) {
	within := row.Within
	if within == 0 {
		within = 2 * time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	stage, err := NewStage(ctx, row.Stage, keys)
	if err != nil {
		return Verdict{}, err
	}
	defer stage.Close()
	stage.Load(row.Tasks)
	stage.Ledger.SetFaults(row.Plan)
	r := &Run{Stage: stage, start: start, env: stage.Env(row.Env), Began: time.Now()}
	if _, err = r.Start(); err != nil {
		return Verdict{}, err
	}
	err = row.play(ctx, r)
	v.ended = time.Now()
	for _, w := range slices.Clone(r.workers) {
		status, endErr := r.end(context.WithoutCancel(ctx), w)
		if status != 0 {
			v.Status = status
		}
		err = errors.Join(err, endErr)
	}
	v.judge(r)
	v.Unkept = row.Promise.unkept(v, err)
	return v, err
}

func (row Row) play(ctx context.Context, r *Run) error {
	if row.Play != nil {
		if err := row.Play(ctx, r); err != nil {
			return err
		}
	}
	return r.Await(ctx)
}

// Start starts another worker.
func (r *Run) Start() (Worker, error) {
	w, err := r.start(r.env)
	if err != nil {
		return nil, err
	}
	r.workers, r.logs = append(r.workers, w), append(r.logs, w)
	return w, nil
}

// Worker is the one that was started first of those that run.
func (r *Run) Worker() Worker { return r.workers[0] }

// Healed marks the end of the fault, from which recovery is counted.
func (r *Run) Healed() { r.healed, r.calls = time.Now(), calls(r.Ledger) }

// Stop tells a worker to end and notes how it did.
func (r *Run) Stop(ctx context.Context, w Worker) error {
	began := time.Now()
	status, err := r.end(context.WithoutCancel(ctx), w)
	if errors.Is(err, ErrDoesNotEnd) {
		status, err = -1, nil // the row goes on
	}
	r.endings = append(r.endings, Ending{
		Status: status, Left: r.Ledger.Counts()[api.InProgress], Took: time.Since(began),
	})
	return err
}

// Kill ends a worker at once.
func (r *Run) Kill(w Worker) {
	r.forget(w)
	w.Signal(os.Kill)
}

func (r *Run) forget(w Worker) {
	r.workers = slices.DeleteFunc(r.workers, func(other Worker) bool { return other == w })
}

// end asks a worker to end, and makes it where it does not.
func (r *Run) end(ctx context.Context, w Worker) (int, error) {
	r.forget(w)
	ctx, cancel := context.WithTimeout(ctx, 40*time.Second)
	defer cancel()
	r.pages += Pages(ctx, w)
	w.Signal(syscall.SIGTERM)
	status, err := w.Wait(ctx)
	if err != nil {
		w.Signal(os.Kill)
		return status, fmt.Errorf("%w: %w", ErrDoesNotEnd, err)
	}
	return status, nil
}

// ErrDoesNotEnd is a worker that has to be killed.
var ErrDoesNotEnd = errors.New("the worker does not end")

// unkept is what a run did not keep of a promise. The error is the run's.
func (p Promise) unkept(v Verdict, err error) []string {
	if v.Ledger == nil {
		return []string{"did not start"}
	}
	var out []string
	count := func(n int, what string) {
		if n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, what))
		}
	}
	yes := func(is bool, what string) {
		if is {
			out = append(out, what)
		}
	}
	count(v.Tasks-v.Completed-v.Failed, "not done in time")
	count(v.Failed-p.Fails, "failed")
	if !p.Redelivers {
		count(v.TakenBack, "lost until the response timeout")
		count(v.Again, "done twice")
	}
	yes(v.Broken != nil && !p.Doubles && len(out) == 0, "the ledger does not add up")
	yes(v.Wrong != nil, "wrong tokens")
	for _, l := range v.Leaks {
		yes(true, l.String())
	}
	for _, e := range v.Endings {
		yes(e.Status < 0, "has to be killed after 40 s")
		yes(e.Status >= 0 && e.Status != p.Ends, fmt.Sprintf("exit status %d, not %d", e.Status, p.Ends))
		if !p.Redelivers {
			count(e.Left, "left in progress at the end")
		}
	}
	yes(errors.Is(err, ErrDoesNotEnd), "has to be killed after 40 s")
	yes(v.Status != 0, fmt.Sprintf("exit status %d", v.Status))
	yes(p.Calls > 0 && v.Faulted > p.Calls, fmt.Sprintf("%d calls during the fault", v.Faulted))
	yes(err != nil && len(out) == 0, "was not seen to the end")
	return out
}
