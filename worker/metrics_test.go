package worker

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/task"
	"conductor-jwt/test/conductortest"
)

var update = flag.Bool("update", false, "write testdata/metrics.txt anew")

// exposition is what a scrape gives: each series as name{label="value"} with
// its value, of a histogram its count; and the outline, which has each family's
// type, name, labels and buckets.
func exposition(t *testing.T, m *Metrics) (series map[string]float64, outline string) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(m); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series = map[string]float64{}
	var text strings.Builder
	for _, f := range families {
		fmt.Fprintf(&text, "%s %s", strings.ToLower(f.GetType().String()), f.GetName())
		for i, one := range f.GetMetric() {
			var labels []string
			for _, l := range one.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
				if i == 0 {
					fmt.Fprintf(&text, " %s", l.GetName())
				}
			}
			for _, b := range one.GetHistogram().GetBucket() {
				if i == 0 {
					fmt.Fprintf(&text, " %g", b.GetUpperBound())
				}
			}
			name := f.GetName() + "{" + strings.Join(labels, ",") + "}"
			series[name] = one.GetCounter().GetValue() + one.GetGauge().GetValue() + float64(one.GetHistogram().GetSampleCount())
		}
		text.WriteByte('\n')
	}
	return series, text.String()
}

// everyMetric is a run in which everything happens that has a metric.
func everyMetric(t *testing.T, m *Metrics) {
	t.Helper()
	l := newLedger()
	l.SetFaults(conductortest.Plan(
		1,
		conductortest.Rule{Call: "poll", Times: 1, Fault: conductortest.Fault{Status: 503}},
		conductortest.Rule{Call: "update", Times: 1, Fault: conductortest.Fault{Status: 500}},
		conductortest.Rule{Call: "update", Skip: 5, Times: 1, Fault: conductortest.Fault{Status: 400}},
	))
	enqueue(l, 8)
	l.Enqueue(conductortest.TaskSpec{Type: jwtType, Name: "unbounded"})
	n := 0
	r := start(t, l, Options{Pollers: 1, Slots: 1, Metrics: m, Handler: handlerFunc(func(ctx context.Context, d api.Task) task.Outcome {
		switch n++; n {
		case 1:
			panic("x")
		case 2:
			return task.Outcome{Status: api.FailedWithTerminalError, Reason: "key_weak: x", Fault: task.Fault{Code: "key_weak"}}
		case 3:
			return task.Outcome{Status: api.InProgress, Reason: "key_unavailable: x", Fault: task.Fault{Code: "key_unavailable"}}
		case 4:
			return task.Outcome{Status: api.Failed, Reason: "x", Fault: task.Fault{Code: "subject is " + canary}}
		}
		return signIn(30*time.Millisecond)(ctx, d)
	})})
	r.idle(5 * time.Minute)
	m.Request("poll", 200, time.Millisecond)
	m.Request("update", 0, time.Millisecond)
	m.Request("get task", 404, time.Millisecond)
	m.Request(canary, 7, time.Millisecond)
	m.ClockSkew(-1500 * time.Millisecond)
	m.unreadableTask()
	m.unreadableTask()
	r.drainClean()
}

func TestMetricsAreTheCanonicalOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMetrics([]string{jwtType})
		everyMetric(t, m)
		series, outline := exposition(t, m)
		const golden = "testdata/metrics.txt"
		if *update {
			if err := os.WriteFile(golden, []byte(outline), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if outline != string(want) {
			t.Errorf("names, labels or buckets have changed; dashboards read them. Got\n%s", outline)
		}
		for name := range series {
			if strings.Contains(name, "canary") {
				t.Errorf("a label is not of a closed set: %s", name)
			}
		}
	})
}

func TestMetricsCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMetrics([]string{jwtType})
		everyMetric(t, m)
		got, _ := exposition(t, m)
		for name, want := range map[string]float64{
			`task_poll_error_total{exception="server",taskType="GET_SIGNED_JWT"}`:              1,
			`task_execute_error_total{exception="internal",taskType="GET_SIGNED_JWT"}`:         1,
			`task_execute_error_total{exception="other",taskType="GET_SIGNED_JWT"}`:            1,
			`task_update_error_total{exception="server",taskType="GET_SIGNED_JWT"}`:            1,
			`task_update_error_total{exception="rejected",taskType="GET_SIGNED_JWT"}`:          1,
			`thread_uncaught_exceptions_total{exception="panic"}`:                              1,
			`active_workers{taskType="GET_SIGNED_JWT"}`:                                        0,
			`conductor_jwt_failures_total{code="key_weak"}`:                                    1,
			`conductor_jwt_failures_total{code="ttl_out_of_range"}`:                            0,
			`conductor_jwt_deliveries_ended_total{end="postponed"}`:                            1,
			`conductor_jwt_updates_lost_total{end="refused"}`:                                  1,
			`conductor_jwt_tasks_without_response_timeout_total{taskType="GET_SIGNED_JWT"}`:    1,
			`conductor_jwt_clock_skew_seconds{}`:                                               -1.5,
			`conductor_jwt_tasks_unreadable_total{}`:                                           2,
			`http_api_client_request_seconds{method="GET",status="404",uri="/tasks/{taskId}"}`: 1,
			`http_api_client_request_seconds{method="POST",status="0",uri="/tasks"}`:           1,
			`http_api_client_request_seconds{method="GET",status="other",uri="other"}`:         1,
			`task_execute_time_seconds{status="FAILURE",taskType="GET_SIGNED_JWT"}`:            4,
		} {
			if have, ok := got[name]; !ok || have != want {
				t.Errorf("%s is %v (there: %v), want %v", name, have, ok, want)
			}
		}
		signed := got[`conductor_jwt_tokens_total{algorithm="RS256",key_kind="rsa"}`]
		started := got[`task_execution_started_total{taskType="GET_SIGNED_JWT"}`]
		if signed < 6 || started != signed+4 {
			t.Errorf("%v tokens, %v starts", signed, started)
		}
		if got[`task_execution_queue_full_total{taskType="GET_SIGNED_JWT"}`] == 0 || got[`task_poll_total{taskType="GET_SIGNED_JWT"}`] == 0 {
			t.Error("no poll, or never full, with one slot")
		}
	})
}

func TestCodesOfTheEngineAreInTheTable(t *testing.T) {
	for _, o := range []task.Outcome{panicOutcome(), lateOutcome(), malformedOutcome()} {
		i := slices.IndexFunc(task.Codes(), func(c task.Code) bool { return c.Name == o.Fault.Code })
		if i < 0 || task.Codes()[i].Status != o.Status {
			t.Errorf("%s ends as %s, which is not what the table of failures says", o.Fault.Code, o.Status)
		}
	}
}

func TestClassesAreLabels(t *testing.T) {
	m := NewMetrics([]string{jwtType})
	for _, err := range []*conductor.Error{nil, {Class: conductor.Network}, {Class: conductor.TooLarge}} {
		m.Polled(jwtType, err, 0)
		m.Updated(jwtType, err, 100, 0)
	}
	got, _ := exposition(t, m)
	if got[`task_poll_time_seconds{status="FAILURE",taskType="GET_SIGNED_JWT"}`] != 2 ||
		got[`task_result_size_bytes{taskType="GET_SIGNED_JWT"}`] != 1 {
		t.Errorf("%v", got)
	}
}

