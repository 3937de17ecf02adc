package policy

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"conductor-jwt/internal/glob"
)

// The times of publication that every replica and every verifier shares.
const (
	// MaxAge is how long a verifier may keep a JWK Set, at most.
	MaxAge = 120 * time.Second
	// Refresh is how often a source is asked for its versions.
	Refresh = 60 * time.Second
	// Skew is how far the clocks of workers, stores and verifiers may differ.
	Skew = 60 * time.Second

	// MinActivationDelay lets every verifier learn of a version before it
	// signs: two refreshes for the slowest replica, and one age of its set.
	MinActivationDelay = MaxAge + 2*Refresh + Skew

	defaultActivationDelay = 10 * time.Minute
)

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
		"source":           r.uri(&single),
		"versions":         func(n ast.Node) { r.versions(n, &k) },
		"publish":          r.boolean(&k.Publish),
		"kid":              r.keyID(&k.KeyID),
		"activation_delay": r.activationDelay(&k.ActivationDelay),
		"retire_after":     r.duration(&k.RetireAfter),
		"revoke":           r.texts(&k.Revoke),
		"algorithms":       r.algorithms(&k.Algorithms),
	})
	switch {
	case single.Source != "" && k.Versions != nil:
		r.fault(entry.Key, "source and versions contradict each other; keep one")
	case single.Source != "":
		k.Versions = []Version{single}
	case ok && k.Versions == nil && single.Place == Place{}:
		r.fault(entry.Key, "a key without a source; write source, or versions with one each")
	}
	r.checkVersions(entry.Key, &k)
	return k
}

func (r *reader) versions(n ast.Node, k *Key) {
	k.Versions = []Version{}
	if isEmpty(n) {
		r.fault(n, "an empty list; write at least one version")
	}
	for _, element := range r.elements(n, "versions") {
		var v Version
		ok := r.object(element, "a version", fields{
			"source": r.uri(&v), "from": r.instant(&v.From), "kid": r.keyID(&v.KeyID),
		})
		switch {
		case v.Source != "":
			k.Versions = append(k.Versions, v)
		case ok && v.Place == Place{}:
			r.fault(element, "a version without a source; write source")
		}
	}
	slices.SortStableFunc(k.Versions, func(a, b Version) int { return a.From.Compare(b.From) })
}

// checkVersions holds what must be true of all versions together.
func (r *reader) checkVersions(n ast.Node, k *Key) {
	several := len(k.Versions) > 1
	for i, v := range k.Versions {
		switch {
		case several && v.From.IsZero() && timeless(v.Source):
			r.faultAt(v.Place, "a version without from: nothing else says when it may sign; write from: 2027-01-31T00:00:00Z, at least %s after it is published", short(MinActivationDelay))
		case i > 0 && !v.From.IsZero() && v.From.Equal(k.Versions[i-1].From):
			r.faultAt(v.Place, "begins when another version does; write another from")
		case several && schemeOf(v.Source) == SchemeConductor:
			r.faultAt(v.Place, "a key of conductor: has one version; the server keeps the others")
		}
		if k.Publish && schemeOf(v.Source) == SchemeConductor {
			r.faultAt(v.Place, "a key of conductor: comes with each task and cannot be published; leave publish out")
		}
	}
	if several && isPinned(k.KeyID) {
		r.fault(n, "one kid for several versions; write kid in each of them")
	}
}

func isPinned(kid string) bool { return kid != "" && kid != KeyIDThumbprint && kid != KeyIDNone }

func (r *reader) keyID(place *string) func(ast.Node) { return r.text(place) }

func (r *reader) activationDelay(place *time.Duration) func(ast.Node) {
	return func(n ast.Node) {
		r.duration(place)(n)
		if *place < MinActivationDelay {
			r.fault(n, "shorter than a verifier may take to learn of a key; write %s or more", short(MinActivationDelay))
		}
	}
}

// checkTimes holds what a key promises to verifiers against how long its
// tokens may live.
func (r *reader) checkTimes(p *Policy) {
	for i := range p.Keys {
		k := &p.Keys[i]
		shortest := r.maxTTLOf(p, k.Name) + MaxAge + Skew
		if k.RetireAfter == 0 {
			k.RetireAfter = shortest
		}
		if k.RetireAfter < shortest {
			r.faultAt(k.Place, "retire_after is shorter than its tokens live; write %s or more, or lower max_ttl in its grants", short(shortest))
		}
	}
}

// maxTTLOf is the longest that a token of the key may live, by any grant.
func (r *reader) maxTTLOf(p *Policy, key string) time.Duration {
	longest, used := time.Duration(0), false
	uses := []string{key}
	var limit time.Duration // of the profiles that sign with the key
	for _, e := range r.profiles {
		if f := p.profiles[e.name]; f != nil && f.Overrides.Key == key {
			uses = append(uses, f.Name)
			limit = max(limit, time.Duration(f.Overrides.MaxTTL)*time.Second)
		}
	}
	for _, use := range uses {
		for _, g := range p.Grants {
			if glob.MatchAny(g.Patterns[FieldUse], use) {
				longest, used = max(longest, g.maxTTL(r.maxTTL)), true
			}
		}
	}
	if !used {
		return r.maxTTL
	}
	return max(longest, limit)
}

// The schemes of sources.
const (
	SchemeEnv          = "env"
	SchemeFile         = "file"
	SchemeDir          = "dir"
	SchemeConductor    = "conductor"
	SchemeVaultKV      = "vault-kv"
	SchemeVaultTransit = "vault-transit"
	SchemeGCPKMS       = "gcpkms"
	SchemeAWSKMS       = "awskms"
	SchemeAzureKMS     = "azurekms"
	SchemePKCS11       = "pkcs11"
)

// Schemes returns the schemes that a source may have.
func Schemes() []string {
	return []string{
		SchemeEnv, SchemeFile, SchemeDir, SchemeConductor, SchemeVaultKV, SchemeVaultTransit,
		SchemeGCPKMS, SchemeAWSKMS, SchemeAzureKMS, SchemePKCS11,
	}
}

// Scheme is the scheme of the version's source.
func (v Version) Scheme() string { return schemeOf(v.Source) }

func schemeOf(uri string) string {
	scheme, _, _ := strings.Cut(uri, ":")
	return scheme
}

// timeless reports whether the source has no time of its own that every
// replica would see.
func timeless(uri string) bool {
	return slices.Contains([]string{SchemeEnv, SchemeFile, SchemeDir, SchemePKCS11}, schemeOf(uri))
}

// uri reads a source as far as its scheme; the store of that scheme reads the
// rest.
func (r *reader) uri(v *Version) func(ast.Node) {
	return func(n ast.Node) {
		var text string
		v.Place = placeOf(n)
		if r.text(&text)(n); text == "" {
			return
		}
		scheme, rest, ok := strings.Cut(text, ":")
		switch {
		case !ok || cmp.Or(scheme, rest) == "":
			r.fault(n, "not a uri; write the source of a key as file:///path, env:NAME or another scheme of %s", strings.Join(Schemes(), ", "))
		case !slices.Contains(Schemes(), scheme):
			r.unknown(placeOf(n), scheme, "scheme", Schemes())
		case rest == "" || rest == "//":
			r.fault(n, "a uri with nothing behind its scheme; name the key")
		default:
			v.Source = text
		}
	}
}
