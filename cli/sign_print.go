package cli

import (
	"fmt"
	"io"
	"text/tabwriter"

	"conductor-jwt/signer"
)

// printSigned prints the token, alone or within JSON, and with --explain its
// reasons on standard error.
func printSigned(env Env, f *signFlags, key signingKey, token signer.Parsed, header, claims explained) error {
	if f.explain {
		if err := explain(env.Stderr, token, header, claims); err != nil {
			return err
		}
	}
	if f.output == outputJSON {
		var out signer.Object
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
		object  signer.Object
		reasons explained
	}{{"header", token.Header, header}, {"payload", token.Claims, claims}} {
		for m := range part.object.Members() {
			why := part.reasons.reason(m.Name)
			if isChainHeader(m.Name) {
				why = "the certificate"
			}
			if _, err := fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", part.name, shown(m.Name), brief(m.Name, m.Value), why); err != nil {
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
