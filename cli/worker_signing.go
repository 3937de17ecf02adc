package cli

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/config"
	"conductor-jwt/internal/bulkhead"
	"conductor-jwt/internal/printable"
	"conductor-jwt/keyring"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
	"conductor-jwt/task"
	"conductor-jwt/web"
)

// signing handles tasks by the policy in force and its keys. A reload replaces
// both, or none.
type signing struct {
	env    Env
	c      *config.Loaded
	parser *keys.Parser
	stored task.Stored
	stores *bulkhead.Group
	audit  *auditLog // nil: off
	log    *slog.Logger
	pkcs11 keys.Scheme // nil in the static edition

	current atomic.Pointer[generation]
	running sync.WaitGroup
	reloads *prometheus.CounterVec
}

// generation is one reading of the policy.
type generation struct {
	ring    *keyring.Ring
	handler *task.Handler
	end     context.CancelFunc // stops the refresh of its keys
}

func newSigning(ctx context.Context, env Env, c *config.Loaded, parser *keys.Parser, stored task.Stored, log *slog.Logger) (*signing, error) {
	s := &signing{
		env: env, c: c, parser: parser, stored: stored, log: log, stores: bulkhead.NewGroup(c.Slots, env.Now),
		pkcs11: pkcs11Store(env), reloads: newReloads(),
	}
	var err error
	if s.audit, err = openAudit(ctx, env, c, log); err != nil {
		return nil, err
	}
	next, err := s.read(ctx)
	if err != nil {
		return nil, asUsage(err)
	}
	s.current.Store(next)
	return s, nil
}

func newReloads() *prometheus.CounterVec {
	reloads := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "conductor_jwt_policy_reloads_total", Help: "Times that the policy was read again, by result.",
	}, []string{"result"})
	for _, result := range []string{"taken", "refused"} {
		reloads.WithLabelValues(result)
	}
	return reloads
}

// read returns a generation of the policy file as it is now.
func (s *signing) read(ctx context.Context) (*generation, error) {
	p, err := readPolicy(ctx, s.c)
	if err != nil {
		return nil, err
	}
	o := ringOptions(s.env, p, s.parser, s.stores, s.log)
	if s.pkcs11 != nil {
		// The same for all generations: it remembers the PINs that a token refused,
		// as a few wrong ones lock the token.
		o.Schemes[policy.SchemePKCS11] = s.pkcs11
	}
	var before *keyring.Ring
	if current := s.current.Load(); current != nil {
		before = current.ring
	}
	ring, err := newRing(ctx, o, before)
	if err != nil {
		return nil, err
	}
	var audit func(task.Decision)
	if s.audit != nil {
		audit = s.audit.write
	}
	s.warnCleartext(ctx, p)
	return &generation{ring: ring, handler: newHandler(s.env, s.c, ring, p, s.stored, audit, s.log)}, nil
}

// warnCleartext warns of key stores over plain http, where others can read the
// worker's token.
func (s *signing) warnCleartext(ctx context.Context, p *policy.Policy) {
	if p == nil {
		return
	}
	for _, store := range [][2]string{{"vault.address", p.Vault.Address}, {"google.endpoint", p.Google.Endpoint}, {"aws.endpoint", p.AWS.Endpoint}} {
		if conductor.Cleartext(store[1]) {
			s.log.WarnContext(ctx, "a key store is asked over plain http: everybody on the way can read its token, and keys; use https", "setting", store[0])
		}
	}
}

// Handle implements [worker.Handler].
func (s *signing) Handle(ctx context.Context, d api.Task) task.Outcome {
	return s.current.Load().handler.Handle(ctx, d)
}

func (s *signing) published() web.Published { return s.current.Load().ring }

// maxEndWait is the maximum wait for goroutines that do not end with their context,
// such as a call of a PKCS#11 module.
const maxEndWait = time.Second

// run refreshes the keys and reloads the policy on SIGHUP, until end is called.
// The audit stays open until the process ends: an abandoned task may still write
// to it.
func (s *signing) run(ctx context.Context, reloads <-chan os.Signal) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	s.refresh(ctx, s.current.Load())
	s.running.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-reloads:
				s.reload(ctx)
			}
		}
	})
	return func() {
		cancel()
		s.await(min(maxEndWait, s.c.DrainTimeout))
	}
}

// await waits for the goroutines of s, for d at most.
func (s *signing) await(d time.Duration) {
	ended := make(chan struct{})
	go func() {
		s.running.Wait()
		close(ended)
	}()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
	}
}

func (s *signing) refresh(ctx context.Context, g *generation) {
	ctx, g.end = context.WithCancel(ctx)
	s.running.Go(func() { g.ring.Run(ctx) })
}

// reload reads the policy again. If the new file has a fault, the policy in force
// stays as it is.
func (s *signing) reload(ctx context.Context) {
	s.audit.reopen(ctx)
	if s.c.Policy == "" {
		s.log.InfoContext(ctx, "there is no policy to read again; settings are read at the start only")
		return
	}
	next, err := s.read(ctx)
	if ctx.Err() != nil {
		return // the worker is shutting down
	}
	if err != nil {
		s.reloads.WithLabelValues("refused").Inc()
		s.log.ErrorContext(ctx, "the policy is wrong; the one from before stays in force", "problem", firstLine(err), "hint", hintOf(err))
		return
	}
	s.refresh(ctx, next)
	s.current.Swap(next).end()
	s.reloads.WithLabelValues("taken").Inc()
	s.log.InfoContext(ctx, "the policy was read again", "path", printable.Name(s.c.Policy))
}

// Describe implements [prometheus.Collector].
func (s *signing) Describe(ch chan<- *prometheus.Desc) {
	s.reloads.Describe(ch)
	keyring.Describe(ch)
}

// Collect implements [prometheus.Collector].
func (s *signing) Collect(ch chan<- prometheus.Metric) {
	s.reloads.Collect(ch)
	s.current.Load().ring.Collect(ch)
}
