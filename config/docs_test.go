package config_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"conductor-jwt/config"
)

var update = flag.Bool("update", false, "write docs/configuration.md anew")

const page = "../docs/configuration.md"

// The page is generated from the table; `go test ./config -update` writes it.
func TestDocsPageMatchesTable(t *testing.T) {
	want := document()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the settings table says; run `go test ./config -update`", page)
	}
}

const preface = `# Settings of the worker

<!-- Written by go test ./config -update from the table in config/settings.go. -->

Reference for operators: every setting of ` + "`conductor-jwt worker`" + `. A flag overrides the variable, the variable the YAML file, the file the default. An empty variable
counts as not set.

` + "```yaml" + `
server_url: https://conductor.example.com/api
auth_key: worker
auth_secret_file: /run/secrets/conductor
task_types: [GET_SIGNED_JWT]
poll_timeout: 5s
` + "```" + `

` + "`conductor-jwt config show --origin`" + ` prints each value and its origin, ` + "`config validate`" + ` checks everything, and ` + "`config schema`" + ` prints
[the JSON Schema of the file](../deploy/config.schema.json), which editors use if the first line is ` + "`# yaml-language-server: $schema=…`" + `

- **Flags** are the names with dashes: ` + "`--poll-timeout`" + `. Only ` + "`output`" + ` differs: ` + "`--output-path`" + `.
- **Secrets** have [no flag](cli.md). ` + "`CONDUCTOR_AUTH_KEY_FILE` and `CONDUCTOR_AUTH_SECRET_FILE`" + ` (in the YAML file ` + "`auth_key_file`, `auth_secret_file`" + `) name a file
  with the value. Setting both is an error.
- **Files** of authentication, TLS, headers and policy are read again when they change.
- **Durations** are written ` + "`300ms`, `30s`, `1h30m`" + `.
- **The YAML file**: unknown names, names without a value and empty files are errors. ` + "`off`, `no` and `false`" + ` mean the same where a setting can be off, ` + "`on`, `yes` and `true`" + `
  where it is a switch. Quote other text that looks like one of them.
- **Variables** whose name is similar to a setting's are errors. Unknown ones that begin with ` + "`CONDUCTOR_JWT_`" + `, and those of other Conductor SDKs, cause a warning.
`

func document() string {
	var b strings.Builder
	b.WriteString(preface)
	group := ""
	for _, s := range config.Settings() {
		if s.Group != group {
			group = s.Group
			fmt.Fprintf(&b, "\n## %s\n\n| name, variable | default | |\n|---|---|---|\n", group)
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", nameCell(s), defaultCell(s), aboutCell(s))
	}
	return b.String()
}

func code(s string) string { return "`" + s + "`" }

func nameCell(s config.Setting) string {
	name := code(s.Name)
	if s.Name == "config" {
		name = "not in the file"
	}
	return name + "<br>" + code(s.Env)
}

func defaultCell(s config.Setting) string {
	switch {
	case s.Computed:
		return s.Default
	case s.Default == "":
		return ""
	}
	return code(s.Default)
}

func aboutCell(s config.Setting) string {
	switch s.Kind {
	case config.Choice:
		return s.About + " One of " + code(strings.Join(s.Choices, "`, `")) + "."
	case config.Count, config.Duration:
		return s.About + " " + s.Bounds() + "."
	}
	return s.About
}

// Every row has what the flags, the file and the page need.
func TestEveryRowIsComplete(t *testing.T) {
	name := regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	env := regexp.MustCompile(`^(CONDUCTOR|LOG)_[A-Z_]+$`)
	seen := map[string]string{}
	for _, s := range config.Settings() {
		switch {
		case !name.MatchString(s.Name):
			t.Errorf("name %q", s.Name)
		case !env.MatchString(s.Env):
			t.Errorf("%s: variable %q", s.Name, s.Env)
		case (s.Flag == "") != s.Secret:
			t.Errorf("%s: flag %q of a secret, or none", s.Name, s.Flag)
		case !s.Secret && s.Name != "output" && s.Flag != strings.ReplaceAll(s.Name, "_", "-"):
			t.Errorf("%s: flag %q; the page says it is the name with dashes", s.Name, s.Flag)
		case s.HasFile != slices.Contains([]string{"auth_key", "auth_secret"}, s.Name):
			t.Errorf("%s: the page does not say that it has, or has no file", s.Name)
		case !strings.HasSuffix(s.About, ".") || strings.Contains(s.About, "\n") || strings.Contains(s.About, "|"):
			t.Errorf("%s: sentence %q", s.Name, s.About)
		case s.Group == "" || s.Kind == "":
			t.Errorf("%s: no group or kind", s.Name)
		case (s.Kind == config.Choice) != (len(s.Choices) > 0):
			t.Errorf("%s: choices %v of a %s", s.Name, s.Choices, s.Kind)
		}
		for _, key := range []string{s.Name, s.Env, "--" + s.Flag} {
			if other, ok := seen[key]; ok && key != "--" {
				t.Errorf("%s of %s is %s's", key, s.Name, other)
			}
			seen[key] = s.Name
		}
	}
}
