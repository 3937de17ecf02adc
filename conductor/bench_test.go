package conductor_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/secret"
)

// benchTask is a task as the server sends it, with a key inlined.
const benchTask = `{"taskType":"GET_SIGNED_JWT","status":"IN_PROGRESS","referenceTaskName":"get_signed_jwt_ref","inputData":{` +
	`"subject":"user-4711","issuer":"https://issuer.example","privateKey":"@key","privateKeyId":"key-123","audience":"https://api.example",` +
	`"ttlInSecond":3600,"scopes":["read","write"],"algorithm":"ES256"},"retryCount":0,"seq":1,"pollCount":1,"taskDefName":"get_signed_jwt",` +
	`"scheduledTime":1,"startTime":1,"endTime":0,"updateTime":1,"startDelayInSeconds":0,"retried":false,"executed":false,` +
	`"callbackFromWorker":true,"responseTimeoutSeconds":30,"workflowInstanceId":"wf-1","workflowType":"bench","taskId":"task-@number",` +
	`"callbackAfterSeconds":0,"workerId":"bench","outputData":{},"workflowTask":{"name":"get_signed_jwt","taskReferenceName":"get_signed_jwt_ref",` +
	`"inputParameters":{"subject":"${workflow.input.subject}","privateKey":"${workflow.secrets.jwt-privatekey}"},"type":"SIMPLE",` +
	`"decisionCases":{},"defaultCase":[],"forkTasks":[],"startDelay":0,"joinOn":[],"optional":false,"defaultExclusiveJoinTask":[],` +
	`"asyncComplete":false,"loopOver":[]},"rateLimitPerFrequency":0,"rateLimitFrequencyInSeconds":0,"workflowPriority":0,"iteration":0,` +
	`"subworkflowChanged":false,"queueWaitTime":0,"loopOverTask":false}`

// benchClient is a client of a server in this process that answers each poll
// with count tasks.
func benchClient(b *testing.B, count int) *conductor.Client {
	b.Helper()
	tasks := make([]string, count)
	for i := range tasks {
		tasks[i] = strings.NewReplacer("@key", strings.Repeat("k", 1700), "@number", strconv.Itoa(i)).Replace(benchTask)
	}
	body := []byte("[" + strings.Join(tasks, ",") + "]")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	}))
	b.Cleanup(server.Close)
	c, err := newClient(conductor.Options{BaseURL: server.URL})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	return c
}

// BenchmarkPoll measures a poll and the decoding of its answer, with the server's
// part.
func BenchmarkPoll(b *testing.B) {
	for _, count := range []int{1, 50} {
		b.Run(fmt.Sprintf("%d tasks", count), func(b *testing.B) {
			c := benchClient(b, count)
			b.ReportAllocs()
			for b.Loop() {
				tasks, err := c.Poll(b.Context(), conductor.Query{TaskType: "GET_SIGNED_JWT", WorkerID: "bench", Count: count})
				if err != nil || len(tasks) != count {
					b.Fatal(len(tasks), err)
				}
			}
		})
	}
}

// BenchmarkUpdate measures an update, with the server's part.
func BenchmarkUpdate(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "task-000000001")
	}))
	b.Cleanup(server.Close)
	c, err := newClient(conductor.Options{BaseURL: server.URL})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	r := api.Result{
		TaskID: "task-000000001", WorkflowID: "wf-task-000000001", WorkerID: "bench", Status: "COMPLETED",
		Output: secret.NewJSON([]byte(`{"token":"` + fmt.Sprintf("%0600d", 0) + `","tokenType":"JWT"}`)),
		Logs:   []api.Log{{Text: "a line", At: time.UnixMilli(1)}},
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Update(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
}
