package check_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
	"sigs.k8s.io/yaml"
)

// ruleTests is the part of the format of `promtool test rules` that
// testdata/rules_test.yaml uses
// (https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/).
type ruleTests struct {
	RuleFiles          []string       `json:"rule_files"`
	EvaluationInterval model.Duration `json:"evaluation_interval"`
	Tests              []ruleTest     `json:"tests"`
}

type ruleTest struct {
	Name     string         `json:"name"`
	Interval model.Duration `json:"interval"` // of the series and of the evaluation
	Input    []inputSeries  `json:"input_series"`
	Alerts   []alertTest    `json:"alert_rule_test"`
}

type inputSeries struct {
	Series string `json:"series"`
	Values string `json:"values"`
}

type alertTest struct {
	At   model.Duration  `json:"eval_time"`
	Name string          `json:"alertname"`
	Want []expectedAlert `json:"exp_alerts"`
}

type expectedAlert struct {
	Labels      map[string]string `json:"exp_labels"`
	Annotations map[string]string `json:"exp_annotations"`
}

// Each rule fires for the worker that has the fault alone, with the labels and the
// texts that an operator reads, and resolves. Series of other workers fire nothing.
func TestRulesFireAndResolve(t *testing.T) {
	text, err := os.ReadFile("testdata/rules_test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var tests ruleTests
	if err := yaml.UnmarshalStrict(text, &tests); err != nil {
		t.Fatal(err)
	}
	fired, resolved := map[string]bool{}, map[string]bool{}
	for _, test := range tests.Tests {
		t.Run(test.Name, func(t *testing.T) { test.run(t, rulesFile) })
		for _, a := range test.Alerts {
			resolved[a.Name] = resolved[a.Name] || fired[a.Name] && len(a.Want) == 0
			fired[a.Name] = fired[a.Name] || len(a.Want) > 0
		}
	}
	for _, r := range loadRules(t) {
		if !fired[r.Alert] || !resolved[r.Alert] {
			t.Errorf("no test shows that %s fires and resolves", r.Alert)
		}
	}
}

// The chart's rules are those of one release: another one's worker does not hide that
// its own has vanished, and does not fire its alerts.
func TestRulesOfTheChartAreThoseOfTheRelease(t *testing.T) {
	spec := read[monitoring.PrometheusRule](t, everything, "PrometheusRule", "conductor-jwt").Spec
	text, err := yaml.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	file := t.TempDir() + "/rules.yaml"
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	docs := "https://example.com/docs/troubleshooting.md#"
	ruleTest{
		Interval: model.Duration(time.Minute),
		Input: []inputSeries{
			{`up{namespace="mail",job="conductor-jwt-metrics",instance="b:9991"}`, "0x30"},
			{`up{namespace="default",job="conductor-jwt-metrics",instance="a:9991"}`, "1x2 _x30"},
		},
		Alerts: []alertTest{
			{At: model.Duration(20 * time.Minute), Name: "ConductorJWTDown"},
			{At: model.Duration(20 * time.Minute), Name: "ConductorJWTAbsent", Want: []expectedAlert{{
				Labels: map[string]string{"namespace": "default", "job": "conductor-jwt-metrics", "severity": "critical"},
				Annotations: map[string]string{
					"summary":     "Prometheus has no conductor-jwt to scrape; no worker runs, or its job has another name",
					"runbook_url": docs + "the-worker-is-not-there",
				},
			}}},
		},
	}.run(t, file)
}

// run evaluates the rules of a file with Prometheus' own rule manager, and compares
// the alerts that fire.
func (test ruleTest) run(t *testing.T, file string) {
	t.Helper()
	interval := time.Duration(test.Interval)
	if interval <= 0 {
		t.Fatal("no interval; older releases of promtool need it in each test")
	}
	var load strings.Builder
	fmt.Fprintf(&load, "load %s\n", test.Interval)
	for _, in := range test.Input {
		fmt.Fprintf(&load, "  %s %s\n", in.Series, in.Values)
	}
	p := parser.NewParser(parser.Options{})
	data, err := promqltest.NewLazyLoader(load.String(), promqltest.LazyLoaderOpts{Parser: p})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := data.Close(); err != nil {
			t.Error(err)
		}
	}()
	manager := rules.NewManager(&rules.ManagerOptions{
		QueryFunc:    rules.EngineQueryFunc(data.QueryEngine(), data.Storage()),
		AppendableV2: data.Storage(),
		Context:      t.Context(),
		NotifyFunc:   func(context.Context, string, ...*rules.Alert) {},
		Logger:       slog.New(slog.DiscardHandler),
		Parser:       p,
	})
	groups, errs := manager.LoadGroups(interval, labels.EmptyLabels(), "", nil, false, file)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	left := slices.SortedStableFunc(slices.Values(test.Alerts), func(a, b alertTest) int { return cmp.Compare(a.At, b.At) })
	for now := time.Unix(0, 0); len(left) > 0; now = now.Add(interval) {
		data.WithSamplesTill(now, func(err error) {
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range groups {
				g.Eval(data.Context(), now)
			}
		})
		for ; len(left) > 0 && time.Duration(left[0].At) <= now.Sub(time.Unix(0, 0)); left = left[1:] {
			left[0].compare(t, firing(t, groups, left[0].Name))
		}
	}
}

// firing returns the labels and annotations of the alerts of a name that fire.
func firing(t *testing.T, groups map[string]*rules.Group, name string) []expectedAlert {
	t.Helper()
	var list []expectedAlert
	known := false
	for _, g := range groups {
		for _, r := range g.Rules() {
			if err := r.LastError(); err != nil {
				t.Fatalf("%s: %v", r.Name(), err)
			}
			alert, ok := r.(*rules.AlertingRule)
			if !ok || r.Name() != name {
				continue
			}
			known = true
			for _, a := range alert.ActiveAlerts() {
				if a.State == rules.StateFiring {
					list = append(list, expectedAlert{a.Labels.Map(), a.Annotations.Map()})
				}
			}
		}
	}
	if !known {
		t.Errorf("there is no alert %s", name)
	}
	return list
}

func (a alertTest) compare(t *testing.T, got []expectedAlert) {
	t.Helper()
	for _, w := range a.Want {
		w.Labels[labels.AlertName] = a.Name // promtool's format leaves it out
	}
	same := func(x, y expectedAlert) bool {
		return maps.Equal(x.Labels, y.Labels) && maps.Equal(x.Annotations, y.Annotations)
	}
	if !slices.EqualFunc(got, a.Want, same) {
		t.Errorf("%s at %s:\n got %v\nwant %v", a.Name, a.At, got, a.Want)
	}
}
