package keys

import (
	"context"
	"strings"

	"conductor-jwt/internal/secret"
)

// openContainer opens what a key may be wrapped in on the command line: a JWE
// around a JWK or JWKS, or a PKCS#12 file. It gives ref with the text of what
// was inside, JSON or PEM, and ref itself where
// there is no container.
func openContainer(ctx context.Context, ref Ref) (Ref, error) {
	text := ref.Text.Reveal()
	var inner string
	var err error
	switch {
	case ref.Encoding != "":
		return ref, nil
	case isJWEText(text):
		inner, err = openJWE(ctx, text, ref)
	case isPKCS12Text(text):
		inner, err = openPKCS12(ctx, text, ref)
	default:
		return ref, nil
	}
	if err != nil {
		return Ref{}, err
	}
	ref.Text = secret.New(inner)
	return ref, nil
}

// isJWEText tells both serialisations of a JWE (RFC 7516 §3.1, §3.2).
func isJWEText(text string) bool {
	trimmed := strings.TrimSpace(text)
	if isCompact(trimmed) {
		return strings.Count(trimmed, ".") == 4
	}
	if !isJSON(text) {
		return false
	}
	m, err := readMembers(text)
	return err == nil && m.has("ciphertext")
}

func isPKCS12Text(text string) bool {
	der, ok := derOfText(text)
	return ok && (shapeOf(der) == shapePKCS12 || isBERPKCS12(der))
}
