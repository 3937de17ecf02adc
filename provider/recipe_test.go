package provider_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/provider"
)

const pages = "../docs/recipes"

func TestEachProfileHasARecipe(t *testing.T) {
	for _, p := range provider.Profiles() {
		if r := p.Recipe; r.KeySetup == "" || len(r.Problems) == 0 || r.Secret == "" {
			t.Errorf("%s: %+v", p.Name, r)
		}
	}
}

// A page mentions an access token only where there is one.
func TestAPageSaysWhatTheTokenIs(t *testing.T) {
	for _, p := range provider.Profiles() {
		page := p.RecipePage()
		exchanges, signs := strings.Contains(page, "GET_ACCESS_TOKEN"), strings.Contains(page, "GET_SIGNED_JWT")
		if exchanges != (p.Exchange != nil) || signs == exchanges {
			t.Errorf("%s: the page speaks of GET_ACCESS_TOKEN: %t, of GET_SIGNED_JWT: %t", p.Name, exchanges, signs)
		}
	}
}

// The policy must list a host that is not the provider's.
func TestAPageSaysWhatThePolicyMustList(t *testing.T) {
	for name, want := range map[string]string{
		"keycloak": `["https://keycloak.example.com/realms/main/protocol/openid-connect/token"]`, "smart-backend-services": `["https://ehr.example.com/token"]`,
		"client-assertion": `["https://as.example.com/token"]`, "okta": "",
	} {
		page := find(t, name).RecipePage()
		if listed := strings.Contains(page, "endpoints: "+want); listed != (want != "") {
			t.Errorf("%s: the page lists an endpoint: %t", name, listed)
		}
	}
}

// A command that prompts stops a script, and a certificate without a lifetime
// expires after a month.
func TestACommandOfAPageDoesNotPrompt(t *testing.T) {
	command := regexp.MustCompile("`(openssl req [^`]*)`")
	found := 0
	for _, p := range provider.Profiles() {
		for _, m := range command.FindAllStringSubmatch(p.Recipe.KeySetup, -1) {
			found++
			if !strings.Contains(m[1], " -subj /") || !strings.Contains(m[1], " -days ") {
				t.Errorf("%s: %s", p.Name, m[1])
			}
		}
	}
	if found != 3 {
		t.Errorf("found %d commands", found)
	}
}

func TestTheSalesforceRecipeUsesMyDomain(t *testing.T) {
	p, _ := provider.Find("salesforce")
	inputs := parse(t, p.Workflow()).InputTemplate
	for _, name := range []string{"audience", "apiUrl"} {
		if text, _ := inputs[name].(string); !strings.HasPrefix(text, "https://example.my.salesforce.com") {
			t.Errorf("%s is %v", name, inputs[name])
		}
	}
	for _, word := range []string{"external client app", "app_not_found"} {
		if !strings.Contains(p.RecipePage(), word) {
			t.Errorf("the page does not speak of %s", word)
		}
	}
}

type workflow struct {
	Name  string
	Tasks []struct {
		Type            string
		InputParameters map[string]any
	}
	InputTemplate map[string]any
}

// With its example values, the task of a recipe has valid parameters and a token
// endpoint, which belongs to the provider or is the one that its page lists.
func TestTheTaskOfARecipeIsValid(t *testing.T) {
	for _, p := range provider.Profiles() {
		w := parse(t, p.Workflow())
		kind := "GET_SIGNED_JWT"
		if p.Exchange != nil {
			kind = "GET_ACCESS_TOKEN"
		}
		if w.Name != p.WorkflowName() || len(w.Tasks) != 2 || w.Tasks[0].Type != kind || w.Tasks[0].InputParameters["profile"] != p.Name || w.Tasks[1].Type != "HTTP" {
			t.Errorf("%s: %+v", p.Name, w)
			continue
		}
		for input := range w.InputTemplate {
			if !strings.Contains(string(p.Workflow()), "{workflow.input."+input+"}") {
				t.Errorf("%s: no task reads the input %s", p.Name, input)
			}
		}
		if p.Exchange != nil {
			checkExchange(t, p, w)
		}
	}
}

func checkExchange(t *testing.T, p *provider.Profile, w workflow) {
	t.Helper()
	raw, err := json.Marshal(w.Tasks[0].InputParameters)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for name, value := range w.InputTemplate {
		example, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		text = strings.ReplaceAll(text, "${workflow.input."+name+"}", strings.Trim(string(example), `"`))
	}
	inputs := object(t, text)
	var parameters jsonobj.Object
	if given, ok := inputs.Get("parameters"); ok {
		parameters = *object(t, string(given))
	}
	if err := p.CheckParameters(parameters); err != nil {
		t.Errorf("%s: %v", p.Name, err)
	}
	claims := object(t, good()[p.Name][1])
	if audience, ok := inputs.Text("audience"); ok {
		claims.String("aud", audience)
	}
	tokenURL, _ := inputs.Text("tokenUrl")
	e, err := p.Endpoint(tokenURL, claims, &parameters)
	if listed := strings.Contains(p.RecipePage(), `endpoints: ["`+e.URL+`"]`); err != nil || e.BuiltIn == listed {
		t.Errorf("%s: %+v, listed %t: %v", p.Name, e, listed, err)
	}
}

func parse(t *testing.T, raw []byte) workflow {
	t.Helper()
	var w workflow
	if err := json.Unmarshal(raw, &w); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestThePagesOfRecipesAreUpToDate(t *testing.T) {
	files := map[string]string{"README.md": recipeIndex(t)}
	for _, p := range provider.Profiles() {
		files[p.Name+".md"] = p.RecipePage()
	}
	for name, text := range files {
		path := filepath.Join(pages, name)
		if *update {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		was, err := os.ReadFile(path)
		if err != nil || string(was) != text {
			t.Errorf("%s is out of date; run go test ./provider -run Page -update", path)
		}
	}
	entries, err := os.ReadDir(pages)
	if err != nil || len(entries) != len(files) {
		t.Errorf("%d pages for %d recipes: %v", len(entries), len(files), err)
	}
}

// recipeIndex returns docs/recipes/README.md with the list of the recipes between
// its marks.
func recipeIndex(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(pages, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- recipes -->\n", "<!-- end of recipes -->\n"
	before, rest, found := strings.Cut(string(raw), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("README.md does not have the lines %s and %s", begin, end)
	}
	for _, text := range []string{"CONDUCTOR_JWT_TASK_TYPES=GET_SIGNED_JWT,GET_ACCESS_TOKEN", "exchange_refused"} {
		if !strings.Contains(before+after, text) {
			t.Errorf("README.md does not say %s", text)
		}
	}
	var links []string
	for _, p := range provider.Profiles() {
		links = append(links, fmt.Sprintf("[%s](%s.md)", p.Name, p.Name))
	}
	return before + begin + strings.Join(links, ", ") + "\n" + end + after
}
