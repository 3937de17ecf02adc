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

Reference for operators: every metric of ` + "`GET /metrics`" + ` on ` + "`listen`" + `, in Prometheus' text format or OpenMetrics, except Go's ` + "`go_*`" + ` and the system's ` + "`process_*`" + `.
[Monitoring](monitoring.md) says where to start. Names, types, labels and buckets change only with a major version.

- Label values come from closed sets, never from a task or a response. Other values count as ` + "`other`" + `.
- ` + "`taskType`" + ` is a value of the setting ` + "`task_types`, `provider`" + ` a built-in [profile](profiles.md) with an exchange. ` + "`key`, `store` and `verifier`" + ` are names of the policy file; a key in the
  task of a token counts as the verifier ` + "`(inline)`" + `.
- ` + "`_total`" + ` marks a counter; those with an alert exist at zero from the start. "Whether" means 0 or 1.
- Buckets are ` + secondBuckets + `, unless others are named.
- ` + "`conductor_jwt_exchange_*`" + ` exist only if ` + "`GET_ACCESS_TOKEN`" + ` is polled.
`

const secondBuckets = "0.001 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10"

const canonicalPreface = `
## Names of Conductor's SDKs

With the same labels and buckets, so that dashboards for them work. Not here: ` + "`task_ack_error_total`, `task_ack_failed_total`, `external_payload_used_total`" + ` (such tasks fail
with ` + "`payload_external`), `workflow_start_error_total`, `workflow_input_size_bytes`, `worker_restart_total`" + `.
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
	var b, sets strings.Builder
	kind, by := kindOf(f), " by "
	if strings.HasSuffix(f.GetName(), "_total") {
		kind = ""
	}
	for _, name := range labelNames(f) {
		if slices.Contains(commonLabels(), name) {
			kind += by + "`" + name + "`"
			by = ", "
			continue
		}
		fmt.Fprintf(&sets, "- `%s`: %s\n", name, labelSet(f, name, note))
	}
	if bounds := bucketsOf(f); bounds != "" && bounds != secondBuckets {
		kind += ", buckets " + bounds
	}
	fmt.Fprintf(&b, "\n### `%s`\n\n%s", f.GetName(), f.GetHelp())
	if kind = strings.TrimSpace(kind); kind != "" {
		fmt.Fprintf(&b, " (%s)", kind)
	}
	b.WriteString("\n")
	if sets.Len() > 0 || note.text != "" {
		b.WriteString("\n" + sets.String())
	}
	if note.text != "" {
		fmt.Fprintf(&b, "- %s\n", note.text)
	}
	return b.String()
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

// commonLabels returns the labels that the preface explains, or that need no
// explanation.
func commonLabels() []string {
	return []string{"taskType", "key", "store", "provider", "verifier", "version", "commit", "go"}
}

// openEnded returns the labels whose values the operator or the build determines.
func openEnded() map[string]string {
	return map[string]string{
		"edition": "`static` or `native`",
		"crypto":  "`go`, `go-fips140`, or the OpenSSL that was found",
	}
}

// metricNote is what the page adds to a collector's own description.
type metricNote struct {
	labels map[string]string
	text   string // when to alert, or another fact; may be empty
}

func metricNotes() map[string]metricNote {
	notes := canonicalNotes()
	maps.Copy(notes, ownNotes())
	return notes
}

func canonicalNotes() map[string]metricNote {
	return map[string]metricNote{
		"active_workers": {text: "Alert when the sum stays at `conductor_jwt_slots`: add slots or replicas."},
		"http_api_client_request_seconds": {
			labels: map[string]string{"status": "of the response, `0` without one, or `other`"},
			text:   "`/tasks` shows a slow server; polls wait for tasks.",
		},
		"task_execute_error_total":        {labels: map[string]string{"exception": "a [code](task.md#failure)"}},
		"task_execute_time_seconds":       {text: "Alert when the 99th percentile nears the response timeout: keys or stores are slow."},
		"task_execution_queue_full_total": {},
		"task_execution_started_total":    {},
		"task_poll_error_total": {
			labels: map[string]string{"exception": "a [class](troubleshooting.md#polls-fail)"},
			text:   "Alert when rising for 5 minutes: the log names the fix.",
		},
		"task_poll_time_seconds": {text: "An idle poll lasts `poll_timeout`."},
		"task_poll_total":        {text: "Alert when it stops rising: the worker hangs."},
		"task_result_size_bytes": {text: "The server's default limit is 3 MB."},
		"task_update_error_total": {
			labels: map[string]string{"exception": "a [class](troubleshooting.md#polls-fail)"},
			text:   "Alert when rising for 5 minutes; results are sent again until their lease ends.",
		},
		"task_update_time_seconds":         {text: "Alert when the 99th percentile is over a second."},
		"thread_uncaught_exceptions_total": {text: "Alert on increase; report it with the log line."},
	}
}

func ownNotes() map[string]metricNote {
	return map[string]metricNote{
		"conductor_jwt_build_info":                 {},
		"conductor_jwt_clock_skew_seconds":         {text: "Alert over 30 or under -30 for 5 minutes: verifiers refuse such tokens. Accurate to a second, 0 before the first response."},
		"conductor_jwt_deliveries_ended_total":     {},
		"conductor_jwt_duplicate_deliveries_total": {text: "Alert when rising: response timeouts are shorter than tasks take."},
		"conductor_jwt_exchange_total": {
			labels: map[string]string{"outcome": "`granted`, `refused`, `throttled`, `unavailable`, `denied` (address not permitted), `skipped` (the provider failed or is busy)"},
			text:   "Alert when `unavailable` or `throttled` rises for 5 minutes.",
		},
		"conductor_jwt_exchange_seconds":           {text: "A request ends after 10 s, as `unavailable`."},
		"conductor_jwt_exchange_cache_entries":     {text: "1,000 at most."},
		"conductor_jwt_exchange_cache_hits_total":  {},
		"conductor_jwt_failures_total":             {labels: map[string]string{"code": "a [code](task.md#failure)"}, text: "Alert on `internal`, `key_unavailable` and `secret_unresolved`; authors fix the others."},
		"conductor_jwt_injection_unchecked_total":  {text: "Alert on increase: permit the worker to read tasks and workflows, or set `secret_injection` to `stored` or `key`."},
		"conductor_jwt_key_cache_entries":          {text: "`key_cache` is the maximum."},
		"conductor_jwt_key_cache_hits_total":       {},
		"conductor_jwt_key_cache_misses_total":     {text: "Many, with few keys in use: raise `key_cache`."},
		"conductor_jwt_key_age_seconds":            {text: "Alert over your age of rotation (in `deploy/`, a year)."},
		"conductor_jwt_key_refresh_age_seconds":    {text: "Alert over 600: the log says why."},
		"conductor_jwt_key_refresh_failures_total": {text: "Alert when rising for 10 minutes: new versions are not seen; old ones stay in use."},
		"conductor_jwt_key_versions":               {text: "Alert when none is `active`: the key's tasks wait for its store."},
		"conductor_jwt_key_store_open":             {text: "Alert after a minute at 1: tasks of its keys return to the queue."},
		"conductor_jwt_verify_total":               {text: "Alert when `unavailable` rises for 5 minutes: tasks wait. `invalid` rises in an attack, or when an issuer signs with an unpublished key."},
		"conductor_jwt_jwks_fetch_total":           {},
		"conductor_jwt_jwks_failing":               {text: "Alert after 15 minutes at 1: tasks fail a day after the last fetch."},
		"conductor_jwt_jwks_age_seconds":           {text: "A set is fetched when a token needs it."},
		"conductor_jwt_policy_reloads_total":       {},
		"conductor_jwt_policy_last_reload_successful": {
			text: "Alert at 0: the previous policy is in force; run `conductor-jwt config validate`.",
		},
		"conductor_jwt_policy_last_reload_success_timestamp_seconds": {text: "Seconds since 1970; shows which replicas read a change."},
		"conductor_jwt_policy_denials_total":                         {labels: map[string]string{"field": "an [input](task.md#inputs), or `other`"}, text: "Alert on increase."},
		"conductor_jwt_tasks_unreadable_total":                       {text: "Alert on increase: something damages the server's responses."},
		"conductor_jwt_slots":                                        {},
		"conductor_jwt_tasks_without_response_timeout_total":         {text: "Alert on increase: set `register_taskdefs` to `missing`, or `responseTimeoutSeconds` of the definition in the log."},
		"conductor_jwt_tokens_total":                                 {labels: map[string]string{"algorithm": "an [algorithm](task.md#inputs)"}},
		"conductor_jwt_updates_lost_total":                           {text: "Alert on increase: the tasks come again after their response timeout, or never without one."},
	}
}
