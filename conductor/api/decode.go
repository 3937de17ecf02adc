package api

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"io"
	"math"
	"time"

	"conductor-jwt/internal/secret"
)

// taskJSON is the part of a task's JSON that is read, polled or stored.
type taskJSON struct {
	TaskID             string         `json:"taskId"`
	TaskType           string         `json:"taskType"`
	TaskDefName        string         `json:"taskDefName"`
	WorkflowInstanceID string         `json:"workflowInstanceId"`
	WorkflowType       string         `json:"workflowType"`
	RetryCount         int            `json:"retryCount"`
	ScheduledTime      int64          `json:"scheduledTime"` // milliseconds
	StartTime          int64          `json:"startTime"`     // milliseconds
	InputData          jsontext.Value `json:"inputData"`
	ExternalInput      string         `json:"externalInputPayloadStoragePath"`
	WorkflowTask       struct {
		InputParameters jsontext.Value `json:"inputParameters"`
	} `json:"workflowTask"`
	TaskDefinition struct {
		ResponseTimeoutSeconds int64          `json:"responseTimeoutSeconds"`
		InputTemplate          jsontext.Value `json:"inputTemplate"`
	} `json:"taskDefinition"`
	RuntimeMetadata map[string]secret.Text `json:"runtimeMetadata"`
}

// taskIDs is the part of a malformed task that is read.
type taskIDs struct {
	TaskID             jsontext.Value `json:"taskId"`
	WorkflowInstanceID jsontext.Value `json:"workflowInstanceId"`
	TaskType           jsontext.Value `json:"taskType"`
	TaskDefName        jsontext.Value `json:"taskDefName"`
}

// DecodeTasks reads the answer of a poll. If it is not a JSON array as a whole, no
// task of it is returned. Otherwise each task is read on its own, so that a
// malformed one affects no other. An empty answer and null hold no task. Values are
// kept byte for byte. The error quotes nothing of the answer.
func DecodeTasks(body []byte) ([]Task, error) {
	if len(body) == 0 {
		return nil, nil
	}
	if tasks, ok := decodeWellFormed(body); ok {
		return tasks, nil
	}
	var list []jsontext.Value
	if json.Unmarshal(body, &list, lenient()) != nil {
		return nil, errNoTasks
	}
	var tasks []Task
	for _, raw := range list {
		tasks = append(tasks, decodeTask(raw))
	}
	return tasks, nil
}

// decodeWellFormed reads an answer without a malformed task in one pass, instead of
// the three that a list of raw values takes. ok is false for any other answer.
func decodeWellFormed(body []byte) (tasks []Task, ok bool) {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(body), lenient())
	if first, err := decoder.ReadToken(); err != nil || first.Kind() != jsontext.KindBeginArray {
		return nil, false
	}
	for decoder.PeekKind() != jsontext.KindEndArray {
		var p taskJSON
		if json.UnmarshalDecode(decoder, &p) != nil {
			return nil, false
		}
		t, ok := p.task()
		if !ok {
			return nil, false
		}
		tasks = append(tasks, t)
	}
	if _, err := decoder.ReadToken(); err != nil { // the end of the list
		return nil, false
	}
	_, err := decoder.ReadToken()
	return tasks, errors.Is(err, io.EOF)
}

// These stand for the parser's own errors, which quote the answer.
var (
	errNoTasks = errors.New("the answer is not a list of tasks")
	errNoTask  = errors.New("the answer is not a task")
)

func lenient() json.Options {
	return json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// DecodeTask reads one task. The error quotes nothing of it.
func DecodeTask(raw []byte) (Task, error) {
	t := decodeTask(raw)
	if t.Malformed {
		return Task{}, errNoTask
	}
	return t, nil
}

func decodeTask(raw jsontext.Value) Task {
	var p taskJSON
	if json.Unmarshal(raw, &p, lenient()) == nil {
		if t, ok := p.task(); ok {
			return t
		}
	}
	return decodeIDs(raw)
}

// task is the task that was read; ok is false if an id is missing.
func (p *taskJSON) task() (t Task, ok bool) {
	if p.TaskID == "" || p.WorkflowInstanceID == "" {
		return Task{}, false
	}
	t = Task{
		ID: p.TaskID, Type: p.TaskType, Name: p.TaskDefName,
		WorkflowID: p.WorkflowInstanceID, WorkflowType: p.WorkflowType, Retry: p.RetryCount,
		ResponseTimeout: seconds(p.TaskDefinition.ResponseTimeoutSeconds),
		Input:           secret.NewJSON([]byte(p.InputData)),
		Template:        value(p.WorkflowTask.InputParameters),
		Defaults:        value(p.TaskDefinition.InputTemplate),
		RuntimeMetadata: p.RuntimeMetadata, External: p.ExternalInput != "",
		Scheduled: moment(p.ScheduledTime), Started: moment(p.StartTime),
	}
	return t, true
}

// decodeIDs reads the ids of a malformed task.
func decodeIDs(raw jsontext.Value) Task {
	var n taskIDs
	if json.Unmarshal(raw, &n, lenient()) != nil {
		return Task{Malformed: true}
	}
	t := Task{
		ID: text(n.TaskID), WorkflowID: text(n.WorkflowInstanceID),
		Type: text(n.TaskType), Name: text(n.TaskDefName), Malformed: true,
	}
	if t.WorkflowID == "" { // an update needs both
		t.ID = ""
	}
	return t
}

func text(raw jsontext.Value) string {
	var s string
	if raw.Kind() != '"' || json.Unmarshal(raw, &s, lenient()) != nil {
		return ""
	}
	return s
}

// value is a JSON value, nil for null: a task without a template has none.
func value(raw jsontext.Value) []byte {
	if raw.Kind() == 'n' {
		return nil
	}
	return raw
}

// moment is a time that the server sent in milliseconds; 0 is none.
func moment(ms int64) time.Time {
	if ms <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// seconds is a count of seconds that the server sent, cut to the range of a
// duration.
func seconds(n int64) time.Duration {
	const maxSeconds = int64(math.MaxInt64 / time.Second)
	return time.Duration(min(max(n, 0), maxSeconds)) * time.Second
}
