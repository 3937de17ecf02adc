package cli

import (
	"cmp"
	"context"
	"net/url"

	"conductor-jwt/keys"
	"conductor-jwt/signer"
	"conductor-jwt/verifier"
)

// discoverKey returns the key of the issuer of --issuer for a token. The host may have a
// private address, because the user names it; another host that its metadata name may
// not.
func discoverKey(ctx context.Context, env Env, f *verifyFlags, alg keys.Algorithm, p signer.Parsed) (keys.Verifier, error) {
	client, err := newOutbound(env)
	if err != nil {
		return nil, err
	}
	set, err := verifier.Discover(ctx, client, f.iss, func(address string) bool { return hostOf(address) == hostOf(f.iss) })
	if err != nil {
		return nil, faultError("--issuer", err)
	}
	if alg == "" {
		// The user trusts all of the keys. One that fits several algorithms still needs --alg.
		alg, _ = keys.ParseAlgorithm(p.Algorithm)
	}
	key, err := verifier.ChooseFrom(set, cmp.Or(f.keys.kid, p.KeyID), alg)
	if err != nil {
		return nil, faultError("", err)
	}
	return key, nil
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
