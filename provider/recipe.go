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

	newKey        = "Make a key: `conductor-jwt key generate key.pem --alg RS256 --public-out key.pub.pem`."
	registerJWKS  = " Register the public half, which `conductor-jwt jwks key.pub.pem` prints as a JWK Set."
	invalidClient = "`invalid_client`: the `kid` is not that of the registered key, or the audience is not the URL that the provider expects."
)

// WorkflowName is the name of the recipe's workflow.
func (p *Profile) WorkflowName() string { return strings.ReplaceAll(p.Name, "-", "_") + "_call" }

// Workflow returns the JSON of a workflow that gets a token and calls the provider
// with it.
func (p *Profile) Workflow() []byte {
	r := p.Recipe
	kind, header, inputs := "GET_SIGNED_JWT", bearer, r.inputs
	task := `"profile":"` + p.Name + `","privateKey":"${workflow.secrets.` + r.Secret + `}"`
	if r.task != "" {
		task += "," + r.task
	}
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

func indented(text string) []byte {
	value := jsontext.Value(text)
	if err := value.Indent(jsontext.WithIndent("  ")); err != nil {
		panic("provider: a recipe is not json: " + err.Error())
	}
	return value
}

// RecipePage returns the recipe as a page of documentation, in Markdown. What all
// recipes have in common is in docs/recipes/README.md.
func (p *Profile) RecipePage() string {
	var b strings.Builder
	for _, text := range []string{
		"# ", p.Name, "\n\nFor workflow authors: ", p.Title, ". [The rules](../profiles.md#", p.Name, "), [how to run a recipe](README.md).\n",
		"\n## The key\n\n", p.Recipe.KeySetup, " Store the key as the server's secret `", p.Recipe.Secret, "`.\n",
		p.endpointToList(),
		"\n## The workflow\n\n", p.summary(), "\n", jsonBlock(p.Workflow()),
		"\n## Problems\n\n", bullets(p.Recipe.Problems),
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
	return "\n## The policy file\n\nList the token endpoint, because the host is yours:\n\n```yaml\nexchange:\n  endpoints: [\"" + p.exampleEndpoint() + "\"]\n```\n"
}

// exampleEndpoint returns the token endpoint of the example values.
func (p *Profile) exampleEndpoint() string {
	inputs, err := jsonobj.Parse([]byte("{"+p.Recipe.inputs+"}"), jsonobj.Limits{})
	if err != nil {
		panic("provider: a recipe is not json: " + err.Error())
	}
	tokenURL, ok := inputs.Text("tokenUrl")
	if !ok {
		audience, _ := inputs.Text("audience")
		tokenURL = p.Exchange.endpoint(audience)
	}
	return tokenURL
}

func (p *Profile) summary() string {
	if p.Exchange == nil {
		return "`token` signs a token, and `call` sends it to the provider. There is no access token."
	}
	return "`token` signs a token and exchanges it for an access token ([GET_ACCESS_TOKEN](../access-token.md)). `call` sends that to the provider."
}

func jsonBlock(json []byte) string { return "\n```json\n" + string(json) + "\n```\n" }

func bullets(list []string) string {
	var b strings.Builder
	for _, text := range list {
		b.WriteString("- " + text + "\n")
	}
	return b.String()
}
