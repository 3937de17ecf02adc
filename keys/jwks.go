package keys

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys/decode"
)

// SetError is the Cause of a [fault.Error] about the choice among the keys of a
// JWK Set. It is for a caller that may show key ids; the error of a task never
// does.
type SetError struct {
	KeyIDs  []string // the distinct kids of the set, in order
	Unknown bool     // no key has the requested id
}

// Error implements the error interface.
func (e *SetError) Error() string { return fmt.Sprintf("a JWKS with %d key ids", len(e.KeyIDs)) }

// setChoice chooses one key of a JWK Set.
type setChoice struct {
	id   string    // the requested kid; empty means any
	alg  Algorithm // the requested algorithm; empty means any
	what string    // the name of the use, for messages

	// distinctID keeps equal keys with different kids apart, because a signed
	// token names one of them.
	distinctID bool
}

// setMember is a key of a set.
type setMember struct {
	id   string // kid; empty if it has none
	read func() (setKey, error)
}

// choosePrivate chooses the key of a set to sign with.
func choosePrivate(set []decode.JWK, ref Ref) (decode.Key, error) {
	k, err := setChoice{id: ref.KeyID, alg: ref.Algorithm, what: "signing key", distinctID: true}.from(membersOf(set, decode.JWK.Private))
	return k.Key, err
}

// chooseVerifying chooses the key of a set to verify with.
func chooseVerifying(set []decode.JWK, ref Ref) (decode.Key, error) {
	k, err := setChoice{id: ref.KeyID, alg: ref.Algorithm, what: "verifying key"}.from(membersOf(set, decode.JWK.Verifying))
	return k.Key, err
}

// membersOf returns the keys of a set, each to be read for one use when it is a
// candidate.
func membersOf(set []decode.JWK, use func(decode.JWK) (decode.Key, error)) []setMember {
	list := make([]setMember, len(set))
	for i, j := range set {
		list[i] = setMember{id: j.ID(), read: func() (setKey, error) { return readSetKey(j, use) }}
	}
	return list
}

func readSetKey(j decode.JWK, use func(decode.JWK) (decode.Key, error)) (setKey, error) {
	k, err := use(j)
	if err != nil {
		return setKey{}, err
	}
	v, err := verifierOfDecoded(k)
	return setKey{k, v}, err
}

// from returns the one key that fits kid, alg and use. Keys of different types
// or algorithms may have the same kid (RFC 7517 §4.5). Equal keys count as one.
// Keys that cannot be read or have another use are ignored (RFC 7517 §5). The
// only key of a set, or the only usable one, matches any kid if it has none.
func (c setChoice) from(set []setMember) (setKey, error) {
	candidates := withID(set, c.id)
	unknown := len(candidates) == 0
	if unknown {
		candidates = set
	}
	good, refusal := usable(candidates)
	if !unknown && c.alg != "" {
		var err error
		if good, err = c.fitting(good); err != nil {
			return setKey{}, err
		}
	}
	good = c.distinct(good)
	matchesAnyID := len(candidates) == 1 && candidates[0].id == "" || len(good) == 1 && good[0].ID == ""
	switch {
	case unknown && !matchesAnyID:
		return setKey{}, unknownID(set)
	case len(good) == 0:
		return setKey{}, refusal
	case len(good) == 1:
		return good[0], nil
	}
	return setKey{}, c.ambiguous(good)
}

func unknownID(set []setMember) error {
	ids := idsOf(set)
	hint := "set " + fault.KeyID + " to the kid of one of its keys"
	if len(ids) == 0 {
		hint = "none of them has a kid: give each key a kid, or leave " + fault.KeyID + " out and set " + fault.Algorithm
	}
	return &fault.Error{
		Reason: ErrAmbiguous, Found: fmt.Sprintf("this is a JWKS of %d keys, none with the requested id", len(set)),
		Hint: hint, Cause: &SetError{KeyIDs: ids, Unknown: true},
	}
}

// setKey is a key of a set that can be used.
type setKey struct {
	decode.Key
	verifier Verifier
}

// usable reads and checks the candidates. Where none is usable, refusal is the
// error of the first key for this use, or else of the first key.
func usable(candidates []setMember) (good []setKey, refusal error) {
	for _, m := range candidates {
		k, err := m.read()
		if err == nil {
			good = append(good, k)
		} else if refusal == nil || isOtherPurpose(refusal) && !isOtherPurpose(err) {
			refusal = err
		}
	}
	return good, refusal
}

// fitting returns the keys that fit the requested algorithm, keys bound to it
// first. A single key is returned even if it does not fit: the later error says
// more.
func (c setChoice) fitting(from []setKey) ([]setKey, error) {
	var bound, open []setKey
	var others []Algorithm
	for _, k := range from {
		switch algorithms := k.verifier.Algorithms(); {
		case !slices.Contains(algorithms, c.alg):
			others = append(others, algorithms...)
		case k.Algorithm != "":
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
		Reason: ErrAlgorithmMismatch, Found: fmt.Sprintf("this is a JWKS of which no key fits %s", c.alg),
		Hint: "set " + fault.Algorithm + " to " + list(slices.Compact(others)) + ", or give the key that is for it",
	}
}

// distinct removes equal keys.
func (c setChoice) distinct(list []setKey) []setKey {
	var out []setKey
	for _, k := range list {
		if !slices.ContainsFunc(out, func(other setKey) bool { return c.same(k, other) }) {
			out = append(out, k)
		}
	}
	return out
}

func (c setChoice) same(a, b setKey) bool {
	if c.distinctID && a.ID != b.ID || c.alg == "" && a.Algorithm != b.Algorithm {
		return false
	}
	if x, ok := a.Private.(decode.HMACSecret); ok {
		y, ok := b.Private.(decode.HMACSecret)
		return ok && bytes.Equal(x, y)
	}
	x, errX := Thumbprint(a.verifier)
	y, errY := Thumbprint(b.verifier)
	return errX == nil && errY == nil && x == y
}

func (c setChoice) ambiguous(good []setKey) error {
	var ids []string
	for _, k := range good {
		if k.ID != "" && !slices.Contains(ids, k.ID) {
			ids = append(ids, k.ID)
		}
	}
	e := &fault.Error{Reason: ErrAmbiguous, Cause: &SetError{KeyIDs: ids}}
	e.Found = fmt.Sprintf("this is a JWKS in which %d keys have the requested id", len(good))
	if c.id == "" {
		e.Found = fmt.Sprintf("this is a JWKS with %d keys that could be the %s", len(good), c.what)
	}
	switch {
	case len(ids) > 1:
		e.Hint = "set " + fault.KeyID + " to the kid of the one to use"
	case c.alg == "":
		e.Hint = "set " + fault.Algorithm + ", or give each key a kid of its own"
	default:
		e.Hint = "give each key a kid of its own"
	}
	return e
}

// withID returns the keys with that id; all of them for an empty id.
func withID(set []setMember, id string) []setMember {
	if id == "" {
		return set
	}
	return slices.DeleteFunc(slices.Clone(set), func(m setMember) bool { return m.id != id })
}

func idsOf(set []setMember) []string {
	var ids []string
	for _, m := range set {
		if m.id != "" && !slices.Contains(ids, m.id) {
			ids = append(ids, m.id)
		}
	}
	return ids
}

// isOtherPurpose reports whether err is that of a key for another use or of
// another type, rather than of a damaged one.
func isOtherPurpose(err error) bool {
	for _, reason := range []error{ErrPublic, ErrUse, ErrUnsupported, ErrAlgorithmMismatch} {
		if errors.Is(err, reason) {
			return true
		}
	}
	return false
}
