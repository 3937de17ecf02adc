package task

import (
	"context"
	"encoding/json"
	"encoding/json/jsontext"
	"errors"
	"slices"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
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
// is not sealed has another value than the text of its definition. A template
// without an expression does not prove that: the server puts the data of a
// dynamic fork over the task's own inputParameters. Secrets in sealed inputs
// are what these are for.
func (g *given) wantsStored() bool {
	for _, in := range g.table {
		if value, ok := g.values[in.Name]; ok && !in.Sealed && !g.templates.literally(in.Name, value) {
			return true
		}
	}
	return false
}

// checkStored compares the stored task with the templates: a stored value may
// hold only the secrets that its template names, each as often, and a key that
// a template vouches for must be that template.
func (g *given) checkStored(t api.Task) error {
	stored, err := storedInput(t)
	if err != nil {
		return err
	}
	for _, in := range g.table {
		value, ok := stored.Get(in.Name)
		if !ok || in.Sealed && (!g.vouched || in.Name != inPrivateKey) {
			continue
		}
		n, err := parseValue(value, maxTemplateLevels)
		if err != nil {
			return unchecked("the stored task's input cannot be read", err)
		}
		if !g.vouchedFor(in.Name, secretReferences(n)) {
			return injected(in.Name)
		}
	}
	if g.vouched {
		key, _ := stored.Get(inPrivateKey)
		return g.checkVouched(key)
	}
	return nil
}

func injected(field string) error {
	return refuse(ErrSecretInjected, field, "the workflow's data named a secret here, which its definition does not",
		"find out who put it into the workflow's data; a secret that is meant to be signed belongs in the definition")
}

// checkDefined compares the templates that vouch for secrets with the workflow's
// definition: those of a task that a dynamic fork made are data too. Queue is
// the type under which the task was polled.
func (g *given) checkDefined(raw json.RawMessage, queue string) error {
	workflow, err := parseObject(raw)
	if err != nil {
		return unchecked("the workflow's definition cannot be read", err)
	}
	raw, ok := workflow.Get("workflowDefinition")
	if !ok {
		return unchecked("the workflow has no definition", nil)
	}
	definition, err := jsonobj.ParseValue(raw, jsonobj.Limits{Bytes: maxDefinition, Levels: maxTemplateLevels, Values: maxDefinitionValues})
	switch {
	case errors.Is(err, jsonobj.ErrTooLarge):
		return unchecked("the workflow's definition is too large", nil)
	case err != nil:
		return unchecked("the workflow's definition cannot be read", err)
	}
	tasks, _ := definition.Get("tasks")
	for _, name := range g.named {
		if !slices.ContainsFunc(g.templates.all(name), func(t jsonobj.Value) bool { return defines(tasks, queue, name, t) }) {
			return injected(name)
		}
	}
	return nil
}

// defines reports whether an input has this template anywhere in a workflow's
// tasks, where it may be that of a task of the given queue: not in a task of
// another kind, whose inputs can have the same names, such as the headers of an
// HTTP task.
func defines(n jsonobj.Value, queue, input string, template jsonobj.Value) bool {
	foreign := isForeignTask(n, queue)
	for i, item := range n.Items {
		name := ""
		if n.Kind == jsontext.KindBeginObject {
			name = n.Names[i]
		}
		if foreign && (name == "inputParameters" || name == "taskDefinition") {
			continue
		}
		if name == input && item.Equal(template) || defines(item, queue, input, template) {
			return true
		}
	}
	return false
}

// isForeignTask reports whether n is a task of a definition that never becomes
// one of the given queue. A DYNAMIC task may become any, and a dynamic fork may
// have the inputs of its tasks in its own.
func isForeignTask(n jsonobj.Value, queue string) bool {
	kind, ok := n.Get("type")
	if !ok || kind.Kind != jsontext.KindString {
		return false
	}
	if kind.Text == "SIMPLE" { // which is queued under its name
		name, _ := n.Get("name")
		return name.Text != queue
	}
	return kind.Text != queue && kind.Text != "DYNAMIC" && kind.Text != "FORK_JOIN_DYNAMIC"
}

// The bounds of a workflow's definition, which is as large as its author makes
// it: a value takes 100 bytes and more.
const (
	maxDefinition       = 4 << 20 // bytes of JSON
	maxDefinitionValues = 1 << 16 // values: 60 for each of 1000 tasks
)

// checkVouched refuses a key in place of the secret that its template names
// (inline: secrets-only). The template alone proves nothing: the data of a
// dynamic fork replaces values, so the stored one must be the same text.
func (g *given) checkVouched(stored jsontext.Value) error {
	if value, err := parseValue(stored, maxTemplateLevels); err == nil {
		for _, template := range g.templates.all(inPrivateKey) {
			if template.Equal(value) {
				return nil
			}
		}
	}
	return refuse(ErrPolicyDenied, inPrivateKey, "the stored task does not hold the secret that the definition names (inline: secrets-only)",
		"find out who replaced it in the workflow's data, or name a configured key in "+inKeyRef)
}

// unvouched refuses a key whose stored value cannot be read.
func unvouched(found string) error {
	return refuse(ErrPolicyDenied, inPrivateKey, found+", so the secret behind this key is not known (inline: secrets-only)",
		"let the worker read GET /tasks/{id}, or name a configured key in "+inKeyRef)
}

// vouchedFor reports whether one of an input's templates holds all of the
// references. It keeps the names of inputs with secrets to be signed.
func (g *given) vouchedFor(name string, references map[string]int) bool {
	if len(references) == 0 {
		return true
	}
	for _, template := range g.templates.all(name) {
		if within(references, secretReferences(template)) {
			if in, _ := find(g.table, name); !in.Sealed {
				g.named = append(g.named, name)
			}
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

// storedInput reads the input of a task as the server keeps it.
func storedInput(t api.Task) (jsonobj.Object, error) {
	if t.Input.IsZero() {
		return jsonobj.Object{}, unchecked("the stored task has no input", nil)
	}
	input, err := parseObject(t.Input.Reveal())
	if err != nil {
		return jsonobj.Object{}, unchecked("the stored task's input cannot be read", err)
	}
	return input, nil
}

func unchecked(found string, cause error) error {
	return &fault.Error{
		Reason: ErrInjectionUnchecked, Found: found + ", so it is not known whether a secret was injected",
		Hint: "the task is tried again; let the worker read GET /tasks/{id} and GET /workflow/{id}, or set secret_injection to key", Cause: cause,
	}
}

// reading is a stored task on its way.
type reading struct {
	done chan error // of one element: nil where no secret was injected
}

// startReading reads the stored task and compares it, beside the signing.
func (h *Handler) startReading(ctx context.Context, d api.Task, g *given) *reading {
	r := &reading{done: make(chan error, 1)}
	go func() {
		defer func() {
			if recover() != nil { // the caller of Handle recovers only in its own goroutine
				h.o.Logger.ErrorContext(ctx, "the check for injected secrets panicked; please report it", "task_id", d.ID, "at", PanicSite())
				r.done <- ErrInternal
			}
		}()
		r.done <- h.compare(ctx, d, g)
	}()
	return r
}

// compare reads what the server keeps of the task and, where secrets are to be
// signed, of its workflow.
func (h *Handler) compare(ctx context.Context, d api.Task, g *given) error {
	stored, err := h.o.Stored.StoredTask(ctx, d.ID)
	if err != nil {
		return err
	}
	if err := g.checkStored(stored); err != nil || len(g.named) == 0 {
		return err
	}
	return h.compareWorkflow(ctx, d, g)
}

// compareWorkflow reads one workflow at a time: several large ones at once may
// need more memory than the process is given.
func (h *Handler) compareWorkflow(ctx context.Context, d api.Task, g *given) error {
	select {
	case h.workflows <- struct{}{}:
		defer func() { <-h.workflows }()
	case <-ctx.Done():
		return ctx.Err()
	}
	raw, err := h.o.Stored.StoredWorkflow(ctx, d.WorkflowID)
	if err != nil {
		return err
	}
	return g.checkDefined(raw, d.Type)
}

// wait gives the verdict once it is there. A read that the server denies is
// let pass in mode auto, with the first return value set, unless the key needs
// it.
func (r *reading) wait(ctx context.Context, mode InjectionMode, vouched bool) (skipped bool, err error) {
	select {
	case err = <-r.done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	switch own, isOwn := errors.AsType[*fault.Error](err); {
	case err == nil, errors.Is(err, ErrInternal), isOwn && own != nil:
		return false, err
	case ctx.Err() != nil:
		return false, ctx.Err()
	case errors.Is(err, ErrReadDenied) && vouched:
		return false, unvouched("the server does not let this worker read the stored task")
	case errors.Is(err, ErrReadDenied) && mode == InjectionAuto:
		return true, nil
	}
	return false, unchecked("the stored task could not be read", err)
}

// checkInjection starts the comparison with the stored task, if there is
// anything to compare, and returns a function that waits for its verdict.
func (h *Handler) checkInjection(ctx context.Context, d api.Task, g *given, r *request) func() (unchecked bool, err error) {
	mode := h.o.Injection
	reads := mode == InjectionAuto || mode == InjectionStored
	g.vouched = r.use == "" && h.o.Policy.InlineMode() == policy.InlineSecretsOnly
	switch {
	case g.vouched && !reads:
		return verdict(unvouched("secret_injection is " + string(mode)))
	case g.vouched && h.o.Stored == nil:
		return verdict(unvouched("there is no server to read the stored task from"))
	case g.vouched:
	case !reads || !g.wantsStored():
		return verdict(nil)
	case h.o.Stored == nil && mode == InjectionStored:
		return verdict(unchecked("there is no server to read the stored task from", nil))
	case h.o.Stored == nil:
		return verdict(nil)
	}
	read := h.startReading(ctx, d, g)
	return func() (bool, error) {
		skipped, err := read.wait(ctx, mode, g.vouched)
		if skipped && !h.denied.Swap(true) {
			h.o.Logger.Warn("the server does not let this worker read stored tasks; secrets injected into claims go unnoticed unless they are the key's own")
		}
		return skipped, err
	}
}

// verdict is one that is known without a read.
func verdict(err error) func() (bool, error) {
	return func() (bool, error) { return false, err }
}
