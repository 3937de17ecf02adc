package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/conductor-sdk/conductor-go/sdk/model"

	"conductor-jwt/internal/secret"
	"conductor-jwt/test/conductorjar"
)

// The workflow's input.
const (
	subject  = "orders-service"
	issuer   = "https://login.example.com"
	audience = "https://api.example.com"
	scope    = "orders:read orders:write"
	owner    = "demo@example.com"
)

// demo is a run of the demo.
type demo struct {
	env     []string
	root    string // of the project
	folder  string // temporary folder
	worker  string // a built binary; "" builds one
	release conductorjar.Release
	screen  *screen

	key     *rsa.PrivateKey
	logs    []*os.File
	server  *conductorjar.Server
	running *worker
}

// demonstrate runs every step from making the key to verifying the token.
func (d *demo) demonstrate(ctx context.Context) error {
	d.screen.line(d.screen.paint(bold, "conductor-jwt") + ": an unmodified GET_SIGNED_JWT workflow on the real Conductor server\n")
	if err := d.makeKey(); err != nil {
		return err
	}
	if err := d.buildWorker(ctx); err != nil {
		return err
	}
	if err := d.bootServer(ctx); err != nil {
		return err
	}
	if err := d.startWorker(ctx); err != nil {
		return err
	}
	workflow, err := d.runWorkflow(ctx)
	if err != nil {
		return err
	}
	d.screen.idle()
	return d.show(workflow)
}

func (d *demo) makeKey() error {
	d.screen.step("making an RSA key of 2048 bits")
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	d.key = key
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	if err := os.WriteFile(d.publicKey(), text, 0o600); err != nil {
		return err
	}
	if d.release.Secrets {
		d.screen.done("new RSA key, the server's secret " + d.screen.paint(bold, "jwt-privatekey"))
	} else {
		d.screen.done("new RSA key, an input of the workflow: this server has no secrets")
	}
	return nil
}

func (d *demo) publicKey() string { return filepath.Join(d.folder, "public.pem") }

func (d *demo) privateKey() (secret.Text, error) {
	der, err := x509.MarshalPKCS8PrivateKey(d.key)
	if err != nil {
		return secret.Text{}, err
	}
	return secret.New(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))), nil
}

func (d *demo) bootServer(ctx context.Context) error {
	key, err := d.privateKey()
	if err != nil {
		return err
	}
	log, err := d.log("server.log")
	if err != nil {
		return err
	}
	port, taken := freePort(ctx, 8080)
	if taken {
		port = 0
		d.screen.done("port 8080 is in use: the server uses a free port")
	}
	d.server, err = conductorjar.Start(ctx, conductorjar.Options{
		Env: d.env, Progress: d.screen.step, Release: d.release,
		Secrets: d.secrets(key), Port: port, Log: log,
	})
	if err != nil {
		return err
	}
	d.screen.done("conductor-server " + d.server.Version() + " is healthy at " + d.screen.paint(cyan, d.server.URL))
	return nil
}

// secrets are the server's: the demo's key, and each CONDUCTOR_SECRET_NAME of the
// caller's environment, for workflows of the caller's own.
func (d *demo) secrets(key secret.Text) map[string]secret.Text {
	secrets := map[string]secret.Text{}
	for _, variable := range d.env {
		name, value, _ := strings.Cut(variable, "=")
		if name, ok := strings.CutPrefix(name, "CONDUCTOR_SECRET_"); ok {
			secrets[name] = secret.New(value)
		}
	}
	secrets["jwt-privatekey"] = key
	return secrets
}

// log opens a file in the temporary folder.
func (d *demo) log(name string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(d.folder, name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600) //nolint:gosec // a fixed name in the temporary folder
	if err == nil {
		d.logs = append(d.logs, file)
	}
	return file, err
}

// definition is the path of the workflow below the project's root.
const definition = "deploy/conductor/workflow.json"

