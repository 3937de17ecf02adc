package policy

import (
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"conductor-jwt/internal/glob"
)

// Field is a field of a grant, by its name in the file.
type Field string

// The fields. All but FieldMaxTTL hold patterns.
const (
	FieldUse        Field = "use" // names of keys and profiles
	FieldWorkflows  Field = "workflows"
	FieldTaskTypes  Field = "task_types"
	FieldIssuers    Field = "issuers"
	FieldSubjects   Field = "subjects"
	FieldAudiences  Field = "audiences"
	FieldScopes     Field = "scopes"
	FieldAlgorithms Field = "algorithms"
	FieldTypes      Field = "types"   // typ; absent: JWT, and what the profile sets
	FieldSecrets    Field = "secrets" // names of the server's secrets, for keys in the task
	FieldMaxTTL     Field = "max_ttl"
)

// grantFields returns all fields, in the order in which they are compared.
func grantFields() []Field {
	return []Field{
		FieldUse, FieldWorkflows, FieldTaskTypes, FieldIssuers, FieldSubjects, FieldAudiences, FieldScopes,
		FieldAlgorithms, FieldTypes, FieldSecrets, FieldMaxTTL,
	}
}

// Grant permits tokens. All fields that it names must match.
type Grant struct {
	Number   int // in the file, from 1
	Place    Place
	Patterns map[Field][]glob.Pattern // absent: not restricted
	MaxTTL   time.Duration            // 0: the worker's
}

// Allows returns the patterns of a field: those of the file, or the default of
// types. nil: not restricted.
func (g Grant) Allows(f Field) []glob.Pattern {
	if patterns := g.Patterns[f]; patterns != nil || f != FieldTypes {
		return patterns
	}
	return []glob.Pattern{"JWT"}
}

// maxPattern is the longest pattern in bytes.
const maxPattern = 1 << 10

func (r *reader) grants(n ast.Node, p *Policy) {
	for i, element := range r.elements(n, "grants") {
		g := Grant{Number: i + 1, Place: placeOf(element), Patterns: map[Field][]glob.Pattern{}}
		if mapping, ok := element.(*ast.MappingNode); ok && len(mapping.Values) > 0 {
			g.Place = placeOf(mapping.Values[0].Key)
		}
		table := fields{}
		for _, f := range grantFields() {
			table[string(f)] = func(n ast.Node) { g.Patterns[f] = r.patterns(n, f) }
		}
		table[string(FieldMaxTTL)] = r.duration(&g.MaxTTL)
		if r.object(element, "a grant", table) && g.Patterns[FieldUse] == nil && g.Patterns[FieldSecrets] == nil {
			r.faultAt(g.Place, "this grant permits nothing; write use with names of keys and profiles, or secrets with names of the server's secrets")
		}
		p.Grants = append(p.Grants, g)
	}
}

// patterns reads the patterns of a field. It never returns nil, because the
// grant names the field, whatever is wrong with it.
func (r *reader) patterns(n ast.Node, f Field) []glob.Pattern {
	list := []glob.Pattern{}
	r.eachText(n, func(element ast.Node, text string) {
		p := glob.Pattern(text)
		switch {
		case len(text) > maxPattern:
			r.fault(element, "the pattern has %d bytes; write at most %d", len(text), maxPattern)
		case f == FieldSecrets && strings.Trim(text, SecretNameCharacters+"*") != "":
			r.fault(element, "this is not a pattern for names of secrets; write the NAME of ${workflow.secrets.NAME}: letters, digits, _ - . and *")
		case f == FieldAlgorithms && !slices.ContainsFunc(algorithmNames(), p.Match):
			r.unknown(placeOf(element), text, "algorithm", algorithmNames())
		}
		list = append(list, p)
	})
	return list
}

// SecretNameCharacters are those of a secret's name and of the path into it, as
// ${workflow.secrets.NAME} has them.
const SecretNameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

// checkUses reports grants that match no key or profile.
func (r *reader) checkUses(p *Policy) {
	names := slices.Concat(p.keyNames(), r.profileNames())
	slices.Sort(names)
	names = slices.Compact(names)
	for _, g := range p.Grants {
		for _, use := range g.Patterns[FieldUse] {
			if !slices.ContainsFunc(names, use.Match) {
				r.within(string(FieldUse), func() { r.unknown(g.Place, string(use), "key or profile", names) })
			}
		}
	}
}
