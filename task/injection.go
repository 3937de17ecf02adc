package task

import (
	"context"
	"encoding/json"
	"encoding/json/jsontext"
	"errors"

	"conductor-jwt/policy"
)

// InjectionMode is how much is done against secrets that the workflow's data
// smuggles into a claim.
type InjectionMode string

// The modes. The server puts secrets into values too, when a task is polled:
// whoever can write ${workflow.secrets.…} into a workflow's data has any of
// them handed to the worker.
const (
	InjectionAuto   InjectionMode = "auto"   // compare with the stored task, where it may be read
	InjectionStored InjectionMode = "stored" // and give no token where it may not
	InjectionKey    InjectionMode = "key"    // look for key material in claims only
	InjectionOff    InjectionMode = "off"    // look for nothing
)

// ErrReadDenied is what a [Stored] wraps when the server does not permit the
// read, as opposed to a read that failed and may succeed later.
var ErrReadDenied = errors.New("reading the stored task is denied")

// wantsStored reports whether the stored task can say anything: an input that
// is not sealed was computed by an expression, or has no template to vouch for
// it. Secrets in sealed inputs are what these are for.
func (g *given) wantsStored() bool {
	// A dynamic task brings a key of its own beside the task definition's template.
	if _, ok := g.templates.parameters[inPrivateKey]; g.vouched && !ok {
		return true
	}
	for _, in := range g.table {
		if in.Sealed || !g.has(in.Name) {
			continue
		}
		template, ok := g.templates.of(in.Name)
		if !ok || hasExpression(template) {
			return true
		}
	}
	return false
}

// checkStored compares the stored task with the templates: a stored value may
// hold only the secrets that its template names, each as often.
func (g *given) checkStored(raw json.RawMessage) error {
	stored, err := storedInput(raw)
	if err != nil {
		return err
	}
	for _, in := range g.table {
		value, ok := stored[in.Name]
		if !ok || in.Sealed && (!g.vouched || in.Name != inPrivateKey) {
			continue
		}
		n, err := parseNode(value, maxTemplateLevels)
		if err != nil {
			return unchecked("the stored task's input cannot be read", err)
		}
		if !g.vouchedFor(in.Name, secretReferences(n)) {
			return refuse(ErrSecretInjected, in.Name, "the workflow's data named a secret here, which its definition does not",
				"find out who put it into the workflow's data; a secret that is meant to be signed belongs into the definition")
		}
	}
	return nil
}

// vouchedFor reports whether one of an input's templates holds all of the
// references.
func (g *given) vouchedFor(name string, references map[string]int) bool {
	if len(references) == 0 {
		return true
	}
	for _, template := range g.templates.all(name) {
		if within(references, secretReferences(template)) {
			return true
		}
	}
	return false
}

func within(some, all map[string]int) bool {
	for reference, n := range some {
		if n > all[reference] {
			return false
		}
	}
	return true
}

// storedInput finds inputData in a task as the server keeps it.
func storedInput(raw json.RawMessage) (map[string]jsontext.Value, error) {
	task, err := readObject(raw)
	if err != nil {
		return nil, unchecked("the stored task cannot be read", err)
	}
	for _, m := range task {
		if m.name != inputData {
			continue
		}
		input, err := readObject(m.raw)
		if err != nil {
			return nil, unchecked("the stored task's input cannot be read", err)
		}
		values := make(map[string]jsontext.Value, len(input))
		for _, value := range input {
			values[value.name] = value.raw
		}
		return values, nil
	}
	return nil, unchecked("the stored task has no input", nil)
}

func unchecked(found string, cause error) error {
	return &Error{
		Reason: ErrInjectionUnchecked, Found: found + ", so that nobody knows whether a secret was injected",
		Hint: "the task is tried again; let the worker read GET /tasks/{id}, or set secret_injection to key", Cause: cause,
	}
}

// reading is a stored task on its way.
type reading struct {
	done chan error // of one element: nil where no secret was injected
}

// startReading reads the stored task and compares it, beside the signing.
func (h *Handler) startReading(ctx context.Context, id string, g *given) *reading {
	r := &reading{done: make(chan error, 1)}
	go func() {
		defer func() {
			if recover() != nil {
				r.done <- h.recovered(ctx, id)
			}
		}()
		raw, err := h.o.Stored.StoredTask(ctx, id)
		if err != nil {
			r.done <- err
			return
		}
		r.done <- g.checkStored(raw)
	}()
	return r
}

// wait gives the verdict once it is there. A read that the server denies is
// let pass in mode auto, with the first return value set.
func (r *reading) wait(ctx context.Context, mode InjectionMode) (skipped bool, err error) {
	select {
	case err = <-r.done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	switch own, isOwn := errors.AsType[*Error](err); {
	case err == nil, errors.Is(err, ErrInternal), isOwn && own != nil:
		return false, err
	case ctx.Err() != nil:
		return false, ctx.Err()
	case errors.Is(err, ErrReadDenied) && mode == InjectionAuto:
		return true, nil
	}
	return false, unchecked("the stored task could not be read", err)
}

// checkInjection starts the comparison with the stored task, if there is
// anything to compare, and returns a function that waits for its verdict.
func (h *Handler) checkInjection(ctx context.Context, d Delivery, g *given) func() (unchecked bool, err error) {
	mode := h.o.Injection
	g.vouched = g.has(inPrivateKey) && h.o.Policy.InlineMode() == policy.InlineSecretsOnly
	if mode != InjectionAuto && mode != InjectionStored || !g.wantsStored() {
		return func() (bool, error) { return false, nil }
	}
	if h.o.Stored == nil {
		return func() (bool, error) {
			if mode == InjectionStored {
				return false, unchecked("there is no server to read the stored task from", nil)
			}
			return false, nil
		}
	}
	r := h.startReading(ctx, d.ID, g)
	return func() (bool, error) {
		skipped, err := r.wait(ctx, mode)
		if skipped && !h.denied.Swap(true) {
			h.o.Logger.Warn("the server does not let this worker read stored tasks; secrets injected into claims go unnoticed unless they are the key's own")
		}
		return skipped, err
	}
}
