package decode

import (
	"context"
	"encoding/base64"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
)

// maxP2C is the maximum of PBES2 iterations in a JWE (RFC 7518 §4.8.1.2).
const maxP2C = maxPBKDF2Iterations

// jweHeader has the members that are checked before a JWE is opened.
type jweHeader struct {
	Algorithm   string         `json:"alg"`
	Encryption  string         `json:"enc"`
	Compression string         `json:"zip"`
	Iterations  jsontext.Value `json:"p2c"`
}

// openJWE opens a JWE around a JWK or JWK Set with a password, and returns the
// JSON inside. Its header, which sets the work, is checked first.
func openJWE(ctx context.Context, text string, password secret.Text) (string, error) {
	compact, err := compactJWE(strings.TrimSpace(text))
	if err != nil {
		return "", err
	}
	if password.IsZero() {
		return "", &fault.Error{Reason: ErrEncrypted, Found: "this is an encrypted JWK (JWE)", Hint: "set " + fault.Password}
	}
	if err := checkJWEHeader(compact); err != nil {
		return "", err
	}
	object, err := jose.ParseEncryptedCompact(compact, jweAlgorithms(), jweEncryptions())
	if err != nil {
		return "", unreadableJWE()
	}
	if ctx.Err() != nil {
		return "", TimedOut(ctx)
	}
	plain, err := object.Decrypt([]byte(password.Reveal()))
	if err != nil {
		return "", wrongPassword()
	}
	if !isJSON(string(plain)) {
		return "", &fault.Error{Reason: ErrUnreadable, Found: "this is a JWE that holds no JWK", Hint: "wrap a JWK or a JWKS"}
	}
	return string(plain), nil
}

// compactJWE turns the flattened JSON serialisation (RFC 7516 §7.2.2) into the
// compact one. It refuses unprotected headers, which are not authenticated, and
// several recipients; no key file has them.
func compactJWE(text string) (string, error) {
	if !isJSON(text) {
		return text, nil
	}
	var parts struct {
		Protected    string                    `json:"protected"`
		EncryptedKey string                    `json:"encrypted_key"`
		IV           string                    `json:"iv"`
		Ciphertext   string                    `json:"ciphertext"`
		Tag          string                    `json:"tag"`
		Other        map[string]jsontext.Value `json:",embed"`
	}
	if err := json.Unmarshal([]byte(trimStart(text)), &parts); err != nil {
		return "", unreadableJWE()
	}
	if len(parts.Other) > 0 {
		return "", &fault.Error{Reason: ErrUnsupported, Found: "this is a JWE with members that a key file does not have", Hint: "use one recipient and no unprotected header"}
	}
	return strings.Join([]string{parts.Protected, parts.EncryptedKey, parts.IV, parts.Ciphertext, parts.Tag}, "."), nil
}

// checkJWEHeader refuses an algorithm that needs more than a password, and a
// derivation that costs too much.
func checkJWEHeader(compact string) error {
	first, _, _ := strings.Cut(compact, ".")
	raw, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		return unreadableJWE()
	}
	var h jweHeader
	if err := json.Unmarshal(raw, &h); err != nil {
		return unreadableJWE()
	}
	if h.Compression != "" || !isJWEAlgorithm(h.Algorithm) || !isJWEEncryption(h.Encryption) {
		return &fault.Error{
			Reason: ErrUnsupported, Found: "this is a JWE with an unsupported algorithm, or compressed",
			Hint: "wrap the JWK again with PBES2-HS256+A128KW and A256GCM",
		}
	}
	return h.checkIterations()
}

func (h jweHeader) checkIterations() error {
	if !strings.HasPrefix(h.Algorithm, "PBES2-") {
		return nil
	}
	n, err := strconv.ParseUint(string(h.Iterations), 10, 64)
	if err == nil && n > maxP2C || err != nil && isDigits(string(h.Iterations)) {
		return &fault.Error{
			Reason: ErrTooLarge, Found: fmt.Sprintf("this is a JWE that asks for more than %d iterations (p2c)", maxP2C),
			Hint: "wrap the JWK again with a p2c of 600000",
		}
	}
	if err != nil || n == 0 {
		return unreadableJWE()
	}
	return nil
}

// isDigits reports a whole number of any length.
func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// jweAlgorithms are those that work with a password: derived from it, or with
// it as the key.
func jweAlgorithms() []jose.KeyAlgorithm {
	return []jose.KeyAlgorithm{
		jose.PBES2_HS256_A128KW, jose.PBES2_HS384_A192KW, jose.PBES2_HS512_A256KW, jose.DIRECT,
		jose.A128KW, jose.A192KW, jose.A256KW, jose.A128GCMKW, jose.A192GCMKW, jose.A256GCMKW,
	}
}

func jweEncryptions() []jose.ContentEncryption {
	return []jose.ContentEncryption{
		jose.A128GCM, jose.A192GCM, jose.A256GCM,
		jose.A128CBC_HS256, jose.A192CBC_HS384, jose.A256CBC_HS512,
	}
}

func isJWEAlgorithm(name string) bool {
	return slices.Contains(jweAlgorithms(), jose.KeyAlgorithm(name))
}

func isJWEEncryption(name string) bool {
	return slices.Contains(jweEncryptions(), jose.ContentEncryption(name))
}

func unreadableJWE() error {
	return &fault.Error{Reason: ErrUnreadable, Found: "this is an encrypted JWK (JWE) that is damaged", Hint: "copy the whole file again"}
}
