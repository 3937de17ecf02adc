package policy

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"conductor-jwt/internal/glob"
	"conductor-jwt/internal/nearest"
)

// mostGlob is how long a pattern is, in bytes.
const mostGlob = 1 << 10

func (r *reader) grants(n ast.Node, p *Policy) {
	for i, element := range r.elements(n, "grants") {
		g := Grant{Number: i + 1, Place: placeOf(element)}
		if mapping, ok := element.(*ast.MappingNode); ok && len(mapping.Values) > 0 {
			g.Place = placeOf(mapping.Values[0].Key)
		}
		ok := r.object(element, "a grant", fields{
			string(FieldUse):        r.globs(&g.Use),
			string(FieldWorkflows):  r.globs(&g.Workflows),
			string(FieldTaskTypes):  r.globs(&g.TaskTypes),
			string(FieldIssuers):    r.globs(&g.Issuers),
			string(FieldSubjects):   r.globs(&g.Subjects),
			string(FieldAudiences):  r.globs(&g.Audiences),
			string(FieldScopes):     r.globs(&g.Scopes),
			string(FieldAlgorithms): r.algorithmGlobs(&g.Algorithms),
			string(FieldTypes):      r.globs(&g.Types),
			string(FieldSecrets):    r.secretGlobs(&g.Secrets),
			string(FieldMaxTTL):     r.duration(&g.MaxTTL),
		})
		if ok && g.Use == nil && g.Secrets == nil {
			r.faultAt(g.Place, "a grant that lets use nothing; write use with names of keys and profiles, or secrets with names of the server's secrets")
		}
		p.Grants = append(p.Grants, g)
	}
}

func (r *reader) globs(place *[]glob.Pattern) func(ast.Node) {
	return func(n ast.Node) {
		var list []string
		r.texts(&list)(n)
		*place = []glob.Pattern{} // it is named, whatever is wrong with it
		for _, text := range list {
			if len(text) > mostGlob {
				r.fault(elementOf(n, text), "a pattern of %d bytes; write at most %d", len(text), mostGlob)
				continue
			}
			*place = append(*place, glob.Pattern(text))
		}
	}
}

// SecretNameCharacters are those of a secret's name and of the path into it, as
// ${workflow.secrets.NAME} has them.
const SecretNameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

// secretGlobs refuses a pattern that fits no secret's name.
func (r *reader) secretGlobs(place *[]glob.Pattern) func(ast.Node) {
	return func(n ast.Node) {
		r.globs(place)(n)
		for _, g := range *place {
			if strings.Trim(string(g), SecretNameCharacters+"*") != "" {
				r.fault(elementOf(n, string(g)), "not a pattern for names of secrets; write the NAME of ${workflow.secrets.NAME}: letters, digits, _ - . and *")
			}
		}
	}
}

// algorithmGlobs refuses a pattern that fits no algorithm: a typing error.
func (r *reader) algorithmGlobs(place *[]glob.Pattern) func(ast.Node) {
	return func(n ast.Node) {
		r.globs(place)(n)
		for _, g := range *place {
			if names := algorithmNames(); !slices.ContainsFunc(names, g.Match) {
				r.unknown(elementOf(n, string(g)), string(g), "algorithm", names)
			}
		}
	}
}

// checkUses reports grants that match no key or profile.
func (r *reader) checkUses(p *Policy) {
	names := append(p.keyNames(), r.profileNames()...)
	for _, g := range p.Grants {
		for _, use := range g.Use {
			if !slices.ContainsFunc(names, use.Match) {
				r.unknownAt(g.Place, string(use), "key or profile", names)
			}
		}
	}
}

func (r *reader) unknownAt(at Place, name, what string, names []string) {
	near := nearest.Of(name, names)
	switch {
	case near != "":
		r.faultAt(at, "unknown %s; did you mean %s?", what, near)
	case len(names) == 0:
		r.faultAt(at, "unknown %s; none is defined", what)
	default:
		slices.Sort(names)
		r.faultAt(at, "unknown %s; use one of %s", what, strings.Join(slices.Compact(names), ", "))
	}
}
