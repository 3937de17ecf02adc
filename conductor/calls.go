package conductor

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// call is one of the calls of this package, by the name that errors and
// metrics give it.
type call string

const (
	callPoll          call = "poll"
	callUpdate        call = "update"
	callGetTask       call = "get task"
	callGetWorkflow   call = "get workflow"
	callGetTaskDef    call = "get taskdef"
	callCreateTaskDef call = "create taskdef"
	callVersion       call = "version"
	callToken         call = "token"

	callWorkflowDefs call = "get workflowdefs"
	callSecretExists call = "secret exists"
	callSecretNames  call = "secret names"
	callQueueSize    call = "queue size"
	callPollData     call = "poll data"
)

func (c call) method() string {
	switch c {
	case callUpdate, callCreateTaskDef, callToken:
		return http.MethodPost
	default:
		return http.MethodGet
	}
}

// template is the path below the API's, with at most one {name} in it.
func (c call) template() string {
	switch c {
	case callPoll:
		return "/tasks/poll/batch/{taskType}"
	case callUpdate:
		return "/tasks"
	case callGetTask:
		return "/tasks/{taskId}"
	case callGetWorkflow:
		return "/workflow/{workflowId}"
	case callGetTaskDef:
		return "/metadata/taskdefs/{name}"
	case callCreateTaskDef:
		return "/metadata/taskdefs"
	case callToken:
		return "/token"
	case callWorkflowDefs:
		return "/metadata/workflow"
	case callSecretExists:
		return "/secrets/{name}/exists"
	case callSecretNames:
		return "/secrets"
	case callQueueSize:
		return "/tasks/queue/size"
	case callPollData:
		return "/tasks/queue/polldata"
	default:
		return "/version"
	}
}

// limit is how large an answer may be, given how large a poll's may be: tasks,
// executions and the list of all workflows are large, the rest is not.
func (c call) limit(most int64) int64 {
	switch c {
	case callPoll, callGetTask, callWorkflowDefs:
		return most
	case callGetWorkflow:
		return min(most, 16<<20) // by default the server keeps 5 MiB of input and of output
	}
	return min(most, 1<<20)
}

// path is the template with its one argument in place.
func (c call) path(argument string) string {
	before, after, ok := strings.Cut(c.template(), "{")
	if !ok {
		return before
	}
	_, after, _ = strings.Cut(after, "}")
	return before + url.PathEscape(argument) + after
}

type maxBodyKey struct{}

// WithMaxBody lowers how many bytes an answer may hold, for a caller that can do
// without a large one.
func WithMaxBody(ctx context.Context, most int64) context.Context {
	return context.WithValue(ctx, maxBodyKey{}, most)
}

func maxBodyOf(ctx context.Context, most int64) int64 {
	if lower, ok := ctx.Value(maxBodyKey{}).(int64); ok {
		return min(lower, most)
	}
	return most
}

type callKey struct{}

func withCall(ctx context.Context, c call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

func callOf(ctx context.Context) call {
	c, _ := ctx.Value(callKey{}).(call)
	return c
}
