package policy

import (
	"cmp"
	"slices"
	"time"

	"github.com/goccy/go-yaml/ast"

	"conductor-jwt/internal/yamlfile"
	"conductor-jwt/provider"
)

// profileEntry is one profile as the file has it.
type profileEntry struct {
	name      string
	place     Place
	extends   string // empty: the built-in profile of the same name
	off       bool   // no profile has this name
	overrides provider.Overrides
}

func (r *reader) readProfiles(n ast.Node) {
	for _, entry := range r.entries(n, "profiles") {
		if name, ok := r.name(entry.Key, "a profile"); ok {
			r.profiles = append(r.profiles, r.profile(name, entry))
		}
	}
}

// profile reads one profile; the word off alone turns one off, which YAML 1.1
// writes as false.
func (r *reader) profile(name string, entry *ast.MappingValueNode) profileEntry {
	e := profileEntry{name: name, place: placeOf(entry.Key)}
	if text, ok := yamlfile.Text(entry.Value); ok {
		if e.off = text == "off" || text == "false"; !e.off {
			r.fault(entry.Value, "this is text; write a profile as a mapping, or off")
		}
		return e
	}
	o := &e.overrides
	r.object(entry.Value, "a profile", fields{
		"extends":  r.text(&e.extends),
		"off":      r.boolean(&e.off),
		"key":      r.text(&o.Key),
		"issuer":   r.text(&o.Issuer),
		"subject":  r.text(&o.Subject),
		"audience": r.texts(&o.Audiences),
		"limits":   func(n ast.Node) { r.limits(n, o) },
	})
	return e
}

func (r *reader) limits(n ast.Node, o *provider.Overrides) {
	var maxTTL time.Duration
	r.object(n, "limits", fields{
		"max_ttl":    r.duration(&maxTTL),
		"no_exp":     r.boolean(&o.NoExpiry),
		"algorithms": r.algorithms(&o.Algorithms),
	})
	o.MaxTTL = int64(maxTTL / time.Second)
	if isEmpty(n) {
		r.fault(n, "there is no limit; write one, or remove the field")
	}
}

func builtInProfiles() map[string]*provider.Profile {
	profiles := map[string]*provider.Profile{}
	for _, p := range provider.Profiles() {
		profiles[p.Name] = p
	}
	return profiles
}

// profileNames returns the names of the built-in profiles and of those of the
// file, sorted.
func (r *reader) profileNames() []string {
	names := provider.Names()
	for _, e := range r.profiles {
		if !slices.Contains(names, e.name) {
			names = append(names, e.name)
		}
	}
	slices.Sort(names)
	return names
}

// resolveProfiles checks the names that the file's profiles use, and sets the
// profiles of the policy. A profile that extends one that is off is left out.
func (r *reader) resolveProfiles(p *Policy) {
	own := map[string]profileEntry{}
	for _, e := range r.profiles {
		own[e.name] = e
	}
	for _, k := range p.Keys {
		// A built-in profile names no key, so that no grant can mean it.
		if e, ok := own[k.Name]; ok && !e.off {
			r.faultAt(k.Place, "a profile has the name of this key, and a grant would permit both; rename one of them")
		}
	}
	p.profiles, p.definesProfiles = builtInProfiles(), len(own) > 0
	for _, e := range r.profiles {
		delete(p.profiles, e.name)
		if f := r.resolveProfile(p, own, e); f != nil {
			p.profiles[e.name] = f
		}
	}
}

func (r *reader) resolveProfile(p *Policy, own map[string]profileEntry, e profileEntry) *provider.Profile {
	if _, ok := p.Key(e.overrides.Key); e.overrides.Key != "" && !ok {
		r.within("key", func() { r.unknown(e.place, e.overrides.Key, "key", p.keyNames()) })
	}
	_, builtIn := provider.Find(e.name)
	names := r.profileNames()
	switch {
	case e.off && !builtIn:
		r.faultIn("off", e.place, "there is no built-in profile of this name; remove the entry")
	case e.off:
	case e.extends == "" && !builtIn:
		r.faultIn("extends", e.place, "this profile extends none; name the profile that it extends")
	case e.extends != "" && !slices.Contains(names, e.extends):
		r.within("extends", func() { r.unknown(e.place, e.extends, "profile", names) })
	default:
		f, ok := extend(own, e, 0)
		if !ok {
			r.faultIn("extends", e.place, "this profile extends itself; extend a built-in one")
		}
		return f
	}
	return nil
}

// extend follows a chain of extensions to the built-in profile that it begins
// with. ok is false where the chain has no end; the profile is nil where it
// ends at one that is off or unknown.
func extend(own map[string]profileEntry, e profileEntry, depth int) (f *provider.Profile, ok bool) {
	if e.off {
		return nil, true
	}
	base, builtIn := provider.Find(cmp.Or(e.extends, e.name))
	if e.extends == e.name && !builtIn || depth > len(own) {
		return nil, false
	}
	if parent, ok := own[e.extends]; ok && e.extends != e.name {
		if base, ok = extend(own, parent, depth+1); !ok {
			return nil, false
		}
	}
	if base == nil {
		return nil, true
	}
	return base.Extend(e.name, e.overrides), true
}
