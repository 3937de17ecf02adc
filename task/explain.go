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
	"conductor-jwt/signer"
)

// Explanation is what the operator's policy says of a task.
type Explanation struct {
	Request policy.Request
	// Verdicts are those of every grant, in the order of the file; none where
	// no grant is asked for: a key in the task while inline is allow.
	Verdicts []policy.Verdict
	Allowed  bool
	// Unseen says that the key could not be had: what it alone decides, the
	// algorithm of a task that names none, is empty.
	Unseen bool
}

// Explain asks the policy what it says of a task, without signing. A key in
// the task may be an expression still. It fails where the task would fail
// before any grant is looked at.
func (h *Handler) Explain(ctx context.Context, d api.Task) (Explanation, error) {
	var e Explanation
	key := storedKey(d.Input)
	d.Input = withoutKey(d.Input)
	g, err := readInput(h.inputs, d)
	if err != nil {
		return e, err
	}
	r, err := h.request(d, g)
	if err != nil {
		return e, err
	}
	if err := h.checkInline(g, r); err != nil {
		return e, err
	}
	if r.from != nil { // the input is the stored one
		if err := g.checkVouched(key); err != nil {
			return e, err
		}
	}
	c := composed{now: h.o.Now(), request: signer.Request{Algorithm: r.algorithm}}
	if e.Unseen, err = h.see(ctx, r, &c); err != nil {
		return e, err
	}
	r.write(&c)
	e.Request = h.asks(d, r, c)
	if e.Allowed = r.use == "" && h.o.Policy.InlineMode() == policy.InlineAllow; e.Allowed {
		return e, nil
	}
	if err := checkLookalikes(&c.request); err != nil {
		return e, err
	}
	e.Verdicts = h.o.Policy.Explain(e.Request)
	e.Allowed = h.o.Policy.Decide(e.Request).Allowed
	return e, nil
}

// ReasonOf gives the reason for incompletion of a task that fails with err.
func ReasonOf(err error) string {
	fault, _ := FaultOf(err)
	return reason(fault)
}

// unseenKey stands for a key that no grant looks at.
const unseenKey = "(a key of the server's secrets)"

// storedKey gives privateKey as the input has it; nil where it has none.
func storedKey(input secret.JSON) jsontext.Value {
	o, _ := parseObject(input.Reveal())
	key, _ := o.Get(inPrivateKey)
	return key
}

// withoutKey puts something in place of a key that is an expression still.
// What is no object is left to whoever reads it next.
func withoutKey(input secret.JSON) secret.JSON {
	o, err := jsonobj.Parse(input.Reveal(), jsonobj.Limits{Bytes: maxInput, Levels: maxTemplateLevels})
	if err != nil {
		return input
	}
	if text, ok := o.Text(inPrivateKey); !ok || !strings.Contains(text, secretMark) {
		return input
	}
	o.String(inPrivateKey, unseenKey)
	o.Delete(inPrivateKeyPassword)
	return secret.NewJSON(o.AppendJSON(nil))
}

// see asks a configured key for what it decides. It is no mistake that its
// store cannot be asked from where the question is put.
func (h *Handler) see(ctx context.Context, r *request, c *composed) (unseen bool, err error) {
	if r.key.Name == "" {
		return c.request.Algorithm == "", r.fill(nil)
	}
	key, err := h.o.Keys.Resolve(ctx, r.key)
	if errors.Is(err, keys.ErrUnavailable) {
		return c.request.Algorithm == "", r.fill(nil)
	}
	if err != nil {
		return false, r.located(err)
	}
	if err := r.checkKeyID(key); err != nil {
		return false, err
	}
	if c.request.Algorithm, err = r.choose(key); err != nil {
		return false, err
	}
	return false, r.fill(key)
}
