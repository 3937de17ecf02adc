package cli

import (
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/keys/vault"
	"conductor-jwt/policy"
)

// vaultStore serves vault-kv: and vault-transit:. Without a login, Vault's own
// VAULT_TOKEN is the token.
func vaultStore(env Env, v policy.Vault, parser keys.Resolver) keys.Scheme {
	l := v.Login
	if l == (policy.VaultLogin{}) {
		l.TokenEnv = "VAULT_TOKEN"
	}
	login := vault.Login{
		TokenFile:  l.TokenFile,
		Kubernetes: vault.Kubernetes(l.Kubernetes),
		AppRole:    vault.AppRole(l.AppRole),
	}
	if l.TokenEnv != "" {
		token, _ := env.Getenv(l.TokenEnv)
		login.Token = secret.New(token)
	}
	return vault.New(vault.Options{
		Address: v.Address, Namespace: v.Namespace, CAFile: v.CAFile, Login: login, Parser: parser, Now: env.Now,
	})
}
