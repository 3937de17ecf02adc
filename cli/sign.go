package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/printable"
	"conductor-jwt/keys"
	"conductor-jwt/signer"
)

func newSignCommand(env Env) *cobra.Command {
	f := new(signFlags)
	cmd := &cobra.Command{
		Use:   "sign [FILE | -]",
		Short: "Sign a JWT",
		Long: `Sign a JWT with a private key.

The claims come from flags and from a payload, a JSON object. The payload is
read from FILE, or from standard input if that is a pipe or FILE is -. It adds
claims and must not contradict a flag. All flags of step crypto jwt sign have
the same names and meanings here, long ones such as --issuer too, and may be
written with one dash or two.`,
		Example: `  conductor-jwt sign --key key.pem --iss me --aud https://api --sub me --ttl 5m
  conductor-jwt sign --key key.jwk --iss a --aud b --sub c --exp +1h claims.json
  conductor-jwt sign --profile github-app --key app.pem --iss Iv23li0000
  conductor-jwt sign --task-input input.json`,
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runSign(cmd.Context(), env, f, args)
		},
	}
	f.register(cmd)
	return cmd
}

// signFlags are the flags of sign. Those that step has keep step's names.
type signFlags struct {
	flags *pflag.FlagSet

	alg, iss, sub  string
	aud            []string
	exp, nbf, iat  string
	ttl            string
	jti            string
	typ            string
	header         []string
	headerJSON     []string
	claim          []string
	claimJSON      []string
	noKeyID        bool
	noNBF, noIAT   bool
	subtle         bool
	keys           keyFlags
	x5c, x5t, x5t2 string
	x5cInsecure    bool

	taskInput, task string
	profile         string

	explain bool
	output  string
}

func (f *signFlags) register(cmd *cobra.Command) {
	f.flags = cmd.Flags()
	f.flags.SortFlags = false // in groups
	f.registerKey(f.flags)
	f.registerAlgorithm(f.flags)
	f.registerParties(f.flags)
	f.registerTimes(f.flags)
	f.registerHeader(f.flags)
	f.registerCertificates(f.flags)
	profileFlag(cmd, &f.profile, "apply the rules of the provider `name`; then no claim is required")
	s := f.flags
	s.StringVar(&f.taskInput, "task-input", "", "sign the inputParameters in `file` as the worker would")
	s.StringVar(&f.task, "task", "", "sign the task with this `id` again, with --key")
	s.BoolVar(&f.subtle, "subtle", false, "do not require --iss, --aud, --sub, --exp; allow a past --exp and another --alg than the JWK's")
	s.BoolVar(&f.explain, "explain", false, "explain header parameters and claims on standard error")
	outputFlag(cmd, &f.output, outputText, outputJSON)
	completeAlgorithms(cmd, "alg", "algorithm")
}

func (f *signFlags) registerParties(s *pflag.FlagSet) {
	s.StringVar(&f.iss, "iss", "", "issuer")
	alias(s, "iss", "issuer")
	s.StringVar(&f.sub, "sub", "", "subject")
	alias(s, "sub", "subject")
	s.StringArrayVar(&f.aud, "aud", nil, "`audience`; repeatable")
	alias(s, "aud", "audience")
	s.StringVar(&f.jti, "jti", "", "token id (random by default, and without a value)")
	alias(s, "jti", "jwt-id")
	s.StringVar(&f.ttl, "ttl", "", "`duration` from iat to exp: 5m, or whole seconds")
	s.StringArrayVar(&f.claim, "claim", nil, "claim `name=value`, a string; repeatable")
	s.StringArrayVar(&f.claimJSON, "claim-json", nil, "claim `name=json`; repeatable")
}

func (f *signFlags) registerTimes(s *pflag.FlagSet) {
	const times = "seconds since 1970, RFC 3339, or relative to now: +5m, -30s"
	s.StringVar(&f.exp, "exp", "", "expiry `time`: "+times)
	alias(s, "exp", "expiration")
	s.StringVar(&f.nbf, "nbf", "", "start `time` of validity (default now)")
	alias(s, "nbf", "not-before")
	s.StringVar(&f.iat, "iat", "", "issue `time` (default now)")
	alias(s, "iat", "issued-at")
	s.BoolVar(&f.noNBF, "no-nbf", false, "leave nbf out")
	s.BoolVar(&f.noIAT, "no-iat", false, "leave iat out")
}

func (f *signFlags) registerAlgorithm(s *pflag.FlagSet) {
	s.StringVar(&f.alg, "alg", "", "algorithm (default the JWK's, or one that fits the key)")
	alias(s, "alg", "algorithm")
}

func (f *signFlags) registerHeader(s *pflag.FlagSet) {
	s.StringVar(&f.typ, "typ", "", "type of token (default JWT)")
	s.StringArrayVar(&f.header, "header", nil, "header parameter `name=value`, a string; repeatable")
	s.StringArrayVar(&f.headerJSON, "header-json", nil, "header parameter `name=json`; repeatable")
	s.BoolVar(&f.noKeyID, "no-kid", false, "leave kid out")
	s.BoolVar(&f.x5cInsecure, "x5c-insecure", false, "name the header parameter x5cInsecure, not x5c")
}

func (f *signFlags) registerCertificates(s *pflag.FlagSet) {
	s.StringVar(&f.x5c, "x5c-cert", "", "x5c: certificate chain `file`, PEM or DER")
	s.StringVar(&f.x5t, "x5t-cert", "", "x5t: SHA-1 of the first certificate in `file`")
	s.StringVar(&f.x5t2, "x5t-s256-cert", "", "x5t#S256: SHA-256 of the first certificate in `file`")
}

