package task

import (
	"strings"

	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/keys/exposure"
)

// checkExposure refuses an input that would write key material into the
// token, which is stored in clear. It looks at what was delivered, before
// anything else is said about it.
func (g *given) checkExposure(secrets exposure.Secrets) error {
	for _, in := range g.table {
		value, ok := g.values[in.Name]
		if in.Signed && ok && exposes(secrets, value) {
			return exposed(in.Name)
		}
	}
	return nil
}

func exposed(field string) error {
	return refuse(ErrSecretInClaim, field, "it holds the key, its password or another private key, which the token would show to everybody",
		"find out who put it into the workflow's data, and replace that secret")
}

// exposes looks for key material in a value: in its JSON, since a claim can
// hold a private JWK, and in all of its texts run together, since a list can
// hold a key piece by piece.
func exposes(secrets exposure.Secrets, value jsonobj.Value) bool {
	var texts strings.Builder
	value.Walk(func(text string) {
		// White space does not count in a key's text, and keeps words apart.
		texts.WriteString(text + "\n")
	})
	if secrets.In(texts.String()) {
		return true
	}
	return len(value.Items) > 0 && secrets.In(string(value.Raw))
}
