package provider

import (
	"maps"
	"slices"
)

// Extension is a profile of an operator's.
type Extension struct {
	Name      string
	Extends   string // empty, or Name: the built-in one of this name
	Off       bool   // there is none of this name
	Overrides Overrides
}

// Set is the profiles that there are, by name. It does not change.
type Set map[string]*Profile

// NewSet gives the built-in profiles with an operator's over them. An
// extension of what there is not, or of itself, is left out.
func NewSet(extensions []Extension) Set {
	builtIn, set := Set{}, Set{}
	for _, p := range Profiles() {
		builtIn[p.Name], set[p.Name] = p, p
	}
	own := map[string]Extension{}
	for _, e := range extensions {
		own[e.Name] = e
		delete(set, e.Name)
	}
	for name := range own {
		if p := resolve(builtIn, own, name, len(own)); p != nil {
			set[name] = p
		}
	}
	return set
}

// resolve follows a chain of at most depth further extensions.
func resolve(builtIn Set, own map[string]Extension, name string, depth int) *Profile {
	e, ok := own[name]
	if !ok {
		return builtIn[name]
	}
	if e.Off || depth < 0 {
		return nil
	}
	var base *Profile
	if e.Extends == "" || e.Extends == name {
		base = builtIn[name]
	} else {
		base = resolve(builtIn, own, e.Extends, depth-1)
	}
	if base == nil {
		return nil
	}
	return base.Extend(name, e.Overrides)
}

// Names gives the names of the set, sorted.
func (s Set) Names() []string { return slices.Sorted(maps.Keys(s)) }
