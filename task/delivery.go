// Package task is the contract of the GET_SIGNED_JWT task: what a workflow
// author may write, and what comes back.
package task

import (
	"context"
	"encoding/json"
	"time"

	"conductor-jwt/internal/secret"
)

// Stored gives a task and its execution as the server keeps them, their secrets
// unresolved.
type Stored interface {
	StoredTask(ctx context.Context, id string) (json.RawMessage, error)
	// StoredWorkflow has a member workflowDefinition.
	StoredWorkflow(ctx context.Context, id string) (json.RawMessage, error)
}

// Delivery is a task as the engine or the command line hands it over.
type Delivery struct {
	ID           string
	Type         string // the queue: GET_SIGNED_JWT
	Name         string // the task definition's name
	WorkflowID   string
	WorkflowType string
	Retry        int       // retryCount
	Scheduled    time.Time // when the server first queued it; zero if unknown

	Input     secret.JSON            // inputData, as it was sent
	Template  json.RawMessage        // workflowTask.inputParameters; nil without
	Defaults  json.RawMessage        // taskDefinition.inputTemplate; nil without
	Delivered map[string]secret.Text // runtimeMetadata
	External  bool                   // the input lies in external payload storage
}
