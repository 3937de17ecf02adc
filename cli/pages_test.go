package cli_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conductor-jwt/cli"
	"conductor-jwt/test/pagetest"
)

// The commands of the pages for the command line print what the pages show.
func TestCommandsOfThePages(t *testing.T) {
	for page, blocks := range map[string]int{
		"README.md":                1,
		"docs/command-line.md":     8,
		"docs/moving-from-step.md": 1,
	} {
		t.Run(page, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("..", page))
			if err != nil {
				t.Fatal(err)
			}
			pagetest.Run(t, string(text), blocks, nil)
		})
	}
}

// The worker signs the assertion of the README's workflow, with the key of a service
// account as its secret.
func TestWorkflowOfTheReadme(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(readme), "```json\n")
	text, _, _ = strings.Cut(text, "```\n")
	var workflow struct {
		Tasks []struct {
			Type            string            `json:"type"`
			InputParameters map[string]string `json:"inputParameters"`
		} `json:"tasks"`
	}
	// The inputs of the HTTP task are not all strings.
	_ = json.Unmarshal([]byte(text), &workflow)
	if !json.Valid([]byte(text)) || len(workflow.Tasks) != 2 || workflow.Tasks[0].Type != "GET_ACCESS_TOKEN" {
		t.Fatalf("the README's workflow has %d tasks: %s", len(workflow.Tasks), text)
	}
	inputs := workflow.Tasks[0].InputParameters
	if inputs["privateKey"] != "${workflow.secrets.GOOGLE_SERVICE_ACCOUNT}" {
		t.Errorf("privateKey is %s", inputs["privateKey"])
	}
	inputs["privateKey"] = serviceAccount(t)
	file := filepath.Join(t.TempDir(), "input.json")
	raw, err := json.Marshal(inputs)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, problems bytes.Buffer
	status := cli.Run(t.Context(), cli.Env{
		Args: []string{"sign", "--task-input", file}, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &problems,
		Getenv: func(string) (string, bool) { return "", false }, Environ: func() []string { return nil }, Now: time.Now,
	})
	if status != 0 || strings.Count(out.String(), ".") != 2 {
		t.Errorf("exit status %d: %s", status, problems.String())
	}
}

// serviceAccount returns the JSON file of a new service account.
func serviceAccount(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "robot@my-project.iam.gserviceaccount.com", "private_key_id": "1",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
