package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"conductor-jwt/internal/secret"
)

func TestTasksAreReadOneByOne(t *testing.T) {
	const ids = `"taskId":"t","workflowInstanceId":"w"`
	cases := map[string]struct {
		task string
		want string // "read", "malformed" or "unnamed"
	}{
		"only ids":                        {`{` + ids + `}`, "read"},
		"unknown members":                 {`{` + ids + `,"x":{"y":[1,null]}}`, "read"},
		"null where there may be a value": {`{` + ids + `,"inputData":null,"workflowTask":null,"taskDefinition":null,"runtimeMetadata":null,"retryCount":null,"scheduledTime":null,"externalInputPayloadStoragePath":null}`, "read"},
		"an input that is a list":         {`{` + ids + `,"inputData":[1]}`, "read"},
		"an input of duplicates":          {`{` + ids + `,"inputData":{"a":1,"a":2}}`, "read"},
		"an input of invalid UTF-8":       {`{` + ids + `,"inputData":{"a":"` + "\xff" + `"}}`, "read"},
		"names in another case":           {`{"TASKID":"x",` + ids + `,"Inputdata":1}`, "read"},
		"a retry count that is a text":    {`{` + ids + `,"retryCount":"1"}`, "malformed"},
		"a retry count out of range":      {`{` + ids + `,"retryCount":1e30}`, "malformed"},
		"a definition that is a text":     {`{` + ids + `,"taskDefinition":"x"}`, "malformed"},
		"a workflow task that is a list":  {`{` + ids + `,"workflowTask":[]}`, "malformed"},
		"metadata that are numbers":       {`{` + ids + `,"runtimeMetadata":{"a":7}}`, "malformed"},
		"a type that is a number":         {`{` + ids + `,"taskType":7}`, "malformed"},
		"a path that is an object":        {`{` + ids + `,"externalInputPayloadStoragePath":{}}`, "malformed"},
		"no task id":                      {`{"workflowInstanceId":"w"}`, "unnamed"},
		"no workflow id":                  {`{"taskId":"t"}`, "unnamed"},
		"a task id that is a number":      {`{"taskId":7,"workflowInstanceId":"w"}`, "unnamed"},
		"a workflow id that is null":      {`{"taskId":"t","workflowInstanceId":null}`, "unnamed"},
		"an empty task id":                {`{"taskId":"","workflowInstanceId":"w"}`, "unnamed"},
		"null":                            {`null`, "unnamed"},
		"a text":                          {`"t"`, "unnamed"},
		"a list":                          {`[]`, "unnamed"},
		"no member":                       {`{}`, "unnamed"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			good := `{"taskId":"good","workflowInstanceId":"w","inputData":{"k":1.0}}`
			tasks, err := DecodeTasks([]byte(`[` + good + `,` + c.task + `,` + good + `]`))
			if err != nil {
				t.Fatal(err)
			}
			var got string
			switch {
			case len(tasks) == 3 && tasks[1].Malformed && tasks[1].ID == "":
				got = "unnamed"
			case len(tasks) == 3 && tasks[1].Malformed:
				got = "malformed"
			case len(tasks) == 3:
				got = "read"
			}
			if got != c.want {
				t.Errorf("it is %q, want %q", got, c.want)
			}
			for _, i := range []int{0, len(tasks) - 1} {
				if tasks[i].ID != "good" || string(tasks[i].Input.Reveal()) != `{"k":1.0}` {
					t.Errorf("its neighbour is %+v", tasks[i])
				}
			}
			if got == "malformed" && (tasks[1].ID != "t" || tasks[1].WorkflowID != "w") {
				t.Errorf("its ids are %q and %q", tasks[1].ID, tasks[1].WorkflowID)
			}
		})
	}
}

func TestResponseTimeoutOfTheDefinition(t *testing.T) {
	for raw, want := range map[string]time.Duration{
		`{"responseTimeoutSeconds":30}`: 30 * time.Second, `{}`: 0, `{"responseTimeoutSeconds":-5}`: 0,
		`{"responseTimeoutSeconds":9223372036854775807}`: 9223372036 * time.Second,
	} {
		tasks, err := DecodeTasks([]byte(`[{"taskId":"t","workflowInstanceId":"w","responseTimeoutSeconds":7,"taskDefinition":` + raw + `}]`))
		if err != nil || tasks[0].ResponseTimeout != want {
			t.Errorf("%s gives %v, %v", raw, tasks, err)
		}
	}
}

