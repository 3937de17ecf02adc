package task

import (
	"encoding/json"
)

// templates are what the workflow's author wrote, expressions unresolved:
// workflowTask.inputParameters, and for each name to which these give no
// value, taskDefinition.inputTemplate.
type templates struct {
	parameters map[string]node
	defaults   map[string]node
}

func readTemplates(d Delivery) templates {
	return templates{parameters: readTemplate(d.Template), defaults: readTemplate(d.Defaults)}
}

// readTemplate takes a template that cannot be read for none at all: then
// nothing in it vouches for an input.
func readTemplate(raw json.RawMessage) map[string]node {
	if len(raw) == 0 {
		return nil
	}
	n, err := parseNode(raw, maxTemplateLevels)
	if err != nil {
		return nil
	}
	values := make(map[string]node, len(n.members))
	for _, m := range n.members {
		if m.value.kind != kindNull {
			values[m.name] = m.value
		}
	}
	return values
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
