package provider

import (
	"encoding/json/jsontext"
	"strings"

	"conductor-jwt/internal/jsonobj"
)

// Recipe is what is particular to a provider in its two example workflows. The
// first signs a token and exchanges it for an access token; the second runs the
// first as a sub-workflow and calls the provider.
//
// Most providers accept a token only once, and only for minutes. A retry must
// therefore sign a new token: the task that runs the sub-workflow has retries,
// the exchange has none.
type Recipe struct {
	Secret   string   // name of the server's secret that holds the key
	KeySetup string   // how to get the key; Markdown
	Problems []string // errors of the provider and their causes; Markdown

	// Members of JSON objects, without the braces:
	signInputs string // further inputs of the signing task
	inputs     string // inputs of both workflows, with example values
	request    string // inputs of the HTTP task that sends the token
	callHeader string // header of the call with the access token; empty: Authorization: Bearer

	// accessToken is the path of the access token in the response. It is empty
	// where the provider is called with the token itself.
	accessToken string
}

// Parts that several recipes share.
const (
	post      = `"uri":"${workflow.input.tokenUrl}","method":"POST","accept":"application/json",`
	form      = post + `"contentType":"application/x-www-form-urlencoded","body":"`
	bearerGet = `"uri":"${workflow.input.apiUrl}","method":"GET","accept":"application/json","headers":{"Authorization":"Bearer ${jwt.output.token}"`

	// RFC 7523 §2.1 and §2.2.
	assertionForm       = form + `grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=${jwt.output.token}`
	clientAssertionForm = form + `grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=${jwt.output.token}`

	clientInputs     = `"issuer":"${workflow.input.clientId}","audience":"${workflow.input.audience}"`
	keyIDInput       = `,"privateKeyId":"${workflow.input.keyId}"`
	clientDefaults   = `"clientId":"client-id","keyId":"key-1",`
	issuerAndSubject = `"issuer":"${workflow.input.issuer}","subject":"${workflow.input.subject}"`
	rawSecret        = `"secretEncoding":"raw"`

	newKey        = "Make a key: `conductor-jwt key generate key.pem --alg RS256 --public-out key.pub.pem`."
	registerJWKS  = " Register the public half, which `conductor-jwt jwks key.pub.pem` prints as a JWK Set."
	invalidClient = "`invalid_client`: the `kid` is not that of the registered key, or the audience is not the URL that the provider expects."
)

// tokenTaskName is the name of the task that runs the sub-workflow, in every
// recipe.
const tokenTaskName = "provider_token"

// TokenTaskDef returns the JSON of the definition of the task that runs the
// sub-workflow. It sets the delay before a retry; without it the server waits a
// minute.
func TokenTaskDef() []byte {
	return indented(`{"name":"` + tokenTaskName + `","ownerEmail":"you@example.com","description":"Signs a token and sends it to the provider; a retry does both.",
		"retryCount":3,"retryLogic":"EXPONENTIAL_BACKOFF","retryDelaySeconds":1,"timeoutSeconds":0,"responseTimeoutSeconds":3600,"timeoutPolicy":"RETRY"}`)
}

// CallWorkflowName is the name of the workflow that a user starts.
func (p *Profile) CallWorkflowName() string { return p.workflowName("_call") }

// tokenWorkflowName is the name of the sub-workflow.
func (p *Profile) tokenWorkflowName() string { return p.workflowName("_token") }

func (p *Profile) workflowName(suffix string) string {
	return strings.ReplaceAll(p.Name, "-", "_") + suffix
}

// TokenWorkflow returns the JSON of the sub-workflow, which signs a token and
// sends it to the provider.
func (p *Profile) TokenWorkflow() []byte {
	r := p.Recipe
	sign := `"profile":"` + p.Name + `","privateKey":"${workflow.secrets.` + r.Secret + `}"`
	if r.signInputs != "" {
		sign += "," + r.signInputs
	}
	output := `"response":"${exchange.output.response.body}"`
	if r.accessToken != "" {
		output = `"accessToken":"${exchange.output.response.body.` + r.accessToken + `}"`
	}
	return p.workflow(p.tokenWorkflowName(), `{"name":"get_signed_jwt","taskReferenceName":"jwt","type":"GET_SIGNED_JWT","inputParameters":{`+sign+`}},
		{"name":"exchange","taskReferenceName":"exchange","type":"HTTP","retryCount":0,"inputParameters":{`+r.request+`,"connectionTimeOut":5000,"readTimeOut":10000}}`, output)
}

