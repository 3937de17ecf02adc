package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"conductor-jwt/internal/secret"
)

const hidden = "s3cr3t-value"

func TestNoPrintedFormShowsTheValue(t *testing.T) {
	text, raw := secret.New(hidden), secret.NewJSON(json.RawMessage(`{"k":"`+hidden+`"}`))
	type holder struct {
		Text secret.Text
		JSON secret.JSON
		text secret.Text
		json secret.JSON
		list []secret.Text
	}
	h := holder{text, raw, text, raw, []secret.Text{text}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%p", "%U", "%t"} {
		for _, v := range []any{text, &text, raw, &raw, h, &h, []any{h}, map[string]any{"h": h}, fmt.Errorf("e %v", text)} {
			if out := fmt.Sprintf(verb, v); strings.Contains(out, hidden) || strings.Contains(out, fmt.Sprintf("%x", hidden)) {
				t.Errorf("%s of %T prints the value: %s", verb, v, out)
			}
		}
	}
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.Info("x", "text", text, "json", raw, "holder", h)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "text", text, "json", raw, "holder", h)
	if strings.Contains(log.String(), hidden) {
		t.Errorf("slog shows the value: %s", log.String())
	}
	if !strings.Contains(log.String(), secret.Redacted) {
		t.Errorf("slog does not say %s: %s", secret.Redacted, log.String())
	}
	out, err := json.Marshal(h)
	if err != nil || strings.Contains(string(out), hidden) {
		t.Errorf("json.Marshal shows the value or fails: %s, %v", out, err)
	}
}

func TestDecodingKeepsTheValue(t *testing.T) {
	var v struct {
		Text secret.Text
		JSON secret.JSON
		Null secret.Text
	}
	if err := json.Unmarshal([]byte(`{"Text":"a\nb","JSON":{"n":12345678901234567890},"Null":null}`), &v); err != nil {
		t.Fatal(err)
	}
	if got := v.Text.Reveal(); got != "a\nb" {
		t.Errorf("text = %q", got)
	}
	if got := string(v.JSON.Reveal()); got != `{"n":12345678901234567890}` {
		t.Errorf("json = %s", got)
	}
	if !v.Null.IsZero() || v.Null.Len() != 0 {
		t.Error("null is not empty")
	}
}

func TestAnUndecodableTextIsNotQuoted(t *testing.T) {
	var text secret.Text
	err := text.UnmarshalJSON([]byte(`{"` + hidden + `":1}`))
	if err == nil || strings.Contains(err.Error(), hidden) {
		t.Errorf("err = %v", err)
	}
}
