package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/spf13/pflag"

	"conductor-jwt/conductor/api"
	"conductor-jwt/config"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/signer"
	"conductor-jwt/task"
)

// maxTaskInput is the size in bytes of the largest task input that is read:
// beyond 3 MiB the server moves an input to external storage by default.
const maxTaskInput = 4 << 20

// checkTask refuses flags that a task's input has no room for.
func (f *signFlags) checkTask() error {
	if f.task != "" && f.taskInput != "" {
		return usage("keep one of them", "--task and --task-input contradict each other")
	}
	allowed := map[string]bool{
		"task-input": true, "task": true, "output": true, "explain": true,
		"key": f.task != "", "password-file": f.task != "",
	}
	var stray string
	f.flags.Visit(func(flag *pflag.Flag) {
		if !allowed[flag.Name] && stray == "" {
			stray = flag.Name
		}
	})
	if stray != "" {
		return usage("put it into the task's input", "--%s does not go with a task, whose input says everything", stray)
	}
	if f.task != "" && f.keys.key == "" {
		return usage("add --key with the file of a key of yours", "--task needs --key: a stored task holds no secret")
	}
	return nil
}

// signTaskInput signs what a task with this input would sign, by the worker's
// own code and settings.
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

// runTask is the worker's handler around one delivery. Where stored is nil,
// there is no server to compare the input with: of the checks against injected
// secrets only the one of the claims themselves is left, and a policy that
// needs the comparison denies the task.
func runTask(ctx context.Context, env Env, f *signFlags, c *config.Loaded, d api.Task, stored task.Stored) error {
	c.Output, c.SecretInjection = string(task.OutputToken), string(task.InjectionAuto)
	p, ring, err := openRing(ctx, env, c)
	if err != nil {
		return err
	}
	used := &usedKey{Resolver: ring}
	out := newHandler(env, c, used, p, stored, nil, slog.New(slog.DiscardHandler)).Handle(ctx, d)
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
			return signError(err)
		}
		return writeObject(env.Stdout, &o)
	}
	_, err = fmt.Fprintln(env.Stdout, token.Compact())
	return err
}

// outcomeError is the reason for incompletion, its last part as a hint.
func outcomeError(out task.Outcome) error {
	what, next, ok := strings.Cut(out.Reason, "; ")
	if !ok {
		return errors.New(out.Reason)
	}
	return withHint(errors.New(what), next)
}

// usedKey remembers the key that the handler signed with, to verify with it.
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
		return signer.Parsed{}, signError(err)
	}
	token, _ := o.Text("token")
	alg, _ := o.Text("algorithm")
	return selfCheck(u.key, token, keys.Algorithm(alg))
}
