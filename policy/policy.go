// Package policy reads the operator's policy file: the keys, the profiles, and
// what each may be used for. It reads the file strictly, reports each mistake
// with its line and column, resolves what profiles extend, and decides whether a
// grant permits a token. It holds no keys and makes no calls.
package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"conductor-jwt/provider"
)

// Policy is one policy file, checked. A nil Policy has no keys, no profiles
// and no grants, and permits keys in task input. It does not change.
type Policy struct {
	Stores

	Keys    []Key    // in the order of the file
	Issuers []Issuer // in the order of the file
	Grants  []Grant  // in the order of the file
	Inline  Inline

	Endpoints []Endpoint // of exchange, beside those of the built-in profiles
	Verifiers []Verifier // in the order of the file

	// profiles are all that a task may name, resolved; nil: the built-in ones.
	profiles        map[string]*provider.Profile
	definesProfiles bool

	path string // of the file, as messages name it
}

// Inline says whether a key in task input may sign.
type Inline string

// The modes.
const (
	InlineAllow       Inline = "allow"        // any key, without a grant
	InlineSecretsOnly Inline = "secrets-only" // a secret of the server, with a grant for it
	InlineDeny        Inline = "deny"         // no key
)

// Key returns the key of a name.
func (p *Policy) Key(name string) (Key, bool) {
	if p != nil {
		for _, k := range p.Keys {
			if k.Name == name {
				return k, true
			}
		}
	}
	return Key{}, false
}

// keyNames returns the names of the keys, sorted.
func (p *Policy) keyNames() []string {
	names := make([]string, len(p.Keys))
	for i, k := range p.Keys {
		names[i] = k.Name
	}
	slices.Sort(names)
	return names
}

// Profiles returns the profiles that a task may name, by their names: the
// built-in ones, changed as the file says, and those of the file. The caller
// must not change them.
func (p *Policy) Profiles() map[string]*provider.Profile {
	if p == nil || p.profiles == nil {
		return builtInProfiles()
	}
	return p.profiles
}

// DefinesProfiles reports whether the file has profiles.
func (p *Policy) DefinesProfiles() bool { return p != nil && p.definesProfiles }

// InlineMode returns the mode for keys in task input.
func (p *Policy) InlineMode() Inline {
	if p == nil || p.Inline == "" {
		return InlineAllow
	}
	return p.Inline
}

// Place is a position in the file. Both count from 1; the zero Place is the
// whole file.
type Place struct{ Line, Column int }

// Problem is one mistake.
type Problem struct {
	Place Place
	Text  string // what was found; what to do. It quotes no value
}

// Error is everything that is wrong with a file.
type Error struct {
	Path     string
	Problems []Problem
}

// Error writes each problem on a line: path, line, column and text.
func (e *Error) Error() string {
	var b strings.Builder
	for i, p := range e.Problems {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(e.Path)
		if p.Place.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", p.Place.Line, p.Place.Column)
		}
		b.WriteString(": " + p.Text)
	}
	return b.String()
}

func (e *Error) sort() {
	slices.SortStableFunc(e.Problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Place.Line, b.Place.Line), cmp.Compare(a.Place.Column, b.Place.Column))
	})
}

// Fault returns an error at a place of the file, for what the caller finds wrong
// after the file was read.
func (p *Policy) Fault(at Place, text string) *Error {
	return &Error{Path: p.path, Problems: []Problem{{Place: at, Text: text}}}
}

// Join makes one error of several about the same file; it is nil where all are.
func Join(errs ...*Error) error {
	var all Error
	for _, e := range errs {
		if e != nil {
			all.Path = e.Path
			all.Problems = append(all.Problems, e.Problems...)
		}
	}
	if len(all.Problems) == 0 {
		return nil
	}
	all.sort()
	return &all
}
