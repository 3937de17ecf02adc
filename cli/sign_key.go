package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"conductor-jwt/keys"
	"conductor-jwt/provider"
	"conductor-jwt/signer"
)

// signingKey is the key to sign with, and how.
type signingKey struct {
	key          keys.Key
	algorithm    keys.Algorithm
	algorithmWhy string
	thumbprint   string // the default kid; empty where there is none
}

func readSigningKey(ctx context.Context, env Env, f *signFlags, p *provider.Profile) (signingKey, error) {
	alg, err := parseAlgorithm(f.alg)
	if err != nil {
		return signingKey{}, err
	}
	file, err := readKeyFile(env, &f.keys, alg)
	if err != nil {
		return signingKey{}, err
	}
	if err := checkPrimes(file); err != nil {
		return signingKey{}, err
	}
	key, err := file.resolve(ctx, env)
	if err != nil {
		return signingKey{}, err
	}
	if id := key.ID(); id != "" && f.keys.kid != "" && id != f.keys.kid {
		return signingKey{}, usage("leave --kid out, or give the key's own", "--kid is not the id that %s says it has", shown(file.name))
	}
	if f.subtle && alg != "" {
		key = keys.Unbind(key)
	}
	if bound := keys.Unbind(key) != key; bound && alg != "" && alg != key.Algorithms()[0] {
		return signingKey{}, usage("leave --alg out, or add --subtle to overrule the key",
			"--alg is not the alg that %s says it is for", shown(file.name))
	}
	s := signingKey{key: key, algorithm: alg, algorithmWhy: "--alg"}
	if p != nil {
		// No thumbprint: the provider has never heard of it.
		return s, s.takeProfile(p, file.name)
	}
	if alg == "" {
		s.algorithm, s.algorithmWhy = key.Algorithms()[0], "default for the key"
	}
	if err := keys.Check(key, s.algorithm); err != nil {
		return signingKey{}, keyError(file.name, err)
	}
	s.thumbprint, err = defaultKeyID(file, key)
	return s, err
}

// checkPrimes refuses an RSA JWK without its primes, as step does. RFC 7518
// §6.3.2 requires d alone, so `key convert` reads such a key and adds them.
func checkPrimes(file keyFile) error {
	if file.form != formJOSE {
		return nil
	}
	jwk, err := signer.ParseObject(file.text, signer.Limits{Bytes: maxKeyFile})
	if err != nil || !jwk.Has("d") || jwk.Has("p") || jwk.Has("q") {
		return nil //nolint:nilerr // another key, or one that its reader refuses
	}
	if kty, _ := jwk.Text("kty"); kty != "RSA" {
		return nil
	}
	return withHint(fmt.Errorf("%s: an RSA JWK without its primes p and q", shown(file.name)),
		"complete it with `"+program+" key convert "+shown(file.name)+"`")
}

// defaultKeyID is the RFC 7638 thumbprint for a key in a form that has no
// place for an id; a JWK that has none wants none.
func defaultKeyID(file keyFile, key keys.Key) (string, error) {
	if file.form != formOther || key.Public() == nil {
		return "", nil
	}
	id, err := keys.Thumbprint(key)
	if err != nil {
		return "", keyError(file.name, err)
	}
	return id, nil
}

// completeAlgorithms lets a shell complete --alg.
func completeAlgorithms(cmd *cobra.Command, names ...string) {
	complete := cobra.FixedCompletions(texts(keys.Algorithms()), cobra.ShellCompDirectiveNoFileComp)
	for _, name := range names {
		if err := cmd.RegisterFlagCompletionFunc(name, complete); err != nil {
			panic(err) // the flag was added before
		}
	}
}

// parseAlgorithm reads --alg; empty is unset.
func parseAlgorithm(name string) (keys.Algorithm, error) {
	if name == "" {
		return "", nil
	}
	alg, err := keys.ParseAlgorithm(name)
	if err != nil {
		return "", asUsage(keyError("--alg", err))
	}
	return alg, nil
}
