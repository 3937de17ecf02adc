package conductor_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"conductor-jwt/bench/stub"
	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/secret"
)

// benchClient is a client of a server with endless tasks, in this process.
func benchClient(b *testing.B) *conductor.Client {
	b.Helper()
	task, err := stub.Task("ES256", strings.Repeat("k", 1700))
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(stub.New(stub.Options{Task: task, Endless: true}))
	b.Cleanup(server.Close)
	c, err := conductor.New(conductor.Options{BaseURL: server.URL})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	return c
}

// BenchmarkPoll is a poll with its answer read and taken apart, and the
// server's share.
func BenchmarkPoll(b *testing.B) {
	for _, count := range []int{1, 50} {
		b.Run(fmt.Sprintf("%d tasks", count), func(b *testing.B) {
			c := benchClient(b)
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

// BenchmarkUpdate is an update, and the server's share.
func BenchmarkUpdate(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "task-000000001")
	}))
	b.Cleanup(server.Close)
	c, err := conductor.New(conductor.Options{BaseURL: server.URL})
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
