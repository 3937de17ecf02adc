package config

import "encoding/json"

// schema is the part of a JSON Schema that the table needs
// (https://json-schema.org/draft/2020-12).
type schema struct {
	Schema      string            `json:"$schema,omitempty"`
	Title       string            `json:"title,omitempty"`
	Description string            `json:"description,omitempty"`
	Type        any               `json:"type,omitempty"`
	Properties  map[string]schema `json:"properties,omitempty"`
	Additional  *bool             `json:"additionalProperties,omitempty"`
	Enum        []any             `json:"enum,omitempty"`
	Pattern     string            `json:"pattern,omitempty"`
	MinLength   int               `json:"minLength,omitempty"`
	Minimum     *int64            `json:"minimum,omitempty"`
	Maximum     *int64            `json:"maximum,omitempty"`
	Items       *schema           `json:"items,omitempty"`
	Const       any               `json:"const,omitempty"`
	Not         *schema           `json:"not,omitempty"`
	Default     any               `json:"default,omitempty"`
}

// durationPattern is the syntax of [time.ParseDuration]. A pattern cannot express
// the bounds; they are checked when the file is read.
const durationPattern = `^([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h))*$|^0$`

// Schema returns the JSON Schema of the configuration file.
func Schema() ([]byte, error) {
	none := false
	root := schema{
		Schema:     "https://json-schema.org/draft/2020-12/schema",
		Title:      "conductor-jwt configuration",
		Type:       "object",
		Properties: map[string]schema{},
		Additional: &none,
	}
	for _, s := range Settings() {
		if !s.inFile() {
			continue
		}
		root.Properties[s.Name] = schemaOf(s)
		if s.HasFile {
			root.Properties[s.NameFile()] = schema{
				Description: "Path of a file that holds " + s.Name + ".", Type: "string", MinLength: 1,
			}
		}
	}
	return json.MarshalIndent(root, "", "  ")
}

func schemaOf(s Setting) schema {
	out := schema{Description: s.About, Type: "string", MinLength: 1}
	if s.Default != "" && !s.Computed {
		out.Default = s.Default
	}
	switch s.Kind {
	case Count:
		out.Type, out.MinLength = "integer", 0
		out.Minimum, out.Maximum = &s.Min, &s.Max
		if out.Default != nil {
			out.Default = json.Number(s.Default)
		}
	case Switch:
		out.Type, out.MinLength = "boolean", 0
		out.Default = s.Default == "true"
	case Duration:
		out.Pattern = durationPattern
	case Choice:
		for _, c := range s.Choices {
			out.Enum = append(out.Enum, c)
		}
	case List:
		out.Type = []string{"array", "string"}
		out.Items = &schema{Type: "string"}
		out.Default = splitList(s.Default)
	}
	if s.canBeOff() {
		// A YAML 1.1 tool reads off as false.
		out.Type, out.Not = []string{"string", "boolean"}, &schema{Const: true}
		if out.Enum != nil {
			out.Enum = append(out.Enum, false)
		}
	}
	return out
}
