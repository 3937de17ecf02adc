package task

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"conductor-jwt/conductor/api"
	"conductor-jwt/keys"
	"conductor-jwt/keys/decode"
)

var update = flag.Bool("update", false, "write the tables of the pages of tasks anew")

const (
	page            = "../docs/task.md"
	accessTokenPage = "../docs/access-token.md"
	verifyPage      = "../docs/verify.md"
)

// part is a part of a page between two marks.
type part struct{ name, table string }

// TestThePageKeepsInStepWithTheTables holds each marked part of the pages
// against the table in code that it is made from.
func TestThePageKeepsInStepWithTheTables(t *testing.T) {
	checkPage(t, page,
		part{"inputs", inputTable(allInputs())},
		part{"algorithms", algorithmList()},
		part{"limits", limitTable()},
		part{"codes", signingTable()},
	)
	checkPage(t, accessTokenPage,
		part{"exchange inputs", inputTable(exchangeInputs())},
		part{"exchange codes", codeTable(exchangeCodes())},
	)
	checkPage(t, verifyPage,
		part{"verify inputs", inputTable(verifyInputs())},
		part{"fault reasons", "`" + strings.Join(FaultReasons(), "`, `") + "`\n"},
		part{"verify codes", codeTable(verifyCodes())},
	)
}

func checkPage(t *testing.T, page string, parts ...part) {
	t.Helper()
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for _, part := range parts {
		begin, end := "<!-- "+part.name+" -->\n", "<!-- end of "+part.name+" -->"
		before, rest, ok := strings.Cut(text, begin)
		if !ok {
			t.Fatalf("%s has no part %q", page, part.name)
		}
		was, after, ok := strings.Cut(rest, end)
		if !ok {
			t.Fatalf("the part %q of %s has no end", part.name, page)
		}
		if was != part.table && !*update {
			t.Errorf("the part %q of %s is not what the code says; run go test ./task -run Page -update", part.name, page)
		}
		text = before + begin + part.table + end + after
	}
	if *update {
		if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func inputTable(inputs []inputSpec) string {
	var b strings.Builder
	b.WriteString("| input | type | what it becomes | when blank |\n|---|---|---|---|\n")
	for _, in := range inputs {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", in.Name, in.Type, in.Meaning, in.Blank)
	}
	return b.String()
}

func algorithmList() string {
	names := make([]string, 0, len(keys.Algorithms()))
	for _, alg := range keys.Algorithms() {
		names = append(names, "`"+string(alg)+"`")
	}
	return strings.Join(names, ", ") + "\n"
}

func limitTable() string {
	var b strings.Builder
	b.WriteString("| what | at most |\n|---|---|\n")
	for _, row := range []struct {
		what  string
		limit string
	}{
		{"`privateKey`, `certificate`", kib(maxKeyText)},
		{"`subject`, `issuer`, `jwtId`, an audience, a scope, `kid`, password", kib(maxText)},
		{"audiences", fmt.Sprint(maxAudiences)},
		{"scopes", fmt.Sprint(maxScopes)},
		{"`claims`, `headers`, each", fmt.Sprintf("%s, %d levels", kib(maxClaims), maxLevels)},
		{"certificates", fmt.Sprint(decode.MaxChain)},
		{"inputs", fmt.Sprint(maxInputs)},
		{"the token", "64 KiB; over " + kib(headerBudget) + " with a warning"},
	} {
		fmt.Fprintf(&b, "| %s | %s |\n", row.what, row.limit)
	}
	return b.String()
}

func kib(n int) string { return fmt.Sprintf("%d KiB", n>>10) }

func codeTable(codes []Code) string {
	var b strings.Builder
	b.WriteString("| code | end | when | what to do |\n|---|---|---|---|\n")
	for _, code := range codes {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", code.Name, endOf(code), code.When, code.Remedy)
	}
	return b.String()
}

// signingTable lists the codes of a task that signs; the pages of the other tasks list
// theirs. An end is shown where it is not terminal, a remedy where it does not follow
// from the condition.
func signingTable() string {
	var b strings.Builder
	evident := []string{
		"input_invalid", "input_conflict", "input_too_large", "input_unknown", "secret_missing", "key_public", "key_certificate", "key_password",
		"key_weak", "key_too_large", "key_inconsistent", "key_unsupported", "key_unavailable", "algorithm_unknown", "algorithm_mismatch", "certificate_mismatch",
		"timeout",
	}
	b.WriteString("| code | when; what to do |\n|---|---|\n")
	for _, code := range slices.Concat(inputCodes(), secretCodes(), keyCodes(), lastCodes()) {
		end := ""
		if code.Status != api.FailedWithTerminalError || code.FailedWithProfiles {
			end = "**" + endOf(code) + "**: "
		}
		remedy := code.Remedy
		if slices.Contains(evident, code.Name) {
			remedy = ""
		}
		fmt.Fprintf(&b, "| `%s` | %s%s |\n", code.Name, end, sentence(code.When, remedy))
	}
	return b.String()
}

func endOf(code Code) string {
	switch {
	case code.FailedWithVerifiers:
		return "terminal; failed where the policy file defines verifiers"
	case code.FailedWithProfiles:
		return "terminal; failed where the policy file defines profiles"
	case code.FailedAfterWait:
		return "later, then failed"
	case code.Status == api.InProgress:
		return "later"
	case code.Status == api.Failed:
		return "failed"
	}
	return "terminal"
}

// TestThePagesExamplesAreServed reads each page's example of a task.
func TestThePagesExamplesAreServed(t *testing.T) {
	checkExample(t, page, allInputs())
	checkExample(t, accessTokenPage, accessTokenInputs())
	checkExample(t, verifyPage, verifyInputs())
}

func checkExample(t *testing.T, page string, inputs []inputSpec) {
	t.Helper()
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(raw), "\"inputParameters\": ")
	example, _, _ := strings.Cut(rest, ",\n  \"type\"")
	n, err := parseValue([]byte(example), maxLevels)
	if err != nil || len(n.Names) == 0 {
		t.Fatalf("the page has no example: %v", err)
	}
	for name := range n.Members() {
		if _, known := find(inputs, name); !known {
			t.Errorf("the example has %s, which is no input", name)
		}
	}
}
