package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/printable"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/signer"
)

// verifyFlags are the flags of verify. Those that step has keep step's names.
type verifyFlags struct {
	alg, iss, aud, sub, typ string
	keys                    keyFlags
	leeway, maxAge          string
	subtle, insecure        bool
	noExpCheck              bool
	output                  string
}

func newVerifyCommand(env Env) *cobra.Command {
	f := new(verifyFlags)
	cmd := &cobra.Command{
		Use:   "verify [FILE | -]",
		Short: "Verify a token and print its header and payload",
		Long: `Verify a token and print its header and payload.

The token is read from FILE or standard input. verify checks the form of the
token, then that its algorithm fits the key, then the signature, then the
claims. All faults of the claims are reported together.

An RSA key fits six algorithms, RS256 to PS512. The token must not choose
between them (RFC 8725 section 3.1), so give the issuer's with --alg. The long
names of step, such as --issuer and --audience, are accepted too.

Without --key and --jwks, the JWK Set of the https URL in --iss is fetched, by
OpenID Connect Discovery or RFC 8414. The iss of the token is never contacted.`,
		Example: `  conductor-jwt verify --key public.pem --iss me --aud api <token.jwt
  conductor-jwt verify --key rsa.pem --alg RS256 --iss me --aud api token.jwt
  conductor-jwt verify --jwks keys.json --iss me --aud api --max-age 5m t.jwt
  conductor-jwt verify --issuer https://token.actions.githubusercontent.com \
    --aud api token.jwt`,
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd.Flags()); err != nil {
				return err
			}
			return runVerify(cmd.Context(), env, f, args)
		},
	}
	f.register(cmd)
	return cmd
}

func (f *verifyFlags) register(cmd *cobra.Command) {
	s := cmd.Flags()
	s.SortFlags = false // in groups
	s.StringVar(&f.iss, "iss", "", "expected issuer; without a key, the https URL to discover its JWK Set")
	alias(s, "iss", "issuer")
	s.StringVar(&f.aud, "aud", "", "expected audience")
	alias(s, "aud", "audience")
	s.StringVar(&f.alg, "alg", "", "expected algorithm; required if the key fits several, such as RSA")
	alias(s, "alg", "algorithm")
	s.StringVar(&f.sub, "sub", "", "expected subject")
	s.StringVar(&f.typ, "typ", "", "expected typ, such as at+jwt")
	s.StringVar(&f.keys.key, "key", "", "key `file`: PEM, DER or JWK, public or private, a certificate, or with --alg HS* a raw secret")
	s.StringVar(&f.keys.jwks, "jwks", "", "JWK Set `file`; --kid or the token's kid selects the key")
	s.StringVar(&f.keys.kid, "kid", "", "key id")
	s.StringVar(&f.keys.passwordFile, "password-file", "", "`file` with the key's password, or - for standard input")
	s.StringVar(&f.leeway, "leeway", "0", "allowed clock skew, a `duration` or whole seconds")
	s.StringVar(&f.maxAge, "max-age", "", "maximum time since iat, a `duration` or whole seconds")
	s.BoolVar(&f.subtle, "subtle", false, "do not require --iss and --aud")
	s.BoolVar(&f.insecure, "insecure", false, "allow --no-exp-check, and a key that needs --alg without it")
	s.BoolVar(&f.noExpCheck, "no-exp-check", false, "accept an expired token; needs --insecure")
	outputFlag(cmd, &f.output, outputJSON, outputText)
	completeAlgorithms(cmd, "alg", "algorithm")
}

func (f *verifyFlags) check(s *pflag.FlagSet) error {
	if err := checkAliases(s); err != nil {
		return err
	}
	if f.noExpCheck && !f.insecure {
		return usage("add --insecure", "--no-exp-check needs --insecure")
	}
	if err := requireFlags("add what is missing, or --subtle",
		requiredFlag{"--iss", f.iss != "" || f.subtle},
		requiredFlag{"--aud", f.aud != "" || f.subtle},
	); err != nil {
		return err
	}
	if f.discovers() {
		if f.keys.passwordFile != "" {
			return usage("leave it out, or give a key", "--password-file needs --key or --jwks")
		}
		return nil
	}
	if f.keys.key == "" && f.keys.jwks == "" {
		return usage("give the file of a key with --key, a JWK Set with --jwks, or an https URL in --iss, whose JWK Set is discovered", "--key or --jwks must be given")
	}
	return f.keys.check()
}

// discovers reports whether the keys are those that the issuer publishes.
func (f *verifyFlags) discovers() bool {
	return f.keys.key == "" && f.keys.jwks == "" && strings.HasPrefix(f.iss, "https://")
}

