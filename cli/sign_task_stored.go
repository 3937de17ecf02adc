package cli

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"unicode/utf8"

	"conductor-jwt/conductor"
	"conductor-jwt/config"
	"conductor-jwt/internal/secret"
	"conductor-jwt/signer"
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
	d, err := t.deliver(key, password)
	if err != nil {
		return err
	}
	return runTask(ctx, env, f, c, d, alreadyRead{t.raw})
}

// alreadyRead is a stored task that was read before.
type alreadyRead struct{ raw json.RawMessage }

// StoredTask implements [task.Stored].
func (a alreadyRead) StoredTask(context.Context, string) (json.RawMessage, error) { return a.raw, nil }

// StoredWorkflow implements [task.Stored]. It is asked for only where secrets
// stand in other inputs than the key, and these end before.
func (alreadyRead) StoredWorkflow(context.Context, string) (json.RawMessage, error) {
	return nil, task.ErrReadDenied
}

// readStoredTask asks the server for a task as it keeps it.
func readStoredTask(ctx context.Context, env Env, c *config.Loaded, id string) (storedTask, error) {
	client, err := askingClient(env, c) //nolint:contextcheck // nothing is asked of the server yet
	if err != nil {
		return storedTask{}, err
	}
	defer client.Close()
	raw, err := client.StoredTask(ctx, id)
	if err != nil {
		return storedTask{}, storedTaskError(err)
	}
	t := storedTask{raw: raw}
	if err := json.Unmarshal(raw, &t); err != nil {
		// The decoder's own text may quote the task.
		return storedTask{}, errors.New("the server's answer is not a task")
	}
	return t, nil
}

func storedTaskError(err error) error {
	if e, ok := errors.AsType[*conductor.Error](err); ok && e.Status == 404 {
		return withHint(errors.New("the server has no task of that id"), "copy the task id, not the workflow id, from the execution")
	}
	return serverError("the stored task cannot be read", err)
}

// storedTask is what is read of GET /tasks/{id}.
type storedTask struct {
	raw json.RawMessage // the whole answer

	TaskID             string          `json:"taskId"`
	TaskType           string          `json:"taskType"`
	TaskDefName        string          `json:"taskDefName"`
	WorkflowInstanceID string          `json:"workflowInstanceId"`
	WorkflowType       string          `json:"workflowType"`
	RetryCount         int             `json:"retryCount"`
	InputData          json.RawMessage `json:"inputData"`
	External           string          `json:"externalInputPayloadStoragePath"`
	WorkflowTask       struct {
		InputParameters json.RawMessage `json:"inputParameters"`
	} `json:"workflowTask"`
	TaskDefinition struct {
		InputTemplate json.RawMessage `json:"inputTemplate"`
	} `json:"taskDefinition"`
}

// delivery is what the worker would be handed, its secrets unresolved.
func (t storedTask) delivery(input json.RawMessage) task.Delivery {
	return task.Delivery{
		ID: t.TaskID, Type: t.TaskType, Name: t.TaskDefName, WorkflowID: t.WorkflowInstanceID, WorkflowType: t.WorkflowType,
		Retry: t.RetryCount, Input: secret.NewJSON(input),
		Template: t.WorkflowTask.InputParameters, Defaults: t.TaskDefinition.InputTemplate, External: t.External != "",
	}
}

// deliver is the delivery with a key and its password in place of the task's.
func (t storedTask) deliver(key []byte, password secret.Text) (task.Delivery, error) {
	if t.InputData == nil || bytes.Equal(t.InputData, []byte("null")) {
		t.InputData = json.RawMessage("{}")
	}
	input, err := signer.ParseObject(t.InputData, signer.Limits{Bytes: maxTaskInput, Depth: 128})
	if err != nil {
		return task.Delivery{}, signerError("the stored task's input", err)
	}
	input.String("privateKey", keyAsText(key))
	input.Delete("privateKeyPassword")
	if !password.IsZero() {
		input.String("privateKeyPassword", password.Reveal())
	}
	return t.delivery(input.AppendJSON(nil)), nil
}

// keyAsText is a key file as the value of an input: DER as base64.
func keyAsText(key []byte) string {
	if utf8.Valid(key) {
		return string(key)
	}
	return base64.StdEncoding.EncodeToString(key)
}
