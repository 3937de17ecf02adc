package cli

import (
	"context"
	"errors"
	"strings"

	"conductor-jwt/config"
	"conductor-jwt/doctor"
	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/outbound"
	"conductor-jwt/internal/printable"
	"conductor-jwt/policy"
	"conductor-jwt/verifier"
)

// verifierFindings fetches the metadata and the JWK Set of each issuer that the policy
// has discovered, and connects to the others, if the worker verifies tokens. Files were
// read with the policy.
func verifierFindings(ctx context.Context, env Env, c *config.Loaded, p *policy.Policy) []doctor.Finding {
	if !verifies(c) || len(p.Verifiers) == 0 {
		return nil
	}
	client, err := newOutbound(env)
	if err != nil {
		return []doctor.Finding{noClient("verifier", err)}
	}
	var found []doctor.Finding
	for _, v := range p.Verifiers {
		if _, isFile := v.JWKSFile(); !isFile {
			found = append(found, verifierFinding(ctx, client, p, v))
		}
	}
	return found
}

func verifierFinding(ctx context.Context, client *outbound.Client, p *policy.Policy, v policy.Verifier) doctor.Finding {
	f := doctor.Finding{Check: "verifier", Level: doctor.OK}
	var err error
	if v.JWKS == policy.JWKSDiscover {
		f.Found = v.Name + ": the issuer's keys can be fetched"
		_, err = verifier.Discover(ctx, client, v.Issuer, p.ListsEndpoint)
	} else {
		f.Found = v.Name + ": the host of its JWK Set can be reached"
		err = client.Connect(ctx, v.JWKS, p.ListsEndpoint(v.JWKS))
	}
	if err == nil {
		return f
	}
	f.Level, f.Found, f.Remedy = doctor.Warn, v.Name+": the issuer's keys cannot be fetched", "run this again; its tasks wait until they can"
	if e, ok := errors.AsType[*fault.Error](err); ok {
		f.Found = v.Name + ": " + printable.Line(strings.TrimSpace(e.Found))
		f.Remedy = e.Hint + "; its tasks wait until the keys can be fetched"
	}
	return f
}
