package cli

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
)

const metricsPage = "../docs/metrics.md"

// The page is generated from the collectors: `go test ./cli -run Metrics -update`.
func TestMetricsPageIsTheCollectors(t *testing.T) {
	r := newRig(t)
	r.everything(t)
	want := metricsDocument(t, r.families(t))
	if *update {
		if err := os.WriteFile(metricsPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(metricsPage)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the collectors say; run `go test ./cli -run Metrics -update`", metricsPage)
	}
}

const metricsPreface = `# Metrics

<!-- Written by go test ./cli -run Metrics -update from the collectors themselves. -->

Reference for operators: every metric of ` + "`GET /metrics`" + ` on the address ` + "`listen`" + `, in Prometheus' text format or OpenMetrics, except Go's ` + "`go_*`" + ` and the system's ` + "`process_*`" + `.
[Monitoring](monitoring.md) says where to start. Names, types, labels and buckets change only with a major version.

Label values come from closed sets: no input, workflow name or server response becomes a label. Other values count as ` + "`other`" + `. ` + "`taskType`" + ` is a value of the
setting ` + "`task_types`, `key`" + ` the name of a key in the policy file, ` + "`store`" + ` a key store of that file. Counters that an alert uses exist at zero from the start.
`

const canonicalPreface = `
## Names of Conductor's SDKs

Conductor's SDKs have the same names, labels and buckets, so their dashboards show this worker too. These metrics of the SDKs do not exist here:

| metric | because |
|---|---|
| ` + "`task_ack_error_total`, `task_ack_failed_total`" + ` | polled tasks need no second acknowledgement |
| ` + "`external_payload_used_total`" + ` | such tasks fail with ` + "`payload_external`" + ` |
| ` + "`workflow_start_error_total`, `workflow_input_size_bytes`, `worker_restart_total`" + ` | the worker starts no workflows and restarts no workers |
`

const ownPreface = `
## Names of this worker
`

func metricsDocument(t *testing.T, families []*dto.MetricFamily) string {
	t.Helper()
	var canonical, own strings.Builder
	notes := metricNotes()
	for _, f := range families {
		note, ok := notes[f.GetName()]
		if !ok {
			t.Errorf("metricNotes does not say what to alert on for %s", f.GetName())
		}
		delete(notes, f.GetName())
		if strings.HasPrefix(f.GetName(), "conductor_jwt_") {
			own.WriteString(section(f, note))
		} else {
			canonical.WriteString(section(f, note))
		}
	}
	for name := range notes {
		t.Errorf("metricNotes knows %s, which is no metric", name)
	}
	return metricsPreface + canonicalPreface + canonical.String() + ownPreface + own.String()
}

func section(f *dto.MetricFamily, note metricNote) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n### `%s`\n\n%s\n\n- %s, in %s", f.GetName(), f.GetHelp(), kindOf(f), unitOf(f, note))
	if bounds := bucketsOf(f); bounds != "" {
		fmt.Fprintf(&b, "; buckets %s", bounds)
	}
	var sets strings.Builder
	by := "; by "
	for _, name := range labelNames(f) {
		if slices.Contains(commonLabels(), name) {
			fmt.Fprintf(&b, "%s`%s`", by, name)
			by = ", "
			continue
		}
		fmt.Fprintf(&sets, "- `%s`: %s\n", name, labelSet(f, name, note))
	}
	b.WriteString("\n" + sets.String())
	fmt.Fprintf(&b, "- %s\n", note.alert)
	return b.String()
}

func unitOf(f *dto.MetricFamily, note metricNote) string {
	base := strings.TrimSuffix(f.GetName(), "_total")
	switch {
	case note.unit != "":
		return note.unit
	case strings.HasSuffix(base, "_seconds"):
		return "seconds"
	case strings.HasSuffix(base, "_bytes"):
		return "bytes"
	}
	return "no unit"
}

func labelNames(f *dto.MetricFamily) []string {
	var names []string
	for _, l := range f.GetMetric()[0].GetLabel() {
		names = append(names, l.GetName())
	}
	return names
}

func labelSet(f *dto.MetricFamily, name string, note metricNote) string {
	if set, ok := note.labels[name]; ok {
		return set
	}
	if set, ok := openEnded()[name]; ok {
		return set
	}
	values := map[string]struct{}{}
	for _, one := range f.GetMetric() {
		for _, l := range one.GetLabel() {
			if l.GetName() == name {
				values["`"+l.GetValue()+"`"] = struct{}{}
			}
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(values)), ", ")
}

