package conductor

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"
)

// errOutput is a constant text, so it may be printed.
var errOutput = errors.New("the output is no json object")

// resultJSON is an update as the server reads it.
type resultJSON struct {
	TaskID                string          `json:"taskId"`
	WorkflowInstanceID    string          `json:"workflowInstanceId"`
	WorkerID              string          `json:"workerId,omitempty"`
	Status                string          `json:"status"`
	ReasonForIncompletion string          `json:"reasonForIncompletion,omitempty"`
	OutputData            json.RawMessage `json:"outputData"`
	CallbackAfterSeconds  int64           `json:"callbackAfterSeconds"`
	Logs                  []logJSON       `json:"logs,omitempty"`
}

type logJSON struct {
	Log         string `json:"log"`
	TaskID      string `json:"taskId"`
	CreatedTime int64  `json:"createdTime"` // milliseconds; the server takes what is missing as 0
}

// wholeSeconds rounds up.
func wholeSeconds(d time.Duration) int64 {
	n := int64(max(d, 0) / time.Second)
	if d > time.Duration(n)*time.Second {
		n++
	}
	return n
}

// encodeResult writes an update. An output that is no object would be a 500.
func encodeResult(r Result) ([]byte, error) {
	out := resultJSON{
		TaskID: r.TaskID, WorkflowInstanceID: r.WorkflowID, WorkerID: r.WorkerID,
		Status: r.Status, ReasonForIncompletion: r.Reason,
		OutputData:           bytes.TrimSpace(r.Output.Reveal()),
		CallbackAfterSeconds: wholeSeconds(r.CallbackAfter),
	}
	if len(out.OutputData) == 0 {
		out.OutputData = json.RawMessage("{}")
	}
	if out.OutputData[0] != '{' || !json.Valid(out.OutputData) {
		return nil, errOutput
	}
	for _, l := range r.Logs {
		out.Logs = append(out.Logs, logJSON{Log: l.Text, TaskID: r.TaskID, CreatedTime: l.At.UnixMilli()})
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(out); err != nil {
		return nil, errOutput
	}
	return body.Bytes(), nil
}
