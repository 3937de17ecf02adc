package conductor_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"conductor-jwt/conductor"
)

func definitions(t *testing.T, body string) *conductor.Client {
	t.Helper()
	url := answering(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
	return connect(t, conductor.Options{BaseURL: url})
}

func TestTasksOfWorkflows(t *testing.T) {
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
		{"a SIMPLE task that looks like ours", task("a", "SIMPLE", "get_signed_jwt"), []string{"a get_signed_jwt"}},
		{"a SIMPLE task that the editor named", task("a", "SIMPLE", "get_signed_jwt_task_7x"), []string{"a get_signed_jwt_task_7x"}},
		{"a type in lower case", task("a", "get_signed_jwt", "n"), []string{"a get_signed_jwt"}},
		{"a type with other separators", task("a", "Get-Signed.JWT", "n"), []string{"a Get-Signed.JWT"}},
		{"another task of the name", task("a", "HTTP", "get_signed_jwt"), nil},
		{"a type that only begins alike", task("a", "GET_SIGNED_URL", "n"), nil},
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
			tasks, err := c.WorkflowTasks(t.Context(), "GET_SIGNED_JWT", "sign")
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

func TestALowerLimitOfAnAnswer(t *testing.T) {
	c := definitions(t, `[{"name":"w","version":1,"tasks":[]}]`+strings.Repeat(" ", 1000))
	for limit, large := range map[int64]bool{100: true, 1 << 20: false} {
		_, err := c.WorkflowTasks(conductor.WithMaxBody(context.Background(), limit), "GET_SIGNED_JWT")
		if got := err != nil && failure(t, err).Class == conductor.TooLarge; got != large {
			t.Errorf("a limit of %d gives %v", limit, err)
		}
	}
}