// commonLabels returns the labels that the preface explains.
func commonLabels() []string { return []string{"taskType", "key", "store"} }

// openEnded returns the labels whose values the operator or the build determines.
func openEnded() map[string]string {
	return map[string]string{
		"verifier": "the names of the verifiers in the policy file; tokens with a key in the task count as `(inline)`",

		"version": "of this build",
		"commit":  "of this build",
		"go":      "of this build",
		"edition": "`static` or `native`",
		"crypto":  "`go`, `go-fips140`, or the OpenSSL that was found",
	}
}

// metricNote is what the page adds to a collector's own description.
type metricNote struct {
	unit   string // where the name does not say it
	labels map[string]string
	alert  string
}

func metricNotes() map[string]metricNote {
	notes := canonicalNotes()
	maps.Copy(notes, ownNotes())
	return notes
}

const noAlert = "No alert: "

func canonicalNotes() map[string]metricNote {
	return map[string]metricNote{
		"active_workers": {unit: "tasks", alert: "Alert when their sum stays at `conductor_jwt_slots` for minutes: tasks wait; add slots or replicas."},
		"http_api_client_request_seconds": {
			labels: map[string]string{"status": "status of the response, `0` if there was none, `other` for a number that HTTP does not define"},
			alert:  noAlert + "it distinguishes a slow server (`/tasks`) from polls that wait for tasks (`/tasks/poll/batch/{taskType}`).",
		},
		"task_execute_error_total": {
			unit: "tasks", labels: map[string]string{"exception": "a [code](task.md#failure)"},
			alert: noAlert + "see `conductor_jwt_failures_total`, which has the same codes.",
		},
		"task_execute_time_seconds":       {alert: "Alert when its 99th percentile nears the response timeout: keys or their store are slow."},
		"task_execution_queue_full_total": {unit: "times", alert: noAlert + "see `active_workers`."},
		"task_execution_started_total":    {unit: "tasks", alert: noAlert + "the worker does not know how many tasks are queued; see `task_poll_total`."},
		"task_poll_error_total":           {unit: "polls", labels: map[string]string{"exception": "a [class of failure](troubleshooting.md#polls-fail)"}, alert: "Alert when it rises for 5 minutes: the log names the class of failure and the fix."},
		"task_poll_time_seconds":          {alert: noAlert + "an idle poll lasts as long as the setting `poll_timeout`."},
		"task_poll_total":                 {unit: "polls", alert: "Alert when it stops rising: the process hangs or has exited."},
		"task_result_size_bytes":          {alert: noAlert + "a result is a token, a few kB; the server's limit is 3 MB by default."},
		"task_update_error_total":         {unit: "attempts", labels: map[string]string{"exception": "a [class of failure](troubleshooting.md#polls-fail)"}, alert: "Alert when it rises for 5 minutes; results are sent again until their lease ends."},
		"task_update_time_seconds":        {alert: "Alert when its 99th percentile is over a second: the server accepts results slowly."},
		"thread_uncaught_exceptions_total": {
			unit: "panics", alert: "Alert on any increase: please report it with the log line.",
		},
	}
}

