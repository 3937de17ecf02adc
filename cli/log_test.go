package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"conductor-jwt/internal/secret"
)

func logEnv(w *bytes.Buffer) Env {
	return Env{Stderr: w, Getenv: func(string) (string, bool) { return "", false }}
}

// Text from outside can neither end a line nor control a terminal.
func TestOutsideTextIsEscaped(t *testing.T) {
	for _, text := range []string{"a\nb", "\x1b[31mred", "\x7f", "\u009b31m", "\u202egnp.exe", "\u2028", "\xff", "\r", "\u200b"} {
		for _, format := range []string{logText, logJSON} {
			var b bytes.Buffer
			log := newLogger(logEnv(&b), "info", format)
			log.Info("said", "text", text, "error", errors.New(text), "list", []string{text}, "any", struct{ S string }{text})
			line := strings.TrimSuffix(b.String(), "\n")
			if strings.Contains(line, text) || strings.ContainsAny(line, "\n\r\x1b\x7f\u009b\u202e\u2028\u200b") {
				t.Errorf("%s: %q", format, line)
			}
		}
	}
}

func TestPrintableTextStaysAsItIs(t *testing.T) {
	var b bytes.Buffer
	newLogger(logEnv(&b), "info", logJSON).Info("said", "text", `Grüße "あ" \ 😀 <&>`, "count", 3, "took", 2*time.Second, "yes", true)
	var line map[string]any
	if err := json.Unmarshal(b.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if line["text"] != `Grüße "あ" \ 😀 <&>` || line["count"] != 3.0 || line["took"] != "2s" || line["yes"] != true {
		t.Errorf("line = %v", line)
	}
	if !strings.Contains(b.String(), "<&>") {
		t.Errorf("escapes for a web page: %s", b.String())
	}
}

func TestSecretsAreRedacted(t *testing.T) {
	const hidden = "hunter2hunter2"
	text, raw := secret.New(hidden), secret.NewJSON(json.RawMessage(`"`+hidden+`"`))
	type holder struct {
		Text secret.Text
		raw  secret.JSON
	}
	for _, format := range []string{logText, logJSON} {
		var b bytes.Buffer
		log := newLogger(logEnv(&b), "debug", format).With("before", text)
		log.WithGroup("group").Debug("said", "text", text, "json", raw, "holder", holder{text, raw},
			"pointer", &holder{text, raw}, "list", []secret.Text{text}, slog.Group("inner", "text", text))
		if strings.Contains(b.String(), hidden) || !strings.Contains(b.String(), secret.Redacted) {
			t.Errorf("%s: %s", format, b.String())
		}
	}
}

func TestLevels(t *testing.T) {
	for level, want := range map[string]int{"debug": 4, "info": 3, "warn": 2, "error": 1} {
		var b bytes.Buffer
		log := newLogger(logEnv(&b), level, logJSON)
		log.Debug("said")
		log.Info("said")
		log.Warn("said")
		log.Error("said")
		if got := strings.Count(b.String(), "\n"); got != want {
			t.Errorf("at %s there are %d lines, want %d", level, got, want)
		}
	}
}

func TestTheFormatIsJSONOffATerminal(t *testing.T) {
	var b bytes.Buffer
	newLogger(logEnv(&b), "info", "").Info("said")
	if !json.Valid(b.Bytes()) {
		t.Errorf("not json: %s", b.String())
	}
}
