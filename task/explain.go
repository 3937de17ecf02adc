package task

import (
	"context"
	"encoding/json/jsontext"
	"errors"
	"strings"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
)

// Explanation is the operator's policy applied to one task.
type Explanation struct {
	Request policy.Request
	// Verdicts are those of every grant, in the order of the file; nil where no
	// grant is needed: for a key in the task while inline is allow.
	Verdicts []policy.Verdict
	Allowed  bool
	// Endpoint is where the token of the task is exchanged; empty where it is not.
	Endpoint string
	// Unseen says that the key could not be read, and that the algorithm of the
	// request is empty, because the key alone decides it.
	Unseen bool
}

// Explain applies the policy to a task without signing. A key in the task may
// still be an expression. The error is that of a task that fails before a grant
// is looked at.
func (h *Handler) Explain(ctx context.Context, t api.Task) (Explanation, error) {
	var e Explanation
	stored := storedKey(t.Input)
	t.Input = withoutSecrets(t.Input)
	r, err := h.read(t)
	if err != nil {
		return e, err
	}
	if err := h.checkInline(r); err != nil {
		return e, err
	}
	if r.secretsOnly { // the input is the stored one
		if err := r.inputs.checkStoredKey(stored); err != nil {
			return e, err
		}
	}
	key, err := h.readableKey(ctx, r)
	if err != nil {
		return e, err
	}
	d, err := h.compose(r, key)
	if err != nil {
		return e, err
	}
	if r.exchange != nil {
		if d.access, err = h.endpoint(&d); err != nil {
			return e, err
		}
		e.Endpoint = d.access.endpoint
	}
	e.Unseen = d.token.Algorithm == ""
	e.Request = h.policyRequest(t, d)
	if e.Allowed = !r.needsGrant(); e.Allowed {
		return e, nil
	}
	if err := checkLookalikes(&d.token); err != nil {
		return e, err
	}
	e.Verdicts = h.o.Policy.Explain(e.Request)
	e.Allowed = h.o.Policy.Decide(e.Request).Allowed
	return e, nil
}

// ReasonOf returns the reason for incompletion of a task that fails with err.
func ReasonOf(err error) string {
	f, _ := faultOf(err)
	return reason(f)
}

// unseenKey replaces a key in the task, which no grant looks at.
const unseenKey = "(a key of the server's secrets)"

// unseenParameter replaces a sealed parameter, which no grant looks at either.
const unseenParameter = "(a secret of the server)"

// storedKey returns the privateKey of an input; nil if it has none.
func storedKey(input secret.JSON) jsontext.Value {
	o, _ := parseObject(input.Reveal())
	key, _ := o.Get(inPrivateKey)
	return key
}

// withoutSecrets replaces a key that is still an expression, and sealed parameters
// that are. Input that is not an object is returned unchanged; reading it fails later.
func withoutSecrets(input secret.JSON) secret.JSON {
	o, err := jsonobj.Parse(input.Reveal(), jsonobj.Limits{Bytes: maxInput, Levels: maxTemplateLevels})
	if err != nil {
		return input
	}
	if text, ok := o.Text(inPrivateKey); ok && strings.Contains(text, secretMark) {
		o.String(inPrivateKey, unseenKey)
		o.Delete(inPrivateKeyPassword)
	}
	if raw, ok := o.Get(inParameters); ok {
		parameters, _ := parseObject(raw)
		for _, name := range anySealedParameters() {
			if text, ok := parameters.Text(name); ok && strings.Contains(text, secretMark) {
				parameters.String(name, unseenParameter)
				o.Set(inParameters, parameters.AppendJSON(nil))
			}
		}
	}
	return secret.NewJSON(o.AppendJSON(nil))
}

// readableKey returns the key of a task; nil for a key in the task, and for a
// configured one whose store cannot be asked from here.
func (h *Handler) readableKey(ctx context.Context, r *request) (keys.Key, error) {
	if r.key.Name == "" {
		return nil, nil //nolint:nilnil // compose takes a task without its key
	}
	key, err := h.resolve(ctx, r)
	if errors.Is(err, keys.ErrUnavailable) {
		return nil, nil //nolint:nilnil // as above
	}
	return key, err
}
