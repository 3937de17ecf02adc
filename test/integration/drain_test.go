package integration_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/conductor-sdk/conductor-go/sdk/model"

	"conductor-jwt/test/conductorjar"
)

// numberedRequests returns the requests of workflows with different subjects. A
// domain that is not empty makes sure that only the test's own workers get them.
func numberedRequests(t *testing.T, domain, taskName string) func(i int) model.StartWorkflowRequest {
	t.Helper()
	task := with(jwtTask("jwt", object{"privateKey": keySecret, "subject": "${workflow.input.subject}"}), "name", taskName)
	def := definition(t, nil, task)
	return func(i int) model.StartWorkflowRequest {
		r := request(t, def, object{"subject": fmt.Sprintf("number %d", i)})
		if domain != "" {
			r.TaskToDomain = map[string]string{"GET_SIGNED_JWT": domain}
		}
		return r
	}
}

// checkTokens checks that each workflow completed with its own token.
func checkTokens(t *testing.T, workflows []conductorjar.Workflow) {
	t.Helper()
	ids := map[any]bool{}
	for i, w := range workflows {
		if w.Status != "COMPLETED" {
			t.Errorf("workflow %d is %s: %s; want COMPLETED", i, w.Status, w.Reason)
			continue
		}
		got := token(t, w, "jwt")
		if want := fmt.Sprintf("number %d", i); got.claims["sub"] != want {
			t.Errorf("workflow %d has the token of %q, want %q", i, got.claims["sub"], want)
		}
		ids[got.claims["jti"]] = true
	}
	if len(ids) != len(workflows) {
		t.Errorf("%d tokens have only %d different jti", len(workflows), len(ids))
	}
}

func (s *testbed) queueSize(ctx context.Context, domain string) (int, error) {
	page, err := s.server.Get(ctx, "/api/tasks/queue/size?taskType=GET_SIGNED_JWT&domain="+domain)
	if err != nil {
		return 0, err
	}
	var size int
	return size, json.Unmarshal(page, &size)
}

// The first worker gets SIGTERM under load; a second one does the remaining tasks.
func TestSignalledWorkerLeavesNothingInProgress(t *testing.T) {
	withExclusiveLoad(t)
	const domain, n = "drain", 150
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	r := numberedRequests(t, domain, "get_signed_jwt")
	ids, err := shared.startMany(ctx, n, r)
	if err != nil {
		t.Fatal(err)
	}
	first := shared.extraWorker(t, "CONDUCTOR_JWT_DOMAIN="+domain)
	err = poll(ctx, 10*time.Millisecond, func() (bool, error) {
		size, err := shared.queueSize(ctx, domain)
		return size <= n-20, err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Stop(ctx); err != nil {
		t.Fatalf("the worker exits with %v on SIGTERM, want status 0\n%s", err, first.log.Lines(10))
	}
	ended := checkNothingInProgress(ctx, t, ids)
	if ended == 0 || ended == n {
		t.Errorf("%d of %d workflows had ended at the signal, want some but not all: otherwise there was no load", ended, n)
	}
	shared.extraWorker(t, "CONDUCTOR_JWT_DOMAIN="+domain)
	workflows, err := shared.awaitAll(ctx, ids, r)
	if err != nil {
		t.Fatal(err)
	}
	checkTokens(t, workflows)
	checkNoRetry(t, workflows)
}

// checkNoRetry checks that every task completed at its first attempt.
func checkNoRetry(t *testing.T, workflows []conductorjar.Workflow) {
	t.Helper()
	for i, w := range workflows {
		if task := lastTask(t, w, "jwt"); task.RetryCount != 0 {
			t.Errorf("workflow %d has %d retries, want none", i, task.RetryCount)
		}
	}
}

// checkNothingInProgress checks that no task is IN_PROGRESS. It returns the
// number of ended workflows.
func checkNothingInProgress(ctx context.Context, t *testing.T, ids []string) (ended int) {
	t.Helper()
	for i, id := range ids {
		w, err := shared.server.Workflow(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if w.Ended() {
			ended++
		}
		for _, task := range w.Tasks {
			if task.Status == "IN_PROGRESS" {
				t.Errorf("workflow %d has a task IN_PROGRESS", i)
			}
		}
	}
	return ended
}
