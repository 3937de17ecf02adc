package cli

import (
	"bytes"
	"encoding/json"
	"encoding/json/jsontext"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/printable"
	"conductor-jwt/signer"
)

// writeJSON prints indented JSON.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// writeObject prints an object indented by two spaces. Its numbers keep their
// digits; what does not print is escaped.
func writeObject(w io.Writer, o *jsonobj.Object) error {
	value := jsontext.Value(o.AppendJSON(nil))
	if err := value.Indent(jsontext.PreserveRawStrings(true), jsontext.WithIndent("  ")); err != nil {
		return fmt.Errorf("the output is not JSON")
	}
	_, err := w.Write(append(visible(value), '\n'))
	return err
}

// array returns a JSON array.
func array[Value ~[]byte](values ...Value) json.RawMessage {
	list := json.RawMessage{'['}
	for i, v := range values {
		if i > 0 {
			list = append(list, ',')
		}
		list = append(list, v...)
	}
	return append(list, ']')
}

// visible escapes what does not print in a JSON text: control characters that
// JSON allows (DEL, C1), characters that reorder or hide text, separators. They
// can only be within strings, where an escape means the same.
func visible(text []byte) []byte {
	if !bytes.ContainsFunc(text, isHidden) {
		return text
	}
	out := make([]byte, 0, len(text)+64)
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case !isHidden(r):
			out = append(out, text[:n]...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		text = text[n:]
	}
	return out
}

func isHidden(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }

// brief returns a value as one short line for people; a time is repeated as a
// date.
func brief(name string, value json.RawMessage) string {
	switch name {
	case "exp", "nbf", "iat", "auth_time":
		if at, err := signer.NumericDate(value); err == nil {
			return string(value) + "  " + at.UTC().Format(time.RFC3339)
		}
	}
	const maxShown = 100
	text := string(visible(value))
	if len(text) > maxShown {
		text = strings.ToValidUTF8(text[:maxShown], "") + "…"
	}
	return text
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, t := range list {
		out[i] = string(t)
	}
	return out
}

// quoteName returns the name of a member or key within quotes, fit to print.
func quoteName(name string) string { return `"` + printable.Name(name) + `"` }
