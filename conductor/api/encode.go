package api

import (
	"bytes"
	"encoding/json"
	"encoding/json/jsontext"
	"errors"
	"strconv"
	"time"
)

// errOutput is a constant text, so it may be printed.
var errOutput = errors.New("the output is not a JSON object")

// wholeSeconds rounds up.
func wholeSeconds(d time.Duration) int64 {
	n := int64(max(d, 0) / time.Second)
	if d > time.Duration(n)*time.Second {
		n++
	}
	return n
}

// EncodeResult writes an update as the server reads it. An output that is not
// an object is an error: the server would answer 500. The members are appended
// one by one, because encoding/json would check and copy the output twice for
// each task.
func EncodeResult(r Result) ([]byte, error) {
	output := bytes.TrimSpace(r.Output.Reveal())
	if len(output) == 0 {
		output = []byte("{}")
	}
	if output[0] != '{' || !json.Valid(output) {
		return nil, errOutput
	}
	b := make([]byte, 0, len(output)+len(r.Reason)+512)
	b = appendText(append(b, `{"taskId":`...), r.TaskID)
	b = appendText(append(b, `,"workflowInstanceId":`...), r.WorkflowID)
	if r.WorkerID != "" {
		b = appendText(append(b, `,"workerId":`...), r.WorkerID)
	}
	b = appendText(append(b, `,"status":`...), string(r.Status))
	if r.Reason != "" {
		b = appendText(append(b, `,"reasonForIncompletion":`...), r.Reason)
	}
	b = append(append(b, `,"outputData":`...), output...)
	b = strconv.AppendInt(append(b, `,"callbackAfterSeconds":`...), wholeSeconds(r.CallbackAfter), 10)
	if len(r.Logs) > 0 {
		b = appendLogs(append(b, `,"logs":`...), r)
	}
	return append(b, '}'), nil
}

// appendLogs writes a time with every line: the server reads a missing one as 0.
func appendLogs(b []byte, r Result) []byte {
	separator := byte('[')
	for _, l := range r.Logs {
		b = appendText(append(append(b, separator), `{"log":`...), l.Text)
		b = appendText(append(b, `,"taskId":`...), r.TaskID)
		b = strconv.AppendInt(append(b, `,"createdTime":`...), l.At.UnixMilli(), 10)
		b = append(b, '}')
		separator = ','
	}
	return append(b, ']')
}

// appendText appends a JSON string, with U+FFFD in place of invalid UTF-8.
func appendText(b []byte, text string) []byte {
	b, _ = jsontext.AppendQuote(b, text) // the error only reports invalid UTF-8
	return b
}
