package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

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

// keyFlags say where a key comes from.
type keyFlags struct {
	key, jwks, kid, passwordFile string
	// choose says how to choose the key where --key is a JWK Set; empty where
	// it may not be one.
	choose string
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

// twin registers a flag under both of its names, the second one hidden.
func twin(s *pflag.FlagSet, name, long string, register func(name, text string), text string) {
	register(name, text+" (also --"+long+")")
	register(long, "the same as --"+name)
	hide(s, long)
}

func hide(s *pflag.FlagSet, name string) { s.Lookup(name).Hidden = true }

// twins are the flags that have several names.
func twins() [][]string {
	return [][]string{
		{"alg", "algorithm"},
		{"iss", "issuer"},
		{"sub", "subject"},
		{"aud", "audience"},
		{"exp", "expiration"},
		{"nbf", "not-before"},
		{"iat", "issued-at"},
		{"jti", "jwt-id"},
		{"key", "x5c-key", "x5t-key"},
	}
}

// checkTwins refuses one flag by two of its names, as step does: whichever
// came last would silently win.
func checkTwins(s *pflag.FlagSet) error {
	for _, names := range twins() {
		var used []string
		for _, name := range names {
			if s.Changed(name) {
				used = append(used, "--"+name)
			}
		}
		if len(used) > 1 {
			return usage("keep one of them", "%s are names of one flag", strings.Join(used, " and "))
		}
	}
	return nil
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

func (k *keyFlags) check() error {
	for _, name := range []*string{&k.key, &k.passwordFile} {
		if *name == "/dev/stdin" {
			*name = dash // so that it is known to be no payload
		}
	}
	switch {
	case k.key == dash && k.passwordFile == dash:
		return usage("put one of them into a file", "standard input cannot be both the key and its password")
	case k.key == "" && k.jwks == "":
		return usage("give the file of a key with --key, or a JWK Set with --jwks and --kid", "no key: neither --key nor --jwks is given")
	case k.key != "" && k.jwks != "":
		return usage("keep one of them", "--key and --jwks contradict each other")
	}
	return nil
}
