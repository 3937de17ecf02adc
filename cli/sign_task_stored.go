package cli

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"unicode/utf8"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/config"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/secret"
	"conductor-jwt/task"
)

// signStoredTask signs a task that the server keeps again, with a key of the
// user's in place of the secret that the server puts in at poll time.
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
	delivered, err := withKey(t, key, password)
	if err != nil {
		return err
	}
	return runTask(ctx, env, f, c, delivered, alreadyRead{t})
}

// alreadyRead is a stored task that was read before.
type alreadyRead struct{ task api.Task }

// StoredTask implements [task.Stored].
func (a alreadyRead) StoredTask(context.Context, string) (api.Task, error) { return a.task, nil }

// StoredWorkflow implements [task.Stored]. It is asked for only where secrets
// stand in other inputs than the key, and these end before.
func (alreadyRead) StoredWorkflow(context.Context, string) (json.RawMessage, error) {
	return nil, task.ErrReadDenied
}

// readStoredTask asks the server for a task as it keeps it.
func readStoredTask(ctx context.Context, env Env, c *config.Loaded, id string) (api.Task, error) {
	client, err := askingClient(env, c) //nolint:contextcheck // nothing is asked of the server yet
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
		return withHint(errors.New("the server has no task of that id"), "copy the task id, not the workflow id, from the execution")
	}
	return serverError("the stored task cannot be read", err)
}

// withKey puts a key and its password in place of the stored task's own.
func withKey(t api.Task, key []byte, password secret.Text) (api.Task, error) {
	raw := t.Input.Reveal()
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		raw = json.RawMessage("{}")
	}
	input, err := jsonobj.Parse(raw, jsonobj.Limits{Bytes: maxTaskInput, Levels: 128})
	if err != nil {
		return api.Task{}, signerError("the stored task's input", err)
	}
	input.String("privateKey", keyAsText(key))
	input.Delete("privateKeyPassword")
	if !password.IsZero() {
		input.String("privateKeyPassword", password.Reveal())
	}
	t.Input = secret.NewJSON(input.AppendJSON(nil))
	return t, nil
}

// keyAsText is a key file as the value of an input: DER as base64.
func keyAsText(key []byte) string {
	if utf8.Valid(key) {
		return string(key)
	}
	return base64.StdEncoding.EncodeToString(key)
}
