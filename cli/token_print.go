package cli

import (
	"encoding/base64"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"conductor-jwt/signer"
)

// printToken prints a token's parts, as JSON with step's members or in words.
func printToken(env Env, p signer.Parsed, output string) error {
	if output == outputText {
		return printWords(env.Stdout, p, env.Now())
	}
	header := p.Header.Clone()
	header.Sort() // as step prints it; the payload keeps its order
	var out signer.Object
	out.Set("header", header.AppendJSON(nil))
	out.Set("payload", p.Payload)
	out.String("signature", base64.RawURLEncoding.EncodeToString(p.Signature))
	return writeObject(env.Stdout, &out)
}

func printWords(w io.Writer, p signer.Parsed, now time.Time) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(part, name, value string) { _, _ = fmt.Fprintf(table, "%s\t%s\t%s\n", part, name, value) }
	for m := range p.Header.Members() {
		row("header", shown(m.Name), brief(m.Name, m.Value))
	}
	for m := range p.Claims.Members() {
		row("payload", shown(m.Name), brief(m.Name, m.Value)+when(m, now))
	}
	if !p.IsClaims {
		row("payload", "", brief("", p.Payload))
	}
	row("signature", "", plural(len(p.Signature), "byte"))
	// Rows go to the table's own memory; only Flush writes.
	return table.Flush()
}

// when says how far a time is from now.
func when(m signer.Member, now time.Time) string {
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
