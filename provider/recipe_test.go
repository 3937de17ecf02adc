package provider_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

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

// Six providers accept the token itself: their pages mention no exchange.
func TestAPageMentionsAnAccessTokenOnlyWhereThereIsOne(t *testing.T) {
	direct := 0
	for _, p := range provider.Profiles() {
		page := p.RecipePage()
		if p.Use != provider.Bearer {
			continue
		}
		direct++
		for _, claim := range []string{"the exchange", "exchanges", "If the call failed", "and the access token"} {
			if strings.Contains(page, claim) {
				t.Errorf("%s: the page says %q, and the token is not exchanged", p.Name, claim)
			}
		}
		if !strings.Contains(page, "there is no access token") {
			t.Errorf("%s: the page does not say that the token is sent itself", p.Name)
		}
	}
	if direct != 6 {
		t.Errorf("%d recipes send the token itself", direct)
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
	inputs := parse(t, p.CallWorkflow()).InputTemplate
	for _, name := range []string{"audience", "tokenUrl", "apiUrl"} {
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
		Name, Type       string
		RetryCount       *int
		InputParameters  map[string]any
		SubWorkflowParam struct{ Name string }
	}
	InputTemplate map[string]any
}

// The exchange is never retried with the same token: the sub-workflow, which
// signs, is.
func TestOnlyTheSubWorkflowIsRetried(t *testing.T) {
	for _, p := range provider.Profiles() {
		call, token := parse(t, p.CallWorkflow()), parse(t, p.TokenWorkflow())
		name, sub := p.CallWorkflowName(), call.Tasks[0].SubWorkflowParam.Name
		if call.Name != name || token.Name != sub || sub == name {
			t.Errorf("%s, %s", call.Name, token.Name)
		}
		if first := call.Tasks[0]; !strings.Contains(string(provider.TokenTaskDef()), `"name": "`+first.Name+`"`) || first.Type != "SUB_WORKFLOW" || first.RetryCount == nil || *first.RetryCount < 1 {
			t.Errorf("%s: %+v", name, first)
		}
		sign, exchange := token.Tasks[0], token.Tasks[1]
		if sign.Type != "GET_SIGNED_JWT" || sign.InputParameters["profile"] != p.Name || exchange.Type != "HTTP" || exchange.RetryCount == nil || *exchange.RetryCount != 0 {
			t.Errorf("%s: %+v", sub, token.Tasks)
		}
		for input := range call.InputTemplate {
			if call.Tasks[0].InputParameters[input] != "${workflow.input."+input+"}" {
				t.Errorf("%s: the input %s is not handed on", name, input)
			}
			if text := string(p.TokenWorkflow()) + string(p.CallWorkflow()); !strings.Contains(text, "{workflow.input."+input+"}") {
				t.Errorf("%s: nobody needs the input %s", name, input)
			}
		}
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
	index := "# Recipes\n\nA workflow for each provider: sign, exchange, call. Each is run on the real server against an endpoint that has the provider's rules.\n\n"
	files := map[string]string{}
	for _, p := range provider.Profiles() {
		files[p.Name+".md"] = p.RecipePage()
		index += fmt.Sprintf("- [%s](%s.md): %s\n", p.Name, p.Name, p.Title)
	}
	files["README.md"] = index
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
