package conductortest

import (
	"bytes"
	"encoding/json"
	"time"

	"conductor-jwt/conductor/api"
)

// taskJSON is a task in the server's API.
type taskJSON struct {
	TaskType              string           `json:"taskType"`
	Status                api.Status       `json:"status"`
	InputData             json.RawMessage  `json:"inputData"`
	ReferenceTaskName     string           `json:"referenceTaskName"`
	RetryCount            int              `json:"retryCount"`
	Seq                   int              `json:"seq"`
	PollCount             int              `json:"pollCount"`
	TaskDefName           string           `json:"taskDefName"`
	ScheduledTime         int64            `json:"scheduledTime"`
	StartTime             int64            `json:"startTime"`
	UpdateTime            int64            `json:"updateTime"`
	EndTime               int64            `json:"endTime"`
	Retried               bool             `json:"retried"`
	WorkflowInstanceID    string           `json:"workflowInstanceId"`
	WorkflowType          string           `json:"workflowType"`
	TaskID                string           `json:"taskId"`
	RetriedTaskID         string           `json:"retriedTaskId,omitempty"`
	ReasonForIncompletion string           `json:"reasonForIncompletion,omitempty"`
	CallbackAfterSeconds  int              `json:"callbackAfterSeconds"`
	WorkerID              string           `json:"workerId,omitempty"`
	OutputData            json.RawMessage  `json:"outputData"`
	WorkflowTask          workflowTaskJSON `json:"workflowTask"`
	// ResponseTimeoutSeconds is 0 for a type that the server does not know.
	ResponseTimeoutSeconds int               `json:"responseTimeoutSeconds"`
	Domain                 string            `json:"domain,omitempty"`
	ExternalInput          string            `json:"externalInputPayloadStoragePath,omitempty"`
	TaskDefinition         definitionJSON    `json:"taskDefinition"`
	RuntimeMetadata        map[string]string `json:"runtimeMetadata,omitempty"`
}

type workflowTaskJSON struct {
	Name              string          `json:"name"`
	TaskReferenceName string          `json:"taskReferenceName"`
	InputParameters   json.RawMessage `json:"inputParameters,omitempty"`
	Type              string          `json:"type"`
	Optional          bool            `json:"optional"` // always false
	TaskDefinition    definitionJSON  `json:"taskDefinition"`
}

// reference is the taskReferenceName of every task.
const reference = "ref"

// wire returns an entry as the API encodes it, with the given input.
func (e *entry) wire(input json.RawMessage) taskJSON {
	def := e.def.wire(e.spec.Name)
	t := taskJSON{
		TaskType: e.spec.Type, Status: e.status, InputData: input,
		ReferenceTaskName: reference, RetryCount: e.retry, Seq: e.seq, PollCount: e.polls,
		TaskDefName: e.spec.Name, ScheduledTime: millis(e.scheduled), StartTime: millis(e.started),
		UpdateTime: millis(e.started), EndTime: millis(e.ended), Retried: e.next != nil,
		WorkflowInstanceID: e.spec.WorkflowID, WorkflowType: e.spec.WorkflowType, TaskID: e.id,
		RetriedTaskID: e.previous, ReasonForIncompletion: e.reason, WorkerID: e.worker,
		OutputData: e.output, Domain: e.spec.Domain, TaskDefinition: def,
		WorkflowTask: workflowTaskJSON{
			Name: e.spec.Name, TaskReferenceName: reference,
			InputParameters: e.spec.Template, Type: e.spec.Type,
			TaskDefinition: def,
		},
	}
	if len(t.OutputData) == 0 {
		t.OutputData = json.RawMessage("{}")
	}
	if e.spec.External {
		t.InputData, t.ExternalInput = json.RawMessage("{}"), "x-external-input.json"
	}
	return t
}

// stored is GET /api/tasks/{id}.
func (e *entry) stored() json.RawMessage {
	return rawOf(e.wire(e.input))
}

// workflowJSON is GET /api/workflow/{id}?includeTasks=false.
type workflowJSON struct {
	WorkflowID         string `json:"workflowId"`
	WorkflowDefinition struct {
		Name  string             `json:"name"`
		Tasks []workflowTaskJSON `json:"tasks"`
	} `json:"workflowDefinition"`
}

// storedWorkflow returns an execution whose definition has the enqueued tasks,
// nil if there are none.
func (l *Ledger) storedWorkflow(id string) json.RawMessage {
	w := workflowJSON{WorkflowID: id}
	for _, e := range l.tasks {
		if e.spec.WorkflowID == id {
			w.WorkflowDefinition.Name = e.spec.WorkflowType
			w.WorkflowDefinition.Tasks = append(w.WorkflowDefinition.Tasks, e.wire(nil).WorkflowTask)
		}
	}
	raw, err := marshal(w)
	if err != nil || w.WorkflowDefinition.Tasks == nil {
		return nil
	}
	return raw
}

// polled returns an element of the response to a poll.
func (d leasedTask) polled() json.RawMessage {
	t := d.wire(d.input)
	t.RuntimeMetadata = d.metadata
	return rawOf(t)
}

// rawOf encodes a task. Input that is not JSON, which a real server could not
// have stored, becomes null.
func rawOf(t taskJSON) json.RawMessage {
	raw, err := marshal(t)
	if err == nil {
		return raw
	}
	t.InputData = json.RawMessage("null")
	raw, err = marshal(t)
	if err != nil {
		return json.RawMessage("{}")
	}
	return raw
}

// marshal is json.Marshal without HTML escaping, which would change stored text.
func marshal(v any) (json.RawMessage, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(out.Bytes(), "\n"), nil
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
