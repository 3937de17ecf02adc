package config_test

import (
	"strings"
	"testing"

	"conductor-jwt/config"
)

// The bounds themselves are accepted, and the values next to them are not.
func TestBounds(t *testing.T) {
	for _, row := range []struct{ name, min, below, max, above string }{
		{"slots", "1", "0", "10000", "10001"},
		{"pollers", "1", "0", "64", "65"},
		{"poll_timeout", "1ms", "999us", "5s", "5001ms"},
		{"drain_timeout", "0s", "-1s", "1h", "3601s"},
		{"default_ttl", "1s", "0s", "876000h", "876001h"},
		{"max_ttl", "1s", "0s", "876000h", "876001h"},
		{"key_wait", "0s", "-1s", "24h", "86401s"},
		{"key_cache", "0", "", "100000", "100001"},
	} {
		load := func(text string) error {
			flags := map[string]string{row.name: text}
			if row.name == "default_ttl" {
				flags["max_ttl"] = "876000h"
			}
			_, err := sources{flags: flags}.load()
			return err
		}
		for _, text := range []string{row.min, row.max} {
			if err := load(text); err != nil {
				t.Errorf("%s of %s: %v", row.name, text, err)
			}
		}
		for _, text := range []string{row.below, row.above} {
			if err := load(text); text != "" && (err == nil || !strings.HasPrefix(err.Error(), row.name+" (")) {
				t.Errorf("%s of %s: %v", row.name, text, err)
			}
		}
	}
}

// A message names what the file has in place of the value.
func TestFileValuesOfTheWrongKind(t *testing.T) {
	for text, want := range map[string]string{
		"worker_id: [a]":        "worker_id (w.yaml:1): the value is a list; write text",
		"worker_id: {a: b}":     "worker_id (w.yaml:1): the value is a mapping; write text",
		"worker_id: &x a":       "worker_id (w.yaml:1): the value is an anchor or alias; write text",
		"worker_id: *x":         "worker_id (w.yaml:1): the value is an anchor or alias; write text",
		"worker_id: !!str a":    "worker_id (w.yaml:1): the value is a tag; write text",
		"slots: !!int 3":        "slots (w.yaml:1): the value is a tag; write a whole number",
		"poll_timeout: [1s]":    "poll_timeout (w.yaml:1): the value is a list; write a duration",
		"output: [token]":       "output (w.yaml:1): the value is a list; write one of token, _secrets, both",
		"server_url: {a: b}":    "server_url (w.yaml:1): the value is a mapping; write a URL",
		"listen: [a]":           "listen (w.yaml:1): the value is a list; write an address or off",
		"task_types: {a: b}":    "task_types (w.yaml:1): the value is a mapping; write a list of text",
		"policy: [a]":           "policy (w.yaml:1): the value is a list; write the path of a file",
		"slots: 1\nslots: 2":    "slots (w.yaml:2): the setting is set already",
		"- slots":               "w.yaml:1: ",
		"slots: 3\n---\na: 1":   "w.yaml:2: ",
		"server_url: \"a\\tb\"": "server_url (w.yaml:1): ",
	} {
		_, err := inFile(text).load()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n got %v\nwant %s", text, err, want)
		}
	}
}

// The message names the setting, not the file.
func TestMissingConfigurationFile(t *testing.T) {
	for want, src := range map[string]sources{
		"config (CONDUCTOR_JWT_CONFIG): ": env("CONDUCTOR_JWT_CONFIG", "nowhere.yaml"),
		"config (--config): ":             {flags: map[string]string{"config": "nowhere.yaml"}, env: map[string]string{"CONDUCTOR_JWT_CONFIG": "w.yaml"}, files: map[string]string{"w.yaml": "slots: 3"}},
	} {
		if _, err := src.load(); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "nowhere") {
			t.Errorf("want %s: %v", want, err)
		}
	}
}

// Variables of settings and those that Kubernetes sets for a Service are known.
func TestKnownVariablesCauseNoWarning(t *testing.T) {
	l := env(
		"CONDUCTOR_JWT_SLOTS", "3", "CONDUCTOR_AUTH_KEY", "k", "CONDUCTOR_AUTH_SECRET", "s",
		"CONDUCTOR_JWT_SERVICE_PORT_METRICS_2", "1", "CONDUCTOR_JWT_PORT_9991_UDP_PROTO", "udp", "CONDUCTOR_JWT_PORT_9991_SCTP_PORT", "1",
	).mustLoad(t)
	if len(l.Warnings) != 0 || l.Slots != 3 {
		t.Errorf("%q", l.Warnings)
	}
	for _, name := range []string{"CONDUCTOR_JWT_PORT_X_TCP", "CONDUCTOR_JWT_SERVICE_HOSTS", "CONDUCTOR_JWT_SERVICE_PORT_"} {
		if l, err := env(name, "1").load(); err == nil && len(l.Warnings) != 1 {
			t.Errorf("%s: %q", name, l.Warnings)
		}
	}
	for name, want := range map[string]string{"CONDUCTOR_JWT_SLOT": "did you mean CONDUCTOR_JWT_SLOTS?", "CONDUCTOR_JWT_TASKTYPES": "did you mean CONDUCTOR_JWT_TASK_TYPES?"} {
		if _, err := env(name, "1").load(); err == nil || !strings.Contains(err.Error(), name+": ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A problem names its setting and its origin, where it has them.
func TestProblemText(t *testing.T) {
	for _, row := range []struct{ setting, where, want string }{
		{"slots", "w.yaml:3", "slots (w.yaml:3): wrong"},
		{"slots", "", "slots: wrong"},
		{"", "w.yaml:3", "w.yaml:3: wrong"},
		{"", "", "wrong"},
	} {
		p := config.Problem{Setting: row.setting, Origin: config.Origin{Source: config.FromFile, Where: row.where}, Text: "wrong"}
		if got := p.String(); got != row.want {
			t.Errorf("%q, want %q", got, row.want)
		}
	}
	if got := (config.Origin{Source: config.FromFile, Where: "w.yaml:3"}).String() + ", " + (config.Origin{Source: config.FromDefault}).String(); got != "file w.yaml:3, default" {
		t.Errorf("%q", got)
	}
}