func (f *signFlags) registerKey(s *pflag.FlagSet) {
	s.StringVar(&f.keys.key, "key", "", "private key `file`: PEM, DER, JWK, JWE, PKCS#12, or with --alg HS* a raw secret")
	alias(s, "key", "x5c-key")
	alias(s, "key", "x5t-key")
	s.StringVar(&f.keys.jwks, "jwks", "", "JWK Set `file` with the private key")
	s.StringVar(&f.keys.kid, "kid", "", "key id; selects the key of --jwks")
	s.StringVar(&f.keys.passwordFile, "password-file", "", "`file` with the key's password, or - for standard input")
}

// check refuses flags that contradict each other, before anything is read.
func (f *signFlags) check() error {
	if err := checkAliases(f.flags); err != nil {
		return err
	}
	if f.taskInput != "" || f.task != "" {
		return f.checkTask()
	}
	for _, pair := range []struct {
		one, other string
		both       bool
	}{
		{"--exp", "--ttl", f.exp != "" && f.ttl != ""},
		{"--nbf", "--no-nbf", f.nbf != "" && f.noNBF},
		{"--iat", "--no-iat", f.iat != "" && f.noIAT},
	} {
		if pair.both {
			return usage("keep one of them", "%s and %s contradict each other", pair.one, pair.other)
		}
	}
	if f.x5cInsecure && f.x5c == "" {
		return usage("add --x5c-cert, or leave --x5c-insecure out", "--x5c-insecure needs --x5c-cert")
	}
	if f.keys.jwks != "" && (f.x5c != "" || f.x5t != "" || f.x5t2 != "") {
		return usage("give the certificate's key with --key", "a certificate goes with --key, not with --jwks")
	}
	return f.keys.check()
}

func runSign(ctx context.Context, env Env, f *signFlags, args []string) error {
	if err := f.check(); err != nil {
		return err
	}
	switch {
	case f.taskInput != "":
		return signTaskInput(ctx, env, f, args)
	case f.task != "":
		return signStoredTask(ctx, env, f, args)
	}
	payload, err := readPayload(ctx, env, f, args)
	if err != nil {
		return err
	}
	p, err := findProfile(f.profile)
	if err != nil {
		return err
	}
	key, err := readSigningKey(ctx, env, f, p)
	if err != nil {
		return err
	}
	now := env.Now()
	claims, err := composeClaims(f, p, key.key, payload, now)
	if err != nil {
		return err
	}
	header, err := composeHeader(f, p)
	if err != nil {
		return err
	}
	request := signer.Request{Algorithm: key.algorithm, Header: header.object, Claims: claims.object}
	request.KeyID = keyID(f, key, &header)
	if err := addCertificates(f, &request, &header, now); err != nil {
		return err
	}
	if err := checkProfile(p, &request, now); err != nil {
		return err
	}
	token, err := signAndVerify(ctx, key.key, request)
	if err != nil {
		return err
	}
	return printSigned(env, f, key, token, header, claims)
}

// signAndVerify signs a token and verifies it with the same key, so that a
// broken key file or machine is found here and not by the receiver.
func signAndVerify(ctx context.Context, key keys.Key, request signer.Request) (signer.Parsed, error) {
	token, err := signer.Sign(ctx, key, request)
	if err != nil {
		return signer.Parsed{}, faultError("", err)
	}
	return selfCheck(key, token.Compact.Reveal(), token.Algorithm)
}

func selfCheck(key keys.Key, token string, alg keys.Algorithm) (signer.Parsed, error) {
	parsed, err := signer.Parse(token)
	if err != nil {
		return signer.Parsed{}, faultError("", err)
	}
	verifier, err := keys.VerifierOf(key)
	if err != nil {
		return signer.Parsed{}, faultError("", err)
	}
	if err := signer.VerifySignature(parsed, verifier, alg); err != nil {
		return signer.Parsed{}, withHint(errors.New("the new token does not verify with its own key"),
			"nothing was printed; try again, and check the key with `"+program+" key inspect`")
	}
	return parsed, nil
}

// printSigned prints the token, alone or in JSON, and with --explain the reasons
// on standard error.
func printSigned(env Env, f *signFlags, key signingKey, token signer.Parsed, header, claims explained) error {
	if f.explain {
		if err := explain(env.Stderr, token, header, claims); err != nil {
			return err
		}
	}
	if f.output == outputJSON {
		var out jsonobj.Object
		out.String("token", token.Compact())
		out.String("algorithm", string(key.algorithm))
		out.Set("header", token.Header.AppendJSON(nil))
		out.Set("payload", token.Payload)
		return writeObject(env.Stdout, &out)
	}
	_, err := fmt.Fprintln(env.Stdout, token.Compact())
	return err
}

// explain lists each header parameter and claim with its value and reason.
func explain(w io.Writer, token signer.Parsed, header, claims explained) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, part := range []struct {
		name    string
		object  jsonobj.Object
		reasons explained
	}{{"header", token.Header, header}, {"payload", token.Claims, claims}} {
		for m := range part.object.Members() {
			why := part.reasons.reason(m.Name)
			if _, err := fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", part.name, printable.Name(m.Name), brief(m.Name, m.Value), why); err != nil {
				return err
			}
		}
	}
	return table.Flush()
}
