// Command realvault runs a command beside a real Vault server, in memory and
// on loopback, that VAULT_ADDR, VAULT_TOKEN and VAULT_UNSEAL_KEY name to it.
// It is Vault's own core, http handler and engines, compiled from their
// modules; only how they are wired is ours.
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
		return errors.New("no command; write realvault go test ./keys/vault")
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
	dropOtherEditions()
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

// start initialises the server and opens it.
func start(core *vault.Core) (token string, key []byte, err error) {
	ctx := context.Background()
	one := &vault.SealConfig{SecretShares: 1, SecretThreshold: 1}
	made, err := core.Initialize(ctx, &vault.InitParams{BarrierConfig: one, RecoveryConfig: one})
	if err != nil {
		return "", nil, err
	}
	key = made.SecretShares[0]
	if open, err := core.Unseal(bytes.Clone(key)); err != nil || !open {
		return "", nil, fmt.Errorf("vault stays sealed: %w", err)
	}
	return made.RootToken, key, nil
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

// mount makes the engine that a server in development mode has, and waits
// until it serves.
func mount(address, token string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := ask(ctx, http.MethodPost, address+"/v1/sys/mounts/secret", token, `{"type":"kv","options":{"version":"2"}}`)
	for again := time.NewTicker(50 * time.Millisecond); err == nil; <-again.C {
		status, err := ask(ctx, http.MethodGet, address+"/v1/secret/metadata/none", token, "")
		if err != nil || status == http.StatusNotFound {
			return err
		}
	}
	return err
}

func ask(ctx context.Context, verb, url, token, body string) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, verb, url, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("X-Vault-Token", token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

// builtins is the catalogue of plugins beyond those of newCore: there is none.
type builtins struct{}

func (builtins) Contains(string, consts.PluginType) bool { return false }

func (builtins) Get(string, consts.PluginType) (func() (any, error), bool) { return nil, false }

func (builtins) Keys(consts.PluginType) []string { return nil }

func (builtins) DeprecationStatus(string, consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Unknown, false
}

func (builtins) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }

// Vault is built with the sdk in its own tree, which no other module can
// name. The one that was published nearest to it stops a server with a path
// that can be created without a way to ask whether it is there. There are
// three: here they are taken out.

// entPaths are the paths that say that they are of another edition.
//
//go:linkname entPaths github.com/hashicorp/vault/vault.entPaths
var entPaths func(*vault.SystemBackend) []*framework.Path

func dropOtherEditions() {
	entPaths = func(*vault.SystemBackend) []*framework.Path { return nil }
}

// newTransit is the engine, whose cache-config can be updated and not created.
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
