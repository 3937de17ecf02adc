package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"conductor-jwt/conductor"
	"conductor-jwt/config"
	"conductor-jwt/doctor"
	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/readfile"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
	"conductor-jwt/task"
	"conductor-jwt/worker"
)

// parts are the parts of a worker process.
type parts struct {
	build     build
	client    *conductor.Client
	worker    *worker.Worker
	registrar *worker.Registrar // nil if definitions are not registered
	unpolled  unpolled
	registry  *prometheus.Registry
	signing   *signing
	history   *worker.History
	began     time.Time
}

// assemble builds a worker from the settings.
func assemble(ctx context.Context, env Env, c *config.Loaded, once int, log *slog.Logger) (*parts, error) {
	metrics := worker.NewMetrics(c.TaskTypes)
	client, err := newClient(env, c, log, observer(metrics, log))
	if err != nil {
		return nil, err
	}
	p := &parts{client: client, build: newBuild(env), history: worker.NewHistory(env.Now), began: env.Now()}
	parser := keys.NewParser(keys.ParserOptions{CacheSize: c.KeyCache, Now: env.Now, RSA: p.build.backEnd.rsa})
	if p.signing, err = newSigning(ctx, env, c, parser, client, log); err != nil {
		return nil, err
	}
	if p.registry, err = newRegistry(p.build, metrics, parser, p.signing); err != nil {
		return nil, err
	}
	p.unpolled = unpolled{options: doctor.Options{Server: client, TaskTypes: c.TaskTypes, Domain: c.Domain, Now: env.Now}, log: log}
	var ensure func(ctx context.Context, queue, name string)
	if c.RegisterTaskdefs != config.Off {
		p.registrar = worker.NewRegistrar(client, c.TaskTypes, c.OwnerEmail, log)
		ensure = p.registrar.Ensure
	}
	p.worker, err = worker.New(worker.Options{
		Server:        client,
		Handler:       p.signing,
		Metrics:       metrics,
		Logger:        log,
		Engine:        c.Engine,
		Once:          once,
		History:       p.history,
		EnsureTaskDef: ensure,
	})
	return p, err
}

// newClient returns a client of the configured server, without a request to it.
// Observe may be nil.
func newClient(env Env, c *config.Loaded, log *slog.Logger, observe func(conductor.Observation)) (*conductor.Client, error) {
	client, err := conductor.New(conductor.Options{
		BaseURL: c.ServerURL,
		KeyID:   c.AuthKey,
		Secret:  c.AuthSecret,

		CredentialFiles: credentialFiles(c),
		ReadCredentials: func() (string, secret.Text, error) {
			return c.Credentials(func(path string) ([]byte, error) { return readfile.Shared(path, maxSettings) })
		},

		CAFile:   c.TLSCACert,
		CertFile: c.TLSClientCert,
		KeyFile:  c.TLSClientKey,
		Insecure: c.TLSInsecureSkipVerify,
		Proxy:    c.Proxy,

		HeadersFile: c.HeadersFile,
		Getenv:      env.variable,
		Connections: c.Slots + c.Pollers*len(c.TaskTypes),
		UserAgent:   program + "/" + version(env),
		Observe:     observe,
		Now:         env.Now,
		Logger:      log,
	})
	if err != nil {
		return nil, clientError(c, err)
	}
	return client, nil
}

// credentialFiles returns the files that hold the credentials of the server.
func credentialFiles(c *config.Loaded) []string {
	var paths []string
	for _, s := range config.Settings() {
		if path := c.ValueFile(s.Name); path != "" {
			paths = append(paths, path)
		}
	}
	return paths
}

// clientError reports settings that the client refuses as package config reports
// its own.
func clientError(c *config.Loaded, err error) error {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		err = errors.New(config.Problem{Setting: e.Field, Origin: c.Origin(e.Field), Text: e.Message(nil)}.String())
	}
	hint := configHint
	if errors.Is(err, conductor.ErrProxy) {
		hint = "check CONDUCTOR_PROXY, HTTP_PROXY and HTTPS_PROXY"
	}
	return asUsage(withHint(err, hint))
}

// newSilentClient returns a client that logs nothing, for commands that print what
// they find.
func newSilentClient(env Env, c *config.Loaded) (*conductor.Client, error) {
	return newClient(env, c, slog.New(slog.DiscardHandler), nil)
}

// handlerOptions are the options of a handler that keeps no audit and exchanges
// nothing.
func handlerOptions(env Env, c *config.Loaded, resolver keys.Resolver, p *policy.Policy, stored task.Stored, log *slog.Logger) task.Options {
	return task.Options{
		Keys:       resolver,
		Policy:     p,
		Stored:     stored,
		DefaultTTL: c.DefaultTTL,
		MaxTTL:     c.MaxTTL,
		KeyWait:    c.KeyWait,
		Output:     task.OutputMode(c.Output),
		Injection:  task.InjectionMode(c.SecretInjection),
		Unknown:    task.UnknownMode(c.UnknownInputs),
		Now:        env.Now,
		NewID:      task.NewID,
		Logger:     log,
	}
}

// register creates missing task definitions and then looks for tasks that no
// worker polls, in the background.
func (p *parts) register(ctx context.Context) {
	go func() {
		if p.registrar != nil {
			p.registrar.Run(ctx)
		}
		p.unpolled.run(ctx)
	}()
}

// announce writes the first lines of the log.
func announce(ctx context.Context, b build, c *config.Loaded, server string, log *slog.Logger) {
	log.InfoContext(ctx, "starting", "version", b.Version, "edition", b.Edition, "crypto", b.Crypto, "commit", b.Commit,
		"server", server, "task_types", c.TaskTypes, "domain", c.Domain, "worker_id", c.WorkerID,
		"slots", c.Slots, "pollers", c.Pollers, "config", c.File)
	for _, w := range c.Warnings {
		log.WarnContext(ctx, "a setting is not in force", "problem", w)
	}
	if conductor.Cleartext(server) {
		log.WarnContext(ctx, "the connection to the server is plain HTTP: anyone on the network path can read tasks and their private keys; use HTTPS",
			"server", server)
	}
	if c.TLSInsecureSkipVerify {
		log.WarnContext(ctx, "the server's certificate is not checked, so another server can take its place; set tls_ca_cert instead",
			"setting", fmt.Sprint(c.Origin("tls_insecure_skip_verify")))
	}
}
