package keyring

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"

	"conductor-jwt/keys"
	"conductor-jwt/policy"
)

// Set is a JWK Set (RFC 7517 §5) of public keys, as it is served.
type Set struct {
	Body   []byte
	Len    int           // number of keys
	ETag   string        // strong (RFC 9110 §8.8.1), quoted
	MaxAge time.Duration // how long a verifier may keep it; whole seconds

	Algorithms []keys.Algorithm // that its keys sign with, each once
}

// Set returns the set of all published keys.
func (r *Ring) Set() Set { return r.set(r.order) }

// KeySet returns the set of one key; false where no published key has the name.
func (r *Ring) KeySet(name string) (Set, bool) {
	n, ok := r.names[name]
	if !ok || !n.policy.Publish {
		return Set{}, false
	}
	return r.set([]*namedKey{n}), true
}

// IssuerSet is an issuer of the policy file with the set of its keys.
type IssuerSet struct {
	policy.Issuer
	Set Set
}

// IssuerSet returns the issuer whose URL has a path; false where there is none.
func (r *Ring) IssuerSet(path string) (IssuerSet, bool) {
	if r.o.Policy == nil {
		return IssuerSet{}, false
	}
	for _, i := range r.o.Policy.Issuers {
		if i.Path != path {
			continue
		}
		var list []*namedKey
		for _, name := range i.Keys {
			list = append(list, r.names[name])
		}
		return IssuerSet{i, r.set(list)}, true
	}
	return IssuerSet{}, false
}

// Complete reports whether every published key has been loaded. Until then, a set
// may lack keys that have signed tokens already.
func (r *Ring) Complete() bool {
	return !slices.ContainsFunc(r.order, func(n *namedKey) bool { return n.policy.Publish && n.loaded.Load() == nil })
}

func (r *Ring) set(list []*namedKey) Set {
	now := r.o.Now()
	s := Set{MaxAge: policy.MaxAge}
	var members [][]byte
	for _, n := range list {
		loaded := n.loaded.Load()
		if loaded == nil || !n.policy.Publish {
			continue
		}
		if next := loaded.versions.nextChange(now, n.policy.RetireAfter); !next.IsZero() {
			s.MaxAge = min(s.MaxAge, next.Sub(now)).Truncate(time.Second)
		}
		for _, v := range loaded.versions.published(now, n.policy.RetireAfter) {
			raw, err := v.publicJWK()
			if err != nil {
				continue
			}
			if !slices.ContainsFunc(members, func(m []byte) bool { return bytes.Equal(m, raw) }) {
				members = append(members, raw)
			}
			for _, alg := range v.algorithms {
				if !slices.Contains(s.Algorithms, alg) {
					s.Algorithms = append(s.Algorithms, alg)
				}
			}
		}
	}
	s.Len = len(members)
	s.Body = slices.Concat([]byte(`{"keys":[`), bytes.Join(members, []byte(",")), []byte("]}\n"))
	s.ETag = ETag(s.Body)
	return s
}

// ETag returns a strong entity tag of a body (RFC 9110 §8.8.3).
func ETag(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:]) + `"`
}

// publicJWK returns the public members, use and kid, and alg for a key of a single
// algorithm: with alg, a verifier would refuse the key's other algorithms.
func (v *version) publicJWK() (json.RawMessage, error) {
	m := keys.JWKMeta{Use: "sig", KeyID: v.kid}
	if len(v.algorithms) == 1 {
		m.Algorithm = v.algorithms[0]
	}
	return keys.PublicJWK(v.key, m)
}
