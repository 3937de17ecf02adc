package task

import (
	"slices"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/keys"
	"conductor-jwt/keys/exposure"
	"conductor-jwt/provider"
)

// request is what a task asks for, every input read and found sound.
type request struct {
	subject, issuer string
	audience        []string
	scopes          scopes
	times           times
	algorithm       keys.Algorithm // empty takes the key's default
	keyID           string         // empty takes the key's own
	jwtID           string         // empty takes a fresh one
	omit            []string
	claims          jsonobj.Object
	headers         jsonobj.Object
	chain           chain
	key             keys.Ref
	secrets         exposure.Secrets // what no claim may hold

	profile *provider.Profile // never nil

	// use is what a grant must name: a configured key, or a profile that names
	// one; empty for a key in the task.
	use string
	// from are the server's secrets that a key in the task comes from, where
	// its template says so.
	from []string
}

// The claims that omitClaims may name.
const (
	claimJTI = "jti"
	claimIAT = "iat"
)

// request reads every input. The key's source comes first, and with it the
// search for key material where it must not be: what follows may say how long
// or of what kind an input is.
func (h *Handler) request(d api.Task, g *given) (*request, error) {
	p, err := h.profile(g)
	if err != nil {
		return nil, err
	}
	ref, err := g.source(d, p.Overrides.Key)
	var secrets exposure.Secrets
	if h.o.Injection != InjectionOff {
		secrets = ref.Secrets()
		if refused := g.checkExposure(secrets); refused != nil {
			return nil, refused
		}
	}
	if err != nil {
		return nil, err
	}
	if err := g.checkAllResolved(); err != nil {
		return nil, err
	}
	r := &request{key: ref, secrets: secrets, keyID: ref.KeyID, use: ref.Name, profile: p}
	if p.Overrides.Key != "" {
		r.use = p.Name
	}
	for _, read := range []func() error{
		func() (err error) { r.subject, err = g.text(inSubject); return },
		func() (err error) { r.issuer, err = g.text(inIssuer); return },
		func() (err error) { r.audience, err = g.audience(); return },
		func() (err error) { r.scopes, err = g.scopes(p); return },
		func() (err error) { r.times, err = g.times(h.bounds(r)); return },
		func() (err error) { r.algorithm, err = g.algorithm(); r.key.Algorithm = r.algorithm; return },
		func() (err error) { r.claims, err = g.claims(r.scopes); return },
		func() (err error) { r.headers, err = g.headers(); return },
		func() (err error) { r.chain, err = g.chain(p.Certificate); return },
		func() (err error) { r.jwtID, err = g.text(inJWTID); return },
		func() (err error) { r.omit, err = g.choices(inOmitClaims, claimJTI, claimIAT); return },
	} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	if r.jwtID != "" && slices.Contains(r.omit, claimJTI) {
		return nil, refuse(ErrInputConflict, inOmitClaims, "it leaves out jti, which "+inJWTID+" sets", "leave one of the two out")
	}
	return r, nil
}

func (g *given) algorithm() (keys.Algorithm, error) {
	n, ok := g.values[inAlgorithm]
	if !ok {
		return "", nil
	}
	return keys.ParseAlgorithm(n.Text)
}
