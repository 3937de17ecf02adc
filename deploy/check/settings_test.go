package check_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
)

// settingsOfValues has, for each setting of the settings file, chart values as an
// operator writes them, and the value that reaches the worker.
func settingsOfValues() map[string][]struct{ values, shown string } {
	type rows = []struct{ values, shown string }
	return map[string][]struct{ values, shown string }{
		"server_url":               rows{{`conductor: {url: "https://conductor.example.com/a'b"}`, "https://conductor.example.com/a'b"}},
		"auth_key_file":            rows{{`conductor: {auth: {secret: credentials}}`, "id"}},
		"auth_secret_file":         rows{{`conductor: {auth: {secret: credentials}}`, "[redacted]"}},
		"tls_ca_cert":              rows{{`conductor: {tls: {caSecret: ca}}`, "/run/conductor/ca/ca.crt"}},
		"tls_client_cert":          rows{{`conductor: {tls: {clientSecret: client}}`, "/run/conductor/client/tls.crt"}},
		"tls_client_key":           rows{{`conductor: {tls: {clientSecret: client}}`, "/run/conductor/client/tls.key"}},
		"policy":                   rows{{`policy: {inline: "keys: {}"}`, "/etc/conductor-jwt-policy/policy.yaml"}},
		"jwks_listen":              rows{{`jwks: {enabled: true, port: 8001}`, ":8001"}},
		"status_listen":            rows{{`status: {enabled: true, port: 8002}`, ":8002"}},
		"ui_url":                   rows{{`status: {enabled: true, uiURL: "https://ui.example.com"}`, "https://ui.example.com"}},
		"task_types":               rows{{`taskTypes: ["1e3", "no"]`, "1e3,no"}},
		"proxy":                    rows{{`settings: {proxy: "http://proxy:3128"}`, "http://proxy:3128"}},
		"headers_file":             rows{{`settings: {headers_file: /etc/headers}`, "/etc/headers"}},
		"tls_insecure_skip_verify": rows{{`settings: {tls_insecure_skip_verify: on}`, "true"}, {`settings: {tls_insecure_skip_verify: no}`, "false"}},
		"domain":                   rows{{`settings: {domain: "no"}`, "no"}, {`settings: {domain: "0x10"}`, "0x10"}, {`settings: {domain: "null"}`, "null"}},
		"slots":                    rows{{`settings: {slots: 10000}`, "10000"}},
		"pollers":                  rows{{`settings: {pollers: 3}`, "3"}},
		"poll_timeout":             rows{{`settings: {poll_timeout: 2s}`, "2s"}},
		"drain_timeout":            rows{{`settings: {drain_timeout: 30s}`, "30s"}},
		"register_taskdefs":        rows{{`settings: {register_taskdefs: off}`, "off"}, {`settings: {register_taskdefs: "off"}`, "off"}},
		"owner_email":              rows{{`settings: {owner_email: a@example.com}`, "a@example.com"}},
		"default_ttl":              rows{{`settings: {default_ttl: 90s}`, "1m30s"}},
		"max_ttl":                  rows{{`settings: {max_ttl: 2h}`, "2h"}},
		"output":                   rows{{`settings: {output: both}`, "both"}},
		"secret_injection":         rows{{`settings: {secret_injection: no}`, "off"}},
		"unknown_inputs":           rows{{`settings: {unknown_inputs: error}`, "error"}},
		"verify_inline":            rows{{`settings: {verify_inline: allow}`, "allow"}},
		"key_wait":                 rows{{`settings: {key_wait: 1h}`, "1h"}},
		"key_cache":                rows{{`settings: {key_cache: 100000}`, "100000"}},
		"audit":                    rows{{`settings: {audit: stdout}`, "stdout"}, {`settings: {audit: off}`, "off"}},
		"pprof_listen":             rows{{`settings: {pprof_listen: "127.0.0.1:6060"}`, "127.0.0.1:6060"}, {`settings: {pprof_listen: false}`, "off"}},
		"log_level":                rows{{`settings: {log_level: debug}`, "debug"}},
		"log_format":               rows{{`settings: {log_format: text}`, "text"}},
	}
}

// notOfValues returns the settings that the pod's environment sets, and those that
// files hold.
func notOfValues() []string { return []string{"auth_key", "auth_secret", "listen", "worker_id"} }

// Every setting given through the chart's values reaches the worker as it was
// written.
func TestSettingsReachTheWorker(t *testing.T) {
	worker := filepath.Join(t.TempDir(), "conductor-jwt")
	build(t, worker, ".")
	all := settingsOfValues()
	for name := range readJSON(t, "../config.schema.json")["properties"].(map[string]any) {
		if _, ok := all[name]; ok == slices.Contains(notOfValues(), name) {
			t.Errorf("no row for the setting %s", name)
		}
	}
	for name, rows := range all {
		for _, row := range rows {
			if got := shownBy(t, worker, row.values)[strings.TrimSuffix(name, "_file")]; got != row.shown && shownBy(t, worker, row.values)[name] != row.shown {
				t.Errorf("%s: %s is %q, want %q", row.values, name, got, row.shown)
			}
		}
	}
}

// shownBy returns the settings that the worker has with the chart's values.
func shownBy(t *testing.T, worker, values string) map[string]string {
	t.Helper()
	folder := t.TempDir()
	id, secret := filepath.Join(folder, "key-id"), filepath.Join(folder, "key-secret")
	text := read[core.ConfigMap](t, values, "ConfigMap", "conductor-jwt").Data["config.yaml"]
	text = strings.ReplaceAll(text, "/run/conductor/auth", filepath.ToSlash(folder))
	config := filepath.Join(folder, "config.yaml")
	for name, content := range map[string]string{id: "id", secret: "a secret", config: text} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	show := exec.CommandContext(t.Context(), worker, "config", "show", "-o", "json")
	show.Env = []string{"CONDUCTOR_JWT_CONFIG=" + config}
	out, err := show.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s\n%s", values, err, text, fmt.Sprint(err))
	}
	settings := map[string]string{}
	if err := json.Unmarshal(out, &settings); err != nil {
		t.Fatal(err)
	}
	return settings
}
