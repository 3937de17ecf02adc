package decode

import (
	"context"
	"strings"

	"conductor-jwt/internal/secret"
)

// OpenContainer opens what a key may be wrapped in on the command line: a JWE
// around a JWK or a JWK Set, or a PKCS#12 file. It returns what is inside, JSON
// or PEM, and text itself where there is no container.
func OpenContainer(ctx context.Context, text string, password secret.Text) (string, error) {
	switch {
	case isJWEText(text):
		return openJWE(ctx, text, password)
	case isPKCS12Text(text):
		return openPKCS12(ctx, text, password)
	}
	return text, nil
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
