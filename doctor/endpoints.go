package doctor

import (
	"context"
	"fmt"
	"net/url"
	"sync"

	"conductor-jwt/internal/printable"
)

// Endpoint is a token endpoint that tasks may use.
type Endpoint struct {
	URL    string
	Of     string // the provider's name; empty: the policy lists it
	Listed bool   // it may have a private address
}

// Endpoints connects to each endpoint once and requests nothing. Connect returns what
// is wrong; empty for nothing.
func Endpoints(ctx context.Context, connect func(ctx context.Context, e Endpoint) (problem string), list []Endpoint) []Finding {
	problems := make([]string, len(list))
	var all sync.WaitGroup
	for i, e := range list {
		all.Go(func() { problems[i] = connect(ctx, e) })
	}
	all.Wait()
	var found []Finding
	reached := 0
	for i, e := range list {
		if problems[i] == "" {
			reached++
			continue
		}
		found = append(found, warn("endpoint", e.name()+" cannot be reached: "+problems[i], "permit the worker to connect to it, if tasks use it"))
	}
	if reached > 0 {
		found = append(found, ok("endpoint", fmt.Sprintf("%d of %s can be reached", reached, printable.Count(len(list), "token endpoint"))))
	}
	return found
}

func (e Endpoint) name() string {
	host := e.URL
	if u, err := url.Parse(e.URL); err == nil {
		host = u.Host
	}
	if e.Of == "" {
		return printable.Line(host) + ", which the policy lists,"
	}
	return printable.Line(host) + ", the token endpoint of " + e.Of + ","
}
