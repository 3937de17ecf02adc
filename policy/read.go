package policy

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Known is what a file is checked against.
type Known struct {
	Algorithms []string // the names of all algorithms
	Profiles   []string // the names of the built-in profiles
	// MaxTTL is the worker's: how long a token may live where no grant and no
	// profile says otherwise.
	MaxTTL time.Duration
}

// mostFile is how long a file may be, in bytes.
const mostFile = 1 << 20

// Read reads the text of a policy file; path names it in messages. Its error
// is an [*Error] with everything that is wrong.
func Read(path string, text []byte, known Known) (*Policy, error) {
	r := &reader{known: known, source: source{path: path}}
	p := &Policy{Inline: InlineAllow}
	switch {
	case len(text) > mostFile:
		r.faultAt(Place{}, "over 1 MiB; is this the policy file?")
	case !utf8.Valid(text):
		r.faultAt(Place{}, "not utf-8 text; write the file as utf-8")
	default:
		r.source.lines = strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")
		r.document(text, p)
	}
	p.source = r.source
	if len(r.wrong) > 0 {
		err := &Error{Path: path, Problems: r.wrong}
		err.sort()
		return nil, err
	}
	return p, nil
}

func (r *reader) document(text []byte, p *Policy) {
	// The parser's own message quotes the line.
	parsed, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		at := Place{}
		if e, ok := errors.AsType[*yaml.SyntaxError](err); ok {
			at = placeOfToken(e.Token)
		}
		r.faultAt(at, "not valid yaml from here on")
		return
	}
	if len(parsed.Docs) > 1 {
		r.faultAt(placeOfToken(parsed.Docs[1].Start), "a second document; keep one")
	}
	if len(parsed.Docs) == 0 || parsed.Docs[0].Body == nil || parsed.Docs[0].Body.Type() == ast.NullType {
		return
	}
	if _, ok := parsed.Docs[0].Body.(*ast.CommentGroupNode); ok {
		return
	}
	r.sections(parsed.Docs[0].Body, p)
}

func (r *reader) sections(body ast.Node, p *Policy) {
	inline := string(InlineAllow)
	r.object(body, "the policy file", fields{
		"vault":    func(n ast.Node) { r.vault(n, &p.Vault) },
		"aws":      func(n ast.Node) { r.aws(n, &p.AWS) },
		"azure":    func(n ast.Node) { r.azure(n, &p.Azure) },
		"google":   func(n ast.Node) { r.google(n, &p.Google) },
		"keys":     func(n ast.Node) { r.keys(n, p) },
		"profiles": func(n ast.Node) { r.profiles(n, p) },
		"grants":   func(n ast.Node) { r.grants(n, p) },
		"inline":   r.choice(&inline, string(InlineAllow), string(InlineSecretsOnly), string(InlineDeny)),
	})
	p.Inline = Inline(inline)
	r.checkProfiles(p)
	r.checkUses(p)
	r.checkTimes(p)
}

// name reads the name that the file gives to a key or a profile.
func (r *reader) name(n ast.Node, what string) (string, bool) {
	name, _ := textOf(n)
	if !isName(name) {
		r.fault(n, "not a name for %s; write up to %d letters, digits, and . _ - in between", what, mostName)
		return "", false
	}
	return name, true
}

// algorithms reads a list of algorithms' exact names.
func (r *reader) algorithms(place *[]string) func(ast.Node) {
	return func(n ast.Node) {
		r.texts(place)(n)
		for _, name := range *place {
			if !slices.Contains(r.known.Algorithms, name) {
				r.unknown(elementOf(n, name), name, "algorithm", r.known.Algorithms)
			}
		}
	}
}

// elementOf finds the node of a text in a list.
func elementOf(n ast.Node, text string) ast.Node {
	if list, ok := n.(*ast.SequenceNode); ok {
		for _, element := range list.Values {
			if t, _ := textOf(element); t == text {
				return element
			}
		}
	}
	return n
}
