package provider

import (
	"cmp"
	"encoding/json/jsontext"
	"strings"

	"conductor-jwt/internal/jsonobj"
)

// Recipe is what is particular to a provider in its example workflow, which gets a
// token and calls the provider with it.
type Recipe struct {
	Secret   string   // name of the server's secret that holds the key
	KeySetup string   // how to get the key; Markdown
	Problems []string // errors of the provider and their causes; Markdown

	// Members of JSON objects, without the braces:
	task   string // further inputs of the task that gets the token
	inputs string // inputs of the workflow, with example values
	header string // headers of the call; empty: bearer
	call   string // further inputs of the call; empty: it is a GET
}

// Parts that several recipes share.
const (
	bearer = `"Authorization":"Bearer ${token.output.token}"`

	clientInputs     = `"issuer":"${workflow.input.clientId}","audience":"${workflow.input.audience}"`
	keyIDInput       = `,"privateKeyId":"${workflow.input.keyId}"`
	scopesInput      = `,"scopes":"${workflow.input.scopes}"`
	tokenURLInput    = `,"tokenUrl":"${workflow.input.tokenUrl}"`
	clientDefaults   = `"clientId":"client-id","keyId":"key-1",`
	issuerAndSubject = `"issuer":"${workflow.input.issuer}","subject":"${workflow.input.subject}"`
	rawSecret        = `"secretEncoding":"raw"`

	newKey         = "Run `conductor-jwt key generate key.pem --alg RS256 --public-out key.pub.pem`."
	newCertificate = "Run `openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out key.crt -subj /CN=conductor -days 365`."
	registerJWKS   = " Register the JWK Set of `conductor-jwt jwks key.pub.pem`."
	invalidClient  = "`invalid_client`: the audience is wrong, or `privateKeyId` (the JWK Set's `kid`)."
)

// WorkflowName is the name of the recipe's workflow.
func (p *Profile) WorkflowName() string { return strings.ReplaceAll(p.Name, "-", "_") + "_call" }

// Workflow returns the JSON of a workflow that gets a token and calls the provider
// with it.
func (p *Profile) Workflow() []byte {
	r := p.Recipe
	kind, header, inputs, task := "GET_SIGNED_JWT", bearer, r.inputs, p.tokenInputs()
	if p.Exchange != nil {
		kind, header = "GET_ACCESS_TOKEN", `"Authorization":"Bearer ${token.output.accessToken}"`
		task += `,"fresh":"${workflow.input.fresh}"`
		inputs += `,"fresh":false`
	}
	return indented(`{"name":"` + p.WorkflowName() + `","version":1,"schemaVersion":2,"ownerEmail":"you@example.com","timeoutSeconds":300,"timeoutPolicy":"TIME_OUT_WF",
		"inputTemplate":{` + inputs + `},"tasks":[
		{"name":"` + strings.ToLower(kind) + `","taskReferenceName":"token","type":"` + kind + `","inputParameters":{` + task + `}},
		{"name":"call","taskReferenceName":"call","type":"HTTP","inputParameters":{"uri":"${workflow.input.apiUrl}",` + cmp.Or(r.call, `"method":"GET"`) + `,
		"accept":"application/json","headers":{` + cmp.Or(r.header, header) + `}}}],
		"outputParameters":{"response":"${call.output.response.body}"}}`)
}

// tokenInputs returns the inputs of the task that gets the token, without fresh, as
// members of a JSON object.
func (p *Profile) tokenInputs() string {
	members := `"profile":"` + p.Name + `","privateKey":"${workflow.secrets.` + p.Recipe.Secret + `}"`
	if p.Recipe.task != "" {
		members += "," + p.Recipe.task
	}
	return members
}

func indented(text string) []byte {
	value := jsontext.Value(text)
	if err := value.Indent(jsontext.WithIndent("  ")); err != nil {
		panic("provider: a recipe is not json: " + err.Error())
	}
	return value
}

// RecipePage returns the recipe as a page of documentation, in Markdown, with what
// is particular to the provider. docs/recipes/README.md has what all recipes share.
func (p *Profile) RecipePage() string {
	var b strings.Builder
	for _, text := range []string{
		"# ", p.Name, "\n\nFor authors: ", p.Title, " ([rules](../profiles.md#", p.Name, "), [how-to](README.md)).\n\n",
		p.Recipe.KeySetup, "\n", p.endpointToList(),
		"\n", p.taskLink(), " inputs:\n", p.example(p.tokenInputs()), p.callInputs(),
		"\nProblems:\n\n", bullets(p.Recipe.Problems),
	} {
		b.WriteString(text)
	}
	return b.String()
}

// endpointToList says which token endpoint an operator lists; "" if the provider's
// own are built in.
func (p *Profile) endpointToList() string {
	if p.Exchange == nil || p.Exchange.URL != "" || p.Exchange.Patterns != nil {
		return ""
	}
	return "\nIn the [policy file](../keys.md#exchange):\n\n```yaml\nexchange:\n  endpoints: [\"" + p.exampleEndpoint() + "\"]\n```\n"
}

// exampleEndpoint returns the token endpoint of the example values.
func (p *Profile) exampleEndpoint() string {
	inputs := p.exampleInputs()
	tokenURL, ok := inputs.Text("tokenUrl")
	if !ok {
		audience, _ := inputs.Text("audience")
		tokenURL = p.Exchange.endpoint(audience)
	}
	return tokenURL
}

// exampleInputs returns the workflow's inputs with their example values.
func (p *Profile) exampleInputs() jsonobj.Object {
	inputs, err := jsonobj.Parse([]byte("{"+p.Recipe.inputs+"}"), jsonobj.Limits{})
	if err != nil {
		panic("provider: a recipe is not json: " + err.Error())
	}
	return inputs
}

func (p *Profile) taskLink() string {
	if p.Exchange == nil {
		return "[GET_SIGNED_JWT](../task.md)"
	}
	return "[GET_ACCESS_TOKEN](../access-token.md)"
}

// callInputs shows the call where it is not a GET with a bearer token, which
// docs/recipes/README.md shows.
func (p *Profile) callInputs() string {
	var members []string
	if p.Recipe.call != "" {
		members = append(members, p.Recipe.call)
	}
	if p.Recipe.header != "" {
		members = append(members, `"headers":{`+p.Recipe.header+`}`)
	}
	if members == nil {
		return ""
	}
	return "\nThe call has:\n" + p.example(strings.Join(members, ","))
}

// example shows an object with the members given, and the workflow's example values in
// place of its inputs.
func (p *Profile) example(members string) string {
	inputs := p.exampleInputs()
	for input := range inputs.Members() {
		members = strings.ReplaceAll(members, `"${workflow.input.`+input.Name+`}"`, string(input.Value))
	}
	return "\n```json\n" + string(indented("{"+members+"}")) + "\n```\n"
}

func bullets(list []string) string {
	var b strings.Builder
	for _, text := range list {
		b.WriteString("- " + text + "\n")
	}
	return b.String()
}
