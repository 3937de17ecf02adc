package task

import (
	"encoding/json"
	"encoding/json/jsontext"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/jsonobj"
)

// templates are what the workflow's author wrote, expressions unresolved:
// workflowTask.inputParameters, and for each name to which these give no
// value, taskDefinition.inputTemplate.
type templates struct {
	parameters map[string]jsonobj.Value
	defaults   map[string]jsonobj.Value
	unread     bool // something of them could not be read
}

func readTemplates(table []Input, d api.Task) templates {
	parameters, all := readTemplate(table, d.Template)
	defaults, allDefaults := readTemplate(table, d.Defaults)
	return templates{parameters, defaults, !all || !allDefaults}
}

// readTemplate reads the templates of the inputs that there are. One that
// cannot be read is as good as none: then nothing vouches for its input, and
// all is false.
func readTemplate(table []Input, raw json.RawMessage) (values map[string]jsonobj.Value, all bool) {
	if len(raw) == 0 || raw.Kind() == jsontext.KindNull {
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

// of gives the template of an input.
func (t templates) of(name string) (jsonobj.Value, bool) {
	if n, ok := t.parameters[name]; ok {
		return n, true
	}
	n, ok := t.defaults[name]
	return n, ok
}

// literally reports whether a value stands in a template as it is: nothing
// was put in at its place.
func (t templates) literally(name string, value jsonobj.Value) bool {
	for _, template := range t.all(name) {
		if !hasExpression(template) && template.Equal(value) {
			return true
		}
	}
	return false
}

// all gives both templates of an input: where the first resolves to null, the
// server takes the second.
func (t templates) all(name string) []jsonobj.Value {
	var list []jsonobj.Value
	for _, from := range []map[string]jsonobj.Value{t.parameters, t.defaults} {
		if n, ok := from[name]; ok {
			list = append(list, n)
		}
	}
	return list
}