func TestOutcomesAreCounted(t *testing.T) {
	m := NewMetrics([]string{jwtType})
	// As many of each kind as no other kind or its opposite has.
	m.Executed(Executed{TaskType: jwtType, Outcome: task.Outcome{Status: api.Completed, Unchecked: true}})
	for range 2 {
		m.Executed(Executed{TaskType: jwtType, Outcome: task.Outcome{Status: api.Failed}})
		m.panicked()
	}
	for range 4 {
		m.Executed(Executed{TaskType: jwtType, Outcome: task.Outcome{Status: api.Completed}})
	}
	for range 8 {
		m.Executed(Executed{TaskType: jwtType, Outcome: task.Outcome{Status: api.Completed, Provider: "okta", Cached: true}})
	}
	got, _ := exposition(t, m)
	for name, want := range map[string]float64{
		`conductor_jwt_tokens_total{algorithm="other",key_kind="other"}`:        5, // a cached token was not signed
		`conductor_jwt_injection_unchecked_total{}`:                             1,
		`thread_uncaught_exceptions_total{exception="panic"}`:                   2,
		`task_execute_time_seconds{status="SUCCESS",taskType="GET_SIGNED_JWT"}`: 13,
		`task_execute_time_seconds{status="FAILURE",taskType="GET_SIGNED_JWT"}`: 2,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
}

func TestEachPollIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, m := newLedger(), NewMetrics([]string{jwtType})
		l.SetFaults(conductortest.Plan(1, conductortest.Rule{Call: "poll", Times: 2, Fault: conductortest.Fault{Status: 503}}))
		enqueue(l, 20)
		r := start(t, l, Options{Slots: 4, Pollers: 1, Metrics: m})
		r.idle(time.Minute)
		r.drainClean()
		got, _ := exposition(t, m)
		polls := got[`task_poll_total{taskType="GET_SIGNED_JWT"}`]
		failed := got[`task_poll_error_total{exception="server",taskType="GET_SIGNED_JWT"}`]
		tasks := got[`task_execution_started_total{taskType="GET_SIGNED_JWT"}`]
		if tasks != 20 || failed != 2 || polls-failed != float64(len(l.Polls())) {
			t.Errorf("%v tasks and %v failures in %v polls of %d", tasks, failed, polls, len(l.Polls()))
		}
		for _, p := range l.Polls() {
			if p.Query.Count < 1 || p.Query.Count > 4 || p.Returned > p.Query.Count {
				t.Errorf("%+v", p)
			}
		}
	})
}

// Alerts look at these series before anything has happened.
func TestSeriesThatAreThereFromTheStart(t *testing.T) {
	got, _ := exposition(t, NewMetrics([]string{jwtType}))
	for _, name := range []string{
		`active_workers{taskType="GET_SIGNED_JWT"}`, `task_poll_total{taskType="GET_SIGNED_JWT"}`,
		`task_execution_started_total{taskType="GET_SIGNED_JWT"}`, `task_execution_queue_full_total{taskType="GET_SIGNED_JWT"}`,
		`task_poll_error_total{exception="network",taskType="GET_SIGNED_JWT"}`, `task_update_error_total{exception="rejected",taskType="GET_SIGNED_JWT"}`,
		`conductor_jwt_failures_total{code="key_weak"}`, `thread_uncaught_exceptions_total{exception="panic"}`,
		`conductor_jwt_tasks_without_response_timeout_total{taskType="GET_SIGNED_JWT"}`,
		`conductor_jwt_deliveries_ended_total{end="given_back"}`, `conductor_jwt_updates_lost_total{end="lease_spent"}`,
	} {
		if value, ok := got[name]; !ok || value != 0 {
			t.Errorf("%s is %v (there: %t)", name, value, ok)
		}
	}
	if _, ok := got[`conductor_jwt_updates_lost_total{end="acknowledged"}`]; ok {
		t.Error("an acknowledged update counts among the lost ones")
	}
}

func TestEachCallHasItsRoute(t *testing.T) {
	m := NewMetrics([]string{jwtType})
	routes := map[conductor.Call]string{
		"poll": `method="GET",status="200",uri="/tasks/poll/batch/{taskType}"`, "update": `method="POST",status="200",uri="/tasks"`,
		"get task": `method="GET",status="200",uri="/tasks/{taskId}"`, "get taskdef": `method="GET",status="200",uri="/metadata/taskdefs/{name}"`,
		"create taskdef": `method="POST",status="200",uri="/metadata/taskdefs"`, "token": `method="POST",status="200",uri="/token"`,
		"version": `method="GET",status="200",uri="/version"`, "get workflow": `method="GET",status="200",uri="/workflow/{workflowId}"`,
		"get workflowdefs": `method="GET",status="200",uri="/metadata/workflow"`, "secret exists": `method="GET",status="200",uri="/secrets/{name}/exists"`,
		"secret names": `method="GET",status="200",uri="/secrets"`, "queue size": `method="GET",status="200",uri="/tasks/queue/size"`,
		"poll data": `method="GET",status="200",uri="/tasks/queue/polldata"`, "anything": `method="GET",status="200",uri="other"`,
	}
	for call := range routes {
		m.Request(call, 200, time.Millisecond)
	}
	got, _ := exposition(t, m)
	for call, labels := range routes {
		if n := got["http_api_client_request_seconds{"+labels+"}"]; n != 1 {
			t.Errorf("%s: %v requests", call, n)
		}
	}
}
