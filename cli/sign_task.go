package cli

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/config"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/signer"
	"conductor-jwt/task"
	"conductor-jwt/worker"
)

// maxTaskInput is the maximum size of a task's input in bytes. By default the
// server moves inputs of over 3 MiB to external storage.
const maxTaskInput = 4 << 20

// checkTask refuses flags that contradict --task and --task-input.
func (f *signFlags) checkTask() error {
	if f.task != "" && f.taskInput != "" {
		return usage("keep one of them", "--task and --task-input contradict each other")
	}
	allowed := []string{"task-input", "task", "output", "explain"}
	if f.task != "" {
		allowed = append(allowed, "key", "password-file")
	}
	if err := f.checkTaskFlags(allowed...); err != nil {
		return err
	}
	if f.task != "" && f.keys.key == "" {
		return usage("add --key with the file of a key", "--task needs --key: the server stores no secrets in a task")
	}
	return nil
}

// checkTaskFlags refuses the flags that do not go with a task.
func (f *signFlags) checkTaskFlags(allowed ...string) error {
	var refused string
	f.flags.Visit(func(flag *pflag.Flag) {
		if !slices.Contains(allowed, mainName(flag)) && refused == "" {
			refused = flag.Name
		}
	})
	if refused != "" {
		return usage("put it into the task's input", "--%s does not go with a task", refused)
	}
	return nil
}

// signTaskInput signs as the worker would sign a task with this input, by the
// same code and settings.
func signTaskInput(ctx context.Context, env Env, f *signFlags, args []string) error {
	if len(args) > 0 {
		return usage("leave the argument out", "--task-input takes no payload: the claims are in the task's input")
	}
	raw, err := readInput(env, f.taskInput, maxTaskInput)
	if err != nil {
		return err
	}
	c, err := loadConfig(env, nil)
	if err != nil {
		return err
	}
	return runTask(ctx, env, f, c, api.Task{Type: task.TaskType, Name: task.TaskType, Input: secret.NewJSON(raw)}, nil)
}

// runTask handles one task as the worker does, and prints the token. Without
// stored there is nothing to compare the input with: of the checks against
// injected secrets only that of the claims remains, and a policy that needs the
// stored task denies this one.
func runTask(ctx context.Context, env Env, f *signFlags, c *config.Loaded, t api.Task, stored task.Stored) error {
	c.Output, c.SecretInjection = string(task.OutputToken), string(task.InjectionAuto)
	p, ring, err := openRing(ctx, env, c)
	if err != nil {
		return err
	}
	used := &usedKey{Resolver: ring}
	out := handle(ctx, task.NewHandler(handlerOptions(env, c, used, p, stored, slog.New(slog.DiscardHandler))), t)
	for _, w := range out.Warnings {
		env.warn(w)
	}
	if out.Status != api.Completed {
		return outcomeError(out)
	}
	token, err := used.verified(out.Output.Reveal())
	if err != nil {
		return err
	}
	if f.explain {
		because := explained{otherReason: "the task's input and the worker's rules"}
		if err := explain(env.Stderr, token, because, because); err != nil {
			return err
		}
	}
	if f.output == outputJSON {
		o, err := jsonobj.Parse(out.Output.Reveal(), jsonobj.Limits{Bytes: maxTaskInput})
		if err != nil {
			return faultError("", err)
		}
		return writeObject(env.Stdout, &o)
	}
	_, err = fmt.Fprintln(env.Stdout, token.Compact())
	return err
}

// handle runs one task. A panic becomes the task's failure, without its value,
// which may be anything, also a key.
func handle(ctx context.Context, h worker.Handler, t api.Task) (out task.Outcome) {
	defer func() {
		if recover() != nil {
			out = task.Failure(api.Failed, task.Fault{Code: "internal", Message: "the task failed in an unexpected way; report it"})
		}
	}()
	return h.Handle(ctx, t)
}

// outcomeError returns the reason for a task's failure, its last part as a hint, and
// what a provider said of it.
func outcomeError(out task.Outcome) error {
	what, next, ok := strings.Cut(out.Reason, "; ")
	if p := out.Fault.Provider; p != nil && p.Description != "" {
		what += ": " + p.Description
	}
	if !ok {
		return errors.New(out.Reason)
	}
	return withHint(errors.New(what), next)
}

