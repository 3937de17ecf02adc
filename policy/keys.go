package policy

import (
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"conductor-jwt/internal/glob"
	"conductor-jwt/keys"
)

// The times of publication that all replicas and verifiers share.
const (
	// MaxAge is the longest that a verifier may cache a JWK Set.
	MaxAge = 120 * time.Second
	// Refresh is the interval at which a source is asked for its versions.
	Refresh = 60 * time.Second
	// Skew is the largest difference between the clocks of workers, stores and
	// verifiers.
	Skew = 60 * time.Second

	// MinActivationDelay lets every verifier learn of a version before it
	// signs: two refreshes of the slowest replica, and one age of its set.
	MinActivationDelay = MaxAge + 2*Refresh + Skew

	defaultActivationDelay = 10 * time.Minute
)

// Key is one named key.
type Key struct {
	Name     string
	Place    Place
	Versions []Version // at least one; those with a From are in its order
	Publish  bool      // in the JWK Sets

	// KeyID is the kid of the key's tokens: [KeyIDThumbprint], [KeyIDNone] or
	// the kid itself.
	KeyID string

	// ActivationDelay is how long a version is published before it signs,
	// where its store knows when it was created.
	ActivationDelay time.Duration
	// RetireAfter is how long a version stays published after the next one
	// has begun to sign.
	RetireAfter time.Duration

	Revoke     []string         // kids that are neither used nor published
	Algorithms []keys.Algorithm // that the key may be used with; empty: all that fit it
}

// The values of [Key.KeyID] that are not a kid.
const (
	KeyIDThumbprint = "thumbprint" // of each version (RFC 7638)
	KeyIDNone       = "none"
)

// Version is a source of a key: of one version where From is set, otherwise of
// all that the store has.
type Version struct {
	Source string    // a URI
	From   time.Time // when it begins to sign; zero: the store's time decides
	KeyID  string    // as [Key.KeyID]; empty: the key's
	Place  Place     // of Source
}

// Scheme returns the scheme of the version's source.
func (v Version) Scheme() string {
	scheme, _, _ := strings.Cut(v.Source, ":")
	return scheme
}

func (r *reader) keys(n ast.Node, p *Policy) {
	for _, entry := range r.entries(n, "keys") {
		if name, ok := r.name(entry.Key, "a key"); ok {
			p.Keys = append(p.Keys, r.key(name, entry))
		}
	}
}

func (r *reader) key(name string, entry *ast.MappingValueNode) Key {
	k := Key{Name: name, Place: placeOf(entry.Key), KeyID: KeyIDThumbprint, ActivationDelay: defaultActivationDelay}
	var single Version
	ok := r.object(entry.Value, "a key", fields{
		"source":           r.source(&single),
		"versions":         func(n ast.Node) { r.versions(n, &k) },
		"publish":          r.boolean(&k.Publish),
		"kid":              r.text(&k.KeyID),
		"activation_delay": r.activationDelay(&k.ActivationDelay),
		"retire_after":     r.duration(&k.RetireAfter),
		"revoke":           r.texts(&k.Revoke),
		"algorithms":       r.algorithms(&k.Algorithms),
	})
	switch {
	case single.Source != "" && k.Versions != nil:
		r.fault(entry.Key, "this key has source and versions; keep one of them")
	case single.Source != "":
		k.Versions = []Version{single}
	case ok && k.Versions == nil && single.Place == Place{}:
		r.fault(entry.Key, "this key has no source; write source, or versions with a source each")
	}
	r.checkVersions(entry.Key, &k)
	return k
}

func (r *reader) versions(n ast.Node, k *Key) {
	k.Versions = []Version{}
	if isEmpty(n) {
		r.fault(n, "the list is empty; write at least one version")
	}
	for _, element := range r.elements(n, "versions") {
		var v Version
		ok := r.object(element, "a version", fields{
			"source": r.source(&v), "from": r.instant(&v.From), "kid": r.text(&v.KeyID),
		})
		switch {
		case v.Source != "":
			k.Versions = append(k.Versions, v)
		case ok && v.Place == Place{}:
			r.fault(element, "this version has no source; write one")
		}
	}
	slices.SortStableFunc(k.Versions, func(a, b Version) int { return a.From.Compare(b.From) })
}

