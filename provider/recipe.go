package provider

import (
	"encoding/json/jsontext"
	"strings"
)

// Recipe is the workflow of one provider.
type Recipe struct {
	Profile string // of the table of profiles; the recipe's name too
	Secret  string // the name of the server's secret that holds the key
	Key     string // how to get it
	Wrong   string // what goes wrong, sentence by sentence

	sign   string // further inputs of the signing task: members of a JSON object
	inputs string // of the workflow, with what they are by default: likewise

	request string // inputs of the HTTP task that hands the token in: likewise
	access  string // where the access token is in the answer; empty: the token is sent with each call
	header  string // of the call; empty: Authorization: Bearer
}

// FindRecipe gives the recipe of a profile.
func FindRecipe(name string) (Recipe, bool) {
	for _, r := range Recipes() {
		if r.Profile == name {
			return r, true
		}
	}
	return Recipe{}, false
}

// TaskName is the task of the sub-workflow, in every recipe.
const TaskName = "provider_token"

// TaskDef is the definition of [TaskName]: how long is waited before the
// sub-workflow runs again. Without it the server waits a minute.
func TaskDef() []byte {
	return pretty(`{"name":"` + TaskName + `","ownerEmail":"you@example.com","description":"Signs a token and sends it to the provider; both again where one fails.",
		"retryCount":3,"retryLogic":"EXPONENTIAL_BACKOFF","retryDelaySeconds":1,"timeoutSeconds":0,"responseTimeoutSeconds":3600,"timeoutPolicy":"RETRY"}`)
}

func (r Recipe) name(suffix string) string {
	return strings.ReplaceAll(r.Profile, "-", "_") + suffix
}

// Names of the workflows, for whoever starts one.
func (r Recipe) Names() (workflow, token string) { return r.name("_call"), r.name("_token") }

// Token is the sub-workflow: it signs and hands the token in.
func (r Recipe) Token() []byte {
	sign := `"profile":"` + r.Profile + `","privateKey":"${workflow.secrets.` + r.Secret + `}"`
	if r.sign != "" {
		sign += "," + r.sign
	}
	output := `"response":"${exchange.output.response.body}"`
	if r.access != "" {
		output = `"accessToken":"${exchange.output.response.body.` + r.access + `}"`
	}
	return r.workflow("_token", `{"name":"get_signed_jwt","taskReferenceName":"jwt","type":"GET_SIGNED_JWT","inputParameters":{`+sign+`}},
		{"name":"exchange","taskReferenceName":"exchange","type":"HTTP","retryCount":0,"inputParameters":{`+r.request+`,"connectionTimeOut":5000,"readTimeOut":10000}}`, output)
}

// Workflow is what is started: the sub-workflow, then the call.
func (r Recipe) Workflow() []byte {
	_, token := r.Names()
	tasks := `{"name":"` + TaskName + `","taskReferenceName":"token","type":"SUB_WORKFLOW","retryCount":3,
		"inputParameters":{` + r.passed() + `},"subWorkflowParam":{"name":"` + token + `","version":1}}`
	if r.access == "" {
		return r.workflow("_call", tasks, `"response":"${token.output.response}"`)
	}
	header := r.header
	if header == "" {
		header = `"Authorization":"Bearer ${token.output.accessToken}"`
	}
	tasks += `,{"name":"call","taskReferenceName":"call","type":"HTTP","inputParameters":{"uri":"${workflow.input.apiUrl}","method":"GET",
		"accept":"application/json","headers":{` + header + `}}}`
	return r.workflow("_call", tasks, `"response":"${call.output.response.body}"`)
}

func (r Recipe) workflow(suffix, tasks, output string) []byte {
	return pretty(`{"name":"` + r.name(suffix) + `","version":1,"schemaVersion":2,"ownerEmail":"you@example.com","timeoutSeconds":300,"timeoutPolicy":"TIME_OUT_WF",
		"inputTemplate":{` + r.inputs + `},"tasks":[` + tasks + `],"outputParameters":{` + output + `}}`)
}

// passed are the inputs, handed on.
func (r Recipe) passed() string {
	var list []string
	for _, name := range memberNames(r.inputs) {
		list = append(list, `"`+name+`":"${workflow.input.`+name+`}"`)
	}
	return strings.Join(list, ",")
}

// memberNames gives the names of the members of a JSON object.
func memberNames(members string) []string {
	var names []string
	d := jsontext.NewDecoder(strings.NewReader("{" + members + "}"))
	_, err := d.ReadToken()
	for err == nil && d.PeekKind() == jsontext.KindString {
		var name jsontext.Token
		if name, err = d.ReadToken(); err == nil {
			names = append(names, name.String())
			err = d.SkipValue()
		}
	}
	return names
}

func pretty(text string) []byte {
	value := jsontext.Value(text)
	if err := value.Indent(jsontext.WithIndent("  ")); err != nil {
		panic("recipe: a workflow that is no json: " + err.Error())
	}
	return value
}
