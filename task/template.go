package task

import (
	"encoding/json"
	"encoding/json/jsontext"
	"strings"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/jsonobj"
)

// templates are the inputs as the workflow's author wrote them, expressions
// unresolved: workflowTask.inputParameters and, for a name without a value there,
// taskDefinition.inputTemplate.
type templates struct {
	parameters map[string]jsonobj.Value
	defaults   map[string]jsonobj.Value
	unread     bool // a part of them could not be read
}

func readTemplates(table []inputSpec, t api.Task) templates {
	parameters, all := readTemplate(table, t.Template)
	defaults, allDefaults := readTemplate(table, t.Defaults)
	return templates{parameters, defaults, !all || !allDefaults}
}

// readTemplate reads the templates of the known inputs. One that
// cannot be read counts as missing, and sets all to false.
func readTemplate(table []inputSpec, raw json.RawMessage) (values map[string]jsonobj.Value, all bool) {
	if len(raw) == 0 || raw.Kind() == jsontext.KindNull || string(raw) == "{}" {
		return nil, true
	}
	object, err := parseObject(raw)
	if err != nil {
		return nil, false
	}
	values, all = map[string]jsonobj.Value{}, true
	for m := range object.Members() {
		if _, known := find(table, m.Name); !known {
			continue
		}
		n, err := parseValue(m.Value, maxTemplateLevels)
		if err == nil && n.Kind != jsontext.KindNull {
			values[m.Name] = n
		}
		all = all && err == nil
	}
	return values, all
}

const maxTemplateLevels = 128

// of returns the template that applies to an input.
func (t templates) of(name string) (jsonobj.Value, bool) {
	if n, ok := t.parameters[name]; ok {
		return n, true
	}
	n, ok := t.defaults[name]
	return n, ok
}

// literally reports whether a value is that of a template without expressions.
func (t templates) literally(name string, value jsonobj.Value) bool {
	for _, template := range t.all(name) {
		if !hasExpression(template) && template.Equal(value) {
			return true
		}
	}
	return false
}

// all returns both templates of an input: if the first resolves to null, the
// server uses the second.
func (t templates) all(name string) []jsonobj.Value {
	var list []jsonobj.Value
	for _, from := range []map[string]jsonobj.Value{t.parameters, t.defaults} {
		if n, ok := from[name]; ok {
			list = append(list, n)
		}
	}
	return list
}

// checkAllResolved checks the inputs whose expressions must not resolve to
// nothing.
func (v *inputValues) checkAllResolved() error {
	for _, in := range v.table {
		if !in.Resolved {
			continue
		}
		if err := v.checkResolved(in.Name); err != nil {
			return err
		}
	}
	return nil
}

// checkResolved refuses an input whose template holds an expression that resolved
// to nothing: a missing workflow input must not make a token without its audience,
// or with the audience https://login/null/.
func (v *inputValues) checkResolved(name string) error {
	template, known := v.templates.of(name)
	value := v.delivered[name]
	replaced := known && value.Kind == jsontext.KindNull && !jsonobj.Blank(template.Raw) && !hasExpression(template)
	missing := replaced || known && unresolved(template, value)
	for _, each := range v.templates.all(name) {
		missing = missing || verbatim(each, value)
	}
	if !missing {
		return nil
	}
	found := "an expression in its template resolved to nothing"
	if replaced { // by the data of a dynamic fork, whose expressions are not known here
		found = "this is null in place of the value that its template has"
	}
	if quotable(template.Text) {
		found = template.Text + " resolved to nothing"
	}
	return refuse(errInputUnresolved, name, found, "start the workflow with that value, or leave the input out of the task")
}

// nothing is the text that the server writes where an expression within a
// longer text resolves to nothing.
const nothing = "null"

// unresolved reports whether an expression in the template resolved to
// nothing in the value: the value is null, or the text null stands where the
// expression stood, at any depth.
func unresolved(template, value jsonobj.Value) bool {
	switch template.Kind {
	case jsontext.KindString:
		return unresolvedText(template.Text, value)
	case jsontext.KindBeginArray:
		for i, t := range template.Items {
			var v jsonobj.Value
			if i < len(value.Items) {
				v = value.Items[i]
			}
			if value.Kind == jsontext.KindBeginArray && unresolved(t, v) {
				return true
			}
		}
	case jsontext.KindBeginObject:
		values := value.ByName()
		for name, t := range template.Members() {
			if value.Kind == jsontext.KindBeginObject && unresolved(t, values[name]) {
				return true
			}
		}
	}
	return isNothing(value) && hasExpression(template)
}

// isNothing reports whether a value is null or absent.
func isNothing(value jsonobj.Value) bool { return value.Kind == jsontext.KindNull || value.Kind == 0 }

func unresolvedText(template string, value jsonobj.Value) bool {
	parts := segments(template)
	switch {
	case len(parts) == 0 || len(parts) == 1 && !parts[0].expression:
		return false
	case isNothing(value):
		return true
	case value.Kind != jsontext.KindString || !strings.Contains(value.Text, nothing):
		return false
	case len(parts)*len(value.Text) > maxReadings:
		return true // too costly to decide; treat it as unresolved
	}
	return nullStands(parts, value.Text)
}

// maxReadings bounds the work of reading one text as a template: pieces times
// bytes. A template of a hundred expressions may become 160 KiB.
const maxReadings = 1 << 25

// verbatim reports whether an expression of a template was delivered unresolved.
// The server does that with an input template that it falls back to.
func verbatim(template, value jsonobj.Value) bool {
	expressions := map[string]bool{}
	template.Walk(func(text string) {
		if hasExpression(jsonobj.Value{Kind: jsontext.KindString, Text: text}) {
			expressions[text] = true
		}
	})
	found := false
	value.Walk(func(text string) { found = found || expressions[text] })
	return found
}

// nullStands reports whether the value can be the template with null in place of
// at least one of its expressions. It follows all readings at once: for each piece
// of the template it keeps the places in the value at which the piece may end.
func nullStands(parts []segment, value string) bool {
	with := make([]bool, len(value)+1)    // ends of readings that have a null
	without := make([]bool, len(value)+1) // and of those that have none
	without[0] = true
	for _, part := range parts {
		if part.expression {
			with, without = afterExpression(with, without, value)
			continue
		}
		with, without = afterText(with, part.text, value), afterText(without, part.text, value)
	}
	return with[len(value)]
}

func afterText(ends []bool, text, value string) []bool {
	next := make([]bool, len(ends))
	for at, reached := range ends {
		if reached && strings.HasPrefix(value[at:], text) {
			next[at+len(text)] = true
		}
	}
	return next
}

func afterExpression(with, without []bool, value string) (nextWith, nextWithout []bool) {
	nextWith, nextWithout = make([]bool, len(with)), make([]bool, len(without))
	anyWith, anyWithout := false, false
	for at := range with {
		anyWith, anyWithout = anyWith || with[at], anyWithout || without[at]
		nextWith[at] = nextWith[at] || anyWith
		nextWithout[at] = anyWithout
		if without[at] && strings.HasPrefix(value[at:], nothing) {
			nextWith[at+len(nothing)] = true
		}
	}
	return nextWith, nextWithout
}
