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
	"conductor-jwt/policy"
	"conductor-jwt/provider"
)

// request is what a task asks for, by its inputs alone.
type request struct {
	inputs   *inputValues
	clear    *clearValues // what was seen in clear before in tasks of this sort
	warnings []string

	subject, issuer string
	audience        []string
	scopes          scopes
	times           times
	algorithm       keys.Algorithm // empty: the key's default
	keyID           string         // empty: the key's own
	jwtID           string         // empty: a fresh one
	omit            []string
	claims          jsonobj.Object
	headers         jsonobj.Object
	chain           chain
	profile         *provider.Profile // never nil

	exchange *exchangeInput // nil: the token is the result

	key     keys.Ref
	secrets exposure.Secrets // what no claim may hold

	// use is what a grant must name: a configured key, or a profile that names
	// one; empty for a key in the task.
	use string
	// secretsOnly says that the key must be the secret that its template names
	// (inline: secrets-only), and that a grant must allow it.
	secretsOnly bool
	// keySecrets are the secrets of the server that a key in the task comes from
	// by its templates; nil where these do not prove it.
	keySecrets []string
}

// The claims that omitClaims may name.
const (
	claimJTI = "jti"
	claimIAT = "iat"
)

// read reads every input of a task. Its warnings are set also with an error.
func (h *Handler) read(t api.Task) (*request, error) {
	contract := contractOf(h.contracts, t.Type)
	v, err := readInputs(contract.inputs, t)
	if err != nil {
		return &request{}, err
	}
	r := &request{inputs: v, clear: h.clear}
	warning, err := checkUnknown(contract, v.unknown, h.o.Unknown == UnknownError)
	if err != nil {
		return r, err
	}
	if warning != "" {
		r.warnings = []string{warning}
	}
	if r.profile, err = h.profile(v); err != nil {
		return r, err
	}
	if contract.exchanges {
		if err := checkExchanges(v, r.profile); err != nil {
			return r, err
		}
		if err := v.seal(r.profile); err != nil {
			return r, err
		}
	}
	// The search for key material in the other inputs comes before their errors,
	// which say how long or of what type they are.
	r.key, err = v.keyReference(t, r.profile.Overrides.Key)
	if h.o.Injection != InjectionOff {
		r.secrets = r.key.Secrets(v.sealedTexts()...)
		if exposed := v.checkExposure(r.secrets); exposed != nil {
			return r, exposed
		}
	}
	if err != nil {
		return r, err
	}
	if err := v.checkAllResolved(); err != nil {
		return r, err
	}
	r.keyID, r.use = r.key.KeyID, r.key.Name
	if r.keyFromProfile() {
		r.use = r.profile.Name
	}
	if r.use == "" && h.o.Policy.InlineMode() == policy.InlineSecretsOnly {
		r.secretsOnly, r.keySecrets = true, v.secretsOfKey()
	}
	if r, err = h.readClaims(r); err == nil && contract.exchanges {
		r.exchange, err = v.exchange(r.profile)
	}
	return r, err
}

// readClaims reads the inputs that become claims and header parameters.
func (h *Handler) readClaims(r *request) (*request, error) {
	v := r.inputs
	var err error
	if r.subject, err = v.text(inSubject); err != nil {
		return r, err
	}
	if r.issuer, err = v.text(inIssuer); err != nil {
		return r, err
	}
	if r.audience, err = v.audience(); err != nil {
		return r, err
	}
	if r.scopes, err = v.scopes(r.profile); err != nil {
		return r, err
	}
	if r.times, err = v.times(h.bounds(r)); err != nil {
		return r, err
	}
	if r.algorithm, err = v.algorithm(); err != nil {
		return r, err
	}
	r.key.Algorithm = r.algorithm
	if r.claims, err = v.claims(r.scopes); err != nil {
		return r, err
	}
	if r.headers, err = v.headers(); err != nil {
		return r, err
	}
	if r.chain, err = v.chain(r.profile.Certificate); err != nil {
		return r, err
	}
	if r.jwtID, err = v.text(inJWTID); err != nil {
		return r, err
	}
	if r.omit, err = v.choices(inOmitClaims, claimJTI, claimIAT); err != nil {
		return r, err
	}
	if r.jwtID != "" && slices.Contains(r.omit, claimJTI) {
		return r, refuse(errInputConflict, inOmitClaims, "it leaves out jti, which "+inJWTID+" sets", "leave one of the two out")
	}
	return r, nil
}

// keyFromProfile reports whether the profile names the key.
func (r *request) keyFromProfile() bool { return r.profile.Overrides.Key != "" }

// keyField returns the input that names a configured key.
func (r *request) keyField() string {
	if r.keyFromProfile() {
		return inProfile
	}
	return inKeyRef
}

func (v *inputValues) algorithm() (keys.Algorithm, error) {
	n, ok := v.values[inAlgorithm]
	if !ok {
		return "", nil
	}
	return keys.ParseAlgorithm(n.Text)
}

// text returns an input of type "string or whole number": a number as its
// digits, a string as it is.
func (v *inputValues) text(name string) (string, error) {
	n, ok := v.values[name]
	if !ok {
		return "", nil
	}
	return boundedText(name, "this is ", n)
}

// boundedText reads one such value; where begins a sentence about it, as [element] does.
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

// choice returns an input that is one of a few words, matched exactly.
func (v *inputValues) choice(name, fallback string, allowed ...string) (string, error) {
	n, ok := v.values[name]
	if !ok {
		return fallback, nil
	}
	if slices.Contains(allowed, n.Text) {
		return n.Text, nil
	}
	return "", invalid(name, "this is "+describe(n)+", not one of the allowed words", "write "+oneOf(allowed))
}

// choices returns an input that is a list of such words, each once.
func (v *inputValues) choices(name string, allowed ...string) ([]string, error) {
	var list []string
	for i, item := range v.values[name].Items {
		if item.Kind != jsontext.KindString || !slices.Contains(allowed, item.Text) {
			return nil, invalid(name, element(i)+describe(item)+", not one of the allowed words", "list "+oneOf(allowed))
		}
		if !slices.Contains(list, item.Text) {
			list = append(list, item.Text)
		}
	}
	return list, nil
}

// element begins a sentence about a place in a list, counted from 1.
func element(i int) string { return fmt.Sprintf("element %d is ", i+1) }

// plain takes the marks of the documents out of a sentence.
func plain(s string) string { return strings.ReplaceAll(s, "`", "") }

// audience returns aud: the tokens' recipients in the order given (RFC 7519
// §4.1.3).
func (v *inputValues) audience() ([]string, error) {
	n, ok := v.values[inAudience]
	if !ok {
		return nil, nil
	}
	if n.Kind != jsontext.KindBeginArray {
		one, err := boundedText(inAudience, "this is ", n)
		return []string{one}, err
	}
	if len(n.Items) > maxAudiences {
		return nil, tooLarge(inAudience, "this is "+describe(n), fmt.Sprintf("list at most %d", maxAudiences))
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
