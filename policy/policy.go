// Package policy is the file of the operator: which keys there are, which
// profiles, and what each may be used for. It reads the file, strictly and
// with the place of every mistake, and decides whether a grant permits a
// token. It knows no key and asks nobody.
package policy

import "time"

// Policy is one policy file, checked. A nil Policy has no keys, no profiles
// and no grants, and permits keys in task input. It does not change.
type Policy struct {
	Vault  Vault
	AWS    AWS
	Azure  Azure
	Google Google

	Keys     []Key     // in the order of the file
	Profiles []Profile // in the order of the file
	Grants   []Grant   // in the order of the file
	Inline   Inline

	path string // of the file, as messages name it
}

// Place is where something stands in the file, both from 1.
type Place struct{ Line, Column int }

// Inline says what becomes of keys in task input.
type Inline string

// The modes.
const (
	InlineAllow       Inline = "allow"        // any key, without a grant
	InlineSecretsOnly Inline = "secrets-only" // a secret of the server, with a grant for it
	InlineDeny        Inline = "deny"
)

// Key is one named key.
type Key struct {
	Name     string
	Place    Place
	Versions []Version // at least one; those that have a From are in its order
	Publish  bool      // in the JWK Sets

	// KeyID is the kid of the key's tokens: [KeyIDThumbprint], [KeyIDNone] or
	// the kid itself.
	KeyID string

	// ActivationDelay is how long a version is published before it signs,
	// where its store knows when it was made.
	ActivationDelay time.Duration
	// RetireAfter is how long a version stays published after the next one
	// has begun to sign.
	RetireAfter time.Duration

	Revoke     []string // kids that are gone at once
	Algorithms []string // that the key may be used with; empty: all that fit it
}

// What [Key.KeyID] may say instead of a kid.
const (
	KeyIDThumbprint = "thumbprint" // RFC 7638, of each version
	KeyIDNone       = "none"
)

// Version is a source of versions: of one, where From is set.
type Version struct {
	Source string    // a URI
	From   time.Time // when it begins to sign; zero where the store's time decides
	KeyID  string    // as [Key.KeyID]; empty: the key's
	Place  Place     // of Source
}

// Profile is one profile as the file has it. Empty fields are left to what it
// extends.
type Profile struct {
	Name    string
	Place   Place
	Extends string // the profile that it begins with; empty for one that has the name of a built-in
	Off     bool   // there is none of this name
	Key     string // the name of a configured key
	Issuer  string
	Subject string
	// Audiences replace those of the profile that it extends.
	Audiences []string
	Limits    Limits
}

// Limits are the bounds of a profile.
type Limits struct {
	MaxTTL     time.Duration // 0: not set
	NoExpiry   bool          // the token has no exp
	Algorithms []string      // empty: not set
}

// Grant permits tokens. All that it names must hold.
type Grant struct {
	Number     int // in the file, from 1
	Place      Place
	Use        []Glob
	Workflows  []Glob
	TaskTypes  []Glob
	Issuers    []Glob
	Subjects   []Glob
	Audiences  []Glob
	Scopes     []Glob
	Algorithms []Glob
	Types      []Glob // nil: JWT, and what the profile sets
	Secrets    []Glob
	MaxTTL     time.Duration // 0: the worker's
}

// Key gives the key of that name.
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

// DefinesProfiles reports whether the file has profiles.
func (p *Policy) DefinesProfiles() bool { return p != nil && len(p.Profiles) > 0 }

// InlineMode is what becomes of keys in task input.
func (p *Policy) InlineMode() Inline {
	if p == nil || p.Inline == "" {
		return InlineAllow
	}
	return p.Inline
}
