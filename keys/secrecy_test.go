package keys_test

import (
	"bytes"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/keys/exposure"
)

// TestKeysPrintNoPrivateBytes also prints keys in unexported fields of other
// types, which fmt reads by reflection.
func TestKeysPrintNoPrivateBytes(t *testing.T) {
	for name, o := range map[string]object{"oct": octJWK(64), "okp": ed25519JWK(), "rsa": rsaJWK(sharedRSA())} {
		t.Run(name, func(t *testing.T) {
			text := o.text(t)
			ref := keys.Ref{Text: secret.New(text), Password: secret.New("the password")}
			p := keys.NewParser(keys.ParserOptions{CacheSize: 3})
			k := must(p.Resolve(t.Context(), ref))
			v := must(keys.VerifierOf(k))
			holder := struct {
				key      keys.Key
				verifier keys.Verifier
				list     []keys.Key
				ref      keys.Ref
				parser   *keys.Parser
				secrets  exposure.Secrets
				inner    struct{ key any }
			}{k, v, []keys.Key{k}, ref, p, ref.Secrets(), struct{ key any }{k}}
			var out bytes.Buffer
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o"} {
				for _, value := range []any{k, v, holder, &holder, p, holder.inner, fmt.Errorf("e: %v", k)} {
					fmt.Fprintf(&out, verb, value)
				}
			}
			logger := slog.New(slog.NewJSONHandler(&out, nil))
			logger.Info("x", "key", k, "verifier", v, "ref", ref, "holder", holder)
			slog.New(slog.NewTextHandler(&out, nil)).Info("x", "key", k, "verifier", v, "holder", holder)
			for _, value := range []any{k, v, ref} {
				raw, _ := json.Marshal(value)
				out.Write(raw)
				_ = gob.NewEncoder(&out).Encode(value)
			}
			for _, member := range []string{"d", "k", "p", "dp", "qi"} {
				value, ok := o[member].(string)
				if !ok {
					continue
				}
				wantAbsent(t, out.String(), member, unb64(value))
			}
			if strings.Contains(out.String(), "the password") {
				t.Error("the password is printed")
			}
		})
	}
}

// wantAbsent searches for a secret in the forms in which fmt writes bytes.
func wantAbsent(t *testing.T, out, name string, raw []byte) {
	t.Helper()
	first := raw[:12]
	list := strings.Trim(fmt.Sprintf("%d", first), "[]")
	for form, text := range map[string]string{
		"raw": string(first), "hex": hex.EncodeToString(first), "base64": b64(first), "numbers": list,
		"go syntax": strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", first), "[]byte{"), "}"),
	} {
		if strings.Contains(strings.ToLower(out), strings.ToLower(text)) {
			t.Errorf("%s is printed as %s", name, form)
		}
	}
}
