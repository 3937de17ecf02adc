// Command realvault starts a real Vault server, in memory and on loopback, and
// runs a command with VAULT_ADDR, VAULT_TOKEN and VAULT_UNSEAL_KEY set to it. The
// server is Vault's own core, HTTP handler and engines, compiled from their
// modules.
//
//	realvault go test ./keys/vault
package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
	_ "unsafe" // for go:linkname

	"github.com/hashicorp/go-hclog"
	kubernetes "github.com/hashicorp/vault-plugin-auth-kubernetes"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/builtin/credential/approle"
	"github.com/hashicorp/vault/builtin/logical/transit"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

func main() {
	err := run(os.Args[1:])
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		os.Exit(max(1, ended.ExitCode()))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "realvault:", err)
		os.Exit(1)
	}
}

func run(command []string) error {
	if len(command) == 0 {
		return errors.New("usage: realvault COMMAND, such as realvault go test ./keys/vault")
	}
	core, err := newCore()
	if err != nil {
		return err
	}
	defer func() { _ = core.Shutdown() }()
	token, key, err := start(core)
	if err != nil {
		return err
	}
	address, stop, err := serve(core)
	if err != nil {
		return err
	}
	defer stop()
	if err := mount(address, token); err != nil {
		return err
	}
	c := exec.Command(command[0], command[1:]...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.Env = append(os.Environ(), "VAULT_ADDR="+address, "VAULT_TOKEN="+token, "VAULT_UNSEAL_KEY="+hex.EncodeToString(key))
	return c.Run()
}

func newCore() (*vault.Core, error) {
	dropEnterprisePaths()
	logger := hclog.New(&hclog.LoggerOptions{Level: hclog.Error, Output: os.Stderr})
	storage, err := inmem.NewInmem(nil, logger)
	if err != nil {
		return nil, err
	}
	return vault.NewCore(&vault.CoreConfig{
		Physical:           storage,
		StorageType:        "inmem",
		Logger:             logger,
		DisableMlock:       true,
		BuiltinRegistry:    builtins{},
		LogicalBackends:    map[string]logical.Factory{"kv": kv.Factory, "transit": newTransit},
		CredentialBackends: map[string]logical.Factory{"approle": approle.Factory, "kubernetes": kubernetes.Factory},
		RollbackPeriod:     time.Hour,
	})
}

// start initialises and unseals the server.
func start(core *vault.Core) (token string, key []byte, err error) {
	ctx := context.Background()
	one := &vault.SealConfig{SecretShares: 1, SecretThreshold: 1}
	result, err := core.Initialize(ctx, &vault.InitParams{BarrierConfig: one, RecoveryConfig: one})
	if err != nil {
		return "", nil, err
	}
	key = result.SecretShares[0]
	if open, err := core.Unseal(bytes.Clone(key)); err != nil || !open {
		return "", nil, fmt.Errorf("vault is still sealed: %w", err)
	}
	return result.RootToken, key, nil
}

func serve(core *vault.Core) (address string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	handler := vaulthttp.Handler.Handler(&vault.HandlerProperties{Core: core, ListenerConfig: &configutil.Listener{}})
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	return "http://" + listener.Addr().String(), func() { _ = server.Close() }, nil
}

// mount mounts the kv engine, as a server in development mode does, and waits until
// it responds.
func mount(address, token string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := request(ctx, http.MethodPost, address+"/v1/sys/mounts/secret", token, `{"type":"kv","options":{"version":"2"}}`)
	for tick := time.NewTicker(50 * time.Millisecond); err == nil; <-tick.C {
		status, err := request(ctx, http.MethodGet, address+"/v1/secret/metadata/none", token, "")
		if err != nil || status == http.StatusNotFound {
			return err
		}
	}
	return err
}

func request(ctx context.Context, verb, url, token, body string) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, verb, url, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("X-Vault-Token", token)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

// builtins is an empty catalogue of plugins.
type builtins struct{}

func (builtins) Contains(string, consts.PluginType) bool { return false }

func (builtins) Get(string, consts.PluginType) (func() (any, error), bool) { return nil, false }

func (builtins) Keys(consts.PluginType) []string { return nil }

func (builtins) DeprecationStatus(string, consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Unknown, false
}

func (builtins) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }

// Vault is built with the sdk in its own tree, which other modules cannot import.
// With the nearest published sdk, a server does not start if a path has a create
// operation and no existence check. There are three such paths; they are removed
// here.

// entPaths returns the paths of the enterprise edition.
//
//go:linkname entPaths github.com/hashicorp/vault/vault.entPaths
var entPaths func(*vault.SystemBackend) []*framework.Path

func dropEnterprisePaths() {
	entPaths = func(*vault.SystemBackend) []*framework.Path { return nil }
}

// newTransit returns the transit engine without create operations that have no
// existence check.
func newTransit(ctx context.Context, c *logical.BackendConfig) (logical.Backend, error) {
	b, err := transit.Backend(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, p := range b.Paths {
		if p.ExistenceCheck == nil {
			delete(p.Operations, logical.CreateOperation)
		}
	}
	return b, b.Setup(ctx, c)
}