func runVerify(ctx context.Context, env Env, f *verifyFlags, args []string) error {
	alg, err := parseAlgorithm(f.alg)
	if err != nil {
		return err
	}
	rules, err := f.rules(env.Now(), alg)
	if err != nil {
		return err
	}
	token, err := readToken(env, args)
	if err != nil {
		return err
	}
	p, err := signer.Parse(token)
	if err != nil {
		return faultError("token", err)
	}
	key, err := readVerifyingKey(ctx, env, f, alg, p)
	if err != nil {
		return err
	}
	if err := f.chooseAlgorithm(key, &rules); err != nil {
		return err
	}
	if err := signer.Verify(p, key, rules); err != nil {
		return verifyError(p, rules, err)
	}
	return printToken(env, p, f.output)
}

func (f *verifyFlags) rules(now time.Time, alg keys.Algorithm) (signer.Rules, error) {
	r := signer.Rules{
		Now: now, Issuer: f.iss, Audiences: given(f.aud), Subject: f.sub, Types: given(f.typ), Algorithms: given(alg), IgnoreExpiry: f.noExpCheck,
	}
	for _, m := range []struct {
		flag, value string
		target      *time.Duration
	}{{"leeway", f.leeway, &r.Leeway}, {"max-age", f.maxAge, &r.MaxAge}} {
		if m.value == "" {
			continue
		}
		seconds, err := parseDuration(m.value)
		switch {
		case err != nil:
		case m.flag == "max-age" && seconds == 0:
			err = errors.New("the duration must be more than 0")
		case seconds > int64((1<<63-1)/time.Second):
			err = errors.New("the duration is too long")
		}
		if err != nil {
			return r, badFlag(m.flag, err, "for example --"+m.flag+" 30s")
		}
		*m.target = time.Duration(seconds) * time.Second
	}
	return r, nil
}

// given returns the values of a flag that takes one.
func given[T ~string](value T) []T {
	if value == "" {
		return nil
	}
	return []T{value}
}

// chooseAlgorithm sets the algorithm for a key that fits several. The token's
// header must not choose it (RFC 8725 §3.1): --alg does, or with --insecure the
// default of the key's type.
func (f *verifyFlags) chooseAlgorithm(key keys.Verifier, rules *signer.Rules) error {
	if len(rules.Algorithms) > 0 || !isOpen(key) {
		return nil
	}
	fitting := key.Algorithms()
	if !f.insecure {
		return usage("add --alg with the one that the issuer uses: "+keys.JoinAlgorithms(fitting),
			"%s: the key fits several algorithms", printable.Name(cmp.Or(f.keys.key, f.keys.jwks, f.iss)))
	}
	rules.Algorithms = fitting[:1]
	return nil
}

// verifyError returns one line for each fault, and the first hint.
func verifyError(p signer.Parsed, rules signer.Rules, err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if _, one := err.(*fault.Error); one || !ok { //nolint:errorlint // errors.Join's own, never wrapped
		return faultError("", err)
	}
	var lines []string
	hint := ""
	for _, e := range joined.Unwrap() {
		one := bothValues(p, rules, e)
		lines = append(lines, one.Error())
		if hint == "" {
			hint = hintOf(one)
		}
	}
	return withHint(errors.New(strings.Join(lines, "\n")), hint)
}

// bothValues adds to a fault the value of the token and the expected one. The
// user of verify has both.
func bothValues(p signer.Parsed, rules signer.Rules, err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	audiences, _ := signer.Audiences(&p.Claims)
	issuer, _ := p.Claims.Text("iss")
	subject, _ := p.Claims.Text("sub")
	for _, m := range []struct {
		reason   error
		has      []string
		expected string
	}{
		{signer.ErrIssuer, []string{issuer}, rules.Issuer},
		{signer.ErrSubject, []string{subject}, rules.Subject},
		{signer.ErrAudience, audiences, strings.Join(rules.Audiences, "")},
		{signer.ErrTokenType, []string{p.Type}, strings.Join(rules.Types, "")},
	} {
		if !errors.Is(e, m.reason) {
			continue
		}
		if len(m.has) == 0 || m.has[0] == "" {
			return withHint(fmt.Errorf("%s: %s; expected %s", e.Field, e.Found, quoteValue(m.expected)), e.Hint)
		}
		quoted := make([]string, len(m.has))
		for i, value := range m.has {
			quoted[i] = quoteValue(value)
		}
		return withHint(fmt.Errorf("%s: the token has %s; expected %s", e.Field, strings.Join(quoted, ", "), quoteValue(m.expected)), nearMiss(m.has, m.expected))
	}
	return faultError("", err)
}

