package task

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"conductor-jwt/internal/jsonobj"
)

// Survey is what a task's template alone shows, before the task runs.
type Survey struct {
	// Secrets are the names of the secrets in its expressions, sorted.
	Secrets []string
	// LiteralKey says that privateKey has a value without an expression: the
	// workflow definition holds the key itself.
	LiteralKey bool
	// OpenKey says that the key comes from an expression that is not a secret's:
	// the server stores it with the execution, readable for its viewers.
	OpenKey bool
	// KeyRef is the name in keyRef; empty if there is none, or an expression.
	KeyRef string
	// SecretsElsewhere are the inputs that use a secret and are not meant to.
	SecretsElsewhere []string
}

// SurveyOf returns the survey of the inputParameters of a queue's task,
// expressions unresolved; an empty one if they cannot be read.
func SurveyOf(queue string, template json.RawMessage) Survey {
	table := contractOf(contracts(), queue).inputs
	var s Survey
	names := map[string]bool{}
	values, _ := readTemplate(table, template)
	for name, n := range values {
		in, _ := find(table, name)
		references := secretReferences(n)
		elsewhere := len(references) > 0 && !in.Sealed && !in.Foreign
		if name == inParameters {
			elsewhere = len(secretReferences(without(n, anySealedParameters()))) > 0
		}
		for r := range references {
			name, _, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(r, secretMark), "}"), ".")
			names[name] = true // without a path into the secret's JSON
		}
		switch {
		case name == inPrivateKey:
			s.LiteralKey = !jsonobj.Blank(n.Raw) && !hasExpression(n)
			s.OpenKey = hasExpression(n) && len(references) == 0
		case name == inKeyRef && !hasExpression(n):
			s.KeyRef = strings.TrimSpace(n.Text)
		case elsewhere:
			s.SecretsElsewhere = append(s.SecretsElsewhere, name)
		}
	}
	s.Secrets = slices.Sorted(maps.Keys(names))
	slices.Sort(s.SecretsElsewhere)
	return s
}
