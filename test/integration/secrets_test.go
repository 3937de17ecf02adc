package integration_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/conductor-sdk/conductor-go/sdk/model"

	"conductor-jwt/test/conductorjar"
	"conductor-jwt/test/conductortest"
)

// serverPages returns everything that the server returns about an execution, by
// its description.
func serverPages(t *testing.T, w conductorjar.Workflow) map[string][]byte {
	t.Helper()
	places := map[string]string{
		"the workflow":    "/api/workflow/" + w.ID + "?includeTasks=true",
		"the search":      "/api/workflow/search?query=" + url.QueryEscape(`workflowId="`+w.ID+`"`),
		"the full search": "/api/workflow/search-v2?query=" + url.QueryEscape(`workflowId="`+w.ID+`"`),
	}
	for _, task := range w.Tasks {
		places["the task "+task.Ref] = "/api/tasks/" + task.ID
		places["the log of "+task.Ref] = "/api/tasks/" + task.ID + "/log"
	}
	pages := map[string][]byte{}
	for place, path := range places {
		page, err := shared.server.Get(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		pages[place] = page
	}
	return pages
}

// database returns the server's database file and its write-ahead log.
func database(t *testing.T) []byte {
	t.Helper()
	var all []byte
	for _, suffix := range []string{"", "-wal"} {
		file, err := os.ReadFile(shared.server.DB() + suffix)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, file...)
	}
	return all
}

// A user who may start a workflow can write ${workflow.secrets.…} into its input,
// and the server resolves it when the worker polls. A worker that signed it into a
// token would reveal it, because the server stores the token.
func TestSecretsAreNotSignedIntoTokens(t *testing.T) {
	seedName, seed, _ := documentedWorkflow(t)
	if err := shared.server.RegisterWorkflow(t.Context(), seed); err != nil {
		t.Fatal(err)
	}
	canary := shared.keys.canary()
	for name, test := range map[string]struct {
		input object
		code  string
		field string
	}{
		"the key as subject":                 {object{"subject": keySecret, "issuer": "i", "audience": "a"}, "secret_in_claim", "subject"},
		"the key within the issuer":          {object{"subject": "s", "issuer": "x" + keySecret + "y", "audience": "a"}, "secret_in_claim", "issuer"},
		"another secret as subject":          {object{"subject": passwordSecret, "issuer": "i", "audience": "a"}, "secret_injected", "subject"},
		"another secret within the audience": {object{"subject": "s", "issuer": "i", "audience": []string{"a", "b" + passwordSecret}}, "secret_injected", "audience"},
		"another secret among the scopes":    {object{"subject": "s", "issuer": "i", "audience": "a", "scope": []string{"r", passwordSecret}}, "secret_injected", "scopes"},
		"a service account as subject":       {object{"subject": accountSecret, "issuer": "i", "audience": "a"}, "secret_in_claim", "subject"},
	} {
		t.Run(name, func(t *testing.T) {
			w := shared.run(t, model.StartWorkflowRequest{Name: seedName, Input: test.input}, "FAILED")
			task := lastTask(t, w, "get_signed_jwt_ref")
			checkTerminalFailure(t, task, test.code, test.field)
			if len(w.Tasks) != 1 {
				t.Errorf("%d attempts, want 1", len(w.Tasks))
			}
			for place, page := range serverPages(t, w) {
				canary.Check(t, place, page)
			}
		})
	}
	canary.Check(t, "the database", database(t))
	canary.Check(t, "the worker's log", []byte(shared.worker.log.String()))
	metrics, err := conductorjar.NewAPI(shared.worker.url).Get(t.Context(), "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	canary.Check(t, "the worker's metrics", metrics)
}

// Checks that the test above can fail: a worker writes a secret into its output,
// and the canary finds it in the same places.
func TestCanaryFindsALeakedSecret(t *testing.T) {
	task := with(jwtTask("echo", object{"subject": "${workflow.input.subject}"}), "name", "careless")
	task["type"] = "CARELESS"
	id, err := shared.server.StartWorkflow(t.Context(), request(t, definition(t, nil, task), object{"subject": controlSecret}))
	if err != nil {
		t.Fatal(err)
	}
	echoOnce(t, "CARELESS")
	w, err := shared.server.AwaitWorkflow(t.Context(), id)
	if err != nil || w.Status != "COMPLETED" {
		t.Fatalf("the workflow is %s, %v; want COMPLETED", w.Status, err)
	}
	canary := conductortest.NewCanary()
	canary.PlantText("control", shared.keys.control)
	pages := serverPages(t, w)
	pages["the database"] = database(t)
	for _, place := range []string{"the workflow", "the task echo", "the search", "the database"} {
		if len(canary.Search(pages[place])) == 0 {
			t.Errorf("the canary did not find the leaked secret in %s", place)
		}
	}
}

// echoOnce polls one task and completes it with its subject as the output.
func echoOnce(t *testing.T, taskType string) {
	t.Helper()
	page, err := shared.server.Get(t.Context(), "/api/tasks/poll/batch/"+taskType+"?count=1&timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	var tasks []struct {
		ID       string `json:"taskId"`
		Workflow string `json:"workflowInstanceId"`
		Input    struct {
			Subject string `json:"subject"`
		} `json:"inputData"`
	}
	if err := json.Unmarshal(page, &tasks); err != nil || len(tasks) != 1 {
		t.Fatalf("the poll returned %d tasks, %v; want 1", len(tasks), err)
	}
	if tasks[0].Input.Subject != shared.keys.control {
		t.Fatal("the server did not resolve the secret; the test proves nothing")
	}
	body, err := json.Marshal(object{
		"taskId": tasks[0].ID, "workflowInstanceId": tasks[0].Workflow, "status": "COMPLETED",
		"outputData": object{"echo": tasks[0].Input.Subject},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := shared.server.Post(t.Context(), "/api/tasks", body); err != nil {
		t.Fatal(err)
	}
}

// The token is in the output only, and the key nowhere.
func TestTokenIsOnlyInTheOutput(t *testing.T) {
	task := jwtTask("jwt", object{"privateKey": keySecret, "subject": "s"})
	w := shared.run(t, request(t, definition(t, nil, task), nil), "COMPLETED")
	canary := shared.keys.canary()
	for place, page := range serverPages(t, w) {
		canary.Check(t, place, page)
	}
	output := outputOf[jwtOutput](t, lastTask(t, w, "jwt"))
	tokens := conductortest.NewCanary()
	tokens.PlantText("token", output.Token[strings.LastIndexByte(output.Token, '.')+1:])
	tokens.Check(t, "the worker's log", []byte(shared.worker.log.String()))
	if len(tokens.Search(w.Raw)) == 0 {
		t.Error("the canary does not find the token in the output")
	}
}

func TestWorkerServesHealthAndMetrics(t *testing.T) {
	for _, path := range []string{"/livez", "/readyz", "/metrics"} {
		if status, err := statusOf(t.Context(), shared.worker.url+path); status != http.StatusOK || err != nil {
			t.Errorf("%s: status %d, %v", path, status, err)
		}
	}
	task := jwtTask("jwt", object{"privateKey": keySecret})
	shared.run(t, request(t, definition(t, nil, task), nil), "COMPLETED")
	metrics, err := conductorjar.NewAPI(shared.worker.url).Get(t.Context(), "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"task_poll_total", "task_execute_time_seconds_count", "task_update_time_seconds_count", "conductor_jwt_"} {
		if !strings.Contains(string(metrics), want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
}
