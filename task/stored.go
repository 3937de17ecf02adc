package task

import (
	"context"
	"encoding/json"
	"encoding/json/jsontext"
	"errors"
	"maps"
	"slices"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
)

// InjectionMode says how a task is checked for secrets that the workflow's data
// puts into a claim.
type InjectionMode string

// The modes. When a task is polled, the server resolves ${workflow.secrets.…}
// also in the workflow's data, so an author of data can have any secret sent to
// the worker.
const (
	InjectionAuto   InjectionMode = "auto"   // compare with the stored task where it may be read
	InjectionStored InjectionMode = "stored" // as auto, and sign nothing where it may not be read
	InjectionKey    InjectionMode = "key"    // look for key material in claims only
	InjectionOff    InjectionMode = "off"    // look for nothing
)

// wantsStored reports whether an input that is not sealed has a value that does
// not stand in its template. Sealed inputs are meant to hold secrets. A template
// without an expression proves nothing: the server puts the data of a dynamic
// fork over the task's own inputParameters.
func (v *inputValues) wantsStored() bool {
	for _, in := range v.table {
		if value, ok := v.values[in.Name]; ok && !in.Sealed && !v.templates.literally(in.Name, value) {
			return true
		}
	}
	return false
}

// compare compares the stored task with the templates: a stored value may hold
// only the secrets that its template names, each as often, and where secretsOnly
// is set, the stored key must be its template. It returns the inputs whose
// templates name secrets to be signed, and the texts that the workflow's data
// put into the others.
func (v *inputValues) compare(stored api.Task, secretsOnly bool) (signed []string, inClear map[string]bool, err error) {
	values, err := storedInput(stored)
	if err != nil {
		return nil, nil, err
	}
	inClear = map[string]bool{}
	for _, in := range v.table {
		value, ok := values.Get(in.Name)
		if !ok || in.Sealed && (!secretsOnly || in.Name != inPrivateKey) {
			continue
		}
		n, err := parseValue(value, maxTemplateLevels)
		if err != nil {
			return nil, nil, unchecked("the stored task's input cannot be read", err)
		}
		n = v.unsealed(in.Name, n)
		references := secretReferences(n)
		if len(references) == 0 {
			if !in.Sealed {
				maps.Copy(inClear, v.templates.dataTexts(in.Name, n))
			}
			continue
		}
		if !v.templates.hold(in.Name, references) {
			return nil, nil, injected(in.Name)
		}
		if !in.Sealed {
			signed = append(signed, in.Name)
		}
	}
	if secretsOnly {
		key, _ := values.Get(inPrivateKey)
		return signed, inClear, v.checkStoredKey(key)
	}
	return signed, inClear, nil
}

func injected(field string) error {
	return refuse(errSecretInjected, field, "the workflow's data named a secret here, which its definition does not",
		"find out who put it into the workflow's data; a secret that is meant to be signed belongs in the definition")
}

// compareDefinition refuses a signed input whose template, which names a secret, is
// not in the workflow's definition: the templates of a task that a dynamic fork made
// are data too. Queue is the type under which the task was polled.
func (v *inputValues) compareDefinition(raw json.RawMessage, queue string, signed []string) error {
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
	for _, name := range signed {
		if !slices.ContainsFunc(v.templates.all(name), func(t jsonobj.Value) bool { return v.defines(tasks, queue, name, t) }) {
			return injected(name)
		}
	}
	return nil
}

// defines reports whether an input has this template anywhere in a workflow's tasks.
// It skips the inputs of tasks of another queue, which can have the same names, such
// as the headers of an HTTP task.
func (v *inputValues) defines(n jsonobj.Value, queue, input string, template jsonobj.Value) bool {
	otherQueue := isOtherQueue(n, queue)
	for i, item := range n.Items {
		name := ""
		if n.Kind == jsontext.KindBeginObject {
			name = n.Names[i]
		}
		if otherQueue && (name == "inputParameters" || name == "taskDefinition") {
			continue
		}
		if name == input && v.unsealed(name, item).Equal(template) || v.defines(item, queue, input, template) {
			return true
		}
	}
	return false
}

// isOtherQueue reports whether n is a task of a definition that is never queued
// in queue. A DYNAMIC task may become any, and a dynamic fork may
// have the inputs of its tasks in its own.
func isOtherQueue(n jsonobj.Value, queue string) bool {
	kind, ok := n.Get("type")
	if !ok || kind.Kind != jsontext.KindString {
		return false
	}
	name, _ := n.Get("name")
	return api.Queue(kind.Text, name.Text) != queue && kind.Text != "DYNAMIC" && kind.Text != "FORK_JOIN_DYNAMIC"
}

// The bounds of a workflow's definition, which is as large as its author makes
// it: a value takes 100 bytes and more.
const (
	maxDefinition       = 4 << 20 // bytes of JSON
	maxDefinitionValues = 1 << 16 // values: 60 for each of 1000 tasks
)

// checkStoredKey refuses a key in place of the secret that its template names
// (inline: secrets-only). The template alone proves nothing: the data of a
// dynamic fork replaces values, so the stored value must be the same text.
func (v *inputValues) checkStoredKey(stored jsontext.Value) error {
	if value, err := parseValue(stored, maxTemplateLevels); err == nil {
		for _, template := range v.templates.all(inPrivateKey) {
			if template.Equal(value) {
				return nil
			}
		}
	}
	return refuse(errPolicyDenied, inPrivateKey, "the stored task does not hold the secret that the definition names (inline: secrets-only)",
		"find out who replaced it in the workflow's data, or name a configured key in "+inKeyRef)
}