func FuzzDecodeTasks(f *testing.F) {
	for _, seed := range []string{
		``, `null`, `[]`, `[{}]`, `[null]`, `{"a":1}`, `[{"taskId":"t","workflowInstanceId":"w","inputData":{"a":"\ud800","a":1e999}}]`,
		`[{"taskId":"t","workflowInstanceId":"w","retryCount":{}}]`, "[\"\xff\"]", `[[[[[[[[]]]]]]]]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		tasks, err := DecodeTasks([]byte(body))
		if err != nil && len(tasks) > 0 {
			t.Error("half of a bad answer is used")
		}
		for _, task := range tasks {
			if (task.ID == "" || task.WorkflowID == "") && (task.ID != "" || !task.Malformed) {
				t.Error("a task that cannot be answered")
			}
			if in := string(task.Input.Reveal()); in != "" && !strings.Contains(body, in) {
				t.Error("an input that was not sent")
			}
		}
	})
}

func FuzzEncodeResult(f *testing.F) {
	f.Add("t", "w", "because", `{"a":1}`, int64(5), "line")
	f.Add("t", "w", "", `{}`, int64(1<<63-1), "")
	f.Add("\xff", "<>&", "\u2028", `{}`, int64(-1), "")
	f.Fuzz(func(t *testing.T, id, workflow, reason, output string, after int64, line string) {
		body, err := EncodeResult(Result{
			TaskID: id, WorkflowID: workflow, Status: "COMPLETED", Reason: reason,
			Output: secret.NewJSON(json.RawMessage(output)), CallbackAfter: time.Duration(after),
			Logs: []Log{{Text: line, At: time.UnixMilli(after)}},
		})
		if err != nil {
			if output != "" && strings.Contains(err.Error(), output) && len(output) > 8 {
				t.Error("the error repeats the output")
			}
			return
		}
		var back struct {
			OutputData           json.RawMessage `json:"outputData"`
			CallbackAfterSeconds int64           `json:"callbackAfterSeconds"`
		}
		if err := json.Unmarshal(body, &back); err != nil {
			t.Fatalf("it is no JSON: %v", err)
		}
		if back.OutputData[0] != '{' || back.CallbackAfterSeconds < 0 {
			t.Errorf("it reads %s", body)
		}
		if after > 0 && time.Duration(back.CallbackAfterSeconds) < time.Duration(after)/time.Second {
			t.Error(fmt.Sprint("it comes back after ", back.CallbackAfterSeconds, " s"))
		}
	})
}

// The fast decoder and the general one give the same tasks.
func TestSoundAnswerIsReadInOnePass(t *testing.T) {
	const task = `{"taskId":"t","workflowInstanceId":"w","scheduledTime":1795355503775,"startTime":1795355503800}`
	for body, want := range map[string]int{`[` + task + `]`: 1, `[` + task + `,` + task + "]\n": 2, `[]`: 0} {
		short, ok := decodeWellFormed([]byte(body))
		tasks, err := DecodeTasks([]byte(body))
		if !ok || len(short) != want || len(tasks) != want || err != nil {
			t.Errorf("%s: %d tasks in one pass (%v), %d in all, %v", body, len(short), ok, len(tasks), err)
		}
		for _, task := range tasks {
			if !task.Scheduled.Equal(time.UnixMilli(1795355503775)) || !task.Started.Equal(time.UnixMilli(1795355503800)) {
				t.Errorf("scheduled at %s, started at %s", task.Scheduled, task.Started)
			}
		}
	}
	for _, body := range []string{`[` + task, `[` + task + `]]`, `[` + task + `] x`, task, `null`, `[{}]`, `[7]`, ``} {
		if _, ok := decodeWellFormed([]byte(body)); ok {
			t.Errorf("%q passes for sound", body)
		}
	}
}

func TestTaskWithoutScheduledTime(t *testing.T) {
	for _, at := range []string{"0", "-1", "null"} {
		tasks, err := DecodeTasks([]byte(`[{"taskId":"t","workflowInstanceId":"w","scheduledTime":` + at + `,"startTime":` + at + `}]`))
		if err != nil || len(tasks) != 1 || !tasks[0].Scheduled.IsZero() || !tasks[0].Started.IsZero() {
			t.Errorf("scheduledTime and startTime %s give %+v, %v", at, tasks, err)
		}
	}
}
