package task

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/nearest"
	"conductor-jwt/provider"
	"conductor-jwt/signer"
)

// profile returns the profile that the task names.
func (h *Handler) profile(v *inputValues) (*provider.Profile, error) {
	n, ok := v.values[inProfile]
	if !ok {
		return h.noProfile, nil
	}
	p, ok := h.profiles[n.Text]
	if !ok {
		names := slices.Sorted(maps.Keys(h.profiles))
		builtIn := slices.DeleteFunc(provider.Names(), func(name string) bool { return !slices.Contains(names, name) })
		hint := "write one of " + strings.Join(builtIn, ", ")
		if near := cmp.Or(nearest.Within(n.Text, names, maxEdits), nearest.Part(n.Text, names)); near != "" {
			hint = "did you mean " + near + "?"
		}
		return nil, refuse(errProfileUnknown, inProfile, "no profile of this name is known to the worker", hint)
	}
	return p, nil
}

// hasProfile reports whether the task names a profile.
func (r *request) hasProfile() bool { return r.profile.Name != "" }

// atInput replaces the claim or header parameter in an error of a profile by
// the input that sets it.
func atInput(err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || e.Field == "" {
		return err
	}
	located := *e
	located.Field = inputOfMember(e)
	if located.Field == inOmitClaims {
		located.Hint = "take " + e.Field + " out of " + inOmitClaims
	}
	return &located
}

// inputOfMember returns the input that sets the claim or header parameter at
// fault.
func inputOfMember(e *fault.Error) string {
	switch e.Field {
	case "alg":
		return inAlgorithm
	case "kid":
		return inPrivateKeyID
	case signer.HeaderX5TS256:
		return inCertificate
	case "typ", provider.HeaderField:
		return inHeaders
	case claimScope, claimSCP:
		return inScopes
	case claimIAT, claimJTI:
		if errors.Is(e, provider.ErrMissing) {
			return inOmitClaims
		}
		return inJWTID
	}
	for _, in := range allInputs() {
		if in.claim == e.Field {
			return in.Name
		}
	}
	return inClaims
}
