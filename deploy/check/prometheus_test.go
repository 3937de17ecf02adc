package check_test

import (
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

const rulesFile = "../chart/files/rules.yaml"

func loadRules(t *testing.T) []rulefmt.Rule {
	t.Helper()
	groups, errs := rulefmt.ParseFile(rulesFile, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var rules []rulefmt.Rule
	for _, g := range groups.Groups {
		rules = append(rules, g.Rules...)
	}
	return rules
}

func TestRulesAreValidAndComplete(t *testing.T) {
	for _, r := range loadRules(t) {
		if r.Annotations["summary"] == "" || r.Annotations["runbook"] == "" || r.Labels["severity"] == "" {
			t.Errorf("%s needs a summary, a runbook and a severity", r.Alert)
		}
	}
}

func TestPrometheusRuleHasTheSameRules(t *testing.T) {
	rules := loadRules(t)
	values := `metrics: {rules: {enabled: true}, docsURL: "https://example.com/docs"}`
	in := read[monitoring.PrometheusRule](t, values, "PrometheusRule", "conductor-jwt").Spec.Groups[0].Rules
	if len(in) != len(rules) {
		t.Fatalf("%d rules, want %d", len(in), len(rules))
	}
	for i, r := range rules {
		want := strings.ReplaceAll(r.Expr, `job=~".*conductor-jwt.*"`, `namespace="default",job="conductor-jwt-metrics"`)
		if in[i].Alert != r.Alert || in[i].Expr.String() != want || want == r.Expr {
			t.Errorf("%s differs from files/rules.yaml", r.Alert)
		}
		if !strings.HasPrefix(in[i].Annotations["runbook_url"], "https://example.com/docs/") {
			t.Errorf("%s links to %q, want a URL below docsURL", r.Alert, in[i].Annotations["runbook_url"])
		}
	}
}

// dashboard is the checked part of Grafana's model.
type dashboard struct {
	Templating struct {
		List []struct {
			Name  string `json:"name"`
			Type  string `json:"type"`
			Query any    `json:"query"`
		} `json:"list"`
	} `json:"templating"`
	Annotations struct {
		List []struct {
			Name string `json:"name"`
			Expr string `json:"expr"`
		} `json:"list"`
	} `json:"annotations"`
	Panels []struct {
		Title       string `json:"title"`
		Type        string `json:"type"`
		GridPos     struct{ X, Y, W, H int }
		FieldConfig struct {
			Defaults struct {
				Unit       string          `json:"unit"`
				Thresholds json.RawMessage `json:"thresholds"`
			} `json:"defaults"`
		} `json:"fieldConfig"`
		Targets []struct {
			Expr string `json:"expr"`
		} `json:"targets"`
	} `json:"panels"`
}

func loadDashboard(t *testing.T) dashboard {
	t.Helper()
	raw, err := os.ReadFile("../chart/files/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Panels) == 0 {
		t.Fatal("the dashboard has no panels")
	}
	return d
}

func TestPanelsHaveUnitsAndThresholds(t *testing.T) {
	for _, p := range loadDashboard(t).Panels {
		if p.FieldConfig.Defaults.Unit == "" {
			t.Errorf("%q has no unit", p.Title)
		}
		// Grafana's default threshold is 80 for any unit.
		if p.Type == "stat" && p.FieldConfig.Defaults.Thresholds == nil {
			t.Errorf("%q has no thresholds", p.Title)
		}
	}
}

func TestPanelsDoNotOverlap(t *testing.T) {
	d := loadDashboard(t)
	for i, a := range d.Panels {
		for _, b := range d.Panels[:i] {
			p, q := a.GridPos, b.GridPos
			if p.X < q.X+q.W && q.X < p.X+p.W && p.Y < q.Y+q.H && q.Y < p.Y+p.H {
				t.Errorf("%q overlaps %q", a.Title, b.Title)
			}
		}
	}
}
