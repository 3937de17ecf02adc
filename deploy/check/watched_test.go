package check_test

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// later are the panels that are blank before the first task: there is nothing
// of which they could be.
func later() []string {
	return []string{"Tokens by algorithm", "Time to sign", "Time to report", "Parsed keys: hits"}
}

// silent are the alerts that nothing in a play of seconds sets off.
func silent() map[string]string {
	return map[string]string{
		"ConductorJWTPollsFail":   "needs failures for minutes",
		"ConductorJWTDoesNotPoll": "needs a worker that hangs",
		"ConductorJWTSlotsFull":   "needs a queue for minutes",
		"ConductorJWTSlow":        "needs a slow key store",
		"ConductorJWTPanics":      "needs a fault of ours",
	}
}

// What Prometheus scrapes of a real worker is what the dashboard and the alerts
// ask for.
func TestARealWorkerIsSeen(t *testing.T) {
	w := watch(t)
	t.Run("panels", w.panels)
	t.Run("choices", w.choices)
	t.Run("alerts", w.alerts)
}

func (w *watched) panels(t *testing.T) {
	left := later()
	for _, panel := range loadDashboard(t).Panels {
		blank := slices.Contains(left, panel.Title)
		left = slices.DeleteFunc(left, func(title string) bool { return title == panel.Title })
		for _, target := range panel.Targets {
			query := fill(target.Expr)
			if got := shown(w.ask(t, query, w.idle)); (len(got) == 0) != blank {
				t.Errorf("%s, of an idle worker: %v; blank is %v", panel.Title, got, blank)
			}
			got := shown(w.ask(t, query, w.again))
			if len(got) == 0 || strings.Contains(got.String(), `"none"`) {
				t.Errorf("%s, of a busy worker: %q", panel.Title, got)
			}
			for _, s := range append(got, shown(w.ask(t, query, w.good))...) {
				if panel.FieldConfig.Defaults.Unit == "percentunit" && (s.F < 0 || s.F > 1) {
					t.Errorf("%s is %v, which is no share", panel.Title, s.F)
				}
			}
		}
	}
	if len(left) > 0 {
		t.Errorf("there are no panels %q", left)
	}
}

// fill puts in what Grafana puts in for All.
func fill(query string) string {
	return regexp.MustCompile(`\$(job|instance)\b`).ReplaceAllString(strings.ReplaceAll(query, "$__rate_interval", "5m"), ".*")
}

// shown is what a panel draws of an answer.
func shown(v promql.Vector) promql.Vector {
	return slices.DeleteFunc(v, func(s promql.Sample) bool { return math.IsNaN(s.F) })
}

// choices are the variables and the marks of versions.
func (w *watched) choices(t *testing.T) {
	d := loadDashboard(t)
	for _, v := range d.Templating.List {
		if v.Type != "query" {
			continue
		}
		parts := regexp.MustCompile(`label_values\((.+), (\w+)\)`).FindStringSubmatch(fmt.Sprint(v.Query))
		if parts == nil {
			t.Errorf("$%s asks %v", v.Name, v.Query)
			continue
		}
		if got := w.ask(t, fill(parts[1]), w.idle); len(got) != 1 || got[0].Metric.Get(parts[2]) == "" {
			t.Errorf("$%s has no value: %v", v.Name, got)
		}
	}
	for _, a := range d.Annotations.List {
		if got := w.ask(t, fill(a.Expr), w.idle); len(got) != 1 {
			t.Errorf("%s marks %v", a.Name, got)
		}
	}
}

func (w *watched) alerts(t *testing.T) {
	left := silent()
	for _, rule := range loadRules(t) {
		_, quiet := left[rule.Alert]
		delete(left, rule.Alert)
		w.watches(t, rule)
		if got := w.ask(t, rule.Expr, w.good); len(got) > 0 {
			t.Errorf("%s is set off by good tasks: %s", rule.Alert, got)
		}
		at := w.again
		if rule.Alert == "ConductorJWTDown" {
			at = w.gone
		}
		if got := w.ask(t, rule.Expr, at); (len(got) == 0) != quiet {
			t.Errorf("%s, when all was over: %q; silent is %v", rule.Alert, got, quiet)
		}
		// The first time must be enough.
		if got := w.ask(t, rule.Expr, w.busy); len(got) == 0 && !quiet && strings.Contains(rule.Expr, "increase(") {
			t.Errorf("%s is not set off by what happens once", rule.Alert)
		}
	}
	for name := range left {
		t.Errorf("there is no alert %q", name)
	}
}

// watches asks for what a rule compares, which is there where nothing is wrong.
func (w *watched) watches(t *testing.T, rule rulefmt.Rule) {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(rule.Expr)
	if err != nil {
		t.Fatal(err)
	}
	compared, ok := expr.(*parser.BinaryExpr)
	if !ok || !compared.Op.IsComparisonOperator() {
		t.Fatalf("%s compares nothing", rule.Alert)
	}
	if got := w.ask(t, compared.LHS.String(), w.again); len(got) == 0 {
		t.Errorf("%s watches nothing that a worker has: %s", rule.Alert, compared.LHS)
	}
}
