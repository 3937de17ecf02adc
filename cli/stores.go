package cli

import (
	"context"
	"log/slog"

	"conductor-jwt/config"
	"conductor-jwt/internal/bulkhead"
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
	"conductor-jwt/verifier"
)

const policyHint = "see docs/keys.md; `" + program + " config validate` checks the file without starting anything"

// readPolicy reads the policy file; it returns nil if none is configured.
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

// checkInjectionMode refuses a setting that denies every key in a task: inline:
// secrets-only needs the stored task.
func checkInjectionMode(c *config.Loaded, p *policy.Policy) error {
	mode := task.InjectionMode(c.SecretInjection)
	if p.InlineMode() != policy.InlineSecretsOnly || mode != task.InjectionKey && mode != task.InjectionOff {
		return nil
	}
	return withHint(&policy.Error{Path: printable.Name(c.Policy), Problems: []policy.Problem{{
		Text: "inline: secrets-only needs the stored task, which secret_injection: " + c.SecretInjection + " does not read",
	}}}, "set secret_injection to auto or stored (it is set by "+c.Origin("secret_injection").String()+"), or inline to allow or deny")
}

// openRing reads the policy file and its keys, for commands other than worker.
func openRing(ctx context.Context, env Env, c *config.Loaded) (*policy.Policy, *keyring.Ring, error) {
	p, err := readPolicy(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	ring, err := newRing(ctx, silentRingOptions(env, c, p), nil)
	return p, ring, err
}

func newRing(ctx context.Context, o keyring.Options, before *keyring.Ring) (*keyring.Ring, error) {
	ring, err := keyring.New(ctx, o, before)
	if err != nil {
		return nil, withHint(err, policyHint)
	}
	return ring, nil
}

func ringOptions(env Env, p *policy.Policy, parser keys.Resolver, stores *bulkhead.Group, log *slog.Logger) keyring.Options {
	return keyring.Options{
		Policy: p, Parser: parser, Schemes: schemes(env, p, parser), Missing: missingSchemes(),
		Stores: stores, Now: env.Now, Logger: log,
	}
}

// silentRingOptions are the options of a command that prints what it finds.
func silentRingOptions(env Env, c *config.Loaded, p *policy.Policy) keyring.Options {
	parser := keys.NewParser(keys.ParserOptions{Now: env.Now})
	return ringOptions(env, p, parser, bulkhead.NewGroup(c.Slots, env.Now), slog.New(slog.DiscardHandler))
}

// offline is a Scheme that checks URIs and makes no request to the store.
type offline struct{ keys.Scheme }

// Open implements [keys.Scheme].
func (o offline) Open(uri string) (keys.Source, error) {
	source, err := o.Scheme.Open(uri)
	return offlineSource{source}, err
}

type offlineSource struct{ keys.Source }

// Versions implements [keys.Source].
func (offlineSource) Versions(context.Context) ([]keys.Key, error) {
	return nil, keys.Unavailable("offline", "")
}

// checkPolicy checks the policy file and what it names on this machine.
func checkPolicy(ctx context.Context, env Env, c *config.Loaded) error {
	p, err := readPolicy(ctx, c)
	if err != nil || p == nil {
		return err
	}
	o := silentRingOptions(env, c, p)
	for name, s := range o.Schemes {
		switch name {
		case policy.SchemeFile, policy.SchemeDir, policy.SchemeEnv:
		default:
			o.Schemes[name] = offline{s}
		}
	}
	if _, err = newRing(ctx, o, nil); err != nil || !verifies(c) {
		return err
	}
	verifiers, err := newVerifierOptions(env, c, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	if _, err := verifier.New(ctx, *verifiers, p, nil); err != nil { // reads the JWK Sets that are files
		return withHint(err, policyHint)
	}
	return nil
}

// schemes returns the kinds of sources of this edition. The policy, which may be
// nil, has the addresses and logins of their stores.
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
		policy.SchemeAWSKMS:   awskms.New(awskms.Options(p.AWS)),
		policy.SchemeAzureKMS: azurekms.New(azurekms.Options{TenantID: p.Azure.TenantID, ClientID: p.Azure.ClientID, TokenFile: p.Azure.TokenFile}),
	}
	if s := pkcs11Store(env); s != nil {
		list[policy.SchemePKCS11] = s
	}
	return list
}

// missingSchemes has a text for each scheme that an edition lacks: which one has it.
func missingSchemes() map[string]string {
	return map[string]string{policy.SchemePKCS11: "; the native edition has them"}
}

// vaultStore returns the Scheme of vault-kv: and vault-transit:. Without a login
// the token is that of VAULT_TOKEN, as in Vault's own tools.
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
		login.Token = secret.New(env.variable(l.TokenEnv))
	}
	return vault.New(vault.Options{
		Address: v.Address, Namespace: v.Namespace, CAFile: v.CAFile, Login: login, Parser: parser, Now: env.Now,
	})
}
