package policy

import (
	"slices"

	"github.com/goccy/go-yaml/ast"

	"conductor-jwt/internal/yamlfile"
)

const off = "off"

func (r *reader) profiles(n ast.Node, p *Policy) {
	for _, entry := range r.entries(n, "profiles") {
		if name, ok := r.name(entry.Key, "a profile"); ok {
			p.Profiles = append(p.Profiles, r.profile(name, entry))
		}
	}
}

// profile reads one profile; the word off alone turns one off, which YAML 1.1
// writes as false.
func (r *reader) profile(name string, entry *ast.MappingValueNode) Profile {
	f := Profile{Name: name, Place: placeOf(entry.Key)}
	if text, ok := yamlfile.Text(entry.Value); ok {
		if f.Off = text == off || text == "false"; !f.Off {
			r.fault(entry.Value, "text where a profile belongs; write a mapping, or off")
		}
		return f
	}
	r.object(entry.Value, "a profile", fields{
		"extends":  r.text(&f.Extends),
		"off":      r.boolean(&f.Off),
		"key":      r.text(&f.Key),
		"issuer":   r.text(&f.Issuer),
		"subject":  r.text(&f.Subject),
		"audience": r.texts(&f.Audiences),
		"limits": func(n ast.Node) {
			r.object(n, "limits", fields{
				"max_ttl":    r.duration(&f.Limits.MaxTTL),
				"no_exp":     r.boolean(&f.Limits.NoExpiry),
				"algorithms": r.algorithms(&f.Limits.Algorithms),
			})
			if isEmpty(n) {
				r.fault(n, "no limit in limits; write one, or remove the field")
			}
		},
	})
	return f
}

// checkProfiles looks up the names that profiles use.
func (r *reader) checkProfiles(p *Policy) {
	own := map[string]Profile{}
	for _, f := range p.Profiles {
		own[f.Name] = f
	}
	names := slices.Clone(r.known.Profiles)
	for _, f := range p.Profiles {
		if !slices.Contains(names, f.Name) {
			names = append(names, f.Name)
		}
	}
	for _, k := range p.Keys {
		// A built-in profile names no key, so that no grant can mean it.
		if f, ok := own[k.Name]; ok && !f.Off {
			r.faultAt(k.Place, "a profile of this file has this name too; rename one of them, because a grant would permit both")
		}
	}
	for _, f := range p.Profiles {
		if _, ok := p.Key(f.Key); f.Key != "" && !ok {
			r.unknownAt(f.Place, f.Key, "key", p.keyNames())
		}
		builtIn := slices.Contains(r.known.Profiles, f.Name)
		switch {
		case f.Off && !builtIn:
			r.faultAt(f.Place, "there is no built-in profile of this name to turn off; remove it")
		case f.Off:
		case f.Extends == "" && !builtIn:
			r.faultAt(f.Place, "a profile that extends none; write extends: with the name of another")
		case f.Extends == "":
		case !slices.Contains(names, f.Extends):
			r.unknownAt(f.Place, f.Extends, "profile", names)
		case r.circular(own, f):
			r.faultAt(f.Place, "a profile that extends itself; begin with a built-in one")
		}
	}
}

// circular reports whether a chain of extensions has no end. A profile that has
// the name of the built-in one that it extends is such an end.
func (r *reader) circular(own map[string]Profile, f Profile) bool {
	for range len(own) + 1 {
		next, ok := own[f.Extends]
		if !ok || f.Extends == f.Name && slices.Contains(r.known.Profiles, f.Name) {
			return false
		}
		f = next
	}
	return true
}

func (p *Policy) keyNames() []string {
	names := make([]string, len(p.Keys))
	for i, k := range p.Keys {
		names[i] = k.Name
	}
	return names
}
