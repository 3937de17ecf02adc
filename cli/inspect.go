package cli

import (
	"encoding/base64"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/printable"
	"conductor-jwt/provider"
	"conductor-jwt/signer"
)

func newInspectCommand(env Env) *cobra.Command {
	var insecure bool
	var output, name string
	cmd := &cobra.Command{
		Use:   "inspect --insecure [FILE | -]",
		Short: "Print the header and payload of a token without verifying it",
		Long: `Print the header and payload of a token without verifying it.

The token is read from FILE or standard input. --insecure is required, because
nothing in the token can be trusted. With --profile, each rule of that provider
that the token breaks is printed to standard error.`,
		Example: "  conductor-jwt inspect --insecure -o text <token.jwt",
		Args:    oneFile,
		RunE: func(_ *cobra.Command, args []string) error {
			if !insecure {
				return usage("add --insecure, or use `conductor-jwt verify`", "inspect does not verify the token: --insecure is required")
			}
			return runInspect(env, args, output, name)
		},
	}
	cmd.Flags().BoolVar(&insecure, "insecure", false, "required: the token is not verified")
	profileFlag(cmd, &name, "print the rules of the provider `name` that the token breaks")
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
		return faultError("token", err)
	}
	if _, err := signer.Parse(token); err != nil {
		env.warn(fmt.Sprintf("no verifier accepts this token: %s", faultError("", err)))
	}
	if err := printToken(env, p, output); err != nil || rules == nil {
		return err
	}
	return reportProfile(env, rules, p)
}

// reportProfile prints the rules that a token breaks.
func reportProfile(env Env, rules *provider.Profile, p signer.Parsed) error {
	broken := rules.Check(&p.Header, &p.Claims, env.Now())
	for _, e := range broken {
		env.label(rules.Name, yellow, e.Error())
	}
	if len(broken) > 0 {
		return withHint(fmt.Errorf("the token breaks %s of %s", printable.Count(len(broken), "rule"), rules.Name), "see "+rules.DocsURL)
	}
	return nil
}

// readToken reads a token from the file of the argument, or from standard input.
func readToken(env Env, args []string) (string, error) {
	raw, err := readTokenText(env, args)
	if err != nil {
		return "", err
	}
	token, err := tokenText(raw)
	if err != nil {
		return "", faultError("token", err)
	}
	return token, nil
}

// readTokenText reads more than the maximum length of a token, so that a longer
// one is refused by its length and never decoded.
func readTokenText(env Env, args []string) ([]byte, error) {
	if len(args) == 1 && args[0] != dash {
		return readFile(args[0], 2*signer.MaxToken)
	}
	if isTerminal(env.Stdin) {
		return nil, usage("pipe the token in, or give its file", "standard input is a terminal, and no token was given")
	}
	return readInput(env, dash, 2*signer.MaxToken)
}

// printToken prints the parts of a token, as JSON with step's members or as text.
func printToken(env Env, p signer.Parsed, output string) error {
	if output == outputText {
		return printParts(env.Stdout, p, env.Now())
	}
	header := p.Header.Clone()
	header.Sort() // as step prints it; the payload keeps its order
	var out jsonobj.Object
	out.Set("header", header.AppendJSON(nil))
	out.Set("payload", p.Payload)
	out.String("signature", base64.RawURLEncoding.EncodeToString(p.Signature))
	return writeObject(env.Stdout, &out)
}

func printParts(w io.Writer, p signer.Parsed, now time.Time) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(part, name, value string) { _, _ = fmt.Fprintf(table, "%s\t%s\t%s\n", part, name, value) }
	for m := range p.Header.Members() {
		row("header", printable.Name(m.Name), brief(m.Name, m.Value))
	}
	for m := range p.Claims.Members() {
		row("payload", printable.Name(m.Name), brief(m.Name, m.Value)+when(m, now))
	}
	if !p.IsClaims {
		row("payload", "", brief("", p.Payload))
	}
	row("signature", "", printable.Count(len(p.Signature), "byte"))
	return table.Flush() // rows are buffered until here
}

// when returns the distance of a time from now.
func when(m jsonobj.Member, now time.Time) string {
	name := m.Name
	at, err := signer.NumericDate(m.Value)
	if err != nil {
		return ""
	}
	switch d := at.Sub(now).Round(time.Second); {
	case name == "exp" && d <= 0:
		return fmt.Sprintf("  expired %s ago", -d)
	case name == "exp":
		return fmt.Sprintf("  expires in %s", d)
	case (name == "nbf" || name == "iat") && d > 0:
		return fmt.Sprintf("  in %s", d)
	case name == "nbf" || name == "iat":
		return fmt.Sprintf("  %s ago", -d)
	}
	return ""
}
