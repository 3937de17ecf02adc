// Package api holds the types of Conductor's API that the rest of the project
// shares, and their JSON. It opens no connection.
package api

import (
	"encoding/json"
	"errors"
	"time"

	"conductor-jwt/internal/secret"
)

// Status is a status of a task, in Conductor's words.
type Status string

// The statuses that a worker reports.
const (
	Completed               Status = "COMPLETED"
	Failed                  Status = "FAILED"                     // the server retries
	FailedWithTerminalError Status = "FAILED_WITH_TERMINAL_ERROR" // the server does not retry
	InProgress              Status = "IN_PROGRESS"                // the server queues the same task again; no retry is spent
)

// Simple is the type of a task that is queued under the name of its definition.
const Simple = "SIMPLE"

// Queue is the queue of a task: the name of a [Simple] task, the type of any other.
func Queue(taskType, name string) string {
	if taskType == Simple {
		return name
	}
	return taskType
}

// ErrReadDenied is matched by the error of a read that the server does not permit,
// as opposed to one that may succeed later.
var ErrReadDenied = errors.New("the read is denied")

// Task is a task as the server sends it to a worker, or as it stores it. Only
// the fields that are used are read.
type Task struct {
	ID           string
	Type         string // the queue: GET_SIGNED_JWT
	Name         string // the task definition's name
	WorkflowID   string
	WorkflowType string
	Retry        int       // retryCount
	Scheduled    time.Time // when the server first queued it; zero if unknown
	Started      time.Time // when the server first gave it to a worker; zero if unknown
	// ResponseTimeout is taskDefinition.responseTimeoutSeconds: the server
	// sends 0 in the task itself. Zero means that the server never takes the
	// task back from a worker that died.
	ResponseTimeout time.Duration

	Input           secret.JSON            // inputData, byte for byte; in a stored task its secrets are unresolved
	Template        json.RawMessage        // workflowTask.inputParameters; nil without
	Defaults        json.RawMessage        // taskDefinition.inputTemplate; nil without
	RuntimeMetadata map[string]secret.Text // secrets that the task definition asks for
	External        bool                   // the input is in external payload storage

	// Malformed is set if the task could not be read. If its ids could, the task
	// is to be failed; otherwise ID is empty, and the server cannot be told.
	Malformed bool
}

// Result is an update of a task.
type Result struct {
	TaskID     string
	WorkflowID string // always the task's own workflowInstanceId
	WorkerID   string
	Status     Status
	Reason     string      // reasonForIncompletion, at most 500 characters
	Output     secret.JSON // outputData, a JSON object
	// CallbackAfter goes with status IN_PROGRESS: the server queues the same
	// task again after it, whole seconds, 0 at once.
	CallbackAfter time.Duration
	Logs          []Log
}

// Log is a line of a task's log, as the server keeps it.
type Log struct {
	Text string
	At   time.Time
}
