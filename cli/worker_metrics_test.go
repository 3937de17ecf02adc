package cli

import (
	"context"
	"crypto/ed25519"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/config"
	"conductor-jwt/exchange"
	"conductor-jwt/internal/bulkhead"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keyring"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
	"conductor-jwt/provider"
	"conductor-jwt/task"
	"conductor-jwt/test/keyconformance"
	"conductor-jwt/verifier"
	"conductor-jwt/worker"
)

var update = flag.Bool("update", false, "write docs/metrics.md and testdata/metrics.txt anew")

const taskType = "GET_SIGNED_JWT"

// rig has the metrics of a worker without its process.
type rig struct {
	metrics   *worker.Metrics
	exchanger *exchange.Exchanger
	registry  *prometheus.Registry
}

func newRig(t *testing.T) rig {
	t.Helper()
	m := worker.NewMetrics([]string{taskType})
	b := build{Version: "v1.2.3", Commit: "0123abc", Go: "go1.27", Edition: "static", Crypto: "go"}
	s := oneKey(t)
	registry, err := newRegistry(b, m, keys.NewParser(keys.ParserOptions{}), s)
	if err != nil {
		t.Fatal(err)
	}
	return rig{m, s.exchanger, registry}
}

// oneKey is a policy with one key in a store, and one verifier.
func oneKey(t *testing.T) *signing {
	t.Helper()
	set := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(set, []byte(`{"keys":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	text := "keys: {billing: {source: \"vault-transit://transit/billing\"}}\n" +
		"verifiers: {partner: {issuer: partner, audiences: api, algorithms: ES256, jwks: \"file://" + filepath.ToSlash(set) + "\"}}"
	p, err := policy.Read("policy.yaml", []byte(text), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keyring.New(t.Context(), keyring.Options{
		Policy: p, Schemes: map[string]keys.Scheme{policy.SchemeVaultTransit: shelf{}}, Stores: bulkhead.NewGroup(8, time.Now), Now: time.Now,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &signing{c: &config.Loaded{}, reloads: newReloadMetrics(time.Now())}
	env := Env{Now: time.Now, Getenv: func(string) (string, bool) { return "", false }}
	if s.verifying, err = newVerifierOptions(env, s.c, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	verifiers, err := verifier.New(t.Context(), *s.verifying, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.current.Store(&generation{ring: ring, verifiers: verifiers})
	if s.exchanger, err = newExchanger(env, &config.Loaded{Config: config.Defaults()}, ring.Active); err != nil {
		t.Fatal(err)
	}
	return s
}

// deniedExchange asks for an access token at an address that no policy lists.
func (r rig) deniedExchange(t *testing.T) {
	t.Helper()
	p, _ := provider.Find("client-assertion")
	key, err := keys.NewParser(keys.ParserOptions{}).Resolve(t.Context(), keys.Ref{Text: secret.New(`{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`)})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = r.exchanger.Token(t.Context(), exchange.Request{
		Profile: p, Key: key, Input: provider.ExchangeInput{Claims: new(jsonobj.Object), URL: "https://127.0.0.1/token"},
		Sign: func(context.Context) (secret.Text, error) { return secret.New("a.b.c"), nil },
	})
	if !errors.Is(err, exchange.ErrEndpoint) {
		t.Fatal(err)
	}
}

// shelf is a key store with one key, made an hour ago.
type shelf struct{}

func (s shelf) Open(string) (keys.Source, error) { return s, nil }
func (shelf) Timed() bool                        { return true }
func (shelf) Remote() bool                       { return true }

func (shelf) Versions(context.Context) ([]keys.Key, error) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	key, err := keyconformance.InStore(private, time.Now().Add(-time.Hour))
	return []keys.Key{key}, err
}

// everything makes each possible series; one HTTP status stands for all.
func (r rig) everything(t *testing.T) {
	t.Helper()
	r.deniedExchange(t)
	r.metrics.Polled(taskType, nil, 0)
	r.metrics.Updated(taskType, nil, 0, 0)
	for _, class := range conductor.Classes() {
		err := &conductor.Error{Class: class}
		r.metrics.Polled(taskType, err, 0)
		r.metrics.Updated(taskType, err, 0, 0)
	}
	for _, algorithm := range keys.Algorithms() {
		for _, kind := range kindsOf(algorithm) {
			r.metrics.Executed(worker.Executed{TaskType: taskType, Outcome: task.Outcome{
				Status: api.Completed, Algorithm: string(algorithm), KeyKind: string(kind),
			}})
		}
	}
	for _, code := range task.Codes() {
		r.metrics.Executed(worker.Executed{TaskType: taskType, Outcome: task.Outcome{Status: code.Status, Fault: task.Fault{Code: code.Name}}})
	}
	for _, call := range []conductor.Call{
		"poll", "update", "get task", "get workflow", "get taskdef", "create taskdef", "token", "version",
		"get workflowdefs", "secret exists", "secret names", "queue size", "poll data", "?",
	} {
		r.metrics.Request(call, 200, time.Millisecond)
		r.metrics.Request(call, 0, time.Millisecond)
	}
}

func kindsOf(a keys.Algorithm) []keys.Kind {
	switch {
	case strings.HasPrefix(string(a), "RS"):
		return []keys.Kind{keys.KindRSA}
	case strings.HasPrefix(string(a), "PS"):
		return []keys.Kind{keys.KindRSA, keys.KindRSAPSS}
	case a == keys.ES256K:
		return []keys.Kind{keys.KindSecp256k1}
	case strings.HasPrefix(string(a), "ES"):
		return []keys.Kind{keys.KindEC}
	case strings.HasPrefix(string(a), "HS"):
		return []keys.Kind{keys.KindOct}
	case strings.HasPrefix(string(a), "ML"):
		return []keys.Kind{keys.KindMLDSA}
	}
	return []keys.Kind{keys.KindOKP}
}

// families returns the metrics of a scrape, without those of Go and the process.
func (r rig) families(t *testing.T) []*dto.MetricFamily {
	t.Helper()
	all, err := r.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(f *dto.MetricFamily) bool {
		return strings.HasPrefix(f.GetName(), "go_") || strings.HasPrefix(f.GetName(), "process_")
	})
}

func seriesOf(f *dto.MetricFamily, one *dto.Metric) string {
	var labels []string
	for _, l := range one.GetLabel() {
		labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
	}
	return f.GetName() + "{" + strings.Join(labels, ",") + "}"
}

func (r rig) series(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, f := range r.families(t) {
		for _, one := range f.GetMetric() {
			all = append(all, seriesOf(f, one))
		}
	}
	return all
}

// outline returns an exposition without values, with the bounds of a histogram's
// buckets on one line.
func outline(families []*dto.MetricFamily) string {
	var b strings.Builder
	for _, f := range families {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %[1]s %[3]s\n", f.GetName(), f.GetHelp(), kindOf(f))
		if bounds := bucketsOf(f); bounds != "" {
			fmt.Fprintf(&b, "# le %s\n", bounds)
		}
		for _, one := range f.GetMetric() {
			b.WriteString(seriesOf(f, one) + "\n")
		}
	}
	return b.String()
}

func kindOf(f *dto.MetricFamily) string { return strings.ToLower(f.GetType().String()) }

func bucketsOf(f *dto.MetricFamily) string {
	var bounds []string
	for _, bucket := range f.GetMetric()[0].GetHistogram().GetBucket() {
		bounds = append(bounds, fmt.Sprint(bucket.GetUpperBound()))
	}
	return strings.Join(bounds, " ")
}

// Dashboards use names, labels and buckets: a change here breaks them.
func TestMetricsExpositionIsTheGoldenOne(t *testing.T) {
	r := newRig(t)
	r.everything(t)
	got := outline(r.families(t))
	const golden = "testdata/metrics.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the exposition is not %s; if that is meant, run `go test ./cli -run Metrics -update`. Got\n%s", golden, got)
	}
}

// A counter whose increase an alert uses must exist with the value 0 before.
func TestWhatAlertsAskForIsThereFromTheStart(t *testing.T) {
	fresh := strings.Join(newRig(t).series(t), "\n")
	for _, name := range []string{
		"task_poll_error_total{", "task_update_error_total{", "thread_uncaught_exceptions_total{", "conductor_jwt_failures_total{",
		"conductor_jwt_updates_lost_total{", "conductor_jwt_policy_denials_total{", "conductor_jwt_tasks_without_response_timeout_total{",
		"conductor_jwt_tasks_unreadable_total{", "conductor_jwt_clock_skew_seconds{", "conductor_jwt_build_info{", "active_workers{",
		"conductor_jwt_policy_reloads_total{", "conductor_jwt_key_refresh_failures_total{", "conductor_jwt_key_store_open{",
	} {
		if !strings.Contains(fresh, name) {
			t.Errorf("%s…} is not there before something has happened", name)
		}
	}
}

// Inputs, the server and callers cannot add series by their values.
func TestNoTextFromOutsideMakesASeries(t *testing.T) {
	r := newRig(t)
	r.everything(t)
	hostile := func(text string) {
		err := &conductor.Error{Class: conductor.Class(text)}
		r.metrics.Polled(text, err, 0)
		r.metrics.QueueFull(text)
		r.metrics.Received(text)
		r.metrics.Duplicate(text)
		r.metrics.NoResponseTimeout(text)
		r.metrics.Updated(text, err, 0, 0)
		r.metrics.Ended(text, worker.End(text))
		r.metrics.Request(conductor.Call(text), len(text)*7919, time.Second)
		for _, o := range []task.Outcome{
			{Status: api.Completed, Algorithm: text, KeyKind: text, KeyID: text, JWTID: text, Warnings: []string{text}},
			{Status: api.Failed, Reason: text, Fault: task.Fault{Code: text, Field: text, Message: text}},
			{Status: api.FailedWithTerminalError, Reason: text, Fault: task.Fault{Code: "policy_denied", Field: text, Message: text}},
			{Status: api.Status(text)},
		} {
			r.metrics.Executed(worker.Executed{TaskType: text, Outcome: o})
		}
	}
	hostile("")
	hostile("first")
	before := r.series(t)
	for _, text := range []string{
		"alice", "GET_SIGNED_JWT\n", "get_signed_jwt", "\x00\xff", `"} evil 1` + "\n", strings.Repeat("x", 1<<16), "RS256 ", "rsa\u202e", "${workflow.secrets.jwt}",
	} {
		hostile(text)
	}
	if after := r.series(t); !slices.Equal(before, after) {
		t.Errorf("%d series became %d: %q", len(before), len(after), slices.DeleteFunc(after, func(s string) bool { return slices.Contains(before, s) }))
	}
	if n := len(before); n > 400 {
		t.Errorf("%d series are too many for one process", n)
	}
}

// Conductor's own names of metrics are in camel case.
func TestOurOwnMetricsAreNamedAsPrometheusSays(t *testing.T) {
	own := slices.DeleteFunc(newRig(t).families(t), func(f *dto.MetricFamily) bool {
		return !strings.HasPrefix(f.GetName(), "conductor_jwt_")
	})
	problems, err := promlint.NewWithMetricFamilies(own).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if !strings.Contains(p.Text, "camelCase") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}
