package conductortest

import (
	"bytes"
	"encoding/json"
	"encoding/json/jsontext"
	"errors"
	"io"
	"strings"

	"conductor-jwt/internal/secret"
)

const secretPrefix = "workflow.secrets."

// lookup returns the value of an expression; ok is false if the expression must
// not be replaced.
type lookup func(expression string) (value json.RawMessage, ok bool)

// substitute replaces ${…} in every string value of a JSON text, at any depth,
// and keeps everything else byte for byte: order, digits and duplicate members. A
// string that is one expression becomes its value. Within a longer string, missing
// replaces null.
func substitute(raw json.RawMessage, find lookup, missing string) json.RawMessage {
	if !bytes.Contains(raw, []byte("${")) {
		return raw
	}
	var out bytes.Buffer
	options := []jsontext.Options{
		jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true), jsontext.PreserveRawStrings(true),
	}
	decoder := jsontext.NewDecoder(bytes.NewReader(raw), options...)
	encoder := jsontext.NewEncoder(&out, options...)
	for {
		inObject, n := decoder.StackIndex(decoder.StackDepth())
		isName := inObject == jsontext.KindBeginObject && n%2 == 0
		token, err := decoder.ReadToken()
		if errors.Is(err, io.EOF) {
			return bytes.TrimRight(out.Bytes(), "\n")
		}
		if err != nil {
			return raw // invalid JSON, which a server could not have stored
		}
		if token.Kind() == '"' && !isName && strings.Contains(token.String(), "${") {
			err = encoder.WriteValue(replace(token.String(), find, missing))
		} else {
			err = encoder.WriteToken(token)
		}
		if err != nil {
			return raw
		}
	}
}

// replace resolves the expressions of one string and returns JSON.
func replace(text string, find lookup, missing string) json.RawMessage {
	if inner, ok := strings.CutPrefix(text, "${"); ok && strings.Index(text, "}") == len(text)-1 {
		if value, known := find(strings.TrimSuffix(inner, "}")); known {
			if value == nil {
				return json.RawMessage("null")
			}
			return value
		}
		return quote(text)
	}
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		out.WriteString(before)
		if !found {
			return quote(out.String())
		}
		inner, after, closed := strings.Cut(rest, "}")
		if !closed {
			out.WriteString("${" + rest)
			return quote(out.String())
		}
		if value, known := find(inner); known {
			out.WriteString(plain(value, missing))
		} else {
			out.WriteString("${" + inner + "}")
		}
		text = after
	}
}

// plain returns a value as part of a longer string.
func plain(value json.RawMessage, missing string) string {
	var s string
	switch {
	case value == nil || string(value) == "null":
		return missing
	case json.Unmarshal(value, &s) == nil:
		return s
	default:
		return string(value)
	}
}

func quote(s string) json.RawMessage {
	raw, err := marshal(s)
	if err != nil {
		return json.RawMessage("null")
	}
	return raw
}

// member returns the value at a path of member names, nil if there is none.
func member(value json.RawMessage, path []string) json.RawMessage {
	for _, name := range path {
		var object map[string]json.RawMessage
		if json.Unmarshal(value, &object) != nil {
			return nil
		}
		value = object[name]
	}
	return value
}

// startInput returns a task's stored input: the template, resolved with the
// workflow's input, and the defaults of the definition's inputTemplate.
func startInput(spec TaskSpec, def Definition) json.RawMessage {
	find := func(expression string) (json.RawMessage, bool) {
		return nil, !strings.HasPrefix(expression, secretPrefix) // secrets are resolved at poll time
	}
	input := spec.Input
	if input == nil && spec.Template != nil {
		input = substitute(spec.Template, find, "null")
	}
	if input == nil {
		input = json.RawMessage("{}")
	}
	if def.InputTemplate == nil {
		return input
	}
	return fillIn(input, substitute(def.InputTemplate, find, "null"))
}

// fillIn adds the defaults of members that input does not have or has as null.
func fillIn(input, defaults json.RawMessage) json.RawMessage {
	var have, more map[string]json.RawMessage
	if json.Unmarshal(input, &have) != nil || json.Unmarshal(defaults, &more) != nil {
		return input
	}
	for name, value := range more {
		if v, ok := have[name]; !ok || string(v) == "null" {
			have[name] = value
		}
	}
	out, err := json.Marshal(have)
	if err != nil {
		return input
	}
	return out
}

// deliverInput resolves the secrets of a stored input. The caller holds the lock.
func (l *Ledger) deliverInput(e *entry) json.RawMessage {
	if e.spec.External {
		return json.RawMessage("{}")
	}
	return substitute(e.input, func(expression string) (json.RawMessage, bool) {
		rest, ok := strings.CutPrefix(expression, secretPrefix)
		if !ok {
			return nil, false
		}
		name, path, deep := strings.Cut(rest, ".")
		value, ok := l.secrets[name]
		if !ok {
			return nil, true
		}
		if deep {
			return member(json.RawMessage(value), strings.Split(path, ".")), true
		}
		return quote(value), true
	}, "")
}

// deliverMetadata returns runtimeMetadata without unknown names. The caller holds
// the lock.
func (l *Ledger) deliverMetadata(names []string) map[string]string {
	var out map[string]string
	for _, name := range names {
		value, ok := l.secrets[name]
		if !ok {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[name] = value
	}
	return out
}

func secretJSON(raw json.RawMessage) secret.JSON { return secret.NewJSON(bytes.Clone(raw)) }

func secretTexts(in map[string]string) map[string]secret.Text {
	if in == nil {
		return nil
	}
	out := make(map[string]secret.Text, len(in))
	for name, value := range in {
		out[name] = secret.New(value)
	}
	return out
}
