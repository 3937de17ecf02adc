package policy

import (
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"conductor-jwt/internal/yamlfile"
	"conductor-jwt/keys"
)

// Read reads the text of a policy file; path names it in messages. maxTTL is
// the worker's: how long a token may live where no grant and no profile says
// otherwise. The error is an [*Error] with everything that is wrong. A file that
// defines nothing is an error: it would permit what no policy permits.
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
	if len(r.wrong) == 0 && saysNothing(body) {
		r.faultAt(Place{}, "the file defines nothing; write keys, profiles, grants or inline, or leave the setting policy out")
	}
	if len(r.wrong) > 0 {
		err := &Error{Path: path, Problems: r.wrong}
		err.sort()
		return nil, err
	}
	return p, nil
}

// saysNothing reports whether a file has none of the sections that decide about
// keys, or empty ones alone. How to reach key stores decides nothing, and stands
// in front of the rest: a file that was cut off there would permit every key in
// a task.
func saysNothing(body ast.Node) bool {
	mapping, ok := body.(*ast.MappingNode)
	return !ok || !slices.ContainsFunc(mapping.Values, func(entry *ast.MappingValueNode) bool {
		name, _ := yamlfile.Text(entry.Key)
		return !isEmpty(entry.Value) && slices.Contains([]string{"keys", "profiles", "grants", "inline"}, name)
	})
}

// isEmpty reports whether a node is a mapping or list without entries.
func isEmpty(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.MappingNode:
		return len(n.Values) == 0
	case *ast.SequenceNode:
		return len(n.Values) == 0
	}
	return false
}

func (r *reader) sections(body ast.Node, p *Policy) {
	inline := string(InlineAllow)
	r.object(body, "the policy file", fields{
		"vault":    func(n ast.Node) { r.vault(n, &p.Vault) },
		"aws":      func(n ast.Node) { r.aws(n, &p.AWS) },
		"azure":    func(n ast.Node) { r.azure(n, &p.Azure) },
		"google":   func(n ast.Node) { r.google(n, &p.Google) },
		"keys":     func(n ast.Node) { r.keys(n, p) },
		"profiles": r.readProfiles,
		"grants":   func(n ast.Node) { r.grants(n, p) },
		"inline":   r.choice(&inline, string(InlineAllow), string(InlineSecretsOnly), string(InlineDeny)),
	})
	p.Inline = Inline(inline)
	r.resolveProfiles(p)
	r.checkUses(p)
	r.checkTimes(p)
}

// name reads the name that the file gives to a key or a profile.
func (r *reader) name(n ast.Node, what string) (string, bool) {
	name, _ := yamlfile.Text(n)
	if !isName(name) {
		r.fault(n, "not a name for %s; write up to %d letters, digits, and . _ - in between", what, maxName)
		return "", false
	}
	return name, true
}

// maxName is the length of a name that the file gives to a key or a profile.
const maxName = 64

// isName reports whether text may name a key or a profile: letters, digits,
// and . _ - in between.
func isName(text string) bool {
	if text == "" || len(text) > maxName || strings.ContainsAny(text[:1], "-.") {
		return false
	}
	return strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == ""
}

// algorithms reads a list of algorithms' exact names.
func (r *reader) algorithms(place *[]keys.Algorithm) func(ast.Node) {
	return func(n ast.Node) {
		var names []string
		r.texts(&names)(n)
		for _, name := range names {
			alg, err := keys.ParseAlgorithm(name)
			if err != nil {
				r.unknown(placeOf(elementOf(n, name)), name, "algorithm", algorithmNames())
				continue
			}
			*place = append(*place, alg)
		}
	}
}

func algorithmNames() []string {
	var names []string
	for _, alg := range keys.Algorithms() {
		names = append(names, string(alg))
	}
	return names
}

// elementOf finds the node of a text in a list.
func elementOf(n ast.Node, text string) ast.Node {
	if list, ok := n.(*ast.SequenceNode); ok {
		for _, element := range list.Values {
			if t, _ := yamlfile.Text(element); t == text {
				return element
			}
		}
	}
	return n
}
