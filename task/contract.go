package task

import (
	"context"
	"slices"
	"strings"

	"conductor-jwt/conductor/api"
)

// The task types, which are also the queues, in any case of letters: a SIMPLE task
// is queued under its name. A task of any other queue is read as one of
// [TaskType], because operators may choose names of their own.
const (
	TaskType        = "GET_SIGNED_JWT"
	AccessTokenType = "GET_ACCESS_TOKEN"
	verifyType      = "VERIFY_JWT"
)

// contract is what a task of one queue may say, what comes back, and the steps
// between the two.
type contract struct {
	queue   string
	summary string // the description of its task definition
	inputs  []inputSpec
	outputs []string
	run     func(h *Handler, ctx context.Context, t api.Task) (draft, Outcome)

	exchanges bool // the token is exchanged for an access token

	// hints say what to write instead of an unknown name; see hintFor.
	hints func() []nameHint
}

// contracts returns the contract of each task type. The first is that of every
// other queue.
func contracts() []contract {
	return []contract{
		{
			queue: TaskType, summary: "Signs a JSON Web Token", inputs: allInputs(), outputs: tokenOutputs(), run: (*Handler).issue,
			hints: signHints,
		},
		{
			queue: AccessTokenType, summary: "Exchanges a signed assertion for an access token",
			inputs: accessTokenInputs(), outputs: accessTokenOutputs(), run: (*Handler).issue, exchanges: true,
			hints: accessTokenHints,
		},
		{
			queue: verifyType, summary: "Verifies a JSON Web Token", inputs: verifyInputs(), outputs: verifyOutputs(), run: (*Handler).verify,
			hints: verifyHints,
		},
	}
}

// contractOf returns the contract of a queue.
func contractOf(list []contract, queue string) *contract {
	if i := slices.IndexFunc(list, func(c contract) bool { return strings.EqualFold(c.queue, queue) }); i >= 0 {
		return &list[i]
	}
	return &list[0]
}

// Definition describes the tasks of a queue for their task definition.
type Definition struct {
	Summary    string
	InputKeys  []string // the names of all inputs
	OutputKeys []string // the names that a completed task's output may have
}

// DefinitionOf returns the description of a queue's tasks.
func DefinitionOf(queue string) Definition {
	c := contractOf(contracts(), queue)
	return Definition{Summary: c.summary, InputKeys: namesOf(c.inputs), OutputKeys: c.outputs}
}

// Types returns the task types.
func Types() []string {
	var types []string
	for _, c := range contracts() {
		types = append(types, c.queue)
	}
	return types
}

// Exchanges reports whether tasks of a queue ask for an access token.
func Exchanges(queue string) bool { return contractOf(contracts(), queue).exchanges }

// Verifies reports whether tasks of a queue verify a token.
func Verifies(queue string) bool { return strings.EqualFold(queue, verifyType) }

// HasContract reports whether a queue has a contract by its name.
func HasContract(queue string) bool {
	return slices.ContainsFunc(contracts(), func(c contract) bool { return strings.EqualFold(c.queue, queue) })
}

// InputNames returns the names of the inputs of all task types, each once.
func InputNames() []string {
	var names []string
	for _, c := range contracts() {
		for _, name := range namesOf(c.inputs) {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

func namesOf(inputs []inputSpec) []string {
	names := make([]string, len(inputs))
	for i, in := range inputs {
		names[i] = in.Name
	}
	return names
}
