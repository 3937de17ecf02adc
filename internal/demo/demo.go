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
	"time"

	"github.com/conductor-sdk/conductor-go/sdk/model"

	"conductor-jwt/internal/secret"
	"conductor-jwt/test/conductorjar"
)

// What the workflow is started with.
const (
	subject  = "orders-service"
	issuer   = "https://login.example.com"
	audience = "https://api.example.com"
	scope    = "orders:read orders:write"
	owner    = "demo@example.com"
)

// demo is one performance, and all that must be put away after it.
type demo struct {
	env     []string
	root    string // of the project
	scratch string // temporary folder
	worker  string // a built binary; "" builds one
	release conductorjar.Release
	screen  *screen

	key    *rsa.PrivateKey
	logs   []*os.File
	server *conductorjar.Server
	hands  *worker
}

// play shows the main job from the key to the verified token.
func (d *demo) play(ctx context.Context) error {
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
		d.screen.done("fresh RSA key, the server's secret " + d.screen.paint(bold, "jwt-privatekey"))
	} else {
		d.screen.done("fresh RSA key, an input of the workflow: this server has no secrets")
	}
	return nil
}

func (d *demo) publicKey() string { return filepath.Join(d.scratch, "public.pem") }

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
		d.screen.done("port 8080 is taken: the server takes a free one")
	}
	d.server, err = conductorjar.Start(ctx, conductorjar.Options{
		Env: d.env, Progress: d.screen.step, Release: d.release,
		Secrets: map[string]secret.Text{"jwt-privatekey": key}, Port: port, Log: log,
	})
	if err != nil {
		return err
	}
	d.screen.done("conductor-server " + d.server.Version() + " is healthy at " + d.screen.paint(cyan, d.server.URL))
	return nil
}

// log opens a file in the temporary folder.
func (d *demo) log(name string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(d.scratch, name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600) //nolint:gosec // a fixed name in a folder of ours
	if err == nil {
		d.logs = append(d.logs, file)
	}
	return file, err
}

// definition is the workflow's file, from the project's root.
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
	text, input, err := d.fit(text)
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

// fit gives the workflow's input and, for a server without secrets, a
// definition that takes the key from there.
func (d *demo) fit(definition []byte) (fitted []byte, input map[string]any, err error) {
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
	// It demands an owner, whom later ones do without.
	return bytes.Replace(fitted, []byte("{"), []byte(`{"ownerEmail": "`+owner+`",`), 1), input, nil
}

// close puts everything away. An interrupt has not ended this context.
func (d *demo) close(ctx context.Context) {
	d.screen.line("")
	d.screen.step("stopping")
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if d.hands != nil {
		d.hands.stop(ctx)
	}
	if d.server != nil {
		if err := d.server.Stop(ctx); err != nil {
			d.screen.line(err.Error())
		}
	}
	for _, file := range d.logs {
		_ = file.Close() // it is removed next
	}
	if err := os.RemoveAll(d.scratch); err != nil {
		d.screen.line(err.Error())
	}
	d.screen.done("stopped; nothing is left running")
	d.screen.idle()
}

// pretty lays JSON out over lines.
func pretty(raw []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}
