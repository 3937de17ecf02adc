package cli_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"conductor-jwt/cli"
)

// stepCase is a recorded run of `step crypto jwt`. Where step is wrong,
// Diverge says why and Want what is right: refuse, accept or either.
type stepCase struct {
	Name        string
	Cmd, Args   []string
	Stdin       *string
	StdinBase64 string `json:"stdin_b64"`
	StdinKind   string `json:"stdin_kind"`
	Files       map[string]string
	FilesBase64 map[string]string `json:"files_b64"`
	Env         map[string]string
	Exit        *int
	Header      any
	Payload     any
	Token       string
	Stdout      string
	Diverge     string
	Want        string
	WantHeader  any `json:"want_header"`
	WantPayload any `json:"want_payload"`
}

type outcome struct {
	exit            int
	stdout, stderr  string
	header, payload any
	began, ended    int64
}

func TestStepCases(t *testing.T) {
	for _, c := range readStepCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			t.Chdir(c.folder(t))
			o := c.run(t)
			c.judge(t, o)
		})
	}
}

func readStepCases(t *testing.T) []stepCase {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "step", "step-cases.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var cases []stepCase
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c stepCase
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.UseNumber()
		if err := d.Decode(&c); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	if err := lines.Err(); err != nil || len(cases) == 0 {
		t.Fatalf("%d cases: %v", len(cases), err)
	}
	return cases
}

func (c stepCase) folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range c.Files {
		write(t, filepath.Join(dir, name), []byte(text))
	}
	for name, text := range c.FilesBase64 {
		write(t, filepath.Join(dir, name), decode(t, base64.StdEncoding, text))
	}
	return dir
}

func (c stepCase) run(t *testing.T) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	o := outcome{began: time.Now().Unix()}
	o.exit = cli.Run(t.Context(), cli.Env{
		Args: append(c.Cmd[len(c.Cmd)-1:], c.Args...), Stdin: c.stdin(t), Stdout: &stdout, Stderr: &stderr, Now: time.Now,
		Getenv:  func(name string) (string, bool) { v, ok := c.Env[name]; return v, ok },
		Environ: func() []string { return nil },
	})
	o.ended, o.stdout, o.stderr = time.Now().Unix(), stdout.String(), stderr.String()
	parts := strings.Split(strings.TrimSpace(o.stdout), ".")
	if o.exit == 0 && c.Cmd[len(c.Cmd)-1] == "sign" && len(parts) == 3 {
		o.header = value(t, decode(t, base64.RawURLEncoding, parts[0]))
		o.payload = o.stable(value(t, decode(t, base64.RawURLEncoding, parts[1])))
	}
	return o
}

func (c stepCase) input(t *testing.T) []byte {
	t.Helper()
	if c.StdinBase64 != "" {
		return decode(t, base64.StdEncoding, c.StdinBase64)
	}
	if c.Stdin != nil {
		return []byte(*c.Stdin)
	}
	return nil
}

func (c stepCase) stdin(t *testing.T) *os.File {
	t.Helper()
	switch c.StdinKind {
	case "devnull":
		return open(t, os.DevNull)
	case "file":
		name := filepath.Join(t.TempDir(), "stdin")
		write(t, name, c.input(t))
		return open(t, name)
	case "socket":
		return socket(t, c.input(t))
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	if c.StdinKind != "openpipe" {
		input := c.input(t)
		go func() { _, _ = w.Write(input); _ = w.Close() }()
	}
	return r
}

// judge compares the run with the recorded one. The wording and form of errors are
// ours.
func (c stepCase) judge(t *testing.T, o outcome) {
	t.Helper()
	if o.exit < 0 || o.exit > 2 {
		t.Errorf("exit %d", o.exit)
	}
	if o.exit != 0 && (o.stdout != "" || !strings.HasPrefix(o.stderr, "error: ") || strings.Contains(o.stderr, "Usage:")) {
		t.Errorf("a failure prints %q and %q", o.stdout, o.stderr)
	}
	if c.Diverge != "" {
		c.judgeDivergence(t, o)
		return
	}
	if (o.exit == 0) != (c.Exit != nil && *c.Exit == 0) {
		t.Fatalf("exit %d, step %v: %s", o.exit, c.Exit, o.stderr)
	}
	if o.exit != 0 {
		return
	}
	if c.Cmd[len(c.Cmd)-1] != "sign" {
		same(t, "stdout", value(t, []byte(o.stdout)), value(t, []byte(c.Stdout)))
		return
	}
	same(t, "header", o.header, c.Header)
	same(t, "payload", o.payload, o.stable(c.Payload))
	if c.Token != "" && strings.TrimSpace(o.stdout) != c.Token {
		t.Errorf("token is\n%s, step's\n%s", o.stdout, c.Token)
	}
}

func (c stepCase) judgeDivergence(t *testing.T, o outcome) {
	t.Helper()
	switch {
	case c.Want == "refuse" && o.exit == 0:
		t.Errorf("accepted, although %s", c.Diverge)
	case c.Want == "accept" && o.exit != 0:
		t.Errorf("refused, although %s: %s", c.Diverge, o.stderr)
	case o.exit == 0 && c.WantHeader != nil:
		same(t, "header", o.header, c.WantHeader)
	}
	if o.exit == 0 && c.WantPayload != nil {
		same(t, "payload", o.payload, o.stable(c.WantPayload))
	}
}

// stable replaces what differs between runs: current times and random ids.
func (o outcome) stable(payload any) any {
	claims, ok := payload.(map[string]any)
	if !ok {
		return payload
	}
	random := regexp.MustCompile(`^([0-9a-f]{64}|[0-9a-f]{40}|<hex..>|<random>)$`)
	for _, name := range []string{"iat", "nbf"} {
		if n, ok := claims[name].(json.Number); ok {
			if at, err := n.Int64(); err == nil && at >= o.began && at <= o.ended {
				claims[name] = "<now>"
			}
		}
	}
	if id, ok := claims["jti"].(string); ok && random.MatchString(id) {
		claims["jti"] = "<random>"
	}
	return claims
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(numbers(got), numbers(want)) {
		t.Errorf("%s is\n%v, want\n%v", what, got, want)
	}
}

// numbers compares by value: 1.10 is 1.1.
func numbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, e := range v {
			out[name] = numbers(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = numbers(e)
		}
		return out
	case json.Number:
		if _, err := v.Int64(); err == nil {
			return v.String()
		}
		f, err := v.Float64()
		if err != nil {
			return v.String()
		}
		return fmt.Sprintf("%.0f %v", f, f)
	}
	return v
}

func value(t *testing.T, raw []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return v
}

func decode(t *testing.T, e *base64.Encoding, text string) []byte {
	t.Helper()
	raw, err := e.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func write(t *testing.T, name string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(name, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}
