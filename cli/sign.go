package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
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

The claims come from flags and from a payload, a JSON object that is read from
FILE, from standard input where that is a pipe or FILE is -, or not at all. A
payload adds claims; it may not contradict a flag. The flags of step crypto jwt
sign are taken by their names and with their meanings, with one dash or two.`,
		Example: `  conductor-jwt sign --key key.pem --iss me --aud https://api --sub me --ttl 5m
  echo '{"scope":"read"}' | conductor-jwt sign --key key.jwk --iss me --aud api --sub me --exp +1h
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
	f.registerClaims(f.flags)
	f.registerHeader(f.flags)
	f.registerKey(f.flags)
	s := f.flags
	s.StringVar(&f.taskInput, "task-input", "", "sign what a task with this `file` as its inputParameters would sign, by the worker's own code")
	s.StringVar(&f.task, "task", "", "sign a stored task again, by its `id`, with the key of --key")
	s.BoolVar(&f.subtle, "subtle", false, "do without --iss, --aud, --sub or --exp, take a past --exp, and let --alg overrule a JWK")
	s.BoolVar(&f.explain, "explain", false, "say on standard error why each header member and claim is there")
	outputFlag(cmd, &f.output, outputText, outputJSON)
	profileFlag(cmd, &f.profile, "fill in and check what the provider of this `name` demands; then no claim must be given")
	completeAlgorithms(cmd, "alg", "algorithm")
}

func (f *signFlags) registerClaims(s *pflag.FlagSet) {
	twin(s, "iss", "issuer", func(name, text string) { s.StringVar(&f.iss, name, "", text) }, "iss, who issues the token")
	twin(s, "sub", "subject", func(name, text string) { s.StringVar(&f.sub, name, "", text) }, "sub, whom the token speaks of")
	twin(s, "aud", "audience", func(name, text string) { s.StringArrayVar(&f.aud, name, nil, text) }, "aud, whom the token is for; may be repeated")
	const times = "seconds since 1970, RFC 3339, or from now on: +5m, -30s"
	twin(s, "exp", "expiration", func(name, text string) { s.StringVar(&f.exp, name, "", text) }, "exp, the `time` from which the token must be refused: "+times)
	twin(s, "nbf", "not-before", func(name, text string) { s.StringVar(&f.nbf, name, "", text) }, "nbf, the `time` before which it must be refused (default now)")
	twin(s, "iat", "issued-at", func(name, text string) { s.StringVar(&f.iat, name, "", text) }, "iat, the `time` of issue (default now)")
	twin(s, "jti", "jwt-id", func(name, text string) { s.StringVar(&f.jti, name, "", text) }, "jti, the token's own id (default, and without a value: a random one)")
	s.StringVar(&f.ttl, "ttl", "", "exp as a `duration` from iat: 5m, or whole seconds")
	s.StringArrayVar(&f.claim, "claim", nil, "another claim, a string: `name=value`; may be repeated")
	s.StringArrayVar(&f.claimJSON, "claim-json", nil, "another claim, any JSON: `name=json`; may be repeated")
	s.BoolVar(&f.noNBF, "no-nbf", false, "leave nbf out")
	s.BoolVar(&f.noIAT, "no-iat", false, "leave iat out")
}

func (f *signFlags) registerHeader(s *pflag.FlagSet) {
	twin(s, "alg", "algorithm", func(name, text string) { s.StringVar(&f.alg, name, "", text) }, "the algorithm (default: the JWK's, else by the key)")
	s.StringVar(&f.typ, "typ", "", "typ, the type of token (default JWT)")
	s.StringArrayVar(&f.header, "header", nil, "another header member, a string: `name=value`; may be repeated")
	s.StringArrayVar(&f.headerJSON, "header-json", nil, "another header member, any JSON: `name=json`; may be repeated")
	s.BoolVar(&f.noKeyID, "no-kid", false, "leave kid out")
	s.StringVar(&f.x5c, "x5c-cert", "", "x5c, from this certificate chain in PEM or DER `file`")
	s.StringVar(&f.x5t, "x5t-cert", "", "x5t, the SHA-1 of the first certificate in `file`")
	s.StringVar(&f.x5t2, "x5t-s256-cert", "", "x5t#S256, the SHA-256 of the first certificate in `file`")
	s.BoolVar(&f.x5cInsecure, "x5c-insecure", false, "name the header member of --x5c-cert x5cInsecure")
}

