package worker_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/task"
	"conductor-jwt/worker"
)

// ended is an execution of a task in a workflow that ended with a code; empty: it
// completed.
func ended(workflow, code string) worker.Executed {
	e := worker.Executed{Workflow: workflow, WorkflowID: "id-of-" + workflow, TaskName: "sign", TaskType: "T", Took: time.Millisecond}
	e.Outcome.Status = api.Completed
	if code != "" {
		e.Outcome.Status, e.Outcome.Fault = api.FailedWithTerminalError, task.Fault{Code: code, Field: "privateKey", Message: "weak; replace it"}
	}
	return e
}

func waiting(workflow string) worker.Executed {
	e := ended(workflow, "key_unavailable")
	e.Outcome.Status = api.InProgress
	return e
}

func TestHistoryIsAnHourLong(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	h := worker.NewHistory(func() time.Time { return now })
	h.Executed(ended("w", ""))
	h.Executed(ended("w", "key_weak"))
	h.Executed(waiting("w"))
	h.Polled(true)
	h.Polled(false)
	now = now.Add(59 * time.Minute)
	h.Executed(ended("w", ""))

	hour := h.Hour()
	first, last, total := hour.Minutes[0], hour.Minutes[59], hour.Total
	if len(hour.Minutes) != 60 || first.Completed != 1 || first.Failed["key_weak"] != 1 || first.Waiting != 1 || first.FailedPolls != 1 || last.Completed != 1 {
		t.Errorf("the hour is from %+v to %+v", first, last)
	}
	if total.Completed != 2 || total.Failures() != 1 || total.Waiting != 1 || total.FailedPolls != 1 {
		t.Errorf("in total %+v", total)
	}
	now = now.Add(time.Minute)
	if hour = h.Hour(); hour.Minutes[0].Completed != 0 || hour.Minutes[58].Completed != 1 || hour.Minutes[59].Completed != 0 {
		t.Errorf("a minute later it is %+v", hour)
	}
	now = now.Add(24 * time.Hour)
	if hour = h.Hour(); hour.Total.Completed+hour.Total.Failures()+hour.Total.Waiting+hour.Total.FailedPolls != 0 {
		t.Errorf("a day later there is still %+v", hour.Total)
	}
	if len(hour.Failures) != 2 {
		t.Errorf("a day later the failures are %+v", hour.Failures)
	}
}

func TestFailuresAreGroupedByCause(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	h := worker.NewHistory(func() time.Time { return now })
	for _, e := range []worker.Executed{ended("a", "key_weak"), ended("b", "key_weak"), waiting("a"), ended("a", "key_weak")} {
		h.Executed(e)
		now = now.Add(time.Minute)
	}
	var got []string
	for _, f := range h.Hour().Failures {
		got = append(got, fmt.Sprintf("%s %s %s %d %s %t", f.Workflow, f.Code, f.Field, f.Times, f.Last.Sub(f.First), f.Waits))
	}
	want := "a key_weak privateKey 2 3m0s false, a key_unavailable privateKey 1 0s true, b key_weak privateKey 1 0s false"
	if strings.Join(got, ", ") != want {
		t.Errorf("%q", got)
	}
}

// However many causes there are, and however long a name is.
func TestHistoryIsBounded(t *testing.T) {
	h := worker.NewHistory(time.Now)
	for i := range 200 {
		h.Executed(ended(strings.Repeat("x", 100_000)+fmt.Sprint(i), "key_weak"))
		h.Executed(ended(fmt.Sprint(i), "key_weak"))
	}
	failures := h.Hour().Failures
	if len(failures) != 50 || failures[0].Workflow != "199" {
		t.Errorf("%d failures, the last in %.20s", len(failures), failures[0].Workflow)
	}
	for _, f := range failures {
		if len(f.Workflow)+len(f.WorkflowID) > 2000 {
			t.Errorf("names of %d bytes", len(f.Workflow)+len(f.WorkflowID))
		}
	}
}

func TestTimesOfStages(t *testing.T) {
	for _, row := range []struct {
		what     string
		each     []time.Duration
		p50, p99 time.Duration
	}{
		{"none", nil, 0, 0},
		{"one", []time.Duration{20 * time.Millisecond}, 20 * time.Millisecond, 20 * time.Millisecond},
		{"less than the first bucket", []time.Duration{0, time.Nanosecond}, 8 * time.Microsecond, 8 * time.Microsecond},
		{"more than the last", []time.Duration{1000 * time.Hour}, 70 * time.Minute, 70 * time.Minute},
		{"a negative one", []time.Duration{-time.Hour}, 8 * time.Microsecond, 8 * time.Microsecond},
		{"an even spread", spread(time.Millisecond, 200), 100 * time.Millisecond, 198 * time.Millisecond},
		{"two seconds among many", append(spread(time.Microsecond, 100), 2*time.Second, 2*time.Second), 51 * time.Microsecond, 2 * time.Second},
	} {
		h := worker.NewHistory(time.Now)
		for _, d := range row.each {
			e := ended("w", "")
			e.Took = d
			h.Executed(e)
			h.Updated(d)
		}
		total := h.Hour().Total
		for _, stage := range []worker.Stage{worker.Execution, worker.Update} {
			got := total.Times(stage)
			if got.Count != len(row.each) || !near(got.P50, row.p50) || !near(got.P99, row.p99) {
				t.Errorf("%s, %s: %+v, want about %s and %s", row.what, stage, got, row.p50, row.p99)
			}
		}
	}
}

// spread is 1 to n units.
func spread(unit time.Duration, n int) (list []time.Duration) {
	for i := range n {
		list = append(list, time.Duration(i+1)*unit)
	}
	return list
}

// near allows the error of an eighth that buckets make.
func near(got, want time.Duration) bool { return (got - want).Abs() <= want/8 }

// A task that waits for its key is executed again and again: its wait in the queue
// counts once.
func TestQueueWaitCountsOnce(t *testing.T) {
	h := worker.NewHistory(time.Now)
	for _, e := range []worker.Executed{waiting("w"), waiting("w"), ended("w", "")} {
		e.QueueWait, e.HasQueueWait = 100*time.Millisecond, true
		h.Executed(e)
	}
	h.Executed(ended("w", "")) // of a server that does not say
	total := h.Hour().Total
	if got := total.Times(worker.QueueWait); got.Count != 1 || !near(got.P50, 100*time.Millisecond) {
		t.Errorf("%+v", got)
	}
}
