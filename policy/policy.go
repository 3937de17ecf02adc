// Package policy reads the operator's policy file: the keys, the profiles, and
// what each may be used for. It reads the file strictly, reports each mistake
// with its line and column, resolves what profiles extend, and decides whether a
// grant permits a token. It holds no keys and makes no calls.
package policy

import (
	"time"

	"conductor-jwt/keys"
	"conductor-jwt/provider"
)

// Policy is one policy file, checked. A nil Policy has no keys, no profiles
// and no grants, and permits keys in task input. It does not change.
type Policy struct {
	Vault  Vault
	AWS    AWS
	Azure  Azure
	Google Google

	Keys   []Key   // in the order of the file
	Grants []Grant // in the order of the file
	Inline Inline

	// profiles are all that a task may name, resolved; nil: the built-in ones.
	profiles        map[string]*provider.Profile
	definesProfiles bool

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

	Revoke     []string         // kids that are gone at once
	Algorithms []keys.Algorithm // that the key may be used with; empty: all that fit it
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

// InlineMode is what becomes of keys in task input.
func (p *Policy) InlineMode() Inline {
	if p == nil || p.Inline == "" {
		return InlineAllow
	}
	return p.Inline
}
