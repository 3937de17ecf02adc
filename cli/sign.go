package cli

import (
	"context"

	"github.com/spf13/cobra"

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

// oneFile takes at most one argument.
func oneFile(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usage("give one file, or - for standard input", "%s takes one argument, got %d", cmd.CommandPath(), len(args))
	}
	return nil
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
