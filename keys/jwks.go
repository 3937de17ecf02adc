package keys

import (
	"errors"
	"fmt"
	"slices"
)

// readJWKSMembers gives the keys of a JWK Set (RFC 7517 §5).
func readJWKSMembers(m members) ([]members, error) {
	elements, err := readArray("keys", m["keys"])
	if err != nil {
		return nil, err
	}
	if len(elements) == 0 {
		return nil, &Error{Reason: ErrUnreadable, Found: "a jwks without keys", Hint: "give a jwks that holds the private key"}
	}
	out := make([]members, 0, len(elements))
	for _, e := range elements {
		k, err := readMembers(string(e))
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, nil
}

// choosePrivate chooses the key to sign with: the one with the id asked for,
// or else the only one that can sign. Keys of types, curves and uses that are
// none of ours do not disturb the others (RFC 7517 §5).
func choosePrivate(set []members, id string) (jwk, error) {
	return choose(set, id, readPrivateJWK, "signing key")
}

// choose reads with read the keys that may be meant, and gives the only one.
func choose(set []members, id string, read func(members) (jwk, error), what string) (jwk, error) {
	candidates := withID(set, id)
	if len(candidates) == 0 {
		return jwk{}, &Error{
			Reason: ErrAmbiguous, Found: fmt.Sprintf("a jwks of %d keys, none with the id asked for", len(set)),
			Hint: "set privateKeyId to the kid of one of its keys",
		}
	}
	var good []jwk
	var faults []error
	for _, m := range candidates {
		k, err := read(m)
		switch {
		case err == nil:
			good = append(good, k)
		case len(candidates) == 1:
			return jwk{}, err
		case !aside(err):
			faults = append(faults, err)
		}
	}
	switch {
	case len(good) == 1 && len(faults) == 0:
		return good[0], nil
	case len(good) == 0 && len(faults) == 0:
		_, err := read(candidates[0])
		return jwk{}, err
	case len(good) == 0 && len(faults) == 1:
		return jwk{}, faults[0]
	}
	return jwk{}, ambiguousSet(len(good)+len(faults), id, what)
}

func ambiguousSet(n int, id, what string) error {
	if id == "" {
		return &Error{
			Reason: ErrAmbiguous, Found: fmt.Sprintf("a jwks with %d keys that could be the %s", n, what),
			Hint: "set privateKeyId to the kid of the one to use",
		}
	}
	return &Error{
		Reason: ErrAmbiguous, Found: fmt.Sprintf("a jwks in which %d keys have the id asked for", n),
		Hint: "give each key a kid of its own",
	}
}

// withID leaves the keys of that id; all of them for none. A set of one key
// that names no id is that key whatever the id: the caller's goes into kid.
func withID(set []members, id string) []members {
	if id == "" {
		return set
	}
	same := slices.DeleteFunc(slices.Clone(set), func(m members) bool {
		kid, ok, _ := m.text("kid")
		return !ok || kid != id
	})
	if len(same) == 0 && len(set) == 1 && !set[0].has("kid") {
		return set
	}
	return same
}

// aside tells a key of another purpose or type, which does not compete, from
// one that was meant and is at fault.
func aside(err error) bool {
	for _, reason := range []error{ErrPublic, ErrUse, ErrUnsupported, ErrAlgorithmMismatch} {
		if errors.Is(err, reason) {
			return true
		}
	}
	return false
}
