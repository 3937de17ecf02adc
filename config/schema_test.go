package config_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"conductor-jwt/config"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("config.json", document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("config.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The schema accepts what the reader accepts, except where a schema cannot say more.
func TestSchemaAgreesWithReader(t *testing.T) {
	schema := compiled(t)
	for _, row := range []struct {
		yaml   string
		schema bool
		reader bool
	}{
		{"slots: 3", true, true},
		{"slots: null", false, false},
		{"listen: null", false, false},
		{"domain: ''", false, false},
		{"task_types: ''", false, false},
		{"auth_secret_file: ''", false, false},
		{"output: null", false, false},
		{"task_types: null", false, false},
		{"tls_insecure_skip_verify: null", false, false},
		{"auth_secret_file: null", false, false},
		{"slots: many", false, false},
		{"slots: 0", false, false},
		{"slots: 10001", false, false},
		{"slot: 3", false, false},
		{"poll_timeout: 2s", true, true},
		{"poll_timeout: 1m30s", true, false}, // only the reader checks the bounds of durations
		{"poll_timeout: 2", false, false},
		{"poll_timeout: 2 s", false, false},
		{"key_wait: 0", false, true}, // a number to a schema; Go's only duration without a unit
		{"key_wait: '0'", true, true},
		{"task_types: [A, B]", true, true},
		{"task_types: A,B", true, true},
		{"task_types: {a: b}", false, false},
		{"output: both", true, true},
		{"output: neither", false, false},
		{"tls_insecure_skip_verify: true", true, true},
		{"tls_insecure_skip_verify: maybe", false, false},
		{"auth_key: k\nauth_secret_file: /dev/null", true, false},
		{"listen: off", true, true},
		{"listen: false", true, true},
		{"listen: true", false, false},
		{"audit: false", true, true},
		{"register_taskdefs: false", true, true},
		{"register_taskdefs: true", false, false},
		{"domain: false", false, false},
		{"config: x", false, false},
		{"policy: x", true, true},
		{"ui_url: http://conductor", true, true},
		{"[]", false, false},
	} {
		text, err := yaml.YAMLToJSON([]byte(row.yaml))
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); (err == nil) != row.schema {
			t.Errorf("schema, %s: %v", row.yaml, err)
		}
		if _, err := inFile(row.yaml).load(); (err == nil) != row.reader {
			t.Errorf("reader, %s: %v", row.yaml, err)
		}
	}
}

func TestDefaultsMatchTheSchema(t *testing.T) {
	text, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Properties map[string]struct {
			Default any `json:"default"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	defaults := map[string]any{}
	for name, p := range s.Properties {
		if p.Default != nil {
			defaults[name] = p.Default
		}
	}
	if len(defaults) < 10 {
		t.Errorf("only %d defaults", len(defaults))
	}
	if err := compiled(t).Validate(defaults); err != nil {
		t.Error(err)
	}
}

// deploy/ has the schema for editors.
func TestPublishedSchemaIsCurrent(t *testing.T) {
	const path = "../deploy/config.schema.json"
	want, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(path, want, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("deploy/config.schema.json is not what `config schema` prints; run go test ./config -update (%v)", err)
	}
}
