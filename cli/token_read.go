package cli

import (
	"bytes"

	"conductor-jwt/signer"
)

// readToken reads a token from the file that was named, or from standard
// input: its first line, as step does, or all of it where it is JSON.
func readToken(env Env, args []string) (string, error) {
	raw, err := readTokenText(env, args)
	if err != nil {
		return "", err
	}
	text := bytes.TrimSpace(raw)
	if bytes.HasPrefix(text, []byte("{")) {
		token, err := signer.Flattened(text)
		if err != nil {
			return "", signerError("token", err)
		}
		return token, nil
	}
	line, _, _ := bytes.Cut(raw, []byte("\n"))
	return string(bytes.TrimSpace(line)), nil
}

// readTokenText reads a little more than a token may be long, so that what is
// too long is found by its length and never decoded.
func readTokenText(env Env, args []string) ([]byte, error) {
	if len(args) == 1 && args[0] != dash {
		return readFile(args[0], 2*signer.MaxToken)
	}
	if isTerminal(env.Stdin) {
		return nil, usage("pipe the token in, or name a file that holds it", "standard input is a terminal, and no token was given")
	}
	return readInput(env, dash, 2*signer.MaxToken)
}
