package keys

import (
	"bytes"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"slices"

	"conductor-jwt/internal/fault"
)

// SetError is the Cause of an [Error] about the choice among the keys of a JWK
// Set, for a caller that may name them: a task's error never does.
type SetError struct {
	KeyIDs  []string // the kids in the set, each once, in their order
	Unknown bool     // none of the keys has the id asked for
}

// Error implements the error interface.
func (e *SetError) Error() string { return fmt.Sprintf("a jwks with %d key ids", len(e.KeyIDs)) }

// readJWKSMembers gives the keys of a JWK Set (RFC 7517 §5). An element that is
// no object is no key, and is ignored.
func readJWKSMembers(m members) ([]members, error) {
	elements, err := readArray("keys", m["keys"])
	if err != nil {
		return nil, err
	}
	out := make([]members, 0, len(elements))
	for _, e := range elements {
		if e.Kind() != jsontext.KindBeginObject {
			continue
		}
		k, err := readMembers(string(e))
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	if len(out) == 0 {
		return nil, &fault.Error{Reason: ErrUnreadable, Found: "a jwks without keys", Hint: "give a jwks that holds the private key"}
	}
	return out, nil
}

// setChoice chooses one key of a JWK Set.
type setChoice struct {
	id   string    // the kid asked for; empty: any
	alg  Algorithm // the algorithm asked for; empty: any
	what string    // the key that is looked for, for messages

	// read reads a key for this use.
	read func(members) (jwk, error)
	// distinctID tells equal keys apart by their kids, since a token that is
	// signed names one of them.
	distinctID bool
}

// choosePrivate chooses the key of a set to sign with.
func choosePrivate(set []members, ref Ref) (jwk, error) {
	return setChoice{id: ref.KeyID, alg: ref.Algorithm, what: "signing key", read: readPrivateJWK, distinctID: true}.from(set)
}

// chooseVerifying chooses the key of a set to verify with.
func chooseVerifying(set []members, ref Ref) (jwk, error) {
	return setChoice{id: ref.KeyID, alg: ref.Algorithm, what: "verifying key", read: readVerifyingJWK}.from(set)
}

// from gives the key that kid, alg and type choose together: keys of different
// types or algorithms may have the same kid (RFC 7517 §4.5). Equal keys are
// one. Keys that cannot be read, or are for another use, do not compete
// (RFC 7517 §5). A key without a kid has any, where it is the only key.
func (c setChoice) from(set []members) (jwk, error) {
	candidates := withID(set, c.id)
	unknown := len(candidates) == 0
	if unknown {
		candidates = set
	}
	good, fault := c.usable(candidates)
	if !unknown && c.alg != "" {
		var err error
		if good, err = c.fitting(good); err != nil {
			return jwk{}, err
		}
	}
	good = c.distinct(good)
	nameless := len(candidates) == 1 && idOf(candidates[0]) == "" || len(good) == 1 && good[0].meta.id == ""
	switch {
	case unknown && !nameless:
		return jwk{}, unknownID(set)
	case len(good) == 0:
		return jwk{}, fault
	case len(good) == 1:
		return good[0], nil
	}
	return jwk{}, c.ambiguous(good)
}

func unknownID(set []members) error {
	ids := idsOf(set)
	hint := "set privateKeyId to the kid of one of its keys"
	if len(ids) == 0 {
		hint = "none of them has a kid: give each key a kid, or leave privateKeyId out and set algorithm"
	}
	return &fault.Error{
		Reason: ErrAmbiguous, Found: fmt.Sprintf("a jwks of %d keys, none with the id asked for", len(set)),
		Hint: hint, Cause: &SetError{KeyIDs: ids, Unknown: true},
	}
}

// usable reads the candidates. Without a usable one, fault is that of the key
// that was most likely meant: of one that is for this use and damaged, else of
// the first.
func (c setChoice) usable(candidates []members) (good []jwk, fault error) {
	for _, m := range candidates {
		k, err := c.read(m)
		if err == nil && len(candidates) > 1 {
			err = k.check()
		}
		if err == nil {
			good = append(good, k)
		} else if fault == nil || aside(fault) && !aside(err) {
			fault = err
		}
	}
	return good, fault
}

// check finds what only a whole key shows, such as primes of another modulus.
func (k jwk) check() error {
	if k.private != nil {
		_, err := newKey(k.private, k.meta)
		return err
	}
	_, err := newVerifier(k.public, k.meta)
	return err
}

// fitting leaves the keys that fit the algorithm asked for, those first that
// are for it alone. A key that is the only one is left even if it does not
// fit: its own misfit says more.
func (c setChoice) fitting(from []jwk) ([]jwk, error) {
	var bound, open []jwk
	var others []Algorithm
	for _, k := range from {
		v, err := newVerifier(k.half(), k.meta)
		if err != nil {
			continue
		}
		switch {
		case !slices.Contains(v.algorithms, c.alg):
			others = append(others, v.algorithms...)
		case k.meta.alg != "":
			bound = append(bound, k)
		default:
			open = append(open, k)
		}
	}
	fit := append(bound, open...)
	if len(fit) > 0 {
		return fit, nil
	}
	if len(from) < 2 {
		return from, nil
	}
	slices.Sort(others)
	return nil, &fault.Error{
		Reason: ErrAlgorithmMismatch, Found: fmt.Sprintf("a jwks of which no key fits %s", c.alg),
		Hint: "set algorithm to " + list(slices.Compact(others)) + ", or give the key that is for it",
	}
}

// half is the public key, or the secret.
func (k jwk) half() any {
	if k.public == nil {
		return k.private
	}
	return k.public
}

// distinct leaves one of each equal keys.
func (c setChoice) distinct(list []jwk) []jwk {
	var out []jwk
	for _, k := range list {
		if !slices.ContainsFunc(out, func(other jwk) bool { return c.same(k, other) }) {
			out = append(out, k)
		}
	}
	return out
}

func (c setChoice) same(a, b jwk) bool {
	if c.distinctID && a.meta.id != b.meta.id || c.alg == "" && a.meta.alg != b.meta.alg {
		return false
	}
	if x, ok := a.half().(hmacSecret); ok {
		y, ok := b.half().(hmacSecret)
		return ok && bytes.Equal(x, y)
	}
	x, errX := thumbprintOf(a)
	y, errY := thumbprintOf(b)
	return errX == nil && errY == nil && x == y
}

func thumbprintOf(k jwk) (string, error) {
	v, err := newVerifier(k.half(), meta{})
	if err != nil {
		return "", err
	}
	return Thumbprint(v)
}

func (c setChoice) ambiguous(good []jwk) error {
	var ids []string
	for _, k := range good {
		if k.meta.id != "" && !slices.Contains(ids, k.meta.id) {
			ids = append(ids, k.meta.id)
		}
	}
	e := &fault.Error{Reason: ErrAmbiguous, Cause: &SetError{KeyIDs: ids}}
	e.Found = fmt.Sprintf("a jwks in which %d keys have the id asked for", len(good))
	if c.id == "" {
		e.Found = fmt.Sprintf("a jwks with %d keys that could be the %s", len(good), c.what)
	}
	switch {
	case len(ids) > 1:
		e.Hint = "set privateKeyId to the kid of the one to use"
	case c.alg == "":
		e.Hint = "set algorithm, or give each key a kid of its own"
	default:
		e.Hint = "give each key a kid of its own"
	}
	return e
}

// withID leaves the keys of that id; all of them for none.
func withID(set []members, id string) []members {
	if id == "" {
		return set
	}
	return slices.DeleteFunc(slices.Clone(set), func(m members) bool { return idOf(m) != id })
}

// idOf is the kid of a key; empty where it has none.
func idOf(m members) string {
	id, _, _ := m.text("kid")
	return id
}

func idsOf(set []members) []string {
	var ids []string
	for _, m := range set {
		if id := idOf(m); id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// aside tells a key of another purpose or type from one that was meant and is
// at fault.
func aside(err error) bool {
	for _, reason := range []error{ErrPublic, ErrUse, ErrUnsupported, ErrAlgorithmMismatch} {
		if errors.Is(err, reason) {
			return true
		}
	}
	return false
}
