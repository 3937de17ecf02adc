// Package task is the contract of the GET_SIGNED_JWT task: what a workflow
// author may write, and what comes back.
package task

import (
	"context"
	"encoding/json"

	"conductor-jwt/conductor/api"
)

// Stored gives a task and its execution as the server keeps them, their secrets
// unresolved.
type Stored interface {
	StoredTask(ctx context.Context, id string) (api.Task, error)
	// StoredWorkflow has a member workflowDefinition.
	StoredWorkflow(ctx context.Context, id string) (json.RawMessage, error)
}
