package task_test

import (
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"strings"
	"testing"

	"github.com/c2sp/wycheproof"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/signer"
	"conductor-jwt/task"
)

// wycheproofGroup is a key, and tokens that it should accept or refuse.
type wycheproofGroup struct {
	Private json.RawMessage `json:"private"`
	Public  json.RawMessage `json:"public"`
	Tests   []struct {
		ID      int             `json:"tcId"`
		Comment string          `json:"comment"`
		JWS     json.RawMessage `json:"jws"`
		Result  string          `json:"result"`
	} `json:"tests"`
}

// wycheproofGroups returns the groups with tokens of all JOSE sets.
func wycheproofGroups(t *testing.T) []wycheproofGroup {
	t.Helper()
	var all []wycheproofGroup
	for _, name := range []string{"json_web_signature_test.json", "json_web_key_test.json", "json_web_crypto_test.json"} {
		raw, err := fs.ReadFile(wycheproof.TestVectors, name)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			TestGroups []wycheproofGroup `json:"testGroups"`
		}
		if err := json.Unmarshal(raw, &file); err != nil {
			t.Fatal(err)
		}
		for _, g := range file.TestGroups {
			if len(g.Tests) > 0 && g.Tests[0].JWS != nil {
				all = append(all, g)
			}
		}
	}
	return all
}

// headerOf returns alg and kid of the first valid token of a group.
func headerOf(g wycheproofGroup) (alg, kid string) {
	for _, test := range g.Tests {
		if test.Result != "valid" {
			continue
		}
		head, _, _ := strings.Cut(strings.Trim(string(test.JWS), `"`), ".")
		raw, _ := base64.RawURLEncoding.DecodeString(head)
		var header struct {
			Algorithm string `json:"alg"`
			KeyID     string `json:"kid"`
		}
		if json.Unmarshal(raw, &header) == nil {
			return header.Algorithm, header.KeyID
		}
	}
	return "", ""
}

// signWith signs claims with a key of Wycheproof; ok is false where we refuse it.
func signWith(t *testing.T, key, alg, kid, claims string) (token string, ok bool) {
	t.Helper()
	k, err := keys.NewParser(keys.ParserOptions{}).Resolve(t.Context(), keys.Ref{Text: secret.New(key)})
	if err != nil {
		return "", false
	}
	o, err := jsonobj.Parse([]byte(claims), jsonobj.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(t.Context(), k, signer.Request{Algorithm: keys.Algorithm(alg), KeyID: kid, Claims: o})
	return signed.Compact.Reveal(), err == nil
}

// publicOf identifies the key of a JWK.
func publicOf(t *testing.T, key string) string {
	t.Helper()
	v, err := keys.ReadVerifier(t.Context(), keys.Ref{Text: secret.New(key)})
	if err != nil {
		t.Fatal(err)
	}
	if print, err := keys.Thumbprint(v); err == nil {
		return print
	}
	return key // a secret
}

// Every token of Wycheproof, with its group's key as the only one of an issuer: none
// that is wrong is valid. The right ones hold no claims, and nothing else is wrong.
func TestWycheproofThroughTheTask(t *testing.T) {
	judged := 0
	for _, group := range wycheproofGroups(t) {
		key := string(group.Public)
		if key == "" {
			key = string(group.Private)
		}
		set := key
		if !strings.Contains(key, `"keys"`) {
			set = `{"keys":[` + key + `]}`
		}
		s := verifying(t, `verifiers: {partner: {issuer: partner, audiences: api, jwks: "`+writeSet(t, set)+`",
  algorithms: [RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, ES256K, EdDSA, Ed25519, HS256, HS384, HS512]}}`)
		for _, each := range group.Tests {
			token := strings.Trim(string(each.JWS), `"`)
			out := handle(t, ask(token, `,"onInvalid":"report"`), s)
			output := object(t, out.Output.Reveal())
			if out.Status != api.Completed || output["valid"] != false || out.Fault != (task.Fault{}) {
				t.Errorf("test %d (%s): %s", each.ID, each.Comment, out.Output.Reveal())
			}
			judged++
		}
	}
	if judged < 450 {
		t.Errorf("judged %d tokens", judged)
	}
}

// The keys of Wycheproof's valid groups verify tokens with claims that they sign, and
// nothing that another group's key signs.
func TestWycheproofKeysVerifyTheirOwnTokensAlone(t *testing.T) {
	type signed struct{ set, token, alg, public string }
	var all []signed
	for _, group := range wycheproofGroups(t) {
		alg, kid := headerOf(group)
		if len(group.Private) == 0 || alg == "" || len(all) > 40 {
			continue
		}
		token, ok := signWith(t, string(group.Private), alg, kid, partnerClaims)
		if !ok {
			continue
		}
		key := group.Public
		if len(key) == 0 {
			key = group.Private
		}
		all = append(all, signed{`{"keys":[` + string(key) + `]}`, token, alg, publicOf(t, string(key))})
	}
	right := 0
	for i, key := range all {
		s := verifying(t, `verifiers: {partner: {issuer: partner, audiences: api, algorithms: `+key.alg+`, jwks: "`+writeSet(t, key.set)+`"}}`)
		for n, other := range all {
			out := object(t, handle(t, ask(other.token, `,"onInvalid":"report"`), s).Output.Reveal())
			switch {
			case i == n && out["valid"] == true:
				right++
			case out["valid"] == true && key.public != other.public:
				t.Errorf("the token of key %d is valid with key %d", n, i)
			}
		}
	}
	if right < 8 {
		t.Errorf("%d of %d keys verify their own tokens", right, len(all))
	}
}