func (f *signFlags) registerKey(s *pflag.FlagSet) {
	s.StringVar(&f.keys.key, "key", "", "the private key, a `file`: PEM, DER, JWK, JWE, PKCS#12, or with --alg HS* a raw secret")
	for _, name := range []string{"x5c-key", "x5t-key"} {
		s.StringVar(&f.keys.key, name, "", "the same as --key")
		hide(s, name)
	}
	s.StringVar(&f.keys.jwks, "jwks", "", "a JWK Set `file` that holds the private key")
	s.StringVar(&f.keys.kid, "kid", "", "the key id: which key of --jwks, and kid in the header")
	s.StringVar(&f.keys.passwordFile, "password-file", "", "the `file` with the key's password, or - for standard input")
}

// given reports whether a flag was set by any of its names.
func (f *signFlags) given(names ...string) bool {
	return slices.ContainsFunc(names, f.flags.Changed)
}

// check finds flags that contradict each other, before anything is read.
func (f *signFlags) check() error {
	if err := checkTwins(f.flags); err != nil {
		return err
	}
	if f.taskInput != "" || f.task != "" {
		return f.checkTask()
	}
	for _, pair := range [][2]string{{"exp", "ttl"}, {"expiration", "ttl"}, {"nbf", "no-nbf"}, {"not-before", "no-nbf"}, {"iat", "no-iat"}, {"issued-at", "no-iat"}} {
		if f.given(pair[0]) && f.given(pair[1]) {
			return usage("keep one of them", "--%s and --%s contradict each other", pair[0], pair[1])
		}
	}
	if f.x5cInsecure && f.x5c == "" {
		return usage("add --x5c-cert, or leave it out", "--x5c-insecure names the member of --x5c-cert, which is not given")
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
	if err := addCertificates(f, &request, now); err != nil {
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

// signAndVerify gives no token out that its own key does not verify: a broken
// key file or machine must not be found by the receiver.
func signAndVerify(ctx context.Context, key keys.Key, request signer.Request) (signer.Parsed, error) {
	token, err := signer.Sign(ctx, key, request)
	if err != nil {
		return signer.Parsed{}, signError(err)
	}
	return selfCheck(key, token.Compact.Reveal(), token.Algorithm)
}

func selfCheck(key keys.Key, token string, alg keys.Algorithm) (signer.Parsed, error) {
	parsed, err := signer.Parse(token)
	if err != nil {
		return signer.Parsed{}, signError(err)
	}
	verifier, err := keys.VerifierOf(key)
	if err != nil {
		return signer.Parsed{}, signError(err)
	}
	if err := signer.VerifySignature(parsed, verifier, alg); err != nil {
		return signer.Parsed{}, withHint(errSelfCheck, "nothing was printed; try again, and check the key with `conductor-jwt key inspect`")
	}
	return parsed, nil
}

// printSigned prints the token, alone or within JSON, and with --explain its
// reasons on standard error.
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

// explain lists each member with its value and the reason for it.
func explain(w io.Writer, token signer.Parsed, header, claims explained) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, part := range []struct {
		name    string
		object  jsonobj.Object
		reasons explained
	}{{"header", token.Header, header}, {"payload", token.Claims, claims}} {
		for m := range part.object.Members() {
			why := part.reasons.reason(m.Name)
			if isChainHeader(m.Name) {
				why = "the certificate"
			}
			if _, err := fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", part.name, printable.Name(m.Name), brief(m.Name, m.Value), why); err != nil {
				return err
			}
		}
	}
	return table.Flush()
}

func isChainHeader(name string) bool {
	switch name {
	case signer.HeaderX5C, signer.HeaderX5CInsecure, signer.HeaderX5T, signer.HeaderX5TS256:
		return true
	}
	return false
}

var errSelfCheck = errors.New("the signature that was made does not verify with its own key")
