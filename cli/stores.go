package cli

import (
	"conductor-jwt/keys"
	"conductor-jwt/keys/file"
	"conductor-jwt/policy"
)

// schemes are the kinds of sources that this build has. How their stores are
// reached is said by p, which may be nil.
func schemes(env Env, p *policy.Policy, parser keys.Resolver) map[string]keys.Scheme {
	if p == nil {
		p = &policy.Policy{}
	}
	files := file.New(file.Options{Getenv: env.Getenv, Parser: parser})
	vaults := vaultStore(env, p.Vault, parser)
	list := map[string]keys.Scheme{
		policy.SchemeFile: files, policy.SchemeDir: files, policy.SchemeEnv: files,
		policy.SchemeGCPKMS: gcpKMSStore(env, p.Google, parser), policy.SchemeVaultKV: vaults, policy.SchemeVaultTransit: vaults,
	}
	// What is behind a build tag is nil without it.
	for name, s := range map[string]keys.Scheme{
		policy.SchemeAWSKMS: awsKMSStore(p.AWS), policy.SchemeAzureKMS: azureKMSStore(p.Azure), policy.SchemePKCS11: pkcs11Store(env),
	} {
		if s != nil {
			list[name] = s
		}
	}
	return list
}

// elsewhere says of a kind of source where it is, if not in this build.
func elsewhere() map[string]string {
	const full = "; the full edition has them"
	return map[string]string{
		policy.SchemeAWSKMS: full, policy.SchemeAzureKMS: full, policy.SchemePKCS11: full,
	}
}
