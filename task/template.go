package task

import (
	"encoding/json"

	"conductor-jwt/conductor/api"
)

// templates are what the workflow's author wrote, expressions unresolved:
// workflowTask.inputParameters, and for each name to which these give no
// value, taskDefinition.inputTemplate.
type templates struct {
	parameters map[string]node
	defaults   map[string]node
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
func readTemplate(table []Input, raw json.RawMessage) (values map[string]node, all bool) {
	if len(raw) == 0 || raw.Kind() == kindNull {
		return nil, true
	}
	members, err := readObject([]byte(raw))
	if err != nil {
		return nil, false
	}
	values, all = map[string]node{}, true
	for _, m := range members {
		if _, known := find(table, m.name); !known {
			continue
		}
		n, err := parseNode(m.raw, maxTemplateLevels)
		if err == nil && n.kind != kindNull {
			values[m.name] = n
		}
		all = all && err == nil
	}
	return values, all
}

const maxTemplateLevels = 128

// of gives the template of an input.
func (t templates) of(name string) (node, bool) {
	if n, ok := t.parameters[name]; ok {
		return n, true
	}
	n, ok := t.defaults[name]
	return n, ok
}

// literally reports whether a value stands in a template as it is: nothing
// was put in at its place.
func (t templates) literally(name string, value node) bool {
	for _, template := range t.all(name) {
		if !hasExpression(template) && same(template, value) {
			return true
		}
	}
	return false
}

// all gives both templates of an input: where the first resolves to null, the
// server takes the second.
func (t templates) all(name string) []node {
	var list []node
	for _, from := range []map[string]node{t.parameters, t.defaults} {
		if n, ok := from[name]; ok {
			list = append(list, n)
		}
	}
	return list
}