// keyUnproved refuses a key whose stored value cannot be read.
func keyUnproved(found string) error {
	return refuse(errPolicyDenied, inPrivateKey, found+", so the secret behind this key is not known (inline: secrets-only)",
		"let the worker read GET /tasks/{id}, or name a configured key in "+inKeyRef)
}

// hold reports whether one of an input's templates holds all of the references.
func (t templates) hold(input string, references map[string]int) bool {
	return slices.ContainsFunc(t.all(input), func(template jsonobj.Value) bool {
		return within(references, secretReferences(template))
	})
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
		Reason: errInjectionUnchecked, Found: found + ", so it is not known whether a secret was injected",
		Hint: "the task is tried again; let the worker read GET /tasks/{id} and GET /workflow/{id}, or set secret_injection to key", Cause: cause,
	}
}

// storedCheck is a comparison with the stored task that runs while the token is
// signed.
type storedCheck struct {
	done        chan error // of one element
	mode        InjectionMode
	secretsOnly bool
	deniedRead  func() // called when the server denies the read and the token is signed all the same
}

// startStoredCheck starts the comparison of a task with what the server keeps of it,
// if there is anything to compare. Stop cancels the read if it still runs.
func (h *Handler) startStoredCheck(ctx context.Context, t api.Task, r *request) (check *storedCheck, stop func()) {
	check = &storedCheck{done: make(chan error, 1), mode: h.o.Injection, secretsOnly: r.secretsOnly, deniedRead: h.logDeniedRead}
	if needed, err := h.needsStored(t, r); !needed {
		check.done <- err
		return check, func() {}
	}
	ctx, stop = context.WithCancel(ctx)
	go h.runStoredCheck(ctx, t, r, check.done)
	return check, stop
}

func (h *Handler) runStoredCheck(ctx context.Context, t api.Task, r *request, done chan<- error) {
	err := h.compareStored(ctx, t, r)
	h.forgetAfter(r.clear, err)
	done <- err
}

// needsStored reports whether the stored task is to be read. It returns an error for
// a task that needs the read where the settings or the command exclude it.
func (h *Handler) needsStored(t api.Task, r *request) (bool, error) {
	const noServer = "there is no server to read the stored task from"
	mode := h.o.Injection
	reads := mode == InjectionAuto || mode == InjectionStored
	switch {
	case r.secretsOnly && !reads:
		return false, keyUnproved("secret_injection is " + string(mode))
	case r.secretsOnly && h.o.Stored == nil:
		return false, keyUnproved(noServer)
	case r.secretsOnly:
		return true, nil
	case !reads || !r.inputs.wantsStored():
		return false, nil
	case mode == InjectionAuto && (h.o.Stored == nil || r.clear.covers(t.WorkflowType, r.inputs)):
		return false, nil
	case h.o.Stored == nil:
		return false, unchecked(noServer, nil)
	}
	return true, nil
}

// compareStored reads what the server keeps of the task and, where secrets are
// to be signed, of its workflow.
func (h *Handler) compareStored(ctx context.Context, t api.Task, r *request) (err error) {
	defer func() {
		if recover() != nil { // the caller of Handle recovers only in its own goroutine
			h.o.Logger.ErrorContext(ctx, "the check for injected secrets panicked; please report it", "task_id", t.ID, "at", PanicSite())
			err = errInternal
		}
	}()
	stored, err := h.o.Stored.StoredTask(ctx, t.ID)
	if err != nil {
		return err
	}
	signed, inClear, err := r.inputs.compare(stored, r.secretsOnly)
	if err != nil {
		return err
	}
	for text := range inClear {
		r.clear.add(t.WorkflowType, text)
	}
	if len(signed) == 0 {
		return nil
	}
	// One workflow is read at a time: several large ones at once may need more
	// memory than the process is given.
	select {
	case h.workflowReads <- struct{}{}:
		defer func() { <-h.workflowReads }()
	case <-ctx.Done():
		return ctx.Err()
	}
	workflow, err := h.o.Stored.StoredWorkflow(ctx, t.WorkflowID)
	if err != nil {
		return err
	}
	return r.inputs.compareDefinition(workflow, t.Type, signed)
}

// forgetAfter forgets the values that were seen in clear if a comparison failed: one
// of them may be a guess that was to be confirmed (see clearValues).
func (h *Handler) forgetAfter(clear *clearValues, err error) {
	switch {
	case err == nil:
	case !errors.Is(err, errSecretInjected):
		clear.forget()
	case clear.close():
		h.o.Logger.Warn("a secret was injected into a task; from now on every stored task is read")
	}
}

// wait waits for the comparison and returns its result. Skipped says that the
// server denied the read, which mode auto permits unless the key depends on it.
// wait is called once.
func (c *storedCheck) wait(ctx context.Context) (skipped bool, err error) {
	select {
	case err = <-c.done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	_, decided := errors.AsType[*fault.Error](err)
	switch {
	case err == nil, decided, errors.Is(err, errInternal):
		return false, err
	case ctx.Err() != nil:
		return false, ctx.Err()
	case errors.Is(err, api.ErrReadDenied) && c.secretsOnly:
		return false, keyUnproved("the server does not let this worker read the stored task")
	case errors.Is(err, api.ErrReadDenied) && c.mode == InjectionAuto:
		c.deniedRead()
		return true, nil
	}
	return false, unchecked("the stored task could not be read", err)
}

// agrees waits for the comparison and reports whether it found nothing wrong.
func (c *storedCheck) agrees(ctx context.Context) bool {
	skipped, err := c.wait(ctx)
	return !skipped && err == nil
}

// logDeniedRead warns once that stored tasks cannot be read.
func (h *Handler) logDeniedRead() {
	if !h.deniedReadLogged.Swap(true) {
		h.o.Logger.Warn("the server does not let this worker read stored tasks; secrets injected into claims go unnoticed unless they are the key's own")
	}
}