// checkVersions checks the versions of a key against each other.
func (r *reader) checkVersions(n ast.Node, k *Key) {
	several := len(k.Versions) > 1
	for i, v := range k.Versions {
		switch {
		case i > 0 && !v.From.IsZero() && v.From.Equal(k.Versions[i-1].From):
			r.faultIn("from", v.Place, "another version begins to sign at the same time; write another time")
		case several && v.Scheme() == SchemeConductor:
			r.faultIn("source", v.Place, "a key of conductor: has one version, because the server keeps the others; leave one")
		}
		if k.Publish && v.Scheme() == SchemeConductor {
			r.faultIn("publish", v.Place, "a key of conductor: comes with each task and cannot be published; remove publish")
		}
	}
	if several && k.KeyID != "" && k.KeyID != KeyIDThumbprint && k.KeyID != KeyIDNone {
		r.faultIn("kid", placeOf(n), "the key has one kid for several versions; write kid in each of them")
	}
}

func (r *reader) activationDelay(place *time.Duration) func(ast.Node) {
	return func(n ast.Node) {
		r.duration(place)(n)
		if *place < MinActivationDelay {
			r.fault(n, "this is shorter than a verifier may take to learn of a key; write %s or more", short(MinActivationDelay))
		}
	}
}

// checkTimes checks that a retired version stays published for as long as its
// tokens are valid.
func (r *reader) checkTimes(p *Policy) {
	for i := range p.Keys {
		k := &p.Keys[i]
		minimum := r.maxTTLOf(p, k.Name) + MaxAge + Skew
		if k.RetireAfter == 0 {
			k.RetireAfter = minimum
		}
		if k.RetireAfter < minimum {
			r.faultIn("retire_after", k.Place, "this is shorter than the key's tokens are valid; write %s or more, or lower max_ttl in its grants", short(minimum))
		}
	}
}

// maxTTLOf returns the longest ttl of the key's tokens: that of any grant for
// the key or for a profile that signs with it, or of such a profile.
func (r *reader) maxTTLOf(p *Policy, key string) time.Duration {
	uses := []string{key}
	var ofProfiles time.Duration
	for _, e := range r.profiles {
		if f := p.profiles[e.name]; f != nil && f.Overrides.Key == key {
			uses = append(uses, f.Name)
			ofProfiles = max(ofProfiles, time.Duration(f.Overrides.MaxTTL)*time.Second)
		}
	}
	ofGrants, granted := time.Duration(0), false
	for _, use := range uses {
		for _, g := range p.Grants {
			if glob.MatchAny(g.Patterns[FieldUse], use) {
				ofGrants, granted = max(ofGrants, g.maxTTL(r.maxTTL)), true
			}
		}
	}
	if !granted {
		return r.maxTTL
	}
	return max(ofGrants, ofProfiles)
}

// source reads the URI of a source up to its scheme; the store of that scheme
// reads the rest.
func (r *reader) source(v *Version) func(ast.Node) {
	return func(n ast.Node) {
		var text string
		v.Place = placeOf(n)
		if r.text(&text)(n); text == "" {
			return
		}
		scheme, rest, ok := strings.Cut(text, ":")
		switch {
		case !ok || text == ":":
			r.fault(n, "this is not a URI; write the source of a key as file:///path, env:NAME or another scheme of %s", strings.Join(Schemes(), ", "))
		case !slices.Contains(Schemes(), scheme):
			r.unknown(placeOf(n), scheme, "scheme", Schemes())
		case rest == "" || rest == "//":
			r.fault(n, "the URI has nothing after its scheme; name the key")
		default:
			v.Source = text
		}
	}
}
