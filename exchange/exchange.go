// Package exchange exchanges signed tokens for access tokens at the token endpoints of
// providers, and keeps the access tokens in memory until they are renewed.
package exchange

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"conductor-jwt/internal/bulkhead"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/outbound"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/keys/exposure"
	"conductor-jwt/provider"
)

const (
	maxEntries = 1000 // access tokens that are kept
	maxPauses  = 1000 // tokens for which a provider asked to wait
	maxHosts   = 256  // hosts whose failures are counted
)

// Options configure an Exchanger. All fields are required.
type Options struct {
	// Client makes the requests: an [*outbound.Client].
	Client interface {
		Do(context.Context, outbound.Request) (outbound.Response, error)
	}
	Slots int // of the worker: a provider may use a quarter of them
	Now   func() time.Time

	// Active returns the version of a configured key that signs now, or nil where none
	// does. Known is false where that cannot be told.
	Active func(name string) (key keys.Key, known bool)
}

// Exchanger exchanges and keeps tokens. It outlives a reload of the policy, and has no
// goroutines while no exchange is in flight. It is safe for concurrent use.
type Exchanger struct {
	secret.Opaque
	options   Options
	pepper    []byte // of the ids
	providers *bulkhead.Group
	metrics   *metrics

	mu       sync.Mutex
	kept     *simplelru.LRU[id, *entry]
	pauses   *simplelru.LRU[id, time.Time] // until when a token is not asked for
	hosts    *simplelru.LRU[string, *bulkhead.Bulkhead]
	flights  map[id]*flight
	waiting  map[string]int // tasks that wait, by provider
	sweeping bool           // a sweep is scheduled
}

// New returns an Exchanger.
func New(o Options) *Exchanger {
	x := &Exchanger{
		options: o, pepper: make([]byte, sha256.Size), providers: bulkhead.NewGroup(o.Slots, o.Now),
		flights: map[id]*flight{}, waiting: map[string]int{},
	}
	_, _ = rand.Read(x.pepper) // never fails (crypto/rand)
	// The only error is a size that is not positive.
	x.kept, _ = simplelru.NewLRU[id, *entry](maxEntries, nil)
	x.pauses, _ = simplelru.NewLRU[id, time.Time](maxPauses, nil)
	x.hosts, _ = simplelru.NewLRU[string, *bulkhead.Bulkhead](maxHosts, nil)
	x.metrics = newMetrics()
	return x
}

// Request asks for an access token. The caller has authorised it. It prints as
// [secret.Redacted].
type Request struct {
	secret.Opaque

	Profile *provider.Profile
	Input   provider.ExchangeInput // without the assertion
	Listed  bool                   // the policy lists the endpoint, which may therefore have a private address

	KeyID  string         // kid of the assertion: at some providers it chooses whose token is issued
	Header jsonobj.Object // of the assertion, but what signing adds

	Key     keys.Key         // that Sign uses
	KeyName string           // of a configured key; empty: the key comes with the task
	Secrets exposure.Secrets // of the key: they are not repeated in an error

	MinLifetime time.Duration // a kept token with less left is not used
	Fresh       bool          // no kept token is used

	// Sign returns a new assertion. It is called once at most, before Token returns.
	Sign func(context.Context) (secret.Text, error)
}

// Token returns an access token: a kept one, that of an exchange in flight for the same
// token, or that of a new exchange. Shared reports that no exchange was made for this
// request. The reason of its error is [ErrRefused], [ErrEndpoint], [ErrUnavailable] or
// that of Sign.
//
// A token of which a fifth of the life is left is renewed while it is still given out.
// Other callers may have the same token: its Response must not be changed.
func (x *Exchanger) Token(ctx context.Context, r Request) (token provider.Token, shared bool, err error) {
	which, key, err := x.identify(&r)
	if err != nil {
		return provider.Token{}, false, err
	}
	for {
		found := x.find(which, &r)
		if found.paused > 0 {
			return provider.Token{}, false, x.skipped(&r, throttled(found.paused))
		}
		if found.mine {
			x.begin(ctx, found.flight, which, key, &r)
		}
		if found.token != nil {
			x.metrics.hit(r.Profile)
			return *found.token, true, nil
		}
		if err := x.wait(ctx, found.flight, &r); err != nil {
			return provider.Token{}, false, err
		}
		if found.mine || !found.flight.abandoned {
			return found.flight.token, !found.mine, found.flight.err
		}
	}
}
