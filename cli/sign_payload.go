package cli

import (
	"bytes"
	"context"

	"conductor-jwt/signer"
)

const dash = "-"

// readPayload reads the claims that do not come by flag: from the file that
// was named, from standard input where - was, and otherwise from a standard
// input that is offered and not needed for the password.
func readPayload(ctx context.Context, env Env, f *signFlags, args []string) (signer.Object, error) {
	if len(args) == 1 && args[0] != dash {
		raw, err := readFile(args[0], signer.DefaultBytes)
		if err != nil {
			return signer.Object{}, err
		}
		return parsePayload(shown(args[0]), raw)
	}
	if f.keys.passwordFile == dash || f.keys.key == dash {
		if len(args) == 1 {
			return signer.Object{}, usage("put one of them into a file", "standard input cannot be both the payload and the key or its password")
		}
		return signer.Object{}, nil
	}
	if len(args) == 1 {
		raw, err := readInput(env, dash, signer.DefaultBytes)
		if err != nil {
			return signer.Object{}, err
		}
		return parsePayload("standard input", raw)
	}
	raw, err := readOffered(ctx, env.Stdin, signer.DefaultBytes)
	if err != nil {
		return signer.Object{}, err
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return signer.Object{}, nil
	}
	return parsePayload("standard input", raw)
}

// parsePayload reads a JSON object, or null, which step takes for none.
func parsePayload(name string, raw []byte) (signer.Object, error) {
	if string(bytes.TrimSpace(raw)) == "null" {
		return signer.Object{}, nil
	}
	parsed, err := signer.ParseObject(raw, signer.Limits{})
	if err != nil {
		return signer.Object{}, signerError("payload from "+name, err)
	}
	payload := signer.NewObject(parsed.Len())
	for m := range parsed.Members() {
		payload.Set(m.Name, normal(m.Value))
	}
	return payload, nil
}
