package reliability

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"conductor-jwt/internal/conductortest"
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
	// certificates, kills. What it returns ends the run.
	Play func(ctx context.Context, r *Run) error
	// Within bounds the run, a minute where it is 0.
	Within time.Duration
	// Leaves is set where Play ends the workers itself.
	Leaves bool
}

// Run is a row being played.
type Run struct {
	*Stage

	Worker Worker // the first one
	Began  time.Time

	start  Starter
	env    map[string]string
	healed time.Time
}

// Start starts another worker.
func (r *Run) Start() (Worker, error) { return r.start(r.env) }

// Healed marks the end of the fault, from which recovery is counted.
func (r *Run) Healed() { r.healed = time.Now() }

// Run puts a worker through the row, waits until every task has ended, ends
// the worker, and says what the ledger saw. The error is the harness's own, or
// that the tasks did not end in time; the verdict is good either way.
func (row Row) Run(ctx context.Context, keys []Key, start Starter) (v Verdict, err error) {
	within := row.Within
	if within == 0 {
		within = time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	stage, err := NewStage(row.Stage, keys)
	if err != nil {
		return Verdict{}, err
	}
	defer stage.Close()
	stage.Load(row.Tasks)
	stage.Ledger.SetFaults(row.Plan)
	r := &Run{Stage: stage, start: start, env: stage.Env(row.Env), Began: time.Now()}
	if r.Worker, err = r.Start(); err != nil {
		return Verdict{}, err
	}
	err = row.play(ctx, r)
	all := time.Now()
	v = Verdict{Log: r.Worker.Log()}
	if !row.Leaves {
		status, waitErr := end(r.Worker)
		v.Status, v.Log = status, r.Worker.Log()
		err = errors.Join(err, waitErr)
	}
	v.judge(r, all)
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

// end asks a worker to end, and makes it where it does not.
func end(w Worker) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	w.Signal(syscall.SIGTERM)
	status, err := w.Wait(ctx)
	if err != nil {
		w.Signal(syscall.SIGKILL)
		return status, fmt.Errorf("the worker does not end: %w", err)
	}
	return status, nil
}
