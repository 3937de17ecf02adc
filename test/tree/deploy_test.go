package tree

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"conductor-jwt/config"
)

const deploy = "../../deploy"

// deployed returns the text of every file in deploy/, without deploy/check.
func deployed(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(deploy, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && d.Name() == "check" {
				return filepath.SkipDir
			}
			return err
		}
		text, err := os.ReadFile(path)
		files[path] = string(text)
		return err
	})
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files in deploy/, want at least 20; %v", len(files), err)
	}
	return files
}

// documentedMetrics returns the metrics of docs/metrics.md, which is generated from
// the collectors.
func documentedMetrics(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range regexp.MustCompile("(?m)^### `([a-z_]+)`$").FindAllStringSubmatch(string(page), -1) {
		names = append(names, m[1])
	}
	if len(names) < 20 {
		t.Fatalf("%d metrics, want at least 20; the pattern is wrong", len(names))
	}
	return names
}

// Alerts and panels query only metrics that the worker has.
func TestAlertsAndPanelsQueryExistingMetrics(t *testing.T) {
	known := append(documentedMetrics(t), "process_cpu_seconds_total", "process_resident_memory_bytes")
	metric := regexp.MustCompile(`\b(conductor_jwt|task|process|http_api|active|thread)_[a-z_]+\b`)
	queried := 0
	for _, file := range []string{"chart/files/rules.yaml", "chart/files/dashboard.json"} {
		text, err := os.ReadFile(filepath.Join(deploy, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range metric.FindAllString(string(text), -1) {
			queried++
			base := regexp.MustCompile(`_(bucket|count|sum)$`).ReplaceAllString(name, "")
			if !slices.Contains(known, name) && !slices.Contains(known, base) {
				t.Errorf("%s queries %s, which the worker does not have", file, name)
			}
		}
	}
	if queried < 30 {
		t.Errorf("found %d names, want at least 30; the pattern is wrong", queried)
	}
}

// Each metric of which docs/metrics.md says when to alert has an alert.
func TestMetricsToAlertOnHaveAnAlert(t *testing.T) {
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	rules := deployed(t)[filepath.Join(deploy, "chart/files/rules.yaml")]
	alerts := 0
	for _, section := range strings.Split(string(page), "\n### `")[1:] {
		name, text, _ := strings.Cut(section, "`")
		if !strings.Contains(text, "\n- Alert ") {
			continue
		}
		alerts++
		if !regexp.MustCompile(`\b` + name + `(_bucket)?\{`).MatchString(rules) {
			t.Errorf("docs/metrics.md says when to alert on %s, but no rule queries it", name)
		}
	}
	if alerts < 15 {
		t.Errorf("found %d metrics to alert on, want at least 15; the pattern is wrong", alerts)
	}
}

// The settings that the chart sets and refuses, and the variables in deploy/, are
// settings of the worker.
func TestSettingsInDeployExist(t *testing.T) {
	names, variables := map[string]bool{}, map[string]bool{}
	for _, s := range config.Settings() {
		names[s.Name], variables[s.Env] = true, true
		if s.HasFile {
			names[s.NameFile()], variables[s.EnvFile()] = true, true
		}
	}
	variable := regexp.MustCompile(`\bCONDUCTOR_(JWT|SERVER|AUTH|TLS)_[A-Z_]+\b`)
	for path, text := range deployed(t) {
		for _, v := range variable.FindAllString(text, -1) {
			if !variables[v] {
				t.Errorf("%s sets %s, which is not a setting", path, v)
			}
		}
	}
	written := regexp.MustCompile(`(?m)^    ([a-z_]+): `)
	text := deployed(t)[filepath.Join(deploy, "chart/templates/configmap.yaml")]
	refused := refusedSettings(t)
	for _, m := range written.FindAllStringSubmatch(text, -1) {
		if !names[m[1]] {
			t.Errorf("the chart writes %s, which is not a setting", m[1])
		}
		if !slices.Contains(refused, m[1]) {
			t.Errorf("the chart writes %s, but values.schema.json does not refuse it in settings", m[1])
		}
	}
	for _, name := range refused {
		if !names[name] {
			t.Errorf("values.schema.json refuses %s, which is not a setting", name)
		}
	}
}

func refusedSettings(t *testing.T) []string {
	t.Helper()
	var schema struct {
		Properties struct {
			Settings struct {
				PropertyNames struct {
					Not struct {
						Enum []string `json:"enum"`
					} `json:"not"`
				} `json:"propertyNames"`
			} `json:"settings"`
		} `json:"properties"`
	}
	text := deployed(t)[filepath.Join(deploy, "chart/values.schema.json")]
	if err := json.Unmarshal([]byte(text), &schema); err != nil {
		t.Fatal(err)
	}
	return schema.Properties.Settings.PropertyNames.Not.Enum
}

// The section that an alert links to exists.
func TestRunbooksExist(t *testing.T) {
	rules := deployed(t)[filepath.Join(deploy, "chart/files/rules.yaml")]
	books := regexp.MustCompile(`runbook: (\S+?)(?:#(\S+))?\n`).FindAllStringSubmatch(rules, -1)
	if len(books) < 10 {
		t.Fatalf("found %d runbooks, want at least 10; the pattern is wrong", len(books))
	}
	for _, b := range books {
		page, err := os.ReadFile(filepath.Join("../..", b[1]))
		if err != nil {
			t.Error(err)
			continue
		}
		if b[2] != "" && !slices.Contains(anchors(string(page)), b[2]) {
			t.Errorf("%s has no section #%s", b[1], b[2])
		}
	}
}

// anchors returns the anchors of a page's headings.
func anchors(page string) []string {
	var list []string
	drop := regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(page, -1) {
		list = append(list, strings.ReplaceAll(drop.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return list
}

// The systemd unit is hardened, and its stop timeout is longer than drain_timeout.
func TestSystemdUnit(t *testing.T) {
	unit := deployed(t)[filepath.Join(deploy, "systemd/conductor-jwt.service")]
	for _, want := range []string{
		"ExecStart=/usr/local/bin/conductor-jwt worker", "TimeoutStopSec=40", "LimitCORE=0", "MemorySwapMax=0",
		"KeyringMode=private", "PrivateUsers=yes", "NoNewPrivileges=yes",
		"Type=notify", "WatchdogSec=60", "RestartPreventExitStatus=2", "LogsDirectory=conductor-jwt",
	} {
		if !strings.Contains(unit, want) {
			t.Errorf("the unit does not contain %s", want)
		}
	}
}
