package recipe

import "strings"

// Page is the recipe as a page of documents, in Markdown.
func (r Recipe) Page() string {
	workflow, token := r.Names()
	var b strings.Builder
	for _, text := range []string{
		"# ", r.Profile, "\n\nThe rules: [docs/profiles.md](../profiles.md#", r.Profile, "). Printed by `conductor-jwt recipe show ", r.Profile, "`.\n",
		"\n## The key\n\n", r.Key, " Define it on the server as environment variable `CONDUCTOR_SECRET_", r.Secret, "`.\n",
		"\n## The workflow\n\n`", token, "` signs and hands the token in. Where either fails, both run again: the task in `", workflow,
		"` has the retries, and the exchange has none, since a token is good once and for minutes.\n",
		block(r.Workflow()), block(r.Token()),
		"\nThe task definition of the sub-workflow's task, once for all recipes:\n", block(TaskDef()),
		"\n## What goes wrong\n\n", bullets(r.Wrong), bullets(always),
	} {
		b.WriteString(text)
	}
	return b.String()
}

const always = "After hours, *Retry* from the failed task (`POST /workflow/{id}/retry`) signs anew where the exchange had failed. " +
	"Retrying within the sub-workflow (`resumeSubworkflowTasks=true`) hands the old token in again: it has expired.|" +
	"Where the call had failed, its access token has expired by then: use *Rerun* from the task `token`.|The token and the access token are stored in clear with the execution, for everybody who may look at it."

func block(json []byte) string { return "\n```json\n" + string(json) + "\n```\n" }

func bullets(text string) string {
	if text == "" {
		return ""
	}
	return "- " + strings.ReplaceAll(text, "|", "\n- ") + "\n"
}
