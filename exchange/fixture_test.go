package exchange_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"conductor-jwt/exchange"
	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/outbound"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/provider"
)

// fixture is an Exchanger with a token endpoint that answers as a test says.
type fixture struct {
	t   testing.TB
	x   *exchange.Exchanger
	key keys.Key
	now func() time.Time

	answer func(ctx context.Context, post int) (outbound.Response, error) // nil: a token for an hour

	mu     sync.Mutex
	posts  []outbound.Request
	signs  int
	active func(name string) (keys.Key, bool) // nil: it is not known
}

func newFixture(tb testing.TB, slots int) *fixture {
	tb.Helper()
	f := &fixture{t: tb, key: generated(tb, keys.EdDSA), now: time.Now}
	f.x = exchange.New(exchange.Options{
		Client: f, Slots: slots, Now: func() time.Time { return f.now() },
		Active: f.activeVersion,
	})
	return f
}

func generated(tb testing.TB, alg keys.Algorithm) keys.Key {
	tb.Helper()
	key, err := keys.Generate(alg, 0)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// activeVersion returns the version of a configured key that signs.
func (f *fixture) activeVersion(name string) (key keys.Key, known bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.active == nil {
		return nil, false
	}
	return f.active(name)
}

// Do answers a request as the token endpoint.
func (f *fixture) Do(ctx context.Context, r outbound.Request) (outbound.Response, error) {
	f.mu.Lock()
	f.posts = append(f.posts, r)
	n := len(f.posts)
	f.mu.Unlock()
	if f.answer == nil {
		return granted(n, 3600), nil
	}
	return f.answer(ctx, n)
}

// granted is the answer with the nth token.
func granted(n, expiresIn int) outbound.Response {
	return answered(http.StatusOK, fmt.Sprintf(`{"access_token":"token-%d","token_type":"Bearer","expires_in":%d}`, n, expiresIn))
}

func answered(status int, body string) outbound.Response {
	return outbound.Response{Status: status, Header: http.Header{}, Body: []byte(body)}
}

// always answers each request alike.
func always(status int, body string) func(context.Context, int) (outbound.Response, error) {
	return func(context.Context, int) (outbound.Response, error) { return answered(status, body), nil }
}

func (f *fixture) posted() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.posts)
}

const tokenURL = "https://as.example/token"

func testProfile() *provider.Profile {
	return &provider.Profile{Name: "test", Use: provider.Assertion, Exchange: &provider.Exchange{
		Parameters: []provider.Parameter{{Name: "resource", Field: "resource"}, {Name: "clientSecret", Field: "client_secret", Sealed: true}},
	}}
}

// request asks for a token for issuer a and subject b. Each assertion is another one.
func (f *fixture) request() exchange.Request {
	claims := jsonobj.New(8)
	claims.String("iss", "a")
	claims.String("sub", "b")
	claims.Int("iat", 1)
	claims.Int("exp", 2)
	return exchange.Request{
		Profile: testProfile(), Input: provider.ExchangeInput{Claims: &claims, URL: tokenURL},
		Listed: true, Key: f.key, MinLifetime: time.Minute,
		Sign: func(context.Context) (secret.Text, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.signs++
			return secret.New(fmt.Sprintf("header.assertion-number-%d.signature", f.signs)), nil
		},
	}
}

// token asks for a token and returns it; shared reports that it was not exchanged for
// this request.
func (f *fixture) token(r exchange.Request) (token string, shared bool, err error) {
	got, shared, err := f.x.Token(f.t.Context(), r)
	return got.AccessToken.Reveal(), shared, err
}

// wants fails the test where a request has another result.
func (f *fixture) wants(r exchange.Request, token string, shared bool) {
	f.t.Helper()
	if got, s, err := f.token(r); err != nil || got != token || s != shared {
		f.t.Errorf("got %q, shared %v, %v; want %q, shared %v", got, s, err, token, shared)
	}
}

// fails fails the test where a request has no error of this reason.
func (f *fixture) fails(r exchange.Request, reason error) {
	f.t.Helper()
	_ = f.failure(r, reason)
}

// failure returns the error of a request, which must be of this reason.
func (f *fixture) failure(r exchange.Request, reason error) *fault.Error {
	f.t.Helper()
	got, _, err := f.token(r)
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || !errors.Is(err, reason) {
		f.t.Fatalf("got %q, %v; want an error: %v", got, err, reason)
	}
	return e
}

// withSubject returns a request for another token.
func withSubject(r exchange.Request, sub string) exchange.Request {
	claims := r.Input.Claims.Clone()
	claims.String("sub", sub)
	r.Input.Claims = &claims
	return r
}

// metrics returns the values of all counters and gauges, by name and labels.
func metrics(tb testing.TB, c prometheus.Collector) map[string]float64 {
	tb.Helper()
	registry := prometheus.NewRegistry()
	if err := registry.Register(c); err != nil {
		tb.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		tb.Fatal(err)
	}
	values := map[string]float64{}
	for _, family := range families {
		for _, m := range family.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, l.GetValue())
			}
			name := strings.TrimPrefix(family.GetName(), "conductor_jwt_exchange_") + "{" + strings.Join(labels, ",") + "}"
			values[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return values
}
