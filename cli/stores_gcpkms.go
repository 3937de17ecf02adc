package cli

import (
	"conductor-jwt/keys"
	"conductor-jwt/keys/gcpkms"
	"conductor-jwt/policy"
)

// gcpKMSStore serves gcpkms:.
func gcpKMSStore(env Env, g policy.Google, parser keys.Resolver) keys.Scheme {
	return gcpkms.New(gcpkms.Options{
		Endpoint: g.Endpoint, CredentialsFile: g.CredentialsFile, Getenv: env.Getenv, Parser: parser, Now: env.Now,
	})
}
