package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"conductor-jwt/conductor"
	"conductor-jwt/internal/printable"
	"conductor-jwt/task"
)

// surveyedTask is a task of a workflow definition, and what its template shows.
type surveyedTask struct {
	conductor.WorkflowTask
	task.Survey
}

// workflows lists the tasks of the given types, and those that look like them but
// have another queue.
func workflows(ctx context.Context, o Options) (surveyed []surveyedTask, elsewhere []conductor.WorkflowTask, found []Finding) {
	tasks, err := o.Server.WorkflowTasks(ctx, conductor.MaxAnswer, o.wanted)
	if err != nil {
		return nil, nil, []Finding{unknown("workflows", err, "read metadata")}
	}
	names := map[string]bool{}
	for _, t := range tasks {
		if !slices.Contains(o.TaskTypes, t.Queue()) {
			elsewhere = append(elsewhere, t)
			continue
		}
		names[t.Workflow] = true
		surveyed = append(surveyed, surveyedTask{t, task.SurveyOf(t.Queue(), t.Template)})
	}
	if len(surveyed) == 0 {
		return nil, elsewhere, []Finding{ok("workflows", "no workflow definition uses "+strings.Join(o.TaskTypes, " or ")+" yet")}
	}
	return surveyed, elsewhere, []Finding{ok("workflows", fmt.Sprintf("%s in %s", printable.Count(len(surveyed), "task"), printable.Count(len(names), "workflow")))}
}

// keysIn finds private keys that are stored with workflows.
func keysIn(tasks []surveyedTask) []Finding {
	var found []Finding
	for _, t := range tasks {
		if t.LiteralKey {
			found = append(found, fail("key", where(t.WorkflowTask)+" has the private key in its definition, where everyone who may read workflows sees it",
				"store the key as a secret, write ${workflow.secrets.NAME} in its place, and replace the key, because others may have read it"))
		}
		if t.OpenKey {
			found = append(found, warn("key", where(t.WorkflowTask)+" takes its private key from the workflow's data, which is stored in plain text with each execution",
				"store the key as a secret and write ${workflow.secrets.NAME}, or name a key of the policy by keyRef"))
		}
		for _, name := range t.SecretsElsewhere {
			found = append(found, warn("key", fmt.Sprintf("%s puts a secret into %s, which everyone who gets the token can read", where(t.WorkflowTask), name),
				"write the value itself; the claims of a token are not secret"))
		}
	}
	if len(found) == 0 && len(tasks) > 0 {
		found = append(found, ok("key", "no workflow holds a private key"))
	}
	return found
}

func where(t conductor.WorkflowTask) string {
	return fmt.Sprintf("task %s of workflow %s version %d", quote(t.Reference), quote(t.Workflow), t.Version)
}