// nearMiss returns a hint if two values are nearly equal.
func nearMiss(has []string, expected string) string {
	for _, value := range has {
		switch {
		case strings.TrimSuffix(value, "/") == strings.TrimSuffix(expected, "/"):
			return "they differ in the slash at the end; values are compared exactly"
		case strings.EqualFold(value, expected):
			return "they differ in case; values are compared exactly"
		case strings.TrimSpace(value) == strings.TrimSpace(expected):
			return "they differ in white space; values are compared exactly"
		}
	}
	return ""
}

// quoteValue returns a claim's value within quotes, with escapes for what a
// terminal does not show or a reader would take for another character.
func quoteValue(value string) string {
	const maxShown = 256
	end := `"`
	if len(value) > maxShown {
		end += "…"
	}
	return `"` + printable.ASCII(value, maxShown) + end
}

func readVerifyingKey(ctx context.Context, env Env, f *verifyFlags, alg keys.Algorithm, p signer.Parsed) (keys.Verifier, error) {
	if f.keys.kid != "" && p.KeyID != "" && f.keys.kid != p.KeyID {
		return nil, withHint(errors.New("kid: the token's kid differs from --kid"), keyIDHint)
	}
	if f.discovers() {
		return discoverKey(ctx, env, f, alg, p)
	}
	file, err := readKeyFile(env, &f.keys, alg)
	if err != nil {
		return nil, err
	}
	if f.keys.jwks != "" {
		file.chooseFor(p)
	}
	if f.subtle && alg != "" {
		file.dropAlgorithm()
	}
	if f.keys.jwks == "" { // public keys under their ids, or a set in a JWE
		file.ref.KeyID = cmp.Or(f.keys.kid, p.KeyID)
	}
	key, err := file.verifier(ctx, env)
	if err != nil {
		return nil, err
	}
	id := key.ID()
	if id != "" && f.keys.kid != "" && id != f.keys.kid {
		return nil, withHint(fmt.Errorf("kid: the kid of %s differs from --kid", printable.Name(file.name)), keyIDHint)
	}
	if id != "" && p.KeyID != "" && id != p.KeyID {
		return nil, withHint(fmt.Errorf("kid: the token's kid differs from that of %s", printable.Name(file.name)), keyIDHint)
	}
	return key, nil
}

// chooseFor lets the token's header select a key of the set, if no flag does. The
// user trusts all of them, and a key that fits several algorithms still needs
// --alg.
func (file *keyFile) chooseFor(p signer.Parsed) {
	if file.ref.KeyID == "" {
		file.ref.KeyID, file.idFrom = p.KeyID, "the token's kid"
	}
	if alg, err := keys.ParseAlgorithm(p.Algorithm); err == nil && file.ref.Algorithm == "" {
		file.ref.Algorithm = alg
	}
}

const keyIDHint = "give the key that signed the token, or leave --kid out"

// verifier returns the key of the file: public, private or a secret.
func (file keyFile) verifier(ctx context.Context, env Env) (keys.Verifier, error) {
	v, err := keys.ReadVerifier(ctx, file.ref)
	if err == nil {
		return v, nil
	}
	if !errors.Is(err, keys.ErrEncrypted) {
		return nil, file.keyError(err)
	}
	// resolve asks for the password.
	key, keyErr := file.resolve(ctx, env)
	if keyErr != nil {
		return nil, keyErr
	}
	if v, err = keys.VerifierOf(key); err != nil {
		return nil, file.keyError(err)
	}
	return v, nil
}

// isOpen reports whether v is for more than one algorithm: an RSA key, or a
// secret whose JWK names none. A short secret fits only one, but does not say so.
func isOpen(v keys.Verifier) bool {
	if v.Public() == nil {
		return keys.BoundTo(v) == ""
	}
	return !signer.OneAlgorithm(v.Algorithms())
}

// dropAlgorithm removes the alg of a plain JWK, so that --alg overrides it.
func (file *keyFile) dropAlgorithm() {
	o, err := jsonobj.Parse(file.text, jsonobj.Limits{Bytes: maxKeyFile})
	if err != nil || !o.Has("kty") || !o.Has("alg") {
		return
	}
	if kty, _ := o.Text("kty"); kty == "AKP" {
		return // alg is part of the key (RFC 9964)
	}
	o.Delete("alg")
	file.ref.Text = secret.New(string(o.AppendJSON(nil)))
}
