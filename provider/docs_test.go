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
		b.WriteString("| name | rule |\n|---|---|\n")
		rows := append(headerRows(p), claimRows(p)...)
		if p.Exchange != nil {
			rows = append(rows, exchangeRows(p.Exchange)...)
		}
		for _, row := range rows {
			fmt.Fprintf(&b, "| %s | %s |\n", row[0], strings.ReplaceAll(row[1], "|", `\|`))
		}
	}
	b.WriteString("\n")
	return b.String()
}

// name writes what a row is about; a bold name must be set.
func name(text string, required bool) string {
	if required {
		return "**" + code(text) + "**"
	}
	return code(text)
}

func code(texts ...string) string { return "`" + strings.Join(texts, "`, `") + "`" }

// useWords are explained above the tables.
func useWords(u provider.Use) string {
	switch u {
	case provider.Assertion:
		return "*Grant*"
	case provider.ClientAssertion:
		return "*Client*"
	case provider.Bearer:
		return "*Bearer*"
	case provider.CustomRequest:
	}
	return "*Own request*"
}

// exchangeRows say what a task writes beside the claims, and what it gets beside the
// token.
func exchangeRows(x *provider.Exchange) [][2]string {
	rows := [][2]string{endpointRow(x)}
	for _, parameter := range x.Parameters {
		words := cell(parameter.Meaning) + plainWords(parameter.Type)
		if slices.Contains(x.OneOf, parameter.Name) {
			words = "one of " + code(x.OneOf...) + ": " + words
		}
		if parameter.Sealed {
			words += "; a secret"
		}
		rows = append(rows, [2]string{name("parameters."+parameter.Name, parameter.Required), words})
	}
	if len(x.Response) > 0 {
		rows = append(rows, [2]string{code("response"), code(x.Response...)})
	}
	if x.TokenType != "" {
		rows = append(rows, [2]string{code("tokenType"), code(x.TokenType)})
	}
	if x.Lifetime > 0 {
		rows = append(rows, [2]string{code("expiresIn"), fmt.Sprint(x.Lifetime)})
	}
	return rows
}

// plainWords names the characters of a parameter by a word that is explained above the
// tables. A string needs no word.
func plainWords(t provider.ParameterType) string {
	kind, isPlain := strings.CutSuffix(string(t), " of letters, digits, -, _, . and ~")
	switch {
	case kind == "string" && isPlain:
		return "; *plain*"
	case kind == "string":
		return ""
	case isPlain:
		return "; " + strings.Replace(kind, "strings", "*plain* strings", 1)
	}
	return "; " + kind
}

// cell returns a meaning, which is part of a sentence in a message, without what the
// table's other cells say.
func cell(meaning string) string {
	known := strings.NewReplacer(
		"service account's JSON key file", "key file", "; the profile computes it", "",
		" that the token may access", "", " that the access token is for", "",
	)
	return strings.TrimPrefix(known.Replace(meaning), "the ")
}

func endpointRow(x *provider.Exchange) [2]string {
	var words []string
	switch {
	case x.URL != "" && x.Patterns == nil:
		words = []string{"= " + code(x.URL)}
	case x.URL != "":
		words = []string{"by default " + code(x.URL)}
	case x.EndpointFollows():
		words = []string{"from `aud`"}
	}
	switch {
	case x.Patterns != nil:
		words = append(words, code(x.Patterns...))
	case x.URL == "":
		words = append(words, "listed in the policy file")
	}
	return [2]string{name("tokenUrl", x.URL == "" && !x.EndpointFollows()), strings.Join(words, "; ")}
}

func headerRows(p *provider.Profile) [][2]string {
	names := make([]string, len(p.Algorithms))
	for i, alg := range p.Algorithms {
		names[i] = string(alg)
	}
	rows := [][2]string{{code("alg"), code(names...)}}
	if p.KeyID != "" {
		rows = append(rows, [2]string{name("kid", true), cell(p.KeyID)})
	}
	if p.Type != "" {
		rows = append(rows, [2]string{code("typ"), "= " + code(p.Type)})
	}
	if p.Certificate {
		rows = append(rows, [2]string{name("x5t#S256", true), "or `x5t`; from `certificate`"})
	}
	for _, claim := range p.Replicated {
		rows = append(rows, [2]string{"header " + code(claim), "= " + code(claim)})
	}
	return rows
}

func claimRows(p *provider.Profile) [][2]string {
	var rows [][2]string
	var forbidden []string
	for _, c := range p.Claims {
		switch {
		case c.Forbidden:
			forbidden = append(forbidden, c.Name)
			continue
		case c.Name == "iat": // which the worker writes
			continue
		}
		rows = append(rows, [2]string{name(c.Name, c.Required && c.Preset == "" && c.SameAs == ""), claimWords(p, c)})
	}
	if len(forbidden) > 0 {
		rows = append(rows, [2]string{code(forbidden...), "not allowed"})
	}
	if ttl := ttlWords(p); ttl != "" {
		rows = append(rows, [2]string{code("ttl"), ttl})
	}
	if p.Backdate > 0 {
		rows = append(rows, [2]string{code("iat"), fmt.Sprintf("%d s in the past", p.Backdate)})
	}
	if p.NotBefore {
		rows = append(rows, [2]string{code("nbf"), "= `iat`"})
	}
	return rows
}

func ttlWords(p *provider.Profile) string {
	var words []string
	if p.TTL > 0 && p.MinTTL == 0 {
		words = append(words, fmt.Sprintf("%d", p.TTL))
	}
	switch {
	case p.MinTTL > 0:
		words = append(words, fmt.Sprintf("exactly %d", p.MaxTTL))
	case p.FromIssue:
		words = append(words, fmt.Sprintf("max %d from `iat`", p.MaxTTL))
	case p.MaxTTL > 0:
		words = append(words, fmt.Sprintf("max %d", p.MaxTTL))
	}
	return strings.Join(words, ", ")
}

func claimWords(p *provider.Profile, c provider.Claim) string {
	meaning, _, _ := strings.Cut(c.Meaning, ", such as ") // the recipe has an example
	words := []string{cell(meaning)}
	fixed := c.Preset != "" && !strings.HasPrefix(c.Preset, "(") // a preset in brackets is computed
	switch {
	case c.SameAs != "":
		words[0] = "= " + code(c.SameAs)
	case fixed && c.Preset == c.Meaning:
		words[0] = "= " + code(c.Preset)
	case fixed:
		words = append(words, "= "+code(c.Preset))
	case c.Preset != "":
		words[0] = "= " + cell(meaning)
	case c.Name == "jti":
		words[0] = "unique"
	}
	if slices.ContainsFunc(c.Patterns, func(pattern string) bool {
		return strings.Contains(pattern, "*") || !strings.Contains(c.Meaning, pattern)
	}) {
		words = append(words, code(c.Patterns...))
	}
	switch {
	case c.MinLength > 0 && c.MaxLength > 0:
		words = append(words, fmt.Sprintf("%d to %d characters", c.MinLength, c.MaxLength))
	case c.MaxLength > 0:
		words = append(words, fmt.Sprintf("at most %d characters", c.MaxLength))
	}
	switch {
	case c.JSONType != "":
		words = append(words, c.JSONType)
	case c.Name == "scope" && p.ScopeFormat != "":
		words = append(words, "written as "+p.ScopeFormat)
	}
	return strings.Join(words, "; ")
}
