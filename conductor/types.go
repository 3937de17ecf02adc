// Package conductor is the Conductor server as this project needs it: poll,
// update, the stored task and task definitions, over conductor-go's client.
package conductor

import (
	"encoding/json"
	"time"

	"conductor-jwt/internal/secret"
)

// Query is one poll of one queue.
type Query struct {
	TaskType string
	Domain   string
	WorkerID string
	Count    int           // at most so many tasks; a server may send more
	Timeout  time.Duration // how long the server may wait; it takes 5 s at most
}

// Task is a polled task: what is needed of it and nothing more.
type Task struct {
	ID           string
	Type         string // the queue
	Name         string // the task definition's name
	WorkflowID   string
	WorkflowType string
	Retry        int
	Scheduled    time.Time
	// ResponseTimeout is taskDefinition.responseTimeoutSeconds: the server
	// sends 0 in the task itself. Zero means that the server never takes the
	// task back from a worker that died.
	ResponseTimeout time.Duration

	Input           secret.JSON
	Template        json.RawMessage        // workflowTask.inputParameters
	Defaults        json.RawMessage        // taskDefinition.inputTemplate
	RuntimeMetadata map[string]secret.Text // secrets that the task definition asks for
	External        bool                   // inputData lies in external payload storage

	// Malformed is set where the task's ids could be read but the rest could
	// not; such a task is to be failed, not dropped.
	Malformed bool
}

// Result is an update of a task.
type Result struct {
	TaskID     string
	WorkflowID string // always the task's own workflowInstanceId
	WorkerID   string
	Status     string
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

// TaskDef is a task definition as it is registered.
type TaskDef struct {
	Name                   string   `json:"name"`
	Description            string   `json:"description,omitempty"`
	OwnerEmail             string   `json:"ownerEmail,omitempty"`
	RetryCount             int      `json:"retryCount"`
	RetryLogic             string   `json:"retryLogic"`
	RetryDelaySeconds      int      `json:"retryDelaySeconds"`
	ResponseTimeoutSeconds int      `json:"responseTimeoutSeconds"`
	TimeoutSeconds         int      `json:"timeoutSeconds"`
	TimeoutPolicy          string   `json:"timeoutPolicy"`
	InputKeys              []string `json:"inputKeys"`
	OutputKeys             []string `json:"outputKeys"`
	// RuntimeMetadata are the secrets that the server sends with each task.
	RuntimeMetadata []string `json:"runtimeMetadata,omitempty"`
	// The server hands out at most so many tasks at once, and in so many
	// seconds; 0 is no limit.
	ConcurrentExecLimit         int `json:"concurrentExecLimit,omitempty"`
	RateLimitPerFrequency       int `json:"rateLimitPerFrequency,omitempty"`
	RateLimitFrequencyInSeconds int `json:"rateLimitFrequencyInSeconds,omitempty"`
}
