package worker_test

import (
	"testing"
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/task"
	"conductor-jwt/worker"
)

func executed(code task.Code, id string) worker.Executed {
	e := worker.Executed{TaskID: id, WorkflowID: "w-" + id, TaskName: "sign", TaskType: "T"}
	e.Outcome.Status = api.Completed
	if code.Name != "" {
		e.Outcome.Status, e.Outcome.Fault = api.FailedWithTerminalError, task.Fault{Code: code.Name, Field: "privateKey"}
	}
	return e
}

func TestHistoryIsAnHourLong(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	h := worker.NewHistory(func() time.Time { return now })
	weak := task.Code{Name: "key_weak"}
	h.Add(executed(task.Code{}, "1"))
	h.Add(executed(weak, "2"))
	now = now.Add(59 * time.Minute)
	h.Add(executed(task.Code{}, "3"))

	hour := h.Hour()
	if len(hour) != 60 || hour[0].Completed != 1 || hour[0].Failed["key_weak"] != 1 || hour[59].Completed != 1 {
		t.Errorf("the hour is %+v", hour)
	}
	now = now.Add(time.Minute)
	if hour = h.Hour(); hour[0].Completed != 0 || hour[58].Completed != 1 || hour[59].Completed != 0 {
		t.Errorf("a minute later it is %+v", hour)
	}
	now = now.Add(24 * time.Hour)
	for _, m := range h.Hour() {
		if m.Completed != 0 || len(m.Failed) != 0 {
			t.Errorf("a day later there is still %+v", m)
		}
	}
	if f := h.Failures(); len(f) != 1 || f[0].WorkflowID != "w-2" || f[0].Code != "key_weak" {
		t.Errorf("the failures are %+v", f)
	}
}

func TestHistoryKeepsTheLastFailures(t *testing.T) {
	h := worker.NewHistory(time.Now)
	for i := range 50 {
		h.Add(executed(task.Code{Name: "key_weak"}, string(rune('A'+i))))
	}
	f := h.Failures()
	if len(f) != 20 || f[0].TaskID != string(rune('A'+49)) || f[19].TaskID != string(rune('A'+30)) {
		t.Errorf("%d failures, from %s to %s", len(f), f[0].TaskID, f[len(f)-1].TaskID)
	}
}
