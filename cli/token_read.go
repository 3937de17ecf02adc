package cli

import "conductor-jwt/signer"

// readToken reads the one token of the file that was named, or of standard
// input.
func readToken(env Env, args []string) (string, error) {
	raw, err := readTokenText(env, args)
	if err != nil {
		return "", err
	}
	token, err := signer.TokenText(raw)
	if err != nil {
		return "", signerError("token", err)
	}
	return token, nil
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
