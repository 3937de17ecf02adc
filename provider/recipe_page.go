package provider

import "strings"

// Page is the recipe as a page of documents, in Markdown.
func (r Recipe) Page() string {
	workflow, token := r.Names()
	var b strings.Builder
	for _, text := range []string{
		"# ", r.Profile, "\n\nThe rules: [docs/profiles.md](../profiles.md#", r.Profile, "). Printed by `conductor-jwt recipe show ", r.Profile, "`.\n",
		"\n## The key\n\n", r.Key, " Define it on the server as environment variable `CONDUCTOR_SECRET_", r.Secret, "`.\n",
		"\n## The workflow\n\n`", token, "` signs and ", r.sends(), ". Where either fails, both run again: the task in `", workflow,
		"` has the retries, and the task that sends the token has none, since a retry there would send an old token.\n",
		block(r.Workflow()), block(r.Token()),
		"\nThe task definition of the sub-workflow's task, once for all recipes:\n", block(TaskDef()),
		"\n## What goes wrong\n\n", bullets(r.Wrong), bullets(r.always()),
	} {
		b.WriteString(text)
	}
	return b.String()
}

// sends says what the sub-workflow does with the token.
func (r Recipe) sends() string {
	if r.access == "" {
		return "calls the provider with the token: there is no access token"
	}
	return "exchanges the token for an access token, which `" + r.name("_call") + "` calls the provider with"
}

// always is what holds for each recipe of a kind.
func (r Recipe) always() string {
	const again = "Retrying within the sub-workflow (`resumeSubworkflowTasks=true`) sends the old token again, which has expired by then."
	if r.access == "" {
		return "After hours, *Retry* from the failed task (`POST /workflow/{id}/retry`) signs a new token. " + again +
			"|The token is stored in clear with the execution, for everybody who may look at it."
	}
	return "After hours, *Retry* from the failed task (`POST /workflow/{id}/retry`) signs a new token where the exchange had failed. " + again +
		"|Where the call had failed, its access token has expired by then: use *Rerun* from the task `token`." +
		"|The token and the access token are stored in clear with the execution, for everybody who may look at it."
}

func block(json []byte) string { return "\n```json\n" + string(json) + "\n```\n" }

func bullets(text string) string {
	if text == "" {
		return ""
	}
	return "- " + strings.ReplaceAll(text, "|", "\n- ") + "\n"
}
