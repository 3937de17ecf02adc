package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"conductor-jwt/signer"
)

func newInspectCommand(env Env) *cobra.Command {
	var insecure bool
	var output string
	cmd := &cobra.Command{
		Use:   "inspect --insecure [FILE | -]",
		Short: "Show what a token says, without verifying it",
		Long: `Show the header and the payload of a token, without verifying anything.

The token is read from FILE or standard input. Whoever shows it must know that
nothing of it can be believed, and says so with --insecure.`,
		Example: "  conductor-jwt inspect --insecure -o text <token.jwt",
		Args:    oneFile,
		RunE: func(_ *cobra.Command, args []string) error {
			if !insecure {
				return usage("add --insecure, or use `conductor-jwt verify`", "inspect does not verify the token, so it must be told --insecure")
			}
			return runInspect(env, args, output)
		},
	}
	cmd.Flags().BoolVar(&insecure, "insecure", false, "know that nothing is verified; required")
	outputFlag(cmd, &output, outputJSON, outputText)
	return cmd
}

func runInspect(env Env, args []string, output string) error {
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
	return printToken(env, p, output)
}
