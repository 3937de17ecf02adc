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
	Number  int
	Fault   string
	Options Options
	Env     map[string]string
	// Tasks is the number of tasks queued before the worker starts.
	Tasks int
	// Plan holds the faults from the start on; nil is none.
	Plan conductortest.Faults
	// Steps do what a plan cannot, such as stopping the server, replacing
	// certificates and killing workers. An error ends the run.
	Steps func(ctx context.Context, r *Run) error
	// Timeout bounds the run; 0 is two minutes.
	Timeout time.Duration
	// Promise is what the row allows a worker.
	Promise Promise
}

// Promise is what a row allows. The zero value allows nothing: each task
// completes, and none is left to the response timeout.
type Promise struct {
	MaxFailed int // tasks that cannot succeed
	// AllowsRedelivery is set where the fault itself leaves deliveries without
	// an update, which the server redelivers after the response timeout.
	AllowsRedelivery bool
	// DeliversDuplicates is set where a proxy delivers tasks again without the
	// ledger's knowledge.
	DeliversDuplicates bool
	// ExitStatus is the wanted status of a worker that the row stops.
	ExitStatus int
	// MaxCalls bounds the calls from the start to [Run.FaultEnded]; 0 is no
	// bound.
	MaxCalls int
}

// Run is a run of a row.
type Run struct {
	*Testbed

	Started time.Time

	start    Starter
	env      map[string]string
	workers  []Worker // running
	all      []Worker
	faultEnd time.Time
	calls    int // until faultEnd
	exits    []Exit
	pages    string
}

// Exit is how a worker that the row stopped ended.
type Exit struct {
	Status     int // -1 if it had to be killed
	InProgress int // tasks in progress when it had ended
	Took       time.Duration
}

// Run runs a worker through the row, waits until every task has ended, stops
// the worker, and judges the ledger. The error is one of the harness, or that
// tasks did not end in time; the verdict is valid in both cases.
func (row Row) Run(ctx context.Context, keys []Key, start Starter) (v Verdict, err error) {
	within := row.Timeout
	if within == 0 {
		within = 2 * time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	bed, err := NewTestbed(ctx, row.Options, keys)
	if err != nil {
		return Verdict{}, err
	}
	defer bed.Close()
	bed.Load(row.Tasks)
	bed.Ledger.SetFaults(row.Plan)
	r := &Run{Testbed: bed, start: start, env: bed.Env(row.Env), Started: time.Now()}
	if _, err = r.Start(); err != nil {
		return Verdict{}, err
	}
	err = row.runSteps(ctx, r)
	v.ended = time.Now()
	for _, w := range slices.Clone(r.workers) {
		status, endErr := r.end(context.WithoutCancel(ctx), w)
		if status != 0 {
			v.Status = status
		}
		err = errors.Join(err, endErr)
	}
	v.judge(r)
	v.Violations = row.Promise.violations(v, err)
	return v, err
}

func (row Row) runSteps(ctx context.Context, r *Run) error {
	if row.Steps != nil {
		if err := row.Steps(ctx, r); err != nil {
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
	r.workers, r.all = append(r.workers, w), append(r.all, w)
	return w, nil
}

// Worker returns the running worker that was started first.
func (r *Run) Worker() Worker { return r.workers[0] }

// FaultEnded marks the end of the fault, from which recovery is timed.
func (r *Run) FaultEnded() { r.faultEnd, r.calls = time.Now(), calls(r.Ledger) }

// Stop stops a worker and records how it ended.
func (r *Run) Stop(ctx context.Context, w Worker) error {
	began := time.Now()
	status, err := r.end(context.WithoutCancel(ctx), w)
	if errors.Is(err, errDoesNotEnd) {
		status, err = -1, nil // the row continues
	}
	r.exits = append(r.exits, Exit{
		Status: status, InProgress: r.Ledger.Counts()[api.InProgress], Took: time.Since(began),
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

// end sends SIGTERM to a worker, and kills it if it does not end within 40 s.
func (r *Run) end(ctx context.Context, w Worker) (int, error) {
	r.forget(w)
	ctx, cancel := context.WithTimeout(ctx, 40*time.Second)
	defer cancel()
	r.pages += Pages(ctx, w)
	w.Signal(syscall.SIGTERM)
	status, err := w.Wait(ctx)
	if err != nil {
		w.Signal(os.Kill)
		return status, fmt.Errorf("%w: %w", errDoesNotEnd, err)
	}
	return status, nil
}

// errDoesNotEnd reports a worker that had to be killed.
var errDoesNotEnd = errors.New("the worker does not end on SIGTERM")

// violations lists what a run did not keep of the promise. err is the run's.
func (p Promise) violations(v Verdict, err error) []string {
	if v.Ledger == nil {
		return []string{"did not start"}
	}
	var out []string
	count := func(n int, what string) {
		if n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, what))
		}
	}
	add := func(violated bool, what string) {
		if violated {
			out = append(out, what)
		}
	}
	count(v.Tasks-v.Completed-v.Failed, "not done in time")
	count(v.Failed-p.MaxFailed, "failed")
	if !p.AllowsRedelivery {
		count(v.TimedOut, "lost until the response timeout")
		count(v.DoneTwice, "done twice")
	}
	add(v.LedgerErr != nil && !p.DeliversDuplicates && len(out) == 0, "the ledger is inconsistent")
	add(v.TokenErr != nil, "wrong tokens")
	for _, l := range v.Leaks {
		add(true, l.String())
	}
	for _, e := range v.Exits {
		add(e.Status < 0, "had to be killed after 40 s")
		add(e.Status >= 0 && e.Status != p.ExitStatus, fmt.Sprintf("exit status %d, not %d", e.Status, p.ExitStatus))
		if !p.AllowsRedelivery {
			count(e.InProgress, "left in progress at the end")
		}
	}
	add(errors.Is(err, errDoesNotEnd), "had to be killed after 40 s")
	add(v.Status != 0, fmt.Sprintf("exit status %d", v.Status))
	add(p.MaxCalls > 0 && v.CallsDuringFault > p.MaxCalls, fmt.Sprintf("%d calls during the fault", v.CallsDuringFault))
	add(err != nil && len(out) == 0, "did not run to the end")
	return out
}