// usedKey keeps the key that the handler signed with, to verify the token.
type usedKey struct {
	keys.Resolver
	key keys.Key
}

// Resolve implements [keys.Resolver].
func (u *usedKey) Resolve(ctx context.Context, ref keys.Ref) (keys.Key, error) {
	key, err := u.Resolver.Resolve(ctx, ref)
	u.key = key
	return key, err
}

func (u *usedKey) verified(output json.RawMessage) (signer.Parsed, error) {
	o, err := jsonobj.Parse(output, jsonobj.Limits{Bytes: maxTaskInput})
	if err != nil {
		return signer.Parsed{}, faultError("", err)
	}
	token, _ := o.Text("token")
	alg, _ := o.Text("algorithm")
	return selfCheck(u.key, token, keys.Algorithm(alg))
}

// signStoredTask signs a task of the server again, with the key of --key in place
// of the secret that the server inserts when the task is polled.
func signStoredTask(ctx context.Context, env Env, f *signFlags, args []string) error {
	if len(args) > 0 {
		return usage("leave the argument out", "--task takes no payload: the claims are in the stored task")
	}
	key, err := readKeyText(env, f.keys.key)
	if err != nil {
		return err
	}
	password, err := readPassword(env, f.keys.passwordFile)
	if err != nil {
		return err
	}
	c, err := loadConfig(env, nil)
	if err != nil {
		return err
	}
	t, err := readStoredTask(ctx, env, c, f.task)
	if err != nil {
		return err
	}
	if task.Exchanges(t.Type) {
		return usage("put its input into a file and run `"+program+" token --task-input`", "the task asks for an access token, which sign does not get")
	}
	if task.Verifies(t.Type) {
		return usage("verify its token with `"+program+" verify`", "the task verifies a token, and signs none")
	}
	delivered, err := withKey(t, key, password)
	if err != nil {
		return err
	}
	return runTask(ctx, env, f, c, delivered, readBefore{t})
}

// readBefore is a stored task that was read before.
type readBefore struct{ task api.Task }

// StoredTask implements [task.Stored].
func (r readBefore) StoredTask(context.Context, string) (api.Task, error) { return r.task, nil }

// StoredWorkflow implements [task.Stored]. It is called only if other inputs than
// the key have secrets; such tasks are refused.
func (readBefore) StoredWorkflow(context.Context, string) (json.RawMessage, error) {
	return nil, api.ErrReadDenied
}

// readStoredTask reads a task from the server.
func readStoredTask(ctx context.Context, env Env, c *config.Loaded, id string) (api.Task, error) {
	client, err := newSilentClient(env, c)
	if err != nil {
		return api.Task{}, err
	}
	defer client.Close()
	t, err := client.StoredTask(ctx, id)
	if err != nil {
		return api.Task{}, storedTaskError(err)
	}
	return t, nil
}

func storedTaskError(err error) error {
	if e, ok := errors.AsType[*conductor.Error](err); ok && e.Status == 404 {
		return withHint(errors.New("the server has no task with this id"), "copy the task id, not the workflow id, from the execution")
	}
	return serverError("the stored task cannot be read", err)
}

// withKey sets the privateKey and privateKeyPassword of a stored task.
func withKey(t api.Task, key []byte, password secret.Text) (api.Task, error) {
	raw := t.Input.Reveal()
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		raw = json.RawMessage("{}")
	}
	input, err := jsonobj.Parse(raw, jsonobj.Limits{Bytes: maxTaskInput, Levels: 128})
	if err != nil {
		return api.Task{}, faultError("the stored task's input", err)
	}
	input.String("privateKey", keyAsText(key))
	input.Delete("privateKeyPassword")
	if !password.IsZero() {
		input.String("privateKeyPassword", password.Reveal())
	}
	t.Input = secret.NewJSON(input.AppendJSON(nil))
	return t, nil
}

// keyAsText returns a key file as the value of an input, DER in base64.
func keyAsText(key []byte) string {
	if utf8.Valid(key) {
		return string(key)
	}
	return base64.StdEncoding.EncodeToString(key)
}
