package provider_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"conductor-jwt/provider"
)

var update = flag.Bool("update", false, "write docs/profiles.md and docs/recipes anew")

const page = "../docs/profiles.md"

// The marked part of the page is generated from the profiles.
func TestThePageOfProfilesIsUpToDate(t *testing.T) {
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- profiles -->\n", "<!-- end of profiles -->"
	before, rest, ok := strings.Cut(string(raw), begin)
	was, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		t.Fatalf("%s has no part for the profiles", page)
	}
	now := profileTables()
	if was != now && !*update {
		t.Errorf("%s is out of date; run go test ./provider -run Page -update", page)
	}
	if *update {
		if err := os.WriteFile(page, []byte(before+begin+now+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func profileTables() string {
	var b strings.Builder
	for _, p := range provider.Profiles() {
		fmt.Fprintf(&b, "\n### %s\n\n[%s](%s). %s; [recipe](recipes/%s.md).\n\n", p.Name, p.Title, p.DocsURL, useWords(p.Use), p.Name)
		b.WriteString("| member | rule |\n|---|---|\n")
		for _, row := range append(headerRows(p), claimRows(p)...) {
			fmt.Fprintf(&b, "| `%s` | %s |\n", row[0], row[1])
		}
		if p.Exchange == nil {
			continue
		}
		b.WriteString("\n| `GET_ACCESS_TOKEN` | rule |\n|---|---|\n")
		for _, row := range exchangeRows(p) {
			fmt.Fprintf(&b, "| `%s` | %s |\n", row[0], strings.ReplaceAll(row[1], "|", `\|`))
		}
	}
	b.WriteString("\n")
	return b.String()
}

func useWords(u provider.Use) string {
	switch u {
	case provider.Assertion:
		return "Authorization grant (RFC 7523 §2.1)"
	case provider.ClientAssertion:
		return "Client authentication (RFC 7523 §2.2)"
	case provider.Bearer:
		return "Sent with each call, in `Authorization: Bearer`"
	case provider.CustomRequest:
	}
	return "Sent in a request of the provider's own form"
}

// exchangeRows say what a task writes beside the claims, and what it gets beside the
// token.
func exchangeRows(p *provider.Profile) [][2]string {
	x := p.Exchange
	rows := [][2]string{{"tokenUrl", endpointWords(x)}}
	for _, parameter := range x.Parameters {
		words := parameter.Meaning + "; " + string(parameter.Type)
		switch {
		case parameter.Required:
			words = "required: " + words
		case slices.Contains(x.OneOf, parameter.Name):
			words = "one of `" + strings.Join(x.OneOf, "`, `") + "` is required: " + words
		}
		if parameter.Sealed {
			words += "; a secret"
		}
		rows = append(rows, [2]string{"parameters." + parameter.Name, words})
	}
	var response []string
	for _, path := range x.Response {
		response = append(response, "`"+path+"`")
	}
	if len(response) > 0 {
		rows = append(rows, [2]string{"response", strings.Join(response, ", ")})
	}
	if x.TokenType != "" {
		rows = append(rows, [2]string{"tokenType", "`" + x.TokenType + "`"})
	}
	if x.Lifetime > 0 {
		rows = append(rows, [2]string{"expiresIn", fmt.Sprintf("%d: the provider does not say", x.Lifetime)})
	}
	return rows
}

func endpointWords(x *provider.Exchange) string {
	words := "required"
	switch {
	case x.URL != "" && x.Patterns == nil:
		return "fixed: `" + x.URL + "`"
	case x.URL != "":
		words = "default `" + x.URL + "`"
	case x.EndpointFollows():
		words = "default: follows from `aud`"
	}
	if x.Patterns == nil {
		return words + "; listed in the policy file"
	}
	return words + "; built in: `" + strings.Join(x.Patterns, "`, `") + "`"
}

func headerRows(p *provider.Profile) [][2]string {
	names := make([]string, len(p.Algorithms))
	for i, alg := range p.Algorithms {
		names[i] = "`" + string(alg) + "`"
	}
	algorithms := strings.Join(names, ", ")
	if len(names) > 1 {
		algorithms += "; by default the first that fits the key"
	}
	rows := [][2]string{{"alg", algorithms}}
	if p.KeyID != "" {
		rows = append(rows, [2]string{"kid", "required: " + p.KeyID})
	}
	if p.Type != "" {
		rows = append(rows, [2]string{"typ", "`" + p.Type + "`, set by the profile"})
	}
	if p.Certificate {
		rows = append(rows, [2]string{"x5t#S256", "required, or `x5t`; set from `certificate`"})
	}
	for _, name := range p.Replicated {
		rows = append(rows, [2]string{name, "in the header: the same as the claim, set by the profile"})
	}
	return rows
}

func claimRows(p *provider.Profile) [][2]string {
	var rows [][2]string
	for _, c := range p.Claims {
		rows = append(rows, [2]string{c.Name, claimWords(p, c)})
	}
	exp := "`iat` + the worker's default ttl"
	if p.TTL > 0 {
		exp = fmt.Sprintf("`iat` + %d s by default", p.TTL)
	}
	switch {
	case p.MinTTL > 0:
		exp = fmt.Sprintf("exactly `iat` + %d s", p.MaxTTL)
	case p.FromIssue:
		exp += fmt.Sprintf("; at most `iat` + %d s", p.MaxTTL)
	case p.MaxTTL > 0:
		exp += fmt.Sprintf("; at most %d s after the provider receives the token", p.MaxTTL)
	}
	rows = append(rows, [2]string{"exp", exp})
	if p.Backdate > 0 {
		rows = append(rows, [2]string{"iat", fmt.Sprintf("%d s in the past, for clocks that are behind", p.Backdate)})
	}
	if p.NotBefore {
		rows = append(rows, [2]string{"nbf", "the time of issue, set by the profile"})
	}
	return rows
}

func claimWords(p *provider.Profile, c provider.Claim) string {
	words := []string{c.Meaning}
	if c.Forbidden {
		return "not allowed"
	}
	switch {
	case c.Required && c.Preset == "" && c.SameAs == "":
		words[0] = "required: " + c.Meaning
	case c.SameAs != "", c.Preset != "":
		words = append(words, "set by the profile")
	}
	if c.Preset != "" && !strings.HasPrefix(c.Preset, "(") && c.Preset != c.Meaning {
		words[len(words)-1] += " to `" + c.Preset + "`"
	}
	switch {
	case len(c.Patterns) > 1:
		words = append(words, "one of `"+strings.Join(c.Patterns, "`, `")+"`")
	case len(c.Patterns) == 1 && c.Patterns[0] != c.Meaning:
		words = append(words, "of the form `"+c.Patterns[0]+"`")
	}
	switch {
	case c.MinLength > 0 && c.MaxLength > 0:
		words = append(words, fmt.Sprintf("%d to %d characters", c.MinLength, c.MaxLength))
	case c.MaxLength > 0:
		words = append(words, fmt.Sprintf("at most %d characters", c.MaxLength))
	}
	if c.JSONType != "" {
		words = append(words, "a JSON "+c.JSONType)
	}
	if c.Name == "scope" && p.ScopeFormat != "" {
		words = append(words, "written as "+p.ScopeFormat)
	}
	return strings.ReplaceAll(strings.Join(words, "; "), "|", `\|`)
}