// CallWorkflow returns the JSON of the workflow that a user starts: the
// sub-workflow, then the call with the access token where there is one.
func (p *Profile) CallWorkflow() []byte {
	r := p.Recipe
	tasks := `{"name":"` + tokenTaskName + `","taskReferenceName":"token","type":"SUB_WORKFLOW","retryCount":3,
		"inputParameters":{` + r.passedInputs() + `},"subWorkflowParam":{"name":"` + p.tokenWorkflowName() + `","version":1}}`
	if r.accessToken == "" {
		return p.workflow(p.CallWorkflowName(), tasks, `"response":"${token.output.response}"`)
	}
	header := r.callHeader
	if header == "" {
		header = `"Authorization":"Bearer ${token.output.accessToken}"`
	}
	tasks += `,{"name":"call","taskReferenceName":"call","type":"HTTP","inputParameters":{"uri":"${workflow.input.apiUrl}","method":"GET",
		"accept":"application/json","headers":{` + header + `}}}`
	return p.workflow(p.CallWorkflowName(), tasks, `"response":"${call.output.response.body}"`)
}

func (p *Profile) workflow(name, tasks, output string) []byte {
	return indented(`{"name":"` + name + `","version":1,"schemaVersion":2,"ownerEmail":"you@example.com","timeoutSeconds":300,"timeoutPolicy":"TIME_OUT_WF",
		"inputTemplate":{` + p.Recipe.inputs + `},"tasks":[` + tasks + `],"outputParameters":{` + output + `}}`)
}

// passedInputs are the inputs of the sub-workflow: those of the workflow.
func (r Recipe) passedInputs() string {
	var list []string
	for _, name := range memberNames(r.inputs) {
		list = append(list, `"`+name+`":"${workflow.input.`+name+`}"`)
	}
	return strings.Join(list, ",")
}

// memberNames returns the names of the members of a JSON object, which are
// given without its braces.
func memberNames(members string) []string {
	object, err := jsonobj.Parse([]byte("{"+members+"}"), jsonobj.Limits{})
	if err != nil {
		panic("provider: a recipe is not json: " + err.Error())
	}
	var names []string
	for m := range object.Members() {
		names = append(names, m.Name)
	}
	return names
}

func indented(text string) []byte {
	value := jsontext.Value(text)
	if err := value.Indent(jsontext.WithIndent("  ")); err != nil {
		panic("provider: a recipe is not json: " + err.Error())
	}
	return value
}

// RecipePage returns the recipe as a page of documentation, in Markdown.
func (p *Profile) RecipePage() string {
	var b strings.Builder
	for _, text := range []string{
		"# ", p.Name, "\n\nThe rules: [docs/profiles.md](../profiles.md#", p.Name, "). Printed by `conductor-jwt recipe show ", p.Name, "`.\n",
		"\n## The key\n\n", p.Recipe.KeySetup, " Store it on the server as the environment variable `CONDUCTOR_SECRET_", p.Recipe.Secret, "`.\n",
		"\n## The workflow\n\n`", p.tokenWorkflowName(), "` signs and ", p.exchangeSentence(), ". If either fails, both run again: the task in `", p.CallWorkflowName(),
		"` has retries. The task that sends the token has none, because a retry would send an old token.\n",
		jsonBlock(p.CallWorkflow()), jsonBlock(p.TokenWorkflow()),
		"\nThe definition of the task that runs the sub-workflow; register it once for all recipes:\n", jsonBlock(TokenTaskDef()),
		"\n## Problems\n\n", bullets(p.Recipe.Problems), bullets(p.Recipe.commonProblems()),
	} {
		b.WriteString(text)
	}
	return b.String()
}

func (p *Profile) exchangeSentence() string {
	if p.Recipe.accessToken == "" {
		return "calls the provider with the token; there is no access token"
	}
	return "exchanges the token for an access token, with which `" + p.CallWorkflowName() + "` calls the provider"
}

// commonProblems are those of every recipe of a kind.
func (r Recipe) commonProblems() []string {
	const again = "A retry within the sub-workflow (`resumeSubworkflowTasks=true`) sends the old token, which has expired."
	if r.accessToken == "" {
		return []string{
			"Hours later, *Retry* from the failed task (`POST /workflow/{id}/retry`) signs a new token. " + again,
			"The token is stored in clear with the execution, for everyone who may read it.",
		}
	}
	return []string{
		"Hours later, *Retry* from the failed task (`POST /workflow/{id}/retry`) signs a new token if the exchange failed. " + again,
		"If the call failed, its access token has expired: use *Rerun* from the task `token`.",
		"The token and the access token are stored in clear with the execution, for everyone who may read it.",
	}
}

func jsonBlock(json []byte) string { return "\n```json\n" + string(json) + "\n```\n" }

func bullets(list []string) string {
	var b strings.Builder
	for _, text := range list {
		b.WriteString("- " + text + "\n")
	}
	return b.String()
}
