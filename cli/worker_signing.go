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
	"conductor-jwt/exchange"
	"conductor-jwt/internal/bulkhead"
	"conductor-jwt/keyring"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
	"conductor-jwt/task"
	"conductor-jwt/verifier"
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
	// exchanger outlives a reload, with its access tokens; nil: no tasks ask for one.
	exchanger *exchange.Exchanger
	verifying *verifier.Options // nil: no tasks verify a token
	log       *slog.Logger
	pkcs11    keys.Scheme // nil in the static edition

	current atomic.Pointer[generation]
	running sync.WaitGroup
	reloads reloadMetrics
	files   policyFiles // as they were last read
}

// generation is one reading of the policy.
type generation struct {
	ring    *keyring.Ring
	handler *task.Handler
	end     context.CancelFunc // stops the refresh of its keys

	verifiers *verifier.Verifiers // nil: no tasks verify a token
}

func newSigning(ctx context.Context, env Env, c *config.Loaded, parser *keys.Parser, stored task.Stored, log *slog.Logger) (*signing, error) {
	s := &signing{
		env: env, c: c, parser: parser, stored: stored, log: log, stores: bulkhead.NewGroup(c.Slots, env.Now),
		pkcs11: pkcs11Store(env), reloads: newReloadMetrics(env.Now()),
	}
	var err error
	if s.audit, err = openAudit(ctx, env, c, log); err != nil {
		return nil, err
	}
	if exchanges(c) {
		active := func(name string) (keys.Key, bool) { return s.current.Load().ring.Active(name) }
		if s.exchanger, err = newExchanger(env, c, active); err != nil {
			return nil, err
		}
	}
	if verifies(c) {
		if s.verifying, err = newVerifierOptions(env, c, log); err != nil {
			return nil, err
		}
	}
	next, err := s.read(ctx)
	if err != nil {
		return nil, asUsage(err)
	}
	s.current.Store(next)
	return s, nil
}

// read returns a generation of the policy file as it is now.
func (s *signing) read(ctx context.Context) (*generation, error) {
	s.files = newPolicyFiles(ctx, s.c.Policy)
	p, err := readPolicy(ctx, s.c)
	if err != nil {
		return nil, err
	}
	once := filesReadOnce(s.env, p)
	inForce := s.files.with(ctx, once)
	s.files = s.files.with(ctx, append(once, filesOfKeys(ctx, s.env, p)...)) // a missing one may come later
	o := ringOptions(s.env, p, s.parser, s.stores, s.log)
	if s.pkcs11 != nil {
		// The same for all generations: it remembers the PINs that a token refused,
		// as a few wrong ones lock the token.
		o.Schemes[policy.SchemePKCS11] = s.pkcs11
	}
	before := s.current.Load()
	if before == nil {
		before = &generation{}
	}
	ring, err := newRing(ctx, o, before.ring)
	if err != nil {
		return nil, err
	}
	next := &generation{ring: ring}
	if s.verifying != nil {
		if next.verifiers, err = verifier.New(ctx, *s.verifying, p, before.verifiers); err != nil {
			return nil, err
		}
	}
	s.files = inForce
	var audit func(task.Decision)
	if s.audit != nil {
		audit = s.audit.write
	}
	s.warnCleartext(ctx, p)
	h := handlerOptions(s.env, s.c, ring, p, s.stored, s.log)
	h.Audit = audit
	if s.exchanger != nil {
		h.Exchange = s.exchanger
	}
	if next.verifiers != nil {
		h.Verifiers, h.VerifyInline = next.verifiers, s.c.VerifyInline == config.Allow
	}
	next.handler = task.NewHandler(h)
	return next, nil
}

// warnCleartext warns of key stores over plain http, where others can read the
// worker's token.
func (s *signing) warnCleartext(ctx context.Context, p *policy.Policy) {
	if p == nil {
		return
	}
	for _, store := range [][2]string{{"vault.address", p.Vault.Address}, {"google.endpoint", p.Google.Endpoint}, {"aws.endpoint", p.AWS.Endpoint}} {
		if conductor.Cleartext(store[1]) {
			s.log.WarnContext(ctx, "the connection to a key store is plain HTTP: anyone on the network path can read its token and keys; use HTTPS", "setting", store[0])
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

// run refreshes the keys, and reloads the policy on SIGHUP and when its files
// change, until end is called.
// The audit stays open until the process ends: an abandoned task may still write
// to it.
func (s *signing) run(ctx context.Context, reloads <-chan os.Signal) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	s.refresh(ctx, s.current.Load())
	s.running.Go(func() {
		tick := time.NewTicker(watchInterval)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-reloads:
				s.audit.reopen(ctx)
				s.reload(ctx)
			case <-tick.C:
				if s.c.Policy != "" && s.files.changed(ctx) {
					s.reload(ctx)
				}
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

// accessTokens returns the status of the exchanges; nil where there are none.
func (s *signing) accessTokens() *web.AccessTokens {
	if s.exchanger == nil {
		return nil
	}
	list, cached := s.exchanger.Status()
	tokens := &web.AccessTokens{Cached: cached, Providers: []web.Provider{}}
	for _, p := range list {
		tokens.Providers = append(tokens.Providers, web.Provider(p))
	}
	return tokens
}

// verifierSets returns the status of the verifiers; none where no tasks verify.
func (s *signing) verifierSets() (list []web.Verifier) {
	if s.verifying == nil {
		return nil
	}
	for _, v := range s.current.Load().verifiers.Status() {
		list = append(list, web.Verifier(v))
	}
	return list
}

// Describe implements [prometheus.Collector].
func (s *signing) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range s.reloads.collectors() {
		c.Describe(ch)
	}
	keyring.Describe(ch)
	if s.exchanger != nil {
		s.exchanger.Describe(ch)
	}
	if s.verifying != nil {
		s.verifying.Metrics.Describe(ch)
		verifier.Describe(ch)
	}
}

// Collect implements [prometheus.Collector].
func (s *signing) Collect(ch chan<- prometheus.Metric) {
	for _, c := range s.reloads.collectors() {
		c.Collect(ch)
	}
	s.current.Load().ring.Collect(ch)
	if s.exchanger != nil {
		s.exchanger.Collect(ch)
	}
	if s.verifying != nil {
		s.verifying.Metrics.Collect(ch)
		s.current.Load().verifiers.Collect(ch)
	}
}
