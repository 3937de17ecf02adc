package cli

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"conductor-jwt/config"
	"conductor-jwt/doctor"
	"conductor-jwt/internal/fault"
	"conductor-jwt/policy"
	"conductor-jwt/provider"
)

// endpointFindings connects to the token endpoints of a worker that exchanges
// assertions: those that providers have for all their customers, and those that the
// policy lists. Hosts that differ from customer to customer are not known.
func endpointFindings(ctx context.Context, env Env, c *config.Loaded, p *policy.Policy) []doctor.Finding {
	if !exchanges(c) {
		return nil
	}
	client, err := newOutbound(env)
	if err != nil {
		return []doctor.Finding{noClient("endpoint", err)}
	}
	connect := func(ctx context.Context, e doctor.Endpoint) string {
		err := client.Connect(ctx, e.URL, e.Listed)
		if problem, ok := errors.AsType[*fault.Error](err); ok {
			return problem.Found
		}
		return ""
	}
	return doctor.Endpoints(ctx, connect, slices.Concat(builtInEndpoints(), listedEndpoints(p)))
}

func builtInEndpoints() []doctor.Endpoint {
	var list []doctor.Endpoint
	for _, p := range provider.Profiles() {
		if p.Exchange == nil {
			continue
		}
		if u, err := url.Parse(p.Exchange.URL); err == nil && u.Host != "" && !strings.Contains(u.Host, "{") {
			list = append(list, doctor.Endpoint{URL: p.Exchange.URL, Of: p.Name})
		}
	}
	return list
}

func listedEndpoints(p *policy.Policy) []doctor.Endpoint {
	if p == nil {
		return nil
	}
	var list []doctor.Endpoint
	for _, e := range p.Endpoints {
		if !strings.Contains(string(e.Host), "*") {
			list = append(list, doctor.Endpoint{URL: "https://" + string(e.Host), Listed: true})
		}
	}
	return list
}
