package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"conductor-jwt/provider"
	"conductor-jwt/signer"
)

func newInspectCommand(env Env) *cobra.Command {
	var insecure bool
	var output, name string
	cmd := &cobra.Command{
		Use:   "inspect --insecure [FILE | -]",
		Short: "Show what a token says, without verifying it",
		Long: `Show the header and the payload of a token, without verifying anything.

The token is read from FILE or standard input. Whoever shows it must know that
nothing of it can be believed, and says so with --insecure. With --profile each
rule of that provider which the token breaks is named on standard error, and
the exit status is 1 where there is one.`,
		Example: "  conductor-jwt inspect --insecure -o text <token.jwt",
		Args:    oneFile,
		RunE: func(_ *cobra.Command, args []string) error {
			if !insecure {
				return usage("add --insecure, or use `conductor-jwt verify`", "inspect does not verify the token, so it must be told --insecure")
			}
			return runInspect(env, args, output, name)
		},
	}
	cmd.Flags().BoolVar(&insecure, "insecure", false, "know that nothing is verified; required")
	profileFlag(cmd, &name, "say which rules of the provider of this `name` the token breaks")
	outputFlag(cmd, &output, outputJSON, outputText)
	return cmd
}

func runInspect(env Env, args []string, output, name string) error {
	rules, err := findProfile(name)
	if err != nil {
		return err
	}
	token, err := readToken(env, args)
	if err != nil {
		return err
	}
	p, err := signer.Decode(token)
	if err != nil {
		return signerError("token", err)
	}
	if _, err := signer.Parse(token); err != nil {
		label(env, env.Stderr, "warning", yellow, fmt.Sprintf("no verifier would take this token: %s", signerError("", err)))
	}
	if err := printToken(env, p, output); err != nil || rules == nil {
		return err
	}
	return reportProfile(env, rules, p)
}

// reportProfile names the rules that a token breaks.
func reportProfile(env Env, rules *provider.Profile, p signer.Parsed) error {
	faults := rules.Check(&p.Header, &p.Claims, env.Now())
	for _, f := range faults {
		label(env, env.Stderr, rules.Name, yellow, fmt.Sprintf("%s: %s; %s", f.Name, f.Found, f.Hint))
	}
	if len(faults) > 0 {
		return withHint(fmt.Errorf("the token breaks %s of %s", plural(len(faults), "rule"), rules.Name), "see "+rules.Page)
	}
	return nil
}
