package integration_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/conductor-sdk/conductor-go/sdk/model"
	"golang.org/x/sync/errgroup"

	"conductor-jwt/test/conductorjar"
)

// object is a JSON object.
type object = map[string]any

// jwtTask returns a GET_SIGNED_JWT task of a workflow definition.
func jwtTask(ref string, inputs object) object {
	return object{"name": "get_signed_jwt", "taskReferenceName": ref, "type": "GET_SIGNED_JWT", "inputParameters": inputs}
}

// with sets a member of an object.
func with(o object, name string, value any) object {
	o[name] = value
	return o
}

// definition returns a workflow of tasks, named for the test; output may be nil.
func definition(t *testing.T, output object, tasks ...object) json.RawMessage {
	t.Helper()
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune("/ ,:#", r) {
			return '_'
		}
		return r
	}, t.Name())
	raw, err := json.Marshal(object{
		"name": name, "version": 1, "schemaVersion": 2, "ownerEmail": "team@example.com",
		"tasks": tasks, "outputParameters": output,
	})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// request returns a request that starts an unregistered definition.
func request(t *testing.T, definition json.RawMessage, input object) model.StartWorkflowRequest {
	t.Helper()
	def, err := conductorjar.Definition(definition)
	if err != nil {
		t.Fatal(err)
	}
	if input == nil {
		input = object{} // the server refuses null
	}
	return model.StartWorkflowRequest{Name: def.Name, Version: 1, Input: input, WorkflowDef: def}
}

// notScheduled reports whether the server could not schedule a task because its
// database was busy, which happens to one start in a thousand on SQLite.
func notScheduled(w conductorjar.Workflow) bool {
	return w.Status == "FAILED" && strings.HasPrefix(w.Reason, "Error scheduling tasks")
}

// execute starts a workflow and waits until it has ended.
func (s *testbed) execute(ctx context.Context, r model.StartWorkflowRequest) (conductorjar.Workflow, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for range 3 {
		id, err := s.server.StartWorkflow(ctx, r)
		if err != nil {
			return conductorjar.Workflow{}, err
		}
		w, err := s.server.AwaitWorkflow(ctx, id)
		if err != nil || !notScheduled(w) {
			return w, err
		}
	}
	return conductorjar.Workflow{}, errors.New("the server could not schedule a task three times in a row")
}

// executeWithRetries starts a workflow again if the server refuses it or does not
// respond within a minute, as with one request in a thousand while SQLite is busy.
func (s *testbed) executeWithRetries(ctx context.Context, r model.StartWorkflowRequest) (conductorjar.Workflow, error) {
	for tries := 0; ; tries++ {
		w, err := s.execute(ctx, r)
		if err == nil || ctx.Err() != nil || tries == 5 {
			return w, err
		}
		<-time.After(time.Second / 5)
	}
}

// run executes a workflow and checks its status.
func (s *testbed) run(t *testing.T, r model.StartWorkflowRequest, status string) conductorjar.Workflow {
	t.Helper()
	w, err := s.execute(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if w.Status != status {
		t.Fatalf("workflow %s is %s, want %s; reason: %s", w.ID, w.Status, status, w.Reason)
	}
	return w
}

// jwtOutput is the output of a completed task.
type jwtOutput struct {
	Token     string `json:"token"`
	TokenType string `json:"tokenType"`
	Algorithm string `json:"algorithm"`
	KeyID     string `json:"keyId"`
	IssuedAt  int64  `json:"issuedAt"`
	ExpiresAt int64  `json:"expiresAt"`
	ExpiresIn int64  `json:"expiresIn"`
	JWTID     string `json:"jwtId"`
}

// errorOutput is the output of a failed task.
type errorOutput struct {
	Error struct {
		Code    string `json:"code"`
		Field   string `json:"field"`
		Message string `json:"message"`
	} `json:"error"`
}

// lastTask returns the last attempt at a task.
func lastTask(t *testing.T, w conductorjar.Workflow, ref string) conductorjar.Task {
	t.Helper()
	task, ok := w.Last(ref)
	if !ok {
		t.Fatalf("workflow %s has no task %s", w.ID, ref)
	}
	return task
}

func outputOf[T any](t *testing.T, task conductorjar.Task) T {
	t.Helper()
	var out T
	if err := json.Unmarshal(task.Output, &out); err != nil {
		t.Fatalf("output of %s: %v", task.Ref, err)
	}
	return out
}

// token verifies and returns the token of a completed task.
func token(t *testing.T, w conductorjar.Workflow, ref string) verifiedToken {
	t.Helper()
	return shared.keys.mustVerify(t, outputOf[jwtOutput](t, lastTask(t, w, ref)).Token)
}

// startMany starts n workflows, at most four concurrently, because SQLite has one
// writer. It returns their IDs in order.
func (s *testbed) startMany(ctx context.Context, n int, r func(i int) model.StartWorkflowRequest) ([]string, error) {
	ids := make([]string, n)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for i := range n {
		group.Go(func() (err error) {
			ids[i], err = s.server.StartWorkflow(ctx, r(i))
			return err
		})
	}
	return ids, group.Wait()
}

// awaitAll waits until all workflows have ended, restarts those that the server
// could not schedule, and returns the executions in the order of the IDs.
func (s *testbed) awaitAll(ctx context.Context, ids []string, r func(i int) model.StartWorkflowRequest) ([]conductorjar.Workflow, error) {
	ended := make([]conductorjar.Workflow, len(ids))
	for i, id := range ids {
		w, err := s.server.AwaitWorkflow(ctx, id)
		if err == nil && notScheduled(w) {
			w, err = s.execute(ctx, r(i))
		}
		if err != nil {
			return nil, fmt.Errorf("workflow %d: %w", i, err)
		}
		ended[i] = w
	}
	return ended, nil
}
