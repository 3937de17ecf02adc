package cli

import (
	"slices"

	"conductor-jwt/config"
	"conductor-jwt/exchange"
	"conductor-jwt/internal/outbound"
	"conductor-jwt/keys"
	"conductor-jwt/task"
)

// newExchanger returns an exchanger of assertions for access tokens. Active is that of
// [exchange.Options].
func newExchanger(env Env, c *config.Loaded, active func(name string) (keys.Key, bool)) (*exchange.Exchanger, error) {
	client, err := newOutbound(env)
	if err != nil {
		return nil, err
	}
	return exchange.New(exchange.Options{Client: client, Slots: c.Slots, Now: env.Now, Active: active}), nil
}

// newOutbound returns a client for addresses on the internet.
func newOutbound(env Env) (*outbound.Client, error) {
	client, err := outbound.New(outbound.Options{Getenv: env.variable, UserAgent: program + "/" + version(env)})
	if err != nil {
		return nil, asUsage(withHint(err, "check HTTPS_PROXY and NO_PROXY"))
	}
	return client, nil
}

// exchanges reports whether a worker with these settings exchanges assertions.
func exchanges(c *config.Loaded) bool { return slices.ContainsFunc(c.TaskTypes, task.Exchanges) }
