package task

import (
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"slices"
	"strings"

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

// text gives an input of type "string or whole number": a number as its
// digits, a string as it is.
func (g *given) text(name string) (string, error) {
	n, ok := g.values[name]
	if !ok {
		return "", nil
	}
	return boundedText(name, "", n)
}

// boundedText reads one such value; where is "" or names an element of a list.
func boundedText(field, where string, n jsonobj.Value) (string, error) {
	text := n.Text
	if n.Kind == jsontext.KindNumber {
		digits, err := wholeDigits(n.Text, maxText)
		switch {
		case errors.Is(err, errTooLong):
			return "", tooLarge(field, where+"a number of more than 4096 digits", "write at most 4096 characters")
		case err != nil:
			return "", invalid(field, where+"a number that is not whole", "write a whole number, or a string")
		}
		text = digits
	}
	if len(text) > maxText {
		return "", tooLarge(field, where+fmt.Sprintf("a string of %d bytes", len(text)), fmt.Sprintf("write at most %d bytes", maxText))
	}
	return text, nil
}

// choice gives an input that is one of a few words, matched exactly.
func (g *given) choice(name, fallback string, allowed ...string) (string, error) {
	n, ok := g.values[name]
	if !ok {
		return fallback, nil
	}
	if slices.Contains(allowed, n.Text) {
		return n.Text, nil
	}
	return "", invalid(name, describe(n)+" that is not one of the allowed words", "write "+oneOf(allowed))
}

// choices gives an input that is a list of such words, each once.
func (g *given) choices(name string, allowed ...string) ([]string, error) {
	var list []string
	for i, item := range g.values[name].Items {
		if item.Kind != jsontext.KindString || !slices.Contains(allowed, item.Text) {
			return nil, invalid(name, element(i)+describe(item)+", which is not one of the allowed words", "list "+oneOf(allowed))
		}
		if !slices.Contains(list, item.Text) {
			list = append(list, item.Text)
		}
	}
	return list, nil
}

// element names a place in a list, counted from 1.
func element(i int) string { return fmt.Sprintf("element %d is ", i+1) }

// plain takes the marks of the documents out of a sentence.
func plain(s string) string { return strings.ReplaceAll(s, "`", "") }

// audience gives aud: the tokens' recipients in the order given (RFC 7519
// §4.1.3).
func (g *given) audience() ([]string, error) {
	n, ok := g.values[inAudience]
	if !ok {
		return nil, nil
	}
	if n.Kind != jsontext.KindBeginArray {
		one, err := boundedText(inAudience, "", n)
		return []string{one}, err
	}
	if len(n.Items) > maxAudiences {
		return nil, tooLarge(inAudience, describe(n), fmt.Sprintf("list at most %d", maxAudiences))
	}
	list := make([]string, 0, len(n.Items))
	for i, item := range n.Items {
		if item.Kind != jsontext.KindString && item.Kind != jsontext.KindNumber || jsonobj.Blank(item.Raw) {
			return nil, invalid(inAudience, element(i)+describe(item), "list strings or whole numbers, none of them blank")
		}
		one, err := boundedText(inAudience, element(i), item)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}
