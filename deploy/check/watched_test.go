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

// emptyAtStart returns the panels without data before the first task.
func emptyAtStart() []string {
	return []string{"Tokens by algorithm", "Time to sign", "Time to report", "Parsed keys: hits"}
}

// neverShown returns the panels whose metrics the scenario's worker does not have,
// because its key is a file, and it neither exchanges nor verifies tokens.
func neverShown() []string {
	return []string{
		"Key stores that do not answer", "Age of keys",
		"Exchanges by outcome", "Time of an exchange, p99", "Access tokens: from the cache", "Access tokens in the cache",
		"Verified tokens by outcome", "Verifiers whose keys cannot be fetched", "Time since keys of verifiers were fetched",
	}
}

// notTriggered returns the alerts that the scenario does not trigger, and why.
func notTriggered() map[string]string {
	return map[string]string{
		"ConductorJWTPollsFail":           "needs failures for minutes",
		"ConductorJWTUpdatesFail":         "needs failures for minutes",
		"ConductorJWTUpdatesSlow":         "needs a slow server",
		"ConductorJWTDoesNotPoll":         "needs a worker that hangs",
		"ConductorJWTAbsent":              "needs a target that vanishes",
		"ConductorJWTSlotsFull":           "needs a queue for minutes",
		"ConductorJWTSlow":                "needs a slow key store",
		"ConductorJWTPanics":              "needs a bug in the worker",
		"ConductorJWTPolicyRefused":       "needs a policy file that is replaced",
		"ConductorJWTKeyStoreOpen":        "needs a key store on the network",
		"ConductorJWTKeyWithoutVersion":   "needs a key store on the network",
		"ConductorJWTKeyRefreshFails":     "needs a key store on the network",
		"ConductorJWTProviderUnavailable": "needs a provider",
		"ConductorJWTProviderRefuses":     "needs a provider",
		"ConductorJWTVerifierUnavailable": "needs an issuer",
		"ConductorJWTVerifierKeysFail":    "needs an issuer",
		"ConductorJWTKeyNotRefreshed":     "needs a key store on the network",
		"ConductorJWTKeyOld":              "needs a key that is a year old",
	}
}

// withoutData returns the alerts whose metrics the scenario's worker does not have,
// because its key is a file and it polls GET_SIGNED_JWT alone.
func withoutData() []string {
	return []string{"ConductorJWTKeyStoreOpen", "ConductorJWTKeyOld", "ConductorJWTProviderUnavailable", "ConductorJWTProviderRefuses",
		"ConductorJWTVerifierUnavailable", "ConductorJWTVerifierKeysFail"}
}

// The dashboard and the alerts work with the metrics of a real worker.
func TestDashboardAndAlertsWithARealWorker(t *testing.T) {
	w := watch(t)
	t.Run("panels", w.panels)
	t.Run("variables", w.variables)
	t.Run("alerts", w.alerts)
}

func (w *watched) panels(t *testing.T) {
	left := emptyAtStart()
	for _, panel := range loadDashboard(t).Panels {
		if slices.Contains(neverShown(), panel.Title) {
			continue
		}
		blank := slices.Contains(left, panel.Title)
		left = slices.DeleteFunc(left, func(title string) bool { return title == panel.Title })
		for _, target := range panel.Targets {
			query := fill(target.Expr)
			if got := shown(w.query(t, query, w.idle)); (len(got) == 0) != blank {
				t.Errorf("%s, idle worker: %v; want empty: %v", panel.Title, got, blank)
			}
			got := shown(w.query(t, query, w.again))
			if len(got) == 0 || strings.Contains(got.String(), `"none"`) {
				t.Errorf("%s, busy worker: %q, want data with labels", panel.Title, got)
			}
			for _, s := range append(got, shown(w.query(t, query, w.valid))...) {
				if panel.FieldConfig.Defaults.Unit == "percentunit" && (s.F < 0 || s.F > 1) {
					t.Errorf("%s is %v, want a share between 0 and 1", panel.Title, s.F)
				}
			}
		}
	}
	if len(left) > 0 {
		t.Errorf("panels %q do not exist", left)
	}
}

// fill replaces Grafana's variables as with the choice All, for which Grafana writes
// the values that the variables' queries return.
func fill(query string) string {
	return strings.NewReplacer("$__rate_interval", "5m", "$namespace", "default", "$job", "conductor-jwt", "$instance", "worker:9991").Replace(query)
}

// shown removes the samples that a panel does not draw.
func shown(v promql.Vector) promql.Vector {
	return slices.DeleteFunc(v, func(s promql.Sample) bool { return math.IsNaN(s.F) })
}

// variables checks the variables and the annotations.
func (w *watched) variables(t *testing.T) {
	d := loadDashboard(t)
	for _, v := range d.Templating.List {
		if v.Type != "query" {
			continue
		}
		parts := regexp.MustCompile(`label_values\((.+), (\w+)\)`).FindStringSubmatch(fmt.Sprint(v.Query))
		if parts == nil {
			t.Errorf("$%s has the query %v, want label_values", v.Name, v.Query)
			continue
		}
		if got := w.query(t, fill(parts[1]), w.idle); len(got) != 1 || got[0].Metric.Get(parts[2]) == "" {
			t.Errorf("$%s has the values %v, want one", v.Name, got)
		}
	}
	for _, a := range d.Annotations.List {
		if got := w.query(t, fill(a.Expr), w.idle); len(got) != 1 {
			t.Errorf("the annotation %s has the values %v, want one", a.Name, got)
		}
	}
}

func (w *watched) alerts(t *testing.T) {
	left := notTriggered()
	for _, rule := range loadRules(t) {
		_, untriggered := left[rule.Alert]
		delete(left, rule.Alert)
		w.watches(t, rule)
		if got := w.query(t, rule.Expr, w.valid); len(got) > 0 {
			t.Errorf("%s is triggered by valid tasks: %s", rule.Alert, got)
		}
		at := w.again
		if rule.Alert == "ConductorJWTDown" {
			at = w.exited
		}
		if got := w.query(t, rule.Expr, at); (len(got) == 0) != untriggered {
			t.Errorf("%s, at the end: %q; want no alert: %v", rule.Alert, got, untriggered)
		}
		// The first occurrence must trigger it.
		if got := w.query(t, rule.Expr, w.faulty); len(got) == 0 && !untriggered && strings.Contains(rule.Expr, "increase(") {
			t.Errorf("%s is not triggered by a single occurrence", rule.Alert)
		}
	}
	for name := range left {
		t.Errorf("alert %q does not exist", name)
	}
}

// watches checks that the compared expression of a rule has data, even without an
// alert.
func (w *watched) watches(t *testing.T, rule rulefmt.Rule) {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(rule.Expr)
	if err != nil {
		t.Fatal(err)
	}
	var watched string
	switch expr := expr.(type) {
	case *parser.Call:
		watched = expr.Args[0].String() // absent
	case *parser.BinaryExpr:
		watched = expr.LHS.String()
	default:
		t.Fatalf("%s is neither a comparison nor absent()", rule.Alert)
	}
	if got := w.query(t, watched, w.again); (len(got) == 0) != slices.Contains(withoutData(), rule.Alert) {
		t.Errorf("%s: the data of %s is %v", rule.Alert, watched, got)
	}
}
