package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"conductor-jwt/config"
	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/nearest"
	"conductor-jwt/internal/printable"
	"conductor-jwt/keys"
	"conductor-jwt/provider"
	"conductor-jwt/signer"
)

// signingKey is the key to sign with, and its algorithm.
type signingKey struct {
	key             keys.Key
	algorithm       keys.Algorithm
	algorithmReason string
	thumbprint      string // the default kid; empty for none
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
		return signingKey{}, usage("leave --kid out, or give the key's own", "--kid: %s has a different kid", printable.Name(file.name))
	}
	if f.subtle && alg != "" {
		key = keys.Unbind(key)
	}
	if bound := keys.BoundTo(key); bound != "" && alg != "" && alg != bound {
		return signingKey{}, usage("leave --alg out, or add --subtle to override the key",
			"--alg: %s has a different alg", printable.Name(file.name))
	}
	s := signingKey{key: key, algorithm: alg, algorithmReason: "--alg"}
	if p != nil {
		// No thumbprint: the provider does not know it.
		return s, s.applyProfile(p, file.name)
	}
	if alg == "" {
		s.algorithm, s.algorithmReason = key.Algorithms()[0], "default for the key"
	}
	if err := keys.Check(key, s.algorithm); err != nil {
		return signingKey{}, faultError(file.name, err)
	}
	s.thumbprint, err = defaultKeyID(file, key)
	return s, err
}

// checkPrimes refuses an RSA JWK without its primes, as step does. They are
// optional in RFC 7518 §6.3.2; `key convert` adds them.
func checkPrimes(file keyFile) error {
	if file.form != formJOSE {
		return nil
	}
	jwk, err := jsonobj.Parse(file.text, jsonobj.Limits{Bytes: maxKeyFile})
	if err != nil || !jwk.Has("d") || jwk.Has("p") || jwk.Has("q") {
		return nil //nolint:nilerr // another kind of key, or one that is refused later
	}
	if kty, _ := jwk.Text("kty"); kty != "RSA" {
		return nil
	}
	return withHint(fmt.Errorf("%s: this RSA JWK has no primes p and q", printable.Name(file.name)),
		"complete it with `"+program+" key convert "+printable.Name(file.name)+"`")
}

// defaultKeyID returns the thumbprint (RFC 7638) of a key in a form that has no
// kid. A JWK could have one, so that a JWK without a kid gets none.
func defaultKeyID(file keyFile, key keys.Key) (string, error) {
	if file.form != formOther || key.Public() == nil {
		return "", nil
	}
	id, err := keys.Thumbprint(key)
	if err != nil {
		return "", faultError(file.name, err)
	}
	return id, nil
}

// reasonProfile is the reason for a member that the profile set.
const reasonProfile = "the profile"

// findProfile returns the profile of --profile; nil for an empty name.
func findProfile(name string) (*provider.Profile, error) {
	if name == "" {
		return nil, nil //nolint:nilnil // no profile is no error
	}
	if p, ok := provider.Find(name); ok {
		return p, nil
	}
	return nil, usage(profileHint(name), "--profile: unknown profile")
}

// profileHint is the next step after an unknown name of a profile.
func profileHint(name string) string {
	if near := cmp.Or(nearest.Of(name, provider.Names()), nearest.Part(name, provider.Names())); near != "" {
		return "did you mean " + near + "?"
	}
	return "the profiles are " + strings.Join(provider.Names(), ", ")
}

// profileFlag adds --profile.
func profileFlag(cmd *cobra.Command, place *string, text string) {
	cmd.Flags().StringVar(place, "profile", "", text)
	complete := cobra.FixedCompletions(provider.Names(), cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc("profile", complete); err != nil {
		panic(err) // no such flag, or twice
	}
}

// applyProfile sets the profile's algorithm if no flag names one, and otherwise
// checks that one.
func (s *signingKey) applyProfile(p *provider.Profile, file string) error {
	alg, err := p.ChooseAlgorithm(s.key, s.algorithm)
	switch {
	case errors.Is(err, keys.ErrWeak):
		return faultError(file, err)
	case err != nil:
		return profileError(err)
	}
	if s.algorithm == "" {
		s.algorithm, s.algorithmReason = alg, reasonProfile
	}
	return nil
}

// addProfile sets the parties and times of the profile that neither a flag nor
// the payload has set.
func (c *claimSet) addProfile(key keys.Key) error {
	if c.profile == nil {
		return nil
	}
	var given provider.Parties
	given.Issuer, _ = c.object.Text("iss")
	given.Subject, _ = c.object.Text("sub")
	given.Audiences, _ = signer.Audiences(&c.object)
	filled, err := c.profile.Fill(given, key)
	if err != nil {
		return profileError(err)
	}
	for _, m := range []struct{ name, value string }{{"iss", filled.Issuer}, {"sub", filled.Subject}} {
		if m.value != "" && !c.object.Has(m.name) {
			c.object.String(m.name, m.value)
			c.note(m.name, reasonProfile)
		}
	}
	if len(filled.Audiences) == 1 && !c.object.Has("aud") {
		c.object.String("aud", filled.Audiences[0])
		c.note("aud", reasonProfile)
	}
	c.profileTimes()
	return nil
}

// profileTimes sets iat, nbf and exp by the profile.
func (c *claimSet) profileTimes() {
	if !c.object.Has("iat") && !c.flags.noIAT {
		c.object.Int("iat", c.now.Add(-time.Duration(c.profile.Backdate)*time.Second).Unix())
		c.note("iat", reasonProfile)
	}
	if c.profile.NotBefore && !c.object.Has("nbf") && !c.flags.noNBF {
		c.object.Int("nbf", c.issuedAt())
		c.note("nbf", reasonProfile)
	}
	if !c.object.Has("exp") && c.flags.exp == "" && c.flags.ttl == "" {
		ttl := c.profile.TTL
		if ttl == 0 {
			ttl = int64(config.Defaults().DefaultTTL / time.Second) // as the worker does
		}
		c.object.Int("exp", c.issuedAt()+ttl)
		c.note("exp", reasonProfile)
	}
}

// checkProfile completes a request by a profile and checks it by its rules.
func checkProfile(p *provider.Profile, r *signer.Request, now time.Time) error {
	if p == nil {
		return nil
	}
	p.Complete(&r.Header, &r.Claims)
	r.Claims.Sort()
	if faults := p.CheckRequest(r, now); len(faults) > 0 {
		return profileError(faults[0])
	}
	return nil
}

// profileError reports a rule that the token would break.
func profileError(err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	return usage(e.Hint, "%s: %s", e.Field, e.Found)
}
