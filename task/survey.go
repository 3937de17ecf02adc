package task

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"conductor-jwt/internal/jsonobj"
)

// Survey is what can be told of a task before it ever runs, from what its
// workflow's author wrote.
type Survey struct {
	// Secrets are the names in ${workflow.secrets.NAME}, sorted.
	Secrets []string
	// LiteralKey says that privateKey is there, and no expression is in it: the
	// key itself stands in the workflow definition.
	LiteralKey bool
	// OpenKey says that the key comes by an expression that is no secret's:
	// the server then stores it with the execution, for all who may look at it.
	OpenKey bool
	// KeyRef is the name in keyRef; empty where there is none, or an expression
	// in its place.
	KeyRef string
	// SecretsElsewhere are the inputs, other than those for secrets, in which a
	// secret is used.
	SecretsElsewhere []string
}

// SurveyOf reads a task's inputParameters, expressions unresolved. What cannot
// be read is an empty Survey.
func SurveyOf(template json.RawMessage) Survey {
	table := Inputs()
	var s Survey
	names := map[string]bool{}
	values, _ := readTemplate(table, template)
	for name, n := range values {
		in, _ := find(table, name)
		references := secretReferences(n)
		for r := range references {
			names[strings.TrimSuffix(strings.TrimPrefix(r, secretMark), "}")] = true
		}
		switch {
		case name == inPrivateKey:
			s.LiteralKey = !jsonobj.Blank(n.Raw) && !hasExpression(n)
			s.OpenKey = hasExpression(n) && len(references) == 0
		case name == inKeyRef && !hasExpression(n):
			s.KeyRef = strings.TrimSpace(n.Text)
		case len(references) > 0 && !in.Sealed:
			s.SecretsElsewhere = append(s.SecretsElsewhere, name)
		}
	}
	s.Secrets = slices.Sorted(maps.Keys(names))
	slices.Sort(s.SecretsElsewhere)
	return s
}
