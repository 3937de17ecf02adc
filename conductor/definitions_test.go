package conductor_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/conductor-sdk/conductor-go/sdk/model"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
)

func definitions(t *testing.T, body string) *conductor.Client {
	t.Helper()
	url := answering(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
	return connect(t, conductor.Options{BaseURL: url})
}

func ofQueues(queues ...string) func(string) bool {
	return func(queue string) bool { return slices.Contains(queues, queue) }
}

func TestWorkflowTasks(t *testing.T) {
	task := func(ref, taskType, name string) string {
		return fmt.Sprintf(`{"name":%q,"taskReferenceName":%q,"type":%q,"inputParameters":{"subject":%q}}`, name, ref, taskType, ref)
	}
	for _, row := range []struct {
		what, tasks string
		queues      []string // of what is found, as REFERENCE QUEUE
	}{
		{"the type itself", task("a", "GET_SIGNED_JWT", "n"), []string{"a GET_SIGNED_JWT"}},
		{"a SIMPLE task of a configured name", task("a", "SIMPLE", "sign"), []string{"a sign"}},
		{"another type of a configured name", task("a", "HTTP", "sign"), nil},
		{"a SIMPLE task of another name", task("a", "SIMPLE", "other"), nil},
		{"in the order of their references", task("b", "GET_SIGNED_JWT", "n") + "," + task("a", "GET_SIGNED_JWT", "n"), []string{"a GET_SIGNED_JWT", "b GET_SIGNED_JWT"}},
		{"within branches and loops", `{"type":"FORK_JOIN","name":"f","forkTasks":[[{"type":"DO_WHILE","name":"d","loopOver":[` + task("a", "GET_SIGNED_JWT", "n") + `]}],[` +
			`{"type":"SWITCH","name":"s","decisionCases":{"x":[` + task("b", "SIMPLE", "sign") + `]},"defaultCase":[` + task("c", "SIMPLE", "other") + `]}]]}`, []string{"a GET_SIGNED_JWT", "b sign"}},
		{"data that looks like a task", `{"type":"HTTP","name":"h","inputParameters":{"x":` + task("a", "GET_SIGNED_JWT", "n") + `}}`, nil},
		{"as deep as branches may lie", strings.Repeat(`{"x":`, 199) + task("a", "GET_SIGNED_JWT", "n") + strings.Repeat("}", 199), []string{"a GET_SIGNED_JWT"}},
		{"deeper than branches lie", strings.Repeat(`{"x":`, 200) + task("a", "GET_SIGNED_JWT", "n") + strings.Repeat("}", 200), nil},
		{"tasks that are no tasks", `7, "x", null, {"type":7}`, nil},
	} {
		t.Run(row.what, func(t *testing.T) {
			c := definitions(t, `[{"name":"w","version":3,"tasks":[`+row.tasks+`]}]`)
			tasks, err := c.WorkflowTasks(t.Context(), conductor.MaxAnswer, ofQueues("GET_SIGNED_JWT", "sign"))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, found := range tasks {
				got = append(got, found.Reference+" "+found.Queue())
				if want := fmt.Sprintf(`{"subject":%q}`, found.Reference); found.Workflow != "w" || found.Version != 3 || string(found.Template) != want {
					t.Errorf("found %+v", found)
				}
			}
			if !slices.Equal(got, row.queues) {
				t.Errorf("found %q, want %q", got, row.queues)
			}
		})
	}
}

func TestLimitOfWorkflowDefinitions(t *testing.T) {
	c := definitions(t, `[{"name":"w","version":1,"tasks":[]}]`+strings.Repeat(" ", 1000))
	for limit, large := range map[int64]bool{100: true, 1 << 20: false} {
		_, err := c.WorkflowTasks(t.Context(), limit, ofQueues("GET_SIGNED_JWT"))
		if got := err != nil && failure(t, err).Class == conductor.TooLarge; got != large {
			t.Errorf("a limit of %d gives %v", limit, err)
		}
	}
}

// asked answers every request with one status and body. The function returns the
// method and address of the last request.
func asked(t *testing.T, status int, body string) (*conductor.Client, func() string) {
	t.Helper()
	var address string
	url := answering(t, func(w http.ResponseWriter, r *http.Request) {
		address = r.Method + " " + r.URL.RequestURI()
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
	return connect(t, conductor.Options{BaseURL: url}), func() string { return address }
}

func TestTaskDef(t *testing.T) {
	c, address := asked(t, 200, `{"name":"n","retryCount":3,"responseTimeoutSeconds":30,"runtimeMetadata":["s"],"concurrentExecLimit":1,"rateLimitPerFrequency":5,"rateLimitFrequencyInSeconds":60,"unknown":{}}`)
	def, exists, err := c.TaskDef(t.Context(), "a/b c")
	if err != nil || !exists || def.RetryCount != 3 || def.ResponseTimeoutSeconds != 30 || !slices.Equal(def.RuntimeMetadata, []string{"s"}) ||
		def.ConcurrentExecLimit != 1 || def.RateLimitPerFrequency != 5 || def.RateLimitFrequencyInSeconds != 60 {
		t.Errorf("%+v, %v, %v", def, exists, err)
	}
	if got := address(); got != "GET /api/metadata/taskdefs/a%2Fb%20c" {
		t.Errorf("asked %s", got)
	}
	c, _ = asked(t, 200, `{"name":"n","tags":["a"],"inputTemplate":7,"retryCount":3,"runtimeMetadata":["s"]}`)
	def, exists, err = c.TaskDef(t.Context(), "n")
	if err != nil || !exists || def.RetryCount != 3 || !slices.Equal(def.RuntimeMetadata, []string{"s"}) {
		t.Errorf("with members of other types: %+v, %v, %v", def, exists, err)
	}
	for _, row := range []struct {
		status int
		body   string
		class  conductor.Class // empty: there is none, without an error
	}{
		{404, `{}`, ""},
		{403, `{}`, conductor.Forbidden},
		{500, `{}`, conductor.Server},
		{200, `[]`, conductor.Garbled},
		{200, ``, conductor.Garbled},
	} {
		c, _ := asked(t, row.status, row.body)
		_, exists, err := c.TaskDef(t.Context(), "n")
		if exists || row.class == "" && err != nil || row.class != "" && failure(t, err).Class != row.class {
			t.Errorf("%d %s: %v, %v", row.status, row.body, exists, err)
		}
	}
}

func TestSecrets(t *testing.T) {
	for _, row := range []struct {
		status int
		body   string
		names  []string
		listed bool
		class  conductor.Class
	}{
		{200, `["a","b"]`, []string{"a", "b"}, true, ""},
		{200, `[]`, []string{}, true, ""},
		{401, `no`, nil, false, ""},
		{403, `no`, nil, false, ""},
		{404, `no`, nil, false, ""},
		{500, `no`, nil, false, conductor.Server},
		{200, `{"a":"a value"}`, nil, false, conductor.Garbled},
	} {
		c, address := asked(t, row.status, row.body)
		names, listed, err := c.SecretNames(t.Context())
		if !slices.Equal(names, row.names) || listed != row.listed || (row.class == "") != (err == nil) || err != nil && failure(t, err).Class != row.class {
			t.Errorf("%d %s: %q, %v, %v", row.status, row.body, names, listed, err)
		}
		if got := address(); got != "GET /api/secrets" {
			t.Errorf("asked %s", got)
		}
	}
	for body, want := range map[string]string{"true": "true", "false": "false", " true\n": "true", "": "garbled", "a value": "garbled", "TRUE": "garbled", "null": "garbled"} {
		c, address := asked(t, 200, body)
		exists, err := c.SecretExists(t.Context(), "k")
		got := fmt.Sprint(exists)
		if err != nil {
			got = string(failure(t, err).Class)
		}
		if got != want || address() != "GET /api/secrets/k/exists" {
			t.Errorf("%q is %s, want %s; asked %s", body, got, want, address())
		}
	}
}

func TestQueues(t *testing.T) {
	c, address := asked(t, 200, "7")
	if n, err := c.QueueSize(t.Context(), "T", ""); n != 7 || err != nil || address() != "GET /api/tasks/queue/size?taskType=T" {
		t.Errorf("%d, %v; asked %s", n, err, address())
	}
	if _, err := c.QueueSize(t.Context(), "T", "eu"); err != nil || address() != "GET /api/tasks/queue/size?domain=eu&taskType=T" {
		t.Errorf("%v; asked %s", err, address())
	}
	c, address = asked(t, 200, `[{"queueName":"T","domain":"eu","workerId":"w","lastPollTime":1795355503775},{"queueName":"T","lastPollTime":0}]`)
	pollers, err := c.PollData(t.Context(), "T")
	want := []model.PollData{{QueueName: "T", Domain: "eu", WorkerId: "w", LastPollTime: 1795355503775}, {QueueName: "T"}}
	if err != nil || !slices.Equal(pollers, want) || address() != "GET /api/tasks/queue/polldata?taskType=T" {
		t.Errorf("%+v, %v; asked %s", pollers, err, address())
	}
	for _, body := range []string{`"x"`, `{`, ``} {
		c, _ := asked(t, 200, body)
		if _, err := c.QueueSize(t.Context(), "T", ""); failure(t, err).Class != conductor.Garbled {
			t.Errorf("a size of %q: %v", body, err)
		}
		if _, err := c.PollData(t.Context(), "T"); failure(t, err).Class != conductor.Garbled {
			t.Errorf("pollers of %q: %v", body, err)
		}
		if _, err := c.WorkflowTasks(t.Context(), conductor.MaxAnswer, ofQueues("T")); failure(t, err).Class != conductor.Garbled {
			t.Errorf("workflows of %q: %v", body, err)
		}
	}
	c, address = asked(t, 200, "[]")
	if tasks, err := c.WorkflowTasks(t.Context(), conductor.MaxAnswer, ofQueues("T")); len(tasks) > 0 || err != nil || address() != "GET /api/metadata/workflow" {
		t.Errorf("%+v, %v; asked %s", tasks, err, address())
	}
	c, _ = asked(t, 403, "")
	for name, ask := range map[string]func() error{
		"size":      func() error { _, err := c.QueueSize(t.Context(), "T", ""); return err },
		"pollers":   func() error { _, err := c.PollData(t.Context(), "T"); return err },
		"workflows": func() error { _, err := c.WorkflowTasks(t.Context(), conductor.MaxAnswer, ofQueues("T")); return err },
		"secret":    func() error { _, err := c.SecretExists(t.Context(), "k"); return err },
		"version":   func() error { _, err := c.Version(t.Context()); return err },
		"poll":      func() error { _, err := poll(c, 1); return err },
		"update":    func() error { return complete(c, api.Task{ID: "t", WorkflowID: "w"}) },
		"task":      func() error { _, err := c.StoredTask(t.Context(), "t"); return err },
		"workflow":  func() error { _, err := c.StoredWorkflow(t.Context(), "w"); return err },
		"taskdef":   func() error { _, _, err := c.TaskDef(t.Context(), "n"); return err },
		"create":    func() error { return c.CreateTaskDef(t.Context(), model.TaskDef{Name: "n"}) },
	} {
		if e := failure(t, ask()); e.Class != conductor.Forbidden {
			t.Errorf("%s: %v", name, e)
		}
	}
}

func TestVersionIsShort(t *testing.T) {
	for body, want := range map[string]string{
		"3.32.1": "3.32.1", "\"3.32.1\"\r\n": "3.32.1", "a\x1b[31mb": `a\x1b[31mb`, strings.Repeat("v", 70): strings.Repeat("v", 64), "": "",
	} {
		c, address := asked(t, 200, body)
		if got, err := c.Version(t.Context()); got != want || err != nil || address() != "GET /api/version" {
			t.Errorf("%q is %q, %v; asked %s", body, got, err, address())
		}
	}
}