func ownNotes() map[string]metricNote {
	return map[string]metricNote{
		"conductor_jwt_build_info": {alert: noAlert + "join it to others to tell versions apart during an upgrade."},
		"conductor_jwt_clock_skew_seconds": {
			alert: "Alert when it is over 30 or under -30 for 5 minutes: verifiers refuse tokens whose `iat` is in the future or whose `exp` is past. Accurate to a second; 0 before the first response.",
		},
		"conductor_jwt_deliveries_ended_total":     {unit: "deliveries", alert: noAlert + "see `conductor_jwt_updates_lost_total`."},
		"conductor_jwt_duplicate_deliveries_total": {unit: "deliveries", alert: "Alert when it rises: response timeouts are shorter than tasks take."},
		"conductor_jwt_exchange_total": {
			unit: "exchanges", labels: map[string]string{"provider": "a built-in profile with an exchange", "outcome": "`granted`, `refused`, `throttled`, `unavailable`, `denied` (the endpoint's address is not permitted) or `skipped` (not posted, because the provider failed or is busy)"},
			alert: "Alert when `unavailable` or `throttled` rises for 5 minutes: tasks wait for the provider. `refused` is for the workflow's author or the owner of the key. There only if `GET_ACCESS_TOKEN` is polled, as the other `conductor_jwt_exchange_*`.",
		},
		"conductor_jwt_exchange_seconds": {
			labels: map[string]string{"provider": "a built-in profile with an exchange"}, alert: noAlert + "a request is given up after 10 s, and counts as unavailable.",
		},
		"conductor_jwt_exchange_cache_entries": {unit: "access tokens", alert: noAlert + "1,000 at most."},
		"conductor_jwt_exchange_cache_hits_total": {
			unit: "access tokens", labels: map[string]string{"provider": "a built-in profile with an exchange"}, alert: noAlert + "compare it with the exchanges.",
		},
		"conductor_jwt_failures_total":             {unit: "tasks", labels: map[string]string{"code": "a [code](task.md#failure)"}, alert: "Alert on an increase of `internal`, `key_unavailable` or `secret_unresolved`, which the operator can fix; the others are for the workflow's author."},
		"conductor_jwt_injection_unchecked_total":  {unit: "tokens", alert: "Alert on any increase: let the worker's application read tasks and workflows, or set `secret_injection` to `stored` or `key`."},
		"conductor_jwt_key_cache_entries":          {unit: "keys", alert: noAlert + "it is bounded by the setting `key_cache`."},
		"conductor_jwt_key_cache_hits_total":       {unit: "keys", alert: noAlert + "see the misses."},
		"conductor_jwt_key_cache_misses_total":     {unit: "keys", alert: noAlert + "the dashboard shows the share of hits; if it is low while few keys are in use, raise `key_cache`."},
		"conductor_jwt_key_age_seconds":            {alert: "Alert when it is over what your rule for rotation says; the rule in `deploy/` says a year."},
		"conductor_jwt_key_refresh_age_seconds":    {alert: "Alert when it is over 600: the key's source has not been read for ten minutes; the log says why."},
		"conductor_jwt_key_refresh_failures_total": {unit: "refreshes", alert: "Alert when it rises for 10 minutes: new versions are not seen; versions that were read stay in use."},
		"conductor_jwt_key_versions":               {unit: "versions", alert: "Alert when none is `active`: the key's tasks wait for its store."},
		"conductor_jwt_key_store_open":             {unit: "0 or 1", alert: "Alert when it is 1 for a minute: tasks of its keys return to the queue until it responds."},
		"conductor_jwt_verify_total":               {unit: "tokens", alert: "Alert when `unavailable` rises for 5 minutes: tasks wait for the keys of an issuer. A rise of `invalid` is an attack, or a key that an issuer replaced without publishing it first."},
		"conductor_jwt_jwks_fetch_total":           {unit: "fetches", alert: noAlert + "see `conductor_jwt_jwks_failing`; the outcome says why."},
		"conductor_jwt_jwks_failing":               {unit: "0 or 1", alert: "Alert when it is 1 for 15 minutes: the last set stays in use for a day, and then the verifier's tasks fail."},
		"conductor_jwt_jwks_age_seconds":           {unit: "seconds", alert: noAlert + "a set is fetched when a token needs it, so that it grows without tokens; beside `conductor_jwt_jwks_failing` it says how much of the day is left."},
		"conductor_jwt_policy_reloads_total":       {unit: "reloads", alert: noAlert + "see `conductor_jwt_policy_last_reload_successful`, which says whether the last one was refused."},
		"conductor_jwt_policy_last_reload_successful": {
			unit: "0 or 1", alert: "Alert when it is 0: the file has an error, and the previous policy is in force; run `conductor-jwt config validate`.",
		},
		"conductor_jwt_policy_last_reload_success_timestamp_seconds": {
			unit: "seconds since 1970", alert: noAlert + "it shows which replicas have read a change.",
		},
		"conductor_jwt_policy_denials_total":   {unit: "tasks", labels: map[string]string{"field": "an [input](task.md#inputs), or `other`"}, alert: "Alert on any increase: a workflow requests what no grant allows."},
		"conductor_jwt_tasks_unreadable_total": {unit: "tasks", alert: "Alert on any increase: something between server and worker damages responses."},
		"conductor_jwt_slots":                  {unit: "tasks", alert: noAlert + "see `active_workers`."},
		"conductor_jwt_tasks_without_response_timeout_total": {
			unit: "tasks", alert: "Alert on any increase: run `conductor-jwt worker` with `register_taskdefs` at `missing`, or set `responseTimeoutSeconds` of the definition that the log names.",
		},
		"conductor_jwt_tokens_total": {unit: "tokens", alert: noAlert + "see `conductor_jwt_failures_total`."},
		"conductor_jwt_updates_lost_total": {
			unit: "results", alert: "Alert on any increase: the server redelivers each such task after its response timeout, or never without one.",
		},
	}
}
