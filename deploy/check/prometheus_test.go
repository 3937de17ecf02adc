package check_test

import (
	"encoding/json"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

const rulesFile = "../chart/files/rules.yaml"

func TestRulesAreWhatPrometheusTakes(t *testing.T) {
	groups, errs := rulefmt.ParseFile(rulesFile, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	for _, err := range errs {
		t.Error(err)
	}
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			if r.Annotations["summary"] == "" || r.Annotations["runbook"] == "" || r.Labels["severity"] == "" {
				t.Errorf("%s says too little to whoever it wakes", r.Alert)
			}
		}
	}
}

func TestTheClusterGetsTheSameRules(t *testing.T) {
	groups, errs := rulefmt.ParseFile(rulesFile, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	in := read[monitoring.PrometheusRule](t, everything, "PrometheusRule", "conductor-jwt").Spec.Groups[0].Rules
	if len(in) != len(groups.Groups[0].Rules) {
		t.Fatalf("%d rules of %d", len(in), len(groups.Groups[0].Rules))
	}
	for i, r := range groups.Groups[0].Rules {
		if in[i].Alert != r.Alert || in[i].Expr.String() != r.Expr {
			t.Errorf("%s differs", r.Alert)
		}
		if !strings.HasPrefix(in[i].Annotations["runbook_url"], "https://example.com/docs/") {
			t.Errorf("%s links to %q", r.Alert, in[i].Annotations["runbook_url"])
		}
	}
}

// dashboard is what is looked at of Grafana's model.
type dashboard struct {
	Panels []struct {
		Title   string `json:"title"`
		GridPos struct{ X, Y, W, H int }
		Targets []struct {
			Expr string `json:"expr"`
		} `json:"targets"`
	} `json:"panels"`
}

func TestDashboardAsksWhatPrometheusUnderstands(t *testing.T) {
	raw, err := os.ReadFile("../chart/files/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Panels) == 0 {
		t.Fatal("no panels")
	}
	variables := regexp.MustCompile(`\$__rate_interval`)
	p := parser.NewParser(parser.Options{})
	for _, panel := range d.Panels {
		for _, target := range panel.Targets {
			if _, err := p.ParseExpr(variables.ReplaceAllString(target.Expr, "5m")); err != nil {
				t.Errorf("%s: %v", panel.Title, err)
			}
		}
	}
}

func TestPanelsDoNotOverlap(t *testing.T) {
	raw, err := os.ReadFile("../chart/files/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	for i, a := range d.Panels {
		for _, b := range d.Panels[:i] {
			p, q := a.GridPos, b.GridPos
			if p.X < q.X+q.W && q.X < p.X+p.W && p.Y < q.Y+q.H && q.Y < p.Y+p.H {
				t.Errorf("%q lies over %q", a.Title, b.Title)
			}
		}
	}
}
