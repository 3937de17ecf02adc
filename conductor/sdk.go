package conductor

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"

	"github.com/conductor-sdk/conductor-go/sdk/client"
	"github.com/conductor-sdk/conductor-go/sdk/settings"
)

// sdk is conductor-go's client over our transport. It is the only file that
// knows conductor-go; the same function over an http.Client would do.
type sdk struct {
	api *client.APIClient
}

// newSDK makes the client. conductor-go has no option for a transport; its
// token manager is handed the live http.Client with each request, and a first
// request whose context is over installs ours before there is any concurrency.
func newSDK(base string, transport http.RoundTripper) *sdk {
	p := &primer{transport: transport}
	api := client.NewAPIClientFromSettings(&settings.ClientSettings{
		// Headers stays nil: the SDK adds them to its own, so each would be
		// sent twice, and its Accept-Encoding would unpack above the limit.
		HTTP:         &settings.HttpSettings{BaseUrl: base},
		TokenManager: p,
	})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, _ = api.Get(ctx, "", nil, nil) //nolint:bodyclose // it is meant to fail, and the SDK reads bodies to their end
	return &sdk{api: api}
}

// primer is a token manager that manages no token.
type primer struct {
	transport http.RoundTripper
	once      sync.Once
}

// errNoToken keeps the SDK from adding a header of its own.
var errNoToken = errors.New("the transport authenticates")

// RefreshToken implements authentication.TokenManager.
func (p *primer) RefreshToken(_ *settings.HttpSettings, c *http.Client) (string, error) {
	p.once.Do(func() { c.Transport = p.transport })
	return "", errNoToken
}

// send does one call; the transport has taken the answer's body.
func (s *sdk) send(ctx context.Context, method, path string, query url.Values, body []byte) error {
	var none string
	var err error
	if method == http.MethodPost {
		_, err = s.api.Post(ctx, path, body, &none) //nolint:bodyclose // the SDK has read and closed it
	} else {
		_, err = s.api.Get(ctx, path, query, &none) //nolint:bodyclose // the SDK has read and closed it
	}
	return err
}
