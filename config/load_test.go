package config_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"conductor-jwt/config"
	"conductor-jwt/internal/secret"
)

// sources is a process: its variables, its flags (by setting) and its files.
type sources struct {
	env   map[string]string
	flags map[string]string
	files map[string]string
}

func (s sources) load() (*config.Loaded, error) {
	var environ []string
	for name, text := range s.env {
		environ = append(environ, name+"="+text)
	}
	return config.Load(config.Sources{
		Flags:   s.flags,
		Environ: environ,
		Getenv:  func(name string) (string, bool) { v, ok := s.env[name]; return v, ok },
		ReadFile: func(path string) ([]byte, error) {
			text, ok := s.files[path]
			if !ok {
				return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
			}
			return []byte(text), nil
		},
		Cores: 2, Host: "host", PID: 17,
	})
}

func (s sources) mustLoad(t *testing.T) *config.Loaded {
	t.Helper()
	l, err := s.load()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// env is a process with variables; pairs are names and values.
func env(pairs ...string) sources {
	s := sources{env: map[string]string{}, files: map[string]string{}}
	for i := 0; i < len(pairs); i += 2 {
		s.env[pairs[i]] = pairs[i+1]
	}
	return s
}

// inFile is a process with only a configuration file.
func inFile(yaml string) sources {
	return sources{
		env:   map[string]string{"CONDUCTOR_JWT_CONFIG": "w.yaml"},
		files: map[string]string{"w.yaml": yaml},
	}
}

func TestDefaults(t *testing.T) {
	l := sources{}.mustLoad(t)
	want := config.Config{
		ServerURL: "http://localhost:8080/api", TaskTypes: []string{"GET_SIGNED_JWT"}, WorkerID: "host-17",
		Slots: 16, Pollers: 4, PollTimeout: 5 * time.Second, DrainTimeout: 25 * time.Second,
		RegisterTaskdefs: "missing", DefaultTTL: 300 * time.Second, MaxTTL: 24 * time.Hour, Output: "token",
		SecretInjection: "auto", UnknownInputs: "warn", KeyWait: 10 * time.Minute, KeyCache: 1000,
		Listen: "127.0.0.1:9991", LogLevel: "info",
	}
	got := l.Config
	if !slices.Equal(got.TaskTypes, want.TaskTypes) {
		t.Errorf("task types = %v", got.TaskTypes)
	}
	for i, row := range l.Rows() {
		if row.Origin.Source != config.FromDefault {
			t.Errorf("row %d, %s, is from %s", i, row.Name, row.Origin)
		}
	}
	for _, pair := range [][2]any{
		{got.ServerURL, want.ServerURL},
		{got.WorkerID, want.WorkerID},
		{got.Slots, want.Slots},
		{got.Pollers, want.Pollers},
		{got.PollTimeout, want.PollTimeout},
		{got.DrainTimeout, want.DrainTimeout},
		{got.RegisterTaskdefs, want.RegisterTaskdefs},
		{got.DefaultTTL, want.DefaultTTL},
		{got.MaxTTL, want.MaxTTL},
		{got.Output, want.Output},
		{got.SecretInjection, want.SecretInjection},
		{got.UnknownInputs, want.UnknownInputs},
		{got.KeyWait, want.KeyWait},
		{got.KeyCache, want.KeyCache},
		{got.Listen, want.Listen},
		{got.LogLevel, want.LogLevel},
		{got.LogFormat, ""},
		{got.File, ""},
		{got.AuthSecret.IsZero(), true},
	} {
		if pair[0] != pair[1] {
			t.Errorf("got %v, want %v", pair[0], pair[1])
		}
	}
}

// Every default of the table can be parsed, and a process without settings has it.
func TestDefaultsMatchTheTable(t *testing.T) {
	l := sources{}.mustLoad(t)
	for _, s := range config.Settings() {
		if s.Default == "" || s.Computed {
			continue
		}
		given := sources{flags: map[string]string{s.Name: s.Default}}.mustLoad(t)
		if want := given.Config; !reflect.DeepEqual(l.Config, want) {
			t.Errorf("%s: %+v, want %+v", s.Name, l.Config, want)
		}
	}
	want := l.Config
	want.Slots, want.WorkerID = 0, ""
	if got := config.Defaults(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// Every setting can be set by each of its sources, and names its origin.
func TestEverySettingFromEverySource(t *testing.T) {
	sample := map[config.Kind]string{
		config.Text: "x@y", config.Path: "/p", config.URL: "https://h/api", config.Proxy: "http://p:3128",
		config.Address: "127.0.0.1:1234", config.Duration: "2s", config.Count: "3", config.Switch: "true", config.List: "A,B",
	}
	partner := map[string]map[string]string{
		"auth_key":        {"CONDUCTOR_AUTH_SECRET": "s"},
		"auth_secret":     {"CONDUCTOR_AUTH_KEY": "k"},
		"tls_client_cert": {"CONDUCTOR_TLS_CLIENT_KEY": "k"},
		"tls_client_key":  {"CONDUCTOR_TLS_CLIENT_CERT": "c"},
	}
	for _, s := range config.Settings() {
		if s.Name == "config" {
			continue
		}
		text := sample[s.Kind]
		if s.Kind == config.Choice {
			text = s.Choices[len(s.Choices)-1]
		}
		shown := text
		if s.Secret {
			shown = secret.Redacted
		}
		check := func(src sources, origin string) {
			t.Helper()
			env := map[string]string{}
			for _, from := range []map[string]string{src.env, partner[s.Name]} {
				maps.Copy(env, from)
			}
			src.env = env
			l, err := src.load()
			if err != nil {
				t.Errorf("%s from %s: %v", s.Name, origin, err)
				return
			}
			for _, row := range l.Rows() {
				if row.Name == s.Name && (row.Value != shown || row.Origin.String() != origin) {
					t.Errorf("%s = %q from %s, want %q from %s", s.Name, row.Value, row.Origin, shown, origin)
				}
			}
		}
		file := inFile(s.Name + ": " + text + "\n")
		check(file, "file w.yaml:1")
		file.env[s.Env] = text
		check(file, "environment "+s.Env)
		if s.Flag != "" {
			file.flags = map[string]string{s.Name: text}
			check(file, "flag --"+s.Flag)
		}
		if s.HasFile {
			check(sources{
				env:   map[string]string{s.EnvFile(): "/run/s"},
				files: map[string]string{"/run/s": text + "\n"},
			}, "environment "+s.EnvFile())
		}
	}
}

func TestPrecedenceOfSources(t *testing.T) {
	src := inFile("slots: 5\npollers: 5\ndomain: file\nlisten: off\n")
	src.env["CONDUCTOR_JWT_SLOTS"] = "6"
	src.env["CONDUCTOR_JWT_POLLERS"] = "6"
	src.env["CONDUCTOR_JWT_DOMAIN"] = "" // an empty variable is ignored
	src.flags = map[string]string{"slots": "7"}
	l := src.mustLoad(t)
	if l.Slots != 7 || l.Pollers != 6 || l.Domain != "file" || l.Listen != "" || l.Origin("listen").Source != config.FromFile {
		t.Errorf("slots %d, pollers %d, domain %q, listen %q", l.Slots, l.Pollers, l.Domain, l.Listen)
	}
	// An overridden value is not parsed.
	src.env["CONDUCTOR_JWT_SLOTS"] = "many"
	if l := src.mustLoad(t); l.Slots != 7 {
		t.Errorf("slots %d", l.Slots)
	}
}

func TestConfigFlagBeatsItsVariable(t *testing.T) {
	src := inFile("slots: 5\n")
	src.flags = map[string]string{"config": "flag.yaml"}
	src.files["flag.yaml"] = "slots: 6\n"
	if l := src.mustLoad(t); l.Slots != 6 || l.File != "flag.yaml" {
		t.Errorf("slots %d of %s", l.Slots, l.File)
	}
}

func TestSecretFiles(t *testing.T) {
	for content, want := range map[string]string{"s3": "s3", "s3\n": "s3", "s3\r\n": "s3", " s3 ": " s3 ", "\ufeffs3\r\n": "s3", "s3\n\n": "s3\n"} {
		l := sources{
			env:   map[string]string{"CONDUCTOR_AUTH_KEY": "k", "CONDUCTOR_AUTH_SECRET_FILE": "/s"},
			files: map[string]string{"/s": content},
		}.mustLoad(t)
		if got := l.AuthSecret.Reveal(); got != want {
			t.Errorf("a file of %q is the secret %q", content, got)
		}
	}
	for content, want := range map[string]string{
		"\ufeff\n":                 "the file is empty; write the secret into it",
		"\xff\xfes\x003\x00":       "the file is not UTF-8 text; write it as UTF-8",
		strings.Repeat("s", 65537): "the file is over 64 KiB; name a file that holds the secret alone",
	} {
		_, err := sources{
			env:   map[string]string{"CONDUCTOR_AUTH_KEY": "k", "CONDUCTOR_AUTH_SECRET_FILE": "/s"},
			files: map[string]string{"/s": content},
		}.load()
		if err == nil || err.Error() != "auth_secret (CONDUCTOR_AUTH_SECRET_FILE): "+want {
			t.Errorf("a file of %.9q: %v", content, err)
		}
	}
	src := inFile("auth_key: k\nauth_secret_file: /s\n")
	src.files["/s"] = "inner"
	if l := src.mustLoad(t); l.AuthSecret.Reveal() != "inner" {
		t.Error("auth_secret_file of the configuration file is not read")
	}
	src.env["CONDUCTOR_AUTH_SECRET"] = "outer"
	delete(src.files, "/s")
	if l := src.mustLoad(t); l.AuthSecret.Reveal() != "outer" {
		t.Error("the environment does not beat the file")
	}
}

// Both are read again from their files, and stay as they are where they have none.
func TestCredentialsAreReadAgain(t *testing.T) {
	files := map[string]string{"/id": "id-1\n", "/s": "s-1\n"}
	read := func(path string) ([]byte, error) {
		text, ok := files[path]
		if !ok {
			return nil, fs.ErrNotExist
		}
		return []byte(text), nil
	}
	for what, row := range map[string]struct {
		env            map[string]string
		id, secret     string // after both files have changed
		inFile, wanted string // the error without a file /s
	}{
		"both in files":          {map[string]string{"CONDUCTOR_AUTH_KEY_FILE": "/id", "CONDUCTOR_AUTH_SECRET_FILE": "/s"}, "id-2", "s-2", "/id", "auth_secret (CONDUCTOR_AUTH_SECRET_FILE): there is no such file; name a file that holds the secret"},
		"the secret in a file":   {map[string]string{"CONDUCTOR_AUTH_KEY": "id-0", "CONDUCTOR_AUTH_SECRET_FILE": "/s"}, "id-0", "s-2", "", "auth_secret (CONDUCTOR_AUTH_SECRET_FILE): there is no such file; name a file that holds the secret"},
		"neither":                {map[string]string{"CONDUCTOR_AUTH_KEY": "id-0", "CONDUCTOR_AUTH_SECRET": "s-0"}, "id-0", "s-0", "", ""},
		"none: a server without": {nil, "", "", "", ""},
	} {
		files["/id"], files["/s"] = "id-1\n", "s-1\n"
		l := sources{env: row.env, files: maps.Clone(files)}.mustLoad(t)
		if got := l.ValueFile("auth_key"); got != row.inFile {
			t.Errorf("%s: the file of the id is %q", what, got)
		}
		files["/id"], files["/s"] = "id-2", "s-2"
		if id, secret, err := l.Credentials(read); err != nil || id != row.id || secret.Reveal() != row.secret {
			t.Errorf("%s: %s, %s, %v", what, id, secret.Reveal(), err)
		}
		delete(files, "/s")
		_, _, err := l.Credentials(read)
		if got := fmt.Sprint(err); row.wanted == "" && err != nil || row.wanted != "" && got != row.wanted {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestByteOrderMarkOfTheFileIsIgnored(t *testing.T) {
	if l := inFile("\ufeffslots: 5\n").mustLoad(t); l.Slots != 5 {
		t.Errorf("slots = %d", l.Slots)
	}
}

// Every boolean of YAML 1.1 means off, or is the value of a switch. Where it can be
// neither, it is refused, as the text that a tool made it of is not known.
func TestBooleansOfYAML(t *testing.T) {
	for _, off := range []string{"off", "Off", "OFF", "no", "No", "false", "False"} {
		l := inFile(strings.ReplaceAll("register_taskdefs: X\naudit: X\nlisten: X\nsecret_injection: X\ntls_insecure_skip_verify: X", "X", off)).mustLoad(t)
		if l.RegisterTaskdefs != "off" || l.Audit != "off" || l.Listen != "" || l.SecretInjection != "off" || l.TLSInsecureSkipVerify {
			t.Errorf("%s: %+v", off, l.Config)
		}
	}
	for _, on := range []string{"on", "yes", "YES", "true"} {
		if l := inFile("tls_insecure_skip_verify: " + on).mustLoad(t); !l.TLSInsecureSkipVerify {
			t.Errorf("tls_insecure_skip_verify: %s is false", on)
		}
		for _, name := range []string{"audit", "listen", "register_taskdefs"} {
			if _, err := inFile(name + ": " + on).load(); err == nil || !strings.Contains(err.Error(), name+" (w.yaml:1): the value is a boolean, not ") {
				t.Errorf("%s: %s: %v", name, on, err)
			}
		}
	}
	for _, text := range []string{"output: false", "domain: false", "policy: true", "slots: true", "task_types: true"} {
		if _, err := inFile(text).load(); err == nil || !strings.Contains(err.Error(), ": the value is a boolean, not ") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if l := inFile("domain: no\nworker_id: 'true'\naudit: 'on'").mustLoad(t); l.Domain != "no" || l.WorkerID != "true" || l.Audit != "on" {
		t.Errorf("%q, %q, %q", l.Domain, l.WorkerID, l.Audit)
	}
}

func TestLists(t *testing.T) {
	for yaml, want := range map[string][]string{
		"[A, B]":         {"A", "B"},
		"A, B":           {"A", "B"},
		"\n  - A\n  - B": {"A", "B"},
		"[]":             nil,
		"A":              {"A"},
	} {
		l, err := inFile("task_types: " + yaml).load()
		if want == nil {
			if err == nil {
				t.Errorf("%s is accepted", yaml)
			}
			continue
		}
		if err != nil || !slices.Equal(l.TaskTypes, want) {
			t.Errorf("%s reads %v, %v", yaml, l, err)
		}
	}
}

func TestDefaultSlotsForManyTaskTypes(t *testing.T) {
	types := "A,B,C,D,E,F,G,H,I,J,K,L,M,N,O,P,Q"
	if l := (sources{env: map[string]string{"CONDUCTOR_JWT_TASK_TYPES": types}}).mustLoad(t); l.Slots != 17 {
		t.Errorf("slots = %d", l.Slots)
	}
}

func TestDefaultTTLIsCappedAtMaxTTL(t *testing.T) {
	if l := (sources{flags: map[string]string{"max_ttl": "60s"}}).mustLoad(t); l.DefaultTTL != time.Minute {
		t.Errorf("default ttl = %s", l.DefaultTTL)
	}
}

func TestLogSettingsInAnyCase(t *testing.T) {
	l := sources{env: map[string]string{"LOG_LEVEL": "DEBUG", "LOG_FORMAT": "JSON"}}.mustLoad(t)
	if l.LogLevel != "debug" || l.LogFormat != "json" {
		t.Errorf("%s %s", l.LogLevel, l.LogFormat)
	}
	for _, warning := range []string{"warning", "WARNING", "Warn"} {
		if l := env("LOG_LEVEL", warning).mustLoad(t); l.LogLevel != "warn" {
			t.Errorf("%s is %s", warning, l.LogLevel)
		}
	}
}

func TestProxyPasswordIsNotShown(t *testing.T) {
	for _, proxy := range []string{"http://user:hunter2@proxy:3128", "user:hunter2@proxy:3128", "socks5h://user:hunter2@proxy"} {
		l := sources{env: map[string]string{"CONDUCTOR_PROXY": proxy}}.mustLoad(t)
		for _, row := range l.Rows() {
			if strings.Contains(row.Value, "hunter2") {
				t.Errorf("%s shows it: %s", row.Name, row.Value)
			}
		}
		if l.Proxy.Reveal() != proxy {
			t.Error("the proxy lost its password")
		}
	}
}

// The text of every problem.
func TestProblems(t *testing.T) {
	flag := func(name, text string) sources { return sources{flags: map[string]string{name: text}} }
	for _, row := range []struct {
		src  sources
		want string
	}{
		{env("CONDUCTOR_JWT_SLOTS", "many"), "slots (CONDUCTOR_JWT_SLOTS): the value is not a whole number; set 1 to 10000"},
		{env("CONDUCTOR_JWT_SLOTS", "0"), "slots (CONDUCTOR_JWT_SLOTS): the number is out of range; set 1 to 10000"},
		{env("CONDUCTOR_JWT_SLOTS", "-1"), "slots (CONDUCTOR_JWT_SLOTS): the value is not a whole number; set 1 to 10000"},
		{env("CONDUCTOR_JWT_SLOTS", "99999999999999999999"), "slots (CONDUCTOR_JWT_SLOTS): the number is out of range; set 1 to 10000"},
		{flag("slots", ""), "slots (--slots): the value is not a whole number; set 1 to 10000"},
		{inFile("slots: 1.5"), "slots (w.yaml:1): the value is not a whole number; set 1 to 10000"},
		{inFile("\n\nslots: [1]"), "slots (w.yaml:3): the value is a list; write a whole number"},
		{inFile("slots: {a: 1}"), "slots (w.yaml:1): the value is a mapping; write a whole number"},
		{inFile("a: &x 3\nslots: *x"), "w.yaml:1: unknown setting; `conductor-jwt config schema` lists them\n" +
			"slots (w.yaml:2): the value is an anchor or alias; write a whole number"},
		{
			env("CONDUCTOR_JWT_SLOTS", "1", "CONDUCTOR_JWT_TASK_TYPES", "A,B"),
			"slots (CONDUCTOR_JWT_SLOTS): there are 2 task types; set at least one slot for each",
		},
		{env("CONDUCTOR_JWT_POLL_TIMEOUT", "6s"), "poll_timeout (CONDUCTOR_JWT_POLL_TIMEOUT): the duration is too long; set 5s or less"},
		{flag("poll_timeout", "0"), "poll_timeout (--poll-timeout): the duration is too short; set 1ms or more"},
		{flag("poll_timeout", "5"), "poll_timeout (--poll-timeout): the duration has no unit; write it as 30s, 5m or 1h30m"},
		{inFile("drain_timeout: 25"), "drain_timeout (w.yaml:1): the duration has no unit; write it as 30s, 5m or 1h30m"},
		{flag("drain_timeout", "soon"), "drain_timeout (--drain-timeout): the value is not a duration; write it as 30s, 5m or 1h30m"},
		{flag("drain_timeout", "-1s"), "drain_timeout (--drain-timeout): the duration is too short; set 0s or more"},
		{flag("default_ttl", "25h"), "default_ttl (--default-ttl): the duration is over max_ttl, which is 24h; set 24h or less"},
		{flag("default_ttl", "1500ms"), "default_ttl (--default-ttl): the duration has a fraction of a second; write whole seconds, as the times of a token are"},
		{flag("max_ttl", "3600500ms"), "max_ttl (--max-ttl): the duration has a fraction of a second; write whole seconds, as the times of a token are"},
		{flag("output", "secrets"), "output (--output-path): the value must be one of token, _secrets, both"},
		{flag("output", "TOKEN"), "output (--output-path): the value must be one of token, _secrets, both"},
		{env("LOG_LEVEL", "trace"), "log_level (LOG_LEVEL): the value must be one of debug, info, warn, error"},
		{flag("server_url", "localhost:8080"), "server_url (--server-url): the value is not a URL; begin it with http:// or https://"},
		{flag("server_url", "http:///api"), "server_url (--server-url): the URL has no host; write scheme://host:port"},
		{flag("server_url", "http://h/api?x=1"), "server_url (--server-url): the URL has a query or a fragment; end it after the path"},
		{flag("server_url", "http://u:p@h"), "server_url (--server-url): the URL has a user name; set auth_key and auth_secret instead, or headers_file for a gateway"},
		{flag("server_url", "http://h:port"), "server_url (--server-url): the value is not a URL; begin it with http:// or https://"},
		{
			flag("proxy", "http://u:p@h"),
			"proxy (--proxy): the URL has a user name, which every user of this machine can read in a flag; set CONDUCTOR_PROXY",
		},
		{flag("proxy", "ftp://h"), "proxy (--proxy): the value is not a URL; begin it with http:// or https:// or socks5:// or socks5h://"},
		{flag("listen", "9991"), "listen (--listen): the value is not an address; write host:port, :port or off"},
		{flag("listen", ":http"), "listen (--listen): the value is not an address; write host:port, :port or off"},
		{flag("listen", ":65536"), "listen (--listen): the value is not an address; write host:port, :port or off"},
		{flag("listen", "::1:80"), "listen (--listen): the value is not an address; write host:port, :port or off"},
		{flag("tls_insecure_skip_verify", "maybe"), "tls_insecure_skip_verify (--tls-insecure-skip-verify): the value must be true or false"},
		{flag("task_types", ","), "task_types (--task-types): the list is empty; name at least one type"},
		{flag("task_types", "A,B,A"), "task_types (--task-types): the list names a type twice; name each type once"},
		{inFile(`task_types: ["A B"]`), "task_types (w.yaml:1): the list holds an empty name or a name with a space; write the names with commas between them"},
		{flag("task_types", `["GET_SIGNED_JWT","B"]`), "task_types (--task-types): the list holds a bracket, a quote or a semicolon; write the names alone, with commas between them"},
		{flag("task_types", `[GET_SIGNED_JWT]`), "task_types (--task-types): the list holds a bracket, a quote or a semicolon; write the names alone, with commas between them"},
		{flag("task_types", `'GET_SIGNED_JWT'`), "task_types (--task-types): the list holds a bracket, a quote or a semicolon; write the names alone, with commas between them"},
		{flag("task_types", `A;B`), "task_types (--task-types): the list holds a bracket, a quote or a semicolon; write the names alone, with commas between them"},
		{inFile(`task_types: '["A"]'`), "task_types (w.yaml:1): the list holds a bracket, a quote or a semicolon; write the names alone, with commas between them"},
		{inFile(`task_types: [{a: b}]`), "task_types (w.yaml:1): the list holds a mapping; write a list of text"},
		{flag("owner_email", "me"), "owner_email (--owner-email): the value is not an e-mail address, and the server refuses task definitions with it; write NAME@DOMAIN"},
		{flag("domain", "a\nb"), "domain (--domain): the value holds a control character; write it on one line"},
		{env("CONDUCTOR_JWT_DOMAIN", "NO_DOMAIN"), "domain (CONDUCTOR_JWT_DOMAIN): NO_DOMAIN means the queue without a domain; to poll that queue, leave the setting out"},
		{env("CONDUCTOR_JWT_DOMAIN", `"blue"`), "domain (CONDUCTOR_JWT_DOMAIN): the value holds a quote; write the domain without quotes"},
		{env("CONDUCTOR_JWT_DOMAIN", "'a','b'"), "domain (CONDUCTOR_JWT_DOMAIN): the value holds a quote; write the domain without quotes"},
		{flag("domain", "no_domain"), "domain (--domain): NO_DOMAIN means the queue without a domain; to poll that queue, leave the setting out"},
		{env("CONDUCTOR_JWT_DOMAIN", "eu,us"), "domain (CONDUCTOR_JWT_DOMAIN): the value is a list; write one domain, and run a worker for each of the others"},
		{inFile("domain: eu,NO_DOMAIN"), "domain (w.yaml:1): the value is a list; write one domain, and run a worker for each of the others"},
		{env("CONDUCTOR_JWT_DOMAIN", "eu "), "domain (CONDUCTOR_JWT_DOMAIN): the value begins or ends with a space; remove the space"},
		{env("CONDUCTOR_JWT_DOMAIN", " "), "domain (CONDUCTOR_JWT_DOMAIN): the value begins or ends with a space; remove the space"},
		{inFile("domain: \"\u00a0eu\""), "domain (w.yaml:1): the value begins or ends with a space; remove the space"},
		{env("CONDUCTOR_JWT_DOMAIN", "e\u200bu"), "domain (CONDUCTOR_JWT_DOMAIN): the value holds an invisible character; type the value again"},
		{env("CONDUCTOR_AUTH_KEY", "\ufeffk", "CONDUCTOR_AUTH_SECRET", "s"), "auth_key (CONDUCTOR_AUTH_KEY): the value holds an invisible character; type the value again"},
		{env("CONDUCTOR_JWT_TASK_TYPES", "A\u00a0B"), "task_types (CONDUCTOR_JWT_TASK_TYPES): the list holds an empty name or a name with a space; write the names with commas between them"},
		{env("CONDUCTOR_JWT_POLICY", " "), "policy (CONDUCTOR_JWT_POLICY): the value begins or ends with a space; remove the space"},
		{env("CONDUCTOR_AUTH_KEY", "k"), "auth_key (CONDUCTOR_AUTH_KEY): auth_secret is not set; set both or neither"},
		{env("CONDUCTOR_AUTH_SECRET", "k"), "auth_secret (CONDUCTOR_AUTH_SECRET): auth_key is not set; set both or neither"},
		{flag("tls_client_key", "k"), "tls_client_key (--tls-client-key): tls_client_cert is not set; set both or neither"},
		{
			env("CONDUCTOR_AUTH_SECRET", "a", "CONDUCTOR_AUTH_SECRET_FILE", "b"),
			"auth_secret (CONDUCTOR_AUTH_SECRET_FILE): CONDUCTOR_AUTH_SECRET is set too; set one of the two",
		},
		{
			inFile("auth_key: k\nauth_secret: a\nauth_secret_file: b"),
			"auth_secret (w.yaml:3): the setting is set already at w.yaml:2; keep one",
		},
		{
			env("CONDUCTOR_AUTH_KEY", "k", "CONDUCTOR_AUTH_SECRET_FILE", "hunter2"),
			"auth_secret (CONDUCTOR_AUTH_SECRET_FILE): there is no such file; name a file that holds the secret",
		},
		{env("CONDUCTOR_JWT_CONFIG", "none.yaml"), "config (CONDUCTOR_JWT_CONFIG): there is no such file; name a file that can be read"},
		{inFile("slot: 3"), "w.yaml:1: unknown setting; did you mean slots?"},
		{inFile("slots: 3\npollTimeout: 3s"), "w.yaml:2: unknown setting; did you mean poll_timeout?"},
		{inFile("auth_secret_fil: /x"), "w.yaml:1: unknown setting; did you mean auth_secret_file?"},
		{inFile("config: x"), "w.yaml:1: config cannot be set in the file itself"},
		{inFile("slots: 3\nslots: 4"), "slots (w.yaml:2): the setting is set already at w.yaml:1; keep one"},
		{inFile("slots: 3\n---\nslots: 4"), "w.yaml:2: this is a second document; keep one"},
		{inFile("slots:\npolicy: ~"), "slots (w.yaml:1): the setting has no value; write a whole number, or remove the line\n" +
			"policy (w.yaml:2): the setting has no value; write the path of a file, or remove the line"},
		{inFile("task_types: [A, ]\nauth_secret_file:"), "auth_secret (w.yaml:2): the setting has no value; write text, or remove the line"},
		{inFile("task_types: [A, ~]"), "task_types (w.yaml:1): the list holds no value; write a list of text"},
		{flag("policy", ""), "policy (--policy): the value is empty; name a file, or leave the setting out"},
		{flag("config", ""), "config (--config): the value is empty; name a file, or leave the setting out"},
		{inFile("policy: ''\nmax_ttl: \"\"\nauth_secret_file: ''\nproxy: |\n  \ntask_types: ''"), "policy (w.yaml:1): the setting has no value; write the path of a file, or remove the line\n" +
			"max_ttl (w.yaml:2): the setting has no value; write a duration, or remove the line\nauth_secret (w.yaml:3): the setting has no value; write text, or remove the line\n" +
			"proxy (w.yaml:4): the setting has no value; write a URL, or remove the line\ntask_types (w.yaml:6): the setting has no value; write a list of text, or remove the line"},
		{inFile(""), "w.yaml: the file holds no setting; write one, or do not name the file"},
		{inFile("# policy: p.yaml\n"), "w.yaml: the file holds no setting; write one, or do not name the file"},
		{inFile("{}"), "w.yaml:1: the file holds no setting; write one, or do not name the file"},
		{inFile("slots: " + strings.Repeat("[", 1000)), "w.yaml:1: this is nested more than 64 deep; nest it less"},
		{inFile("a: 1\n---\n---\npolicy: p"), "w.yaml:2: this is a second document; keep one"},
		{inFile("- slots"), "w.yaml:1: the file is a list; write a mapping of setting names to values"},
		{inFile("slots"), "w.yaml:1: the file is text; write a mapping of setting names to values"},
		{inFile("slots: [1\n"), "w.yaml:1: this is not valid YAML from here on"},
		{inFile("a: \xff"), "w.yaml: the file is not UTF-8 text"},
		{inFile(strings.Repeat("#", 1<<20+1)), "w.yaml: the file is over 1 MiB"},
		{env("CONDUCTOR_JWT_JWKS_LISTEN", "80"), "jwks_listen (CONDUCTOR_JWT_JWKS_LISTEN): the value is not an address; write host:port, :port or off"},
		{env("CONDUCTOR_JWT_STATUS_LISTEN", "80"), "status_listen (CONDUCTOR_JWT_STATUS_LISTEN): the value is not an address; write host:port, :port or off"},
		{inFile("ui_url: conductor"), "ui_url (w.yaml:1): the value is not a URL; begin it with http:// or https://"},
		{env("CONDUCTOR_JWT_SLOT", "3"), "CONDUCTOR_JWT_SLOT: unknown variable; did you mean CONDUCTOR_JWT_SLOTS?"},
		{
			env("CONDUCTOR_JWT_SLOTS", "x", "CONDUCTOR_JWT_POLLERS", "y", "CONDUCTOR_JWT_LISTEN", "z"),
			"pollers (CONDUCTOR_JWT_POLLERS): the value is not a whole number; set 1 to 64\n" +
				"slots (CONDUCTOR_JWT_SLOTS): the value is not a whole number; set 1 to 10000\n" +
				"listen (CONDUCTOR_JWT_LISTEN): the value is not an address; write host:port, :port or off",
		},
	} {
		_, err := row.src.load()
		e, ok := errors.AsType[*config.Error](err)
		if !ok {
			t.Errorf("%v is accepted, or fails otherwise: %v; want %s", row.src, err, row.want)
			continue
		}
		if got, want := sorted(e.Error()), sorted(row.want); got != want {
			t.Errorf("\n got %s\nwant %s", got, want)
		}
	}
}

func sorted(lines string) string {
	list := strings.Split(lines, "\n")
	slices.Sort(list)
	return strings.Join(list, "\n")
}

// Profiles are for users of this machine.
func TestProfilerListensOnLoopbackOnly(t *testing.T) {
	for address, ok := range map[string]bool{
		"off": true, "127.0.0.1:6060": true, "127.8.9.1:0": true, "[::1]:6060": true, "[::ffff:127.0.0.1]:6060": true,
		":6060": false, "0.0.0.0:6060": false, "[::]:6060": false, "10.0.0.1:6060": false, "[fe80::1%lo]:6060": false,
		"localhost:6060": false, "127.0.0.1.example.com:6060": false, // a name can resolve to any address
	} {
		l, err := env("CONDUCTOR_JWT_PPROF_LISTEN", address).load()
		switch {
		case ok && (err != nil || (address == "off") != (l.PprofListen == "")):
			t.Errorf("%s: %q, %v", address, l.PprofListen, err)
		case !ok && (err == nil || !strings.Contains(err.Error(), "the address is not a loopback address; set 127.0.0.1:PORT or [::1]:PORT")):
			t.Errorf("%s: %v", address, err)
		}
	}
	if l := (sources{}).mustLoad(t); l.PprofListen != "" {
		t.Errorf("on by default: %s", l.PprofListen)
	}
}

// The variable and the key of the file with _FILE name a file with the value. To set
// both is an error that quotes neither.
func TestCredentialsCanComeFromFiles(t *testing.T) {
	const secret, path = "hunter2hunter2", "/run/secrets/hunter3hunter3"
	found := 0
	for _, s := range config.Settings() {
		if !s.HasFile {
			if s.Secret {
				t.Errorf("%s is a secret that no file can hold", s.Name)
			}
			continue
		}
		found++
		if s.EnvFile() != s.Env+"_FILE" || s.NameFile() != s.Name+"_file" {
			t.Errorf("%s: names %s and %s", s.Name, s.EnvFile(), s.NameFile())
		}
		for what, src := range map[string]sources{
			"in the environment": env(s.Env, secret, s.EnvFile(), path),
			"in the file":        inFile(s.Name + ": " + secret + "\n" + s.NameFile() + ": " + path + "\n"),
		} {
			_, err := src.load()
			if err == nil || !strings.HasPrefix(err.Error(), s.Name+" (") {
				t.Errorf("%s twice %s: %v", s.Name, what, err)
			}
			if err != nil && strings.Contains(err.Error(), "hunter") {
				t.Errorf("%s twice %s quotes a value: %v", s.Name, what, err)
			}
		}
	}
	if found != 2 {
		t.Errorf("%d settings can come from a file, want two", found)
	}
}

func TestUnknownVariables(t *testing.T) {
	l := sources{env: map[string]string{
		"CONDUCTOR_JWT_THREADS":            "3",
		"CONDUCTOR_JWTX":                   "not ours",
		"CONDUCTOR_SERVER_TYPE":            "OSS",
		"CONDUCTOR_SECRET_AUTH_KEY":        "the server's",
		"CONDUCTOR_SECRET_auth-secret":     "the server's",
		"CONDUCTOR_CONFIG_FILE":            "the server's",
		"CONDUCTOR_JWT_SERVICE_HOST":       "10.0.0.1",
		"CONDUCTOR_JWT_SERVICE_PORT":       "9991",
		"CONDUCTOR_JWT_SERVICE_PORT_HTTP":  "9991",
		"CONDUCTOR_JWT_PORT":               "tcp://10.0.0.1:9991",
		"CONDUCTOR_JWT_PORT_9991_TCP":      "tcp://10.0.0.1:9991",
		"CONDUCTOR_JWT_PORT_9991_TCP_ADDR": "10.0.0.1",
		"CONDUCTOR_JWT_JWKS_SERVICE_HOST":  "10.0.0.1",
		"CONDUCTOR_SERVER_PORT":            "tcp://10.0.0.1:8080",
		"CONDUCTOR_SERVER_SERVICE_HOST":    "10.0.0.1",
		"CONDUCTOR_PORT_8080_TCP_PROTO":    "tcp",
		"GLOG_LEVEL":                       "another program's",
		"CATALOG_LEVEL":                    "another program's",
	}}.mustLoad(t)
	want := []string{"CONDUCTOR_JWT_THREADS: unknown variable; nothing reads it"}
	if !slices.Equal(l.Warnings, want) {
		t.Errorf("warnings = %q", l.Warnings)
	}
}

// A misspelled variable does not set its setting, so it is an error.
func TestMisspelledVariablesAreErrors(t *testing.T) {
	for name, meant := range map[string]string{
		"CONDUCTOR_SERVER_URI":               "CONDUCTOR_SERVER_URL",
		"conductor_server_url":               "CONDUCTOR_SERVER_URL",
		"CONDUCTOR_SERVERURL":                "CONDUCTOR_SERVER_URL",
		"CONDUTOR_SERVER_URL":                "CONDUCTOR_SERVER_URL",
		"CONDUCTOR_JWT_SERVER_URL":           "CONDUCTOR_SERVER_URL",
		"CONDUCTOR_TLS_CACERT":               "CONDUCTOR_TLS_CA_CERT",
		"CONDUCTOR_TLS_CA_CERTS":             "CONDUCTOR_TLS_CA_CERT",
		"CONDUCTOR_TLS_CA_CERT_FILE":         "CONDUCTOR_TLS_CA_CERT",
		"CONDUCTOR_TLS_CLIENT_KEY_PATH":      "CONDUCTOR_TLS_CLIENT_KEY",
		"CONDUCTOR_TLS_CERT":                 "CONDUCTOR_TLS_CA_CERT or CONDUCTOR_TLS_CLIENT_CERT",
		"CONDUCTOR_TLS_INSECURE_SKIP_VERIFI": "CONDUCTOR_TLS_INSECURE_SKIP_VERIFY",
		"CONDUCTOR_AUTH_KEYS":                "CONDUCTOR_AUTH_KEY",
		"CONDUCTOR_AUTH_KEY_ID":              "CONDUCTOR_AUTH_KEY",
		"CONDUCTOR_AUTH_SECRETS":             "CONDUCTOR_AUTH_SECRET",
		"CONDUCTOR_AUTH_SECRET_FILES":        "CONDUCTOR_AUTH_SECRET_FILE",
		"CONDUCTOR_JWT_AUTH_SECRET":          "CONDUCTOR_AUTH_SECRET",
		"CONDUCTOR_PROXIE":                   "CONDUCTOR_PROXY",
		"CONDUCTOR_DOMAIN":                   "CONDUCTOR_JWT_DOMAIN",
		"CONDUCTOR_POLICY_FILE":              "CONDUCTOR_JWT_POLICY",
		"CONDUCTOR_JWT_POLICY_FILE":          "CONDUCTOR_JWT_POLICY",
		"CONDUCTOR_JWT_LOG_LEVEL":            "LOG_LEVEL",
		"LOG_LEVL":                           "LOG_LEVEL",
		"LOG_FORMATS":                        "LOG_FORMAT",
	} {
		want := name + ": unknown variable; did you mean " + meant + "?"
		if _, err := env(name, "hush").load(); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	for _, s := range config.Settings() {
		for _, name := range []string{s.Env + "X", s.Env[:len(s.Env)-1], strings.ReplaceAll(s.Env, "_", "__"), strings.ToLower(s.Env)} {
			if _, err := env(name, "hush").load(); err == nil || !strings.HasPrefix(err.Error(), name+": unknown variable; did you mean ") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// A variable with the words of a setting may be meant for it, so it is a warning.
func TestVariablesWithTheWordsOfASetting(t *testing.T) {
	for name, meant := range map[string]string{
		"CONDUCTOR_URL":       "CONDUCTOR_JWT_UI_URL or CONDUCTOR_SERVER_URL",
		"CONDUCTOR_SERVER":    "CONDUCTOR_SERVER_URL",
		"CONDUCTOR_TLS_CA":    "CONDUCTOR_TLS_CA_CERT",
		"CONDUCTOR_CA_CERT":   "CONDUCTOR_TLS_CA_CERT",
		"CONDUCTOR_JWT_TYPES": "CONDUCTOR_JWT_TASK_TYPES",
		"CONDUCTOR_JWT_TTL":   "CONDUCTOR_JWT_DEFAULT_TTL or CONDUCTOR_JWT_MAX_TTL",
	} {
		l := env(name, "hush").mustLoad(t)
		if want := name + ": unknown variable; nothing reads it; did you mean " + meant + "?"; !slices.Equal(l.Warnings, []string{want}) {
			t.Errorf("%q, want %s", l.Warnings, want)
		}
	}
	for _, name := range []string{"CONDUCTOR", "CONDUCTOR_JWT", "CONDUCTOR_TLS", "URL", "KEY"} {
		if l := env(name, "hush").mustLoad(t); len(l.Warnings) > 0 {
			t.Errorf("%q", l.Warnings)
		}
	}
}

// A variable of another SDK is a warning that names the one to set.
func TestVariablesOfOtherSDKs(t *testing.T) {
	for name, instead := range map[string]string{
		"CONDUCTOR_CLIENT_HTTP_TIMEOUT":                "unset it",
		"CONDUCTOR_TLS_CA_PATH":                        "set CONDUCTOR_TLS_CA_CERT",
		"CONDUCTOR_TLS_INSECURE":                       "set CONDUCTOR_TLS_INSECURE_SKIP_VERIFY",
		"CONDUCTOR_SSL_CA_CERT":                        "set CONDUCTOR_TLS_CA_CERT",
		"CONDUCTOR_CERT_FILE":                          "set CONDUCTOR_TLS_CLIENT_CERT",
		"CONDUCTOR_PROXY_URL":                          "set CONDUCTOR_PROXY",
		"CONDUCTOR_WORKER_GET_SIGNED_JWT_THREAD_COUNT": "set CONDUCTOR_JWT_SLOTS",
		"CONDUCTOR_WORKER_ALL_DOMAIN":                  "set CONDUCTOR_JWT_DOMAIN",
		"conductor.worker.all.domain":                  "set CONDUCTOR_JWT_DOMAIN",
		"CONDUCTOR_WORKER_ALL_POLL_INTERVAL":           "unset it",
		"CONDUCTOR_SECURITY_CLIENT_KEY_ID":             "set CONDUCTOR_AUTH_KEY",
	} {
		l := env(name, "hush").mustLoad(t)
		if want := name + ": this variable of another Conductor SDK is not read; " + instead; !slices.Equal(l.Warnings, []string{want}) {
			t.Errorf("%q, want %s", l.Warnings, want)
		}
	}
}

// No message repeats a value, which may be a secret.
func TestProblemsQuoteNoValue(t *testing.T) {
	const canary = "hunter2hunter2"
	for _, s := range config.Settings() {
		for _, text := range []string{canary, "http://" + canary + ":x@[", canary + "\n", "5" + canary, ":" + canary} {
			src := sources{env: map[string]string{s.Env: text}}
			check := func() {
				t.Helper()
				if _, err := src.load(); err != nil && strings.Contains(err.Error(), canary) {
					t.Errorf("%s: %v", s.Name, err)
				}
			}
			check()
			src = inFile(s.Name + ": [" + text + "\n")
			check()
			src = inFile(text + ": 1\n" + s.Name + ": {" + text + ": 1}\n")
			check()
		}
		if s.Secret {
			if _, err := (sources{env: map[string]string{s.EnvFile(): canary}}).load(); err == nil || strings.Contains(err.Error(), canary) {
				t.Errorf("%s: %v", s.EnvFile(), err)
			}
		}
	}
}

func FuzzFile(f *testing.F) {
	for _, seed := range []string{"", "slots: 3\n", "task_types: [A, B]\n", "a: &a [*a]\n", "? {a: b}\n: c\n", "<<: *x\n", "slots: !!int 3\n", "- - -"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, yaml string) {
		l, err := inFile(yaml).load()
		if err == nil {
			l.Rows()
		} else if _, ok := errors.AsType[*config.Error](err); !ok {
			t.Errorf("%T: %v", err, err)
		}
	})
}
