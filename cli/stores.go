package cli

import (
	"context"
	"log/slog"

	"conductor-jwt/config"
	"conductor-jwt/internal/printable"
	"conductor-jwt/internal/readfile"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keyring"
	"conductor-jwt/keys"
	"conductor-jwt/keys/awskms"
	"conductor-jwt/keys/azurekms"
	"conductor-jwt/keys/file"
	"conductor-jwt/keys/gcpkms"
	"conductor-jwt/keys/vault"
	"conductor-jwt/policy"
	"conductor-jwt/task"
)

const policyHint = "see docs/keys.md; `" + program + " config validate` checks the file without starting anything"

// readPolicy reads the policy file; nil where none is configured.
func readPolicy(ctx context.Context, c *config.Loaded) (*policy.Policy, error) {
	if c.Policy == "" {
		return nil, nil
	}
	text, err := readfile.Any(ctx, c.Policy, maxSettings)
	if err != nil {
		return nil, withHint(&policy.Error{Path: printable.Name(c.Policy), Problems: []policy.Problem{{Text: readfile.Reason(err)}}},
			"check policy, which is set by "+c.Origin("policy").String())
	}
	p, err := policy.Read(printable.Name(c.Policy), text, c.MaxTTL)
	if err != nil {
		return nil, withHint(err, policyHint)
	}
	if err := checkInjectionMode(c, p); err != nil {
		return nil, err
	}
	return p, nil
}

// checkInjectionMode refuses settings under which every key in a task would be
// denied: with inline: secrets-only the worker compares the stored task.
func checkInjectionMode(c *config.Loaded, p *policy.Policy) error {
	mode := task.InjectionMode(c.SecretInjection)
	if p.InlineMode() != policy.InlineSecretsOnly || mode != task.InjectionKey && mode != task.InjectionOff {
		return nil
	}
	return withHint(&policy.Error{Path: printable.Name(c.Policy), Problems: []policy.Problem{{
		Text: "inline: secrets-only needs the stored task, which secret_injection: " + c.SecretInjection + " does not read",
	}}}, "set secret_injection to auto or stored (it is set by "+c.Origin("secret_injection").String()+"), or inline to allow or deny")
}

// openRing reads the policy file and the keys that it names, for a command
// that asks once.
func openRing(ctx context.Context, env Env, c *config.Loaded) (*policy.Policy, *keyring.Ring, error) {
	p, err := readPolicy(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	ring, err := newRing(ctx, ringOptions(env, p, keys.NewParser(keys.ParserOptions{Now: env.Now}), keyring.NewStores(c.Slots, env.Now), slog.New(slog.DiscardHandler)), nil)
	return p, ring, err
}

func newRing(ctx context.Context, o keyring.Options, before *keyring.Ring) (*keyring.Ring, error) {
	ring, err := keyring.New(ctx, o, before)
	if err != nil {
		return nil, withHint(err, policyHint)
	}
	return ring, nil
}

func ringOptions(env Env, p *policy.Policy, parser keys.Resolver, stores *keyring.Stores, log *slog.Logger) keyring.Options {
	return keyring.Options{
		Policy: p, Parser: parser, Schemes: schemes(env, p, parser), Elsewhere: elsewhere(),
		Stores: stores, Now: env.Now, Logger: log,
	}
}

// unasked keeps a check from calling a key store: its URIs are read, and its
// keys count as not there yet.
type unasked struct{ keys.Scheme }

// Open implements [keys.Scheme].
func (u unasked) Open(uri string) (keys.Source, error) {
	source, err := u.Scheme.Open(uri)
	return silent{source}, err
}

type silent struct{ keys.Source }

// Versions implements [keys.Source].
func (silent) Versions(context.Context) ([]keys.Key, error) {
	return nil, keys.Unavailable("not asked", "")
}

// checkPolicy checks the file, and all that can be checked on this machine.
func checkPolicy(ctx context.Context, env Env, c *config.Loaded) error {
	p, err := readPolicy(ctx, c)
	if err != nil || p == nil {
		return err
	}
	o := ringOptions(env, p, keys.NewParser(keys.ParserOptions{Now: env.Now}), keyring.NewStores(c.Slots, env.Now), slog.New(slog.DiscardHandler))
	for name, s := range o.Schemes {
		switch name {
		case policy.SchemeFile, policy.SchemeDir, policy.SchemeEnv:
		default:
			o.Schemes[name] = unasked{s}
		}
	}
	_, err = newRing(ctx, o, nil)
	return err
}

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
