package cli

import (
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/keys/awskms"
	"conductor-jwt/keys/azurekms"
	"conductor-jwt/keys/file"
	"conductor-jwt/keys/gcpkms"
	"conductor-jwt/keys/vault"
	"conductor-jwt/policy"
)

// schemes are the kinds of sources that this edition has. How their stores are
// reached is said by p, which may be nil.
func schemes(env Env, p *policy.Policy, parser keys.Resolver) map[string]keys.Scheme {
	if p == nil {
		p = &policy.Policy{}
	}
	files := file.New(file.Options{Getenv: env.Getenv, Parser: parser})
	vaults := vaultStore(env, p.Vault, parser)
	list := map[string]keys.Scheme{
		policy.SchemeFile: files, policy.SchemeDir: files, policy.SchemeEnv: files,
		policy.SchemeVaultKV: vaults, policy.SchemeVaultTransit: vaults,
		policy.SchemeGCPKMS: gcpkms.New(gcpkms.Options{
			Endpoint: p.Google.Endpoint, CredentialsFile: p.Google.CredentialsFile, Getenv: env.Getenv, Now: env.Now,
		}),
		policy.SchemeAWSKMS:   awskms.New(awskms.Options{Region: p.AWS.Region, Endpoint: p.AWS.Endpoint, Profile: p.AWS.Profile}),
		policy.SchemeAzureKMS: azurekms.New(azurekms.Options{TenantID: p.Azure.TenantID, ClientID: p.Azure.ClientID, TokenFile: p.Azure.TokenFile}),
	}
	if s := pkcs11Store(env); s != nil {
		list[policy.SchemePKCS11] = s
	}
	return list
}

// elsewhere says of a kind of source which edition has it.
func elsewhere() map[string]string {
	return map[string]string{policy.SchemePKCS11: "; the native edition has them"}
}

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
