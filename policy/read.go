package policy

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"conductor-jwt/internal/yamlfile"
	"conductor-jwt/keys"
)

// Read reads the text of a policy file; path names it in messages. maxTTL is
// the worker's limit for tokens without a limit of a grant or a profile. The
// error is an [*Error] with everything that is wrong. A file that defines
// nothing is an error, because it would permit what no policy permits.
func Read(path string, text []byte, maxTTL time.Duration) (*Policy, error) {
	r := &reader{maxTTL: maxTTL}
	p := &Policy{Inline: InlineAllow, path: path}
	body, fault := yamlfile.Parse(text)
	switch {
	case fault != nil:
		r.faultAt(Place{Line: fault.Line, Column: fault.Column}, "%s", fault.Text)
	case body != nil:
		r.sections(body, p)
	}
	if len(r.problems) == 0 && definesNothing(body) {
		r.faultAt(Place{}, "the file defines nothing; write keys, profiles, grants, exchange, verifiers or inline, or leave the setting policy out")
	}
	if len(r.problems) > 0 {
		err := &Error{Path: path, Problems: r.problems}
		err.sort()
		return nil, err
	}
	return p, nil
}

// definesNothing reports whether a file has none of the sections that decide
// about keys, or empty ones alone. The sections of the key stores come first in
// a file and decide nothing: a file that is cut off after them would permit
// every key in a task.
func definesNothing(body ast.Node) bool {
	mapping, ok := body.(*ast.MappingNode)
	return !ok || !slices.ContainsFunc(mapping.Values, func(entry *ast.MappingValueNode) bool {
		name, _ := yamlfile.Text(entry.Key)
		return !isEmpty(entry.Value) && slices.Contains([]string{"keys", "profiles", "grants", "exchange", "verifiers", "inline"}, name)
	})
}

func (r *reader) sections(body ast.Node, p *Policy) {
	inline := string(InlineAllow)
	sections := fields{
		"keys":      func(n ast.Node) { r.keys(n, p) },
		"issuers":   r.readIssuers,
		"profiles":  r.readProfiles,
		"grants":    func(n ast.Node) { r.grants(n, p) },
		"verifiers": func(n ast.Node) { r.verifiers(n, p) },
		"exchange":  func(n ast.Node) { r.exchange(n, p) },
		"inline":    r.choice(&inline, string(InlineAllow), string(InlineSecretsOnly), string(InlineDeny)),
	}
	maps.Copy(sections, r.storeSections(&p.Stores))
	r.object(body, "the policy file", sections)
	p.Inline = Inline(inline)
	r.resolveIssuers(p)
	r.resolveProfiles(p)
	r.checkUses(p)
	r.checkTimes(p)
}

// maxName is the longest name of a key or a profile.
const maxName = 64

// name reads the name of a key or a profile.
func (r *reader) name(n ast.Node, what string) (string, bool) {
	name, _ := yamlfile.Text(n)
	if !isName(name) {
		r.fault(n, "this is not a name for %s; write at most %d letters and digits, with . _ - in between", what, maxName)
		return "", false
	}
	return name, true
}

func isName(text string) bool {
	if text == "" || len(text) > maxName || strings.ContainsAny(text[:1], "-.") {
		return false
	}
	return strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == ""
}

// algorithms reads a list of algorithms.
func (r *reader) algorithms(place *[]keys.Algorithm) func(ast.Node) {
	return func(n ast.Node) {
		r.eachText(n, func(element ast.Node, name string) {
			alg, err := keys.ParseAlgorithm(name)
			if err != nil {
				r.unknown(placeOf(element), name, "algorithm", algorithmNames())
				return
			}
			*place = append(*place, alg)
		})
	}
}

func algorithmNames() []string {
	var names []string
	for _, alg := range keys.Algorithms() {
		names = append(names, string(alg))
	}
	return names
}