func (d *demo) runWorkflow(ctx context.Context) (conductorjar.Workflow, error) {
	var none conductorjar.Workflow
	text, err := os.ReadFile(filepath.Join(d.root, filepath.FromSlash(definition)))
	if err != nil {
		return none, err
	}
	def, err := conductorjar.Definition(text)
	if err != nil {
		return none, fmt.Errorf("%s: %w", definition, err)
	}
	text, input, err := d.prepareWorkflow(text)
	if err != nil {
		return none, err
	}
	if err := d.server.RegisterWorkflow(ctx, text); err != nil {
		return none, err
	}
	d.screen.done("workflow " + d.screen.paint(bold, def.Name) + " registered, from " + definition)
	d.screen.step("running the workflow")
	began := time.Now()
	id, err := d.server.StartWorkflow(ctx, model.StartWorkflowRequest{Name: def.Name, Version: def.Version, Input: input})
	if err != nil {
		return none, err
	}
	wait, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	workflow, err := d.server.AwaitWorkflow(wait, id)
	if err != nil && ctx.Err() != nil {
		return none, ctx.Err()
	}
	if err != nil {
		return none, err
	}
	if workflow.Status != "COMPLETED" {
		return none, fmt.Errorf("the workflow is %s: %s", workflow.Status, workflow.Reason)
	}
	d.screen.done(fmt.Sprintf("workflow %s %s in %d ms", d.screen.paint(dim, id),
		d.screen.paint(green, workflow.Status), time.Since(began).Milliseconds()))
	return workflow, nil
}

// prepareWorkflow returns the workflow's input and, for a server without secrets, a
// definition that takes the key from the input.
func (d *demo) prepareWorkflow(definition []byte) (fitted []byte, input map[string]any, err error) {
	input = map[string]any{"subject": subject, "issuer": issuer, "audience": audience, "scope": scope}
	if d.release.Secrets {
		return definition, input, nil
	}
	key, err := d.privateKey()
	if err != nil {
		return nil, nil, err
	}
	input["privateKey"] = key.Reveal()
	fitted = bytes.ReplaceAll(definition, []byte("${workflow.secrets.jwt-privatekey}"), []byte("${workflow.input.privateKey}"))
	// It requires an owner, which later releases do not.
	return bytes.Replace(fitted, []byte("{"), []byte(`{"ownerEmail": "`+owner+`",`), 1), input, nil
}

// close stops everything. ctx must not end with an interrupt.
func (d *demo) close(ctx context.Context) {
	d.screen.line("")
	d.screen.step("stopping")
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if d.running != nil {
		d.running.stop(ctx)
	}
	if d.server != nil {
		if err := d.server.Stop(ctx); err != nil {
			d.screen.line(err.Error())
		}
	}
	for _, file := range d.logs {
		_ = file.Close() // the folder is removed next
	}
	if err := os.RemoveAll(d.folder); err != nil {
		d.screen.line(err.Error())
	}
	d.screen.done("stopped; nothing is left running")
	d.screen.idle()
}

// pretty indents JSON.
func pretty(raw []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}

// printNextSteps prints what to look at after the demo.
func (d *demo) printNextSteps() {
	d.screen.title("where to look next", "")
	d.screen.line(indent(`make demo KEEP=1      the same; server and worker keep running for your own workflows
deploy/conductor/     the workflow above and the task definitions, for your own server
README.md             all inputs of the task; CONDUCTOR_SERVER_URL=… conductor-jwt worker`))
}

// keepRunning waits until Ctrl-C. The worker may be stopped before, to be replaced
// by another.
func (d *demo) keepRunning(ctx context.Context) error {
	s := d.screen
	s.title("still running", "until Ctrl-C")
	for _, row := range [][2]string{
		{"server", d.server.URL + "/api"},
		{"executions", d.server.URL + "/api/workflow/search?query="},
		{"worker", d.running.address + "/readyz?verbose   " + d.running.address + "/metrics"},
		{"", fmt.Sprintf("kill %d stops it; the server keeps running for your own worker", d.running.process.PID())},
		{"status page", d.running.status},
		{"logs", filepath.Join(d.folder, "server.log") + "   " + filepath.Join(d.folder, "worker.log")},
		{"public key", d.publicKey()},
	} {
		s.line(fmt.Sprintf("  %s%s", s.paint(bold, fmt.Sprintf("%-12s", row[0])), row[1]))
	}
	s.title("another token", "prints the execution's id; its output has the token")
	s.line("  curl -s " + d.server.URL + "/api/workflow/get_signed_jwt_example -H 'Content-Type: application/json' \\\n" +
		`    -d '{"subject":"me","issuer":"` + issuer + `","audience":"` + audience + `"}'`)
	s.line("  curl -s " + d.server.URL + "/api/workflow/ID")
	return d.waitForExit(ctx)
}

func (d *demo) waitForExit(ctx context.Context) error {
	worker := d.running.process.Done()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.server.Done():
			return fmt.Errorf("the server has exited")
		case <-worker:
			if code := d.running.process.ExitCode(); code != 0 {
				return fmt.Errorf("the worker has exited with status %d", code)
			}
			d.screen.done("the worker was stopped; the server is still running")
			worker = nil
		}
	}
}
