package cli

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"conductor-jwt/conductor/api"
	"conductor-jwt/config"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
	"conductor-jwt/task"
)

// accessTokenFlags are the flags of token. Those that sign has mean the same.
type accessTokenFlags struct {
	signFlags

	scope            []string
	param, paramJSON []string
	tokenURL         string
}

func newTokenCommand(env Env) *cobra.Command {
	f := new(accessTokenFlags)
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Get an access token from a provider",
		Long: `Sign an assertion, exchange it at the token endpoint of the provider of
--profile, and print the access token.

The flags become the inputs of a GET_ACCESS_TOKEN task, which runs as in the
worker but without a policy file: any token endpoint is allowed. With
--task-input the settings and the policy file of the worker apply.`,
		Example: `  conductor-jwt token --profile google-service-account --key sa.json \
    --scope https://www.googleapis.com/auth/devstorage.read_only
  conductor-jwt token --profile github-app --key app.pem --iss Iv23li0000 \
    --param installationId=1
  conductor-jwt token --profile keycloak --key key.jwk --iss client \
    --aud https://keycloak.example.com/realms/main
  conductor-jwt token --task-input input.json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return runToken(cmd.Context(), env, f)
		},
	}
	f.register(cmd)
	return cmd
}

func (f *accessTokenFlags) register(cmd *cobra.Command) {
	f.flags = cmd.Flags()
	s := f.flags
	s.SortFlags = false // in groups
	profileFlag(cmd, &f.profile, "provider `name`, a profile with an exchange")
	f.registerKey(s)
	f.registerAlgorithm(s)
	f.registerParties(s)
	f.registerCertificates(s)
	s.StringArrayVar(&f.scope, "scope", nil, "`scope`; repeatable")
	s.StringArrayVar(&f.param, "param", nil, "provider's parameter `name=value`; repeatable for a list")
	s.StringArrayVar(&f.paramJSON, "param-json", nil, "provider's parameter `name=json`; repeatable")
	s.StringVar(&f.tokenURL, "token-url", "", "https `URL` of the tenant's token endpoint")
	s.StringVar(&f.taskInput, "task-input", "", "use the inputParameters in `file` as the worker would")
	outputFlag(cmd, &f.output, outputText, outputJSON)
	completeAlgorithms(cmd, "alg", "algorithm")
}

func (f *accessTokenFlags) check() error {
	if err := checkAliases(f.flags); err != nil {
		return err
	}
	if f.taskInput != "" {
		return f.checkTaskFlags("task-input", "output")
	}
	if _, err := findProfile(f.profile); err != nil {
		return err
	}
	if err := requireFlags("name the provider, for example --profile google-service-account", requiredFlag{"--profile", f.profile != ""}); err != nil {
		return err
	}
	return f.keys.check()
}

func runToken(ctx context.Context, env Env, f *accessTokenFlags) error {
	if f.taskInput != "" {
		return tokenOfTask(ctx, env, f)
	}
	alg, err := parseAlgorithm(f.alg)
	if err != nil {
		return err
	}
	file, err := readKeyFile(env, &f.keys, alg)
	if err != nil {
		return err
	}
	key, err := file.resolve(ctx, env)
	if err != nil {
		return err
	}
	input, err := f.input()
	if err != nil {
		return err
	}
	c := &config.Loaded{Config: config.Defaults()}
	return getToken(ctx, env, f, c, keyOfFile{key}, policy.AnyEndpoint(), input)
}

// tokenOfTask gets the token by the settings and the policy file of the worker.
func tokenOfTask(ctx context.Context, env Env, f *accessTokenFlags) error {
	raw, err := readInput(env, f.taskInput, maxTaskInput)
	if err != nil {
		return err
	}
	c, err := loadConfig(env, nil)
	if err != nil {
		return err
	}
	p, ring, err := openRing(ctx, env, c)
	if err != nil {
		return err
	}
	return getToken(ctx, env, f, c, ring, p, raw)
}

// keyOfFile is the key of a file, whatever key a task asks for.
type keyOfFile struct{ key keys.Key }

// Resolve implements [keys.Resolver].
func (k keyOfFile) Resolve(context.Context, keys.Ref) (keys.Key, error) { return k.key, nil }

// keyInput stands for the key in the input of a task, which [keyOfFile] ignores.
const keyInput = "(the key of --key)"

// input writes the flags as the inputs of a task.
func (f *accessTokenFlags) input() (json.RawMessage, error) {
	var o, claims, parameters jsonobj.Object
	o.String("profile", f.profile)
	o.String("privateKey", keyInput)
	for _, m := range []struct{ name, value string }{
		{"issuer", f.iss}, {"subject", f.sub}, {"jwtId", f.jti}, {"algorithm", f.alg}, {"privateKeyId", f.keys.kid}, {"tokenUrl", f.tokenURL},
	} {
		if m.value != "" {
			o.String(m.name, m.value)
		}
	}
	if len(f.aud) > 0 {
		o.Strings("audience", f.aud)
	}
	if len(f.scope) > 0 {
		o.String("scopes", strings.Join(f.scope, " "))
	}
	if f.ttl != "" {
		ttl, err := parseTTL(f.ttl)
		if err != nil {
			return nil, badFlag("ttl", err, "for example --ttl 5m or --ttl 24h")
		}
		o.Int("ttlInSecond", ttl)
	}
	if err := eachMember("claim", f.claim, f.claimJSON, setOnce(&claims)); err != nil {
		return nil, err
	}
	if claims.Len() > 0 {
		o.Set("claims", claims.AppendJSON(nil))
	}
	if err := f.parameters(&parameters); err != nil {
		return nil, err
	}
	if parameters.Len() > 0 {
		o.Set("parameters", parameters.AppendJSON(nil))
	}
	if err := f.certificate(&o); err != nil {
		return nil, err
	}
	return o.AppendJSON(nil), nil
}

// parameters sets those of --param and --param-json. A name that is repeated is a
// list.
func (f *accessTokenFlags) parameters(o *jsonobj.Object) error {
	lists := map[string][]string{}
	for _, text := range f.param {
		name, value, err := nameAndValue("param", text)
		if err != nil {
			return err
		}
		lists[name] = append(lists[name], value)
		if list := lists[name]; len(list) > 1 {
			o.Strings(name, list)
		} else {
			o.String(name, value)
		}
	}
	return eachMember("param", nil, f.paramJSON, setOnce(o))
}

// setOnce returns a function that sets a member of an object that has none of its
// name.
func setOnce(o *jsonobj.Object) func(name string, value json.RawMessage, from string) error {
	return func(name string, value json.RawMessage, from string) error {
		if o.Has(name) {
			return usage("keep one of them", "%s: %s is given twice", from, quoteName(name))
		}
		o.Set(name, value)
		return nil
	}
}

// certificate sets the certificate of flags.
func (f *accessTokenFlags) certificate(o *jsonobj.Object) error {
	var headers []string
	for _, m := range f.certificateFiles() {
		chain, err := readChain(m.file)
		if err != nil {
			return err
		}
		var text strings.Builder
		for _, certificate := range chain {
			if err := pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}); err != nil {
				return err
			}
		}
		headers = append(headers, m.parameter)
		o.String("certificate", text.String())
		o.Strings("certificateHeaders", headers)
	}
	return nil
}

// flagOutcome returns the failure of a task whose inputs are flags. That of an input is
// wrong use, and names the flag.
func flagOutcome(out task.Outcome) error {
	if !strings.HasPrefix(out.Fault.Code, "input_") {
		return outcomeError(out)
	}
	flags := map[string]string{
		"profile": "profile", "privateKey": "key", "privateKeyId": "kid", "issuer": "iss", "subject": "sub", "audience": "aud", "scopes": "scope",
		"ttlInSecond": "ttl", "jwtId": "jti", "algorithm": "alg", "claims": "claim", "parameters": "param", "tokenUrl": "token-url",
	}
	if flag, ok := flags[out.Fault.Field]; ok {
		out.Reason = out.Fault.Code + ": --" + flag + ": " + out.Fault.Message
	}
	return asUsage(outcomeError(out))
}

// getToken runs a task and prints its access token.
func getToken(ctx context.Context, env Env, f *accessTokenFlags, c *config.Loaded, resolver keys.Resolver, p *policy.Policy, input json.RawMessage) error {
	c.Output, c.SecretInjection = string(task.OutputToken), string(task.InjectionAuto)
	unknown := func(string) (keys.Key, bool) { return nil, false } // one token is not kept
	exchanger, err := newExchanger(env, c, unknown)
	if err != nil {
		return err
	}
	o := handlerOptions(env, c, resolver, p, nil, slog.New(slog.DiscardHandler))
	o.Exchange = exchanger
	out := handle(ctx, task.NewHandler(o), api.Task{Type: task.AccessTokenType, Name: task.AccessTokenType, Input: secret.NewJSON(input)})
	for _, w := range out.Warnings {
		env.warn(w)
	}
	if out.Status != api.Completed {
		if f.taskInput == "" {
			return flagOutcome(out)
		}
		return outcomeError(out)
	}
	output, err := jsonobj.Parse(out.Output.Reveal(), jsonobj.Limits{Bytes: maxTaskInput})
	if err != nil {
		return faultError("", err)
	}
	if f.output == outputJSON {
		return writeObject(env.Stdout, &output)
	}
	token, _ := output.Text("accessToken")
	_, err = fmt.Fprintln(env.Stdout, token)
	return err
}
