package task

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/nearest"
	"conductor-jwt/keys"
	"conductor-jwt/provider"
	"conductor-jwt/signer"
)

// noProfile is the profile of a task that names none: it demands nothing.
func noProfile() *provider.Profile { return new(provider.Profile) }

// profile gives the profile that the task names.
func (h *Handler) profile(g *given) (*provider.Profile, error) {
	n, ok := g.values[inProfile]
	if !ok {
		return noProfile(), nil
	}
	p, ok := h.profiles[n.Text]
	if !ok {
		names := slices.Sorted(maps.Keys(h.profiles))
		builtIn := slices.DeleteFunc(provider.Names(), func(name string) bool { return !slices.Contains(names, name) })
		hint := "write one of " + strings.Join(builtIn, ", ")
		if near := cmp.Or(nearest.Within(n.Text, names, maxEdits), nearest.Part(n.Text, names)); near != "" {
			hint = "did you mean " + near + "?"
		}
		return nil, refuse(ErrProfileUnknown, inProfile, "no profile of this name is known to the worker", hint)
	}
	return p, nil
}

// named reports whether the task names a profile.
func (r *request) named() bool { return r.profile.Name != "" }

// fill takes from the profile what the task does not say of its parties; key
// is nil where nobody can have it.
func (r *request) fill(key keys.Key) error {
	if !r.named() {
		return nil
	}
	d, err := r.profile.Fill(provider.Parties{Issuer: r.issuer, Subject: r.subject, Audiences: r.audience}, key)
	r.issuer, r.subject, r.audience = d.Issuer, d.Subject, d.Audiences
	return atInput(err)
}

// checkProfile holds a token to the rules of its profile.
func (r *request) checkProfile(c composed) error {
	if !r.named() {
		return nil
	}
	for _, broken := range r.profile.CheckRequest(&c.request, c.now) {
		return atInput(broken)
	}
	return nil
}

// choose gives the algorithm of the token.
func (r *request) choose(key keys.Key) (keys.Algorithm, error) {
	if r.named() {
		alg, err := r.profile.ChooseAlgorithm(key, r.algorithm)
		return alg, atInput(err)
	}
	return choose(key, r.algorithm)
}

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
	case "iss":
		return inIssuer
	case "sub":
		return inSubject
	case "aud":
		return inAudience
	case "exp":
		return inTTL
	case "nbf":
		return inNotBefore
	case claimScope, claimSCP:
		return inScopes
	case claimIAT, claimJTI:
		if errors.Is(e, provider.ErrMissing) {
			return inOmitClaims
		}
		return inJWTID
	}
	return inClaims
}

// bounds are what the times of a token may be, and what they are where the
// task does not say, in seconds.
type bounds struct {
	ttl, least, most int64
	offset           int64
	notBefore        *int64
	forever          bool // there is no exp
}

func (h *Handler) bounds(r *request) bounds {
	p := r.profile
	b := bounds{ttl: int64(h.o.DefaultTTL / time.Second), least: max(1, p.MinTTL), offset: -p.Backdate, forever: p.Overrides.NoExpiry}
	b.most = p.LimitTTL(int64(h.mostTTL(r) / time.Second))
	if p.TTL > 0 {
		b.ttl = p.TTL
	}
	b.ttl = min(b.ttl, b.most)
	if p.NotBefore {
		b.notBefore = new(int64)
	}
	return b
}

// span says which ttl may be asked for.
func (b bounds) span() string {
	if b.least == b.most {
		return fmt.Sprintf("ask for %d seconds, or leave it out", b.least)
	}
	return fmt.Sprintf("ask for %d to %d seconds", b.least, b.most)
}

// workerTTL is the most where no grant says otherwise: the operator's
// profile's, or the worker's.
func (h *Handler) workerTTL(r *request) time.Duration {
	switch own := r.profile.Overrides; {
	case own.NoExpiry:
		return anyTTL
	case own.MaxTTL > 0:
		return time.Duration(own.MaxTTL) * time.Second
	}
	return h.o.MaxTTL
}
