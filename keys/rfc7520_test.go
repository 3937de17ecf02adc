package keys_test

import (
	"encoding/json"
	"testing"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

// cookbook is what is used here of such a file.
type cookbook struct {
	Reproducible bool `json:"reproducible"`
	Input        struct {
		Algorithm keys.Algorithm  `json:"alg"`
		Key       json.RawMessage `json:"key"`
		Password  string          `json:"pwd"`
	} `json:"input"`
	Output struct {
		Compact string `json:"compact"`
	} `json:"output"`
}

func cookbookExample(tb testing.TB, name string) cookbook {
	tb.Helper()
	var c cookbook
	if err := json.Unmarshal([]byte(testFile(tb, "rfc7520", name)), &c); err != nil {
		tb.Fatal(err)
	}
	return c
}

func TestTheCookbooksSignatures(t *testing.T) {
	for _, c := range []struct{ file, private, public string }{
		{"4_1.rsa_v15_signature.json", "3_4.rsa_private_key.json", "3_3.rsa_public_key.json"},
		{"4_2.rsa-pss_signature.json", "3_4.rsa_private_key.json", "3_3.rsa_public_key.json"},
		{"4_3.ecdsa_signature.json", "3_2.ec_private_key.json", "3_1.ec_public_key.json"},
		{"4_4.hmac-sha2_integrity_protection.json", "3_5.symmetric_key_mac_computation.json", "3_5.symmetric_key_mac_computation.json"},
	} {
		t.Run(c.file, func(t *testing.T) {
			example := cookbookExample(t, c.file)
			checkVector(t, testFile(t, "rfc7520", c.private), example.Output.Compact, example.Reproducible)
			checkVector(t, string(example.Input.Key), example.Output.Compact, example.Reproducible)

			public := must(keys.ReadVerifier(t.Context(), keys.Ref{Text: secret.New(testFile(t, "rfc7520", c.public))}))
			alg, input, signature := takeApart(t, example.Output.Compact)
			if alg != example.Input.Algorithm {
				t.Errorf("the header's algorithm is %s", alg)
			}
			if err := public.Verify(alg, input, signature); err != nil {
				t.Errorf("the public key: %v", err)
			}
			private := mustResolve(t, testFile(t, "rfc7520", c.private))
			if private.ID() == "" || private.ID() != public.ID() {
				t.Errorf("the halves name themselves %q and %q", private.ID(), public.ID())
			}
		})
	}
}

// TestTheEncryptedKeySetOfTheCookbook opens the JWK Set of RFC 7520 §5.3 with its
// password. Its keys are for encryption, which is known only once it is open.
func TestTheEncryptedKeySetOfTheCookbook(t *testing.T) {
	example := cookbookExample(t, "5_3.key_wrap_using_pbes2-aes-keywrap_with-aes-cbc-hmac-sha2.json")
	p := keys.NewParser(keys.ParserOptions{Containers: true})
	for password, reason := range map[string]error{
		example.Input.Password:       keys.ErrUse,
		example.Input.Password + " ": keys.ErrPassword,
		"":                           keys.ErrEncrypted,
	} {
		_, err := p.Resolve(t.Context(), keys.Ref{Text: secret.New(example.Output.Compact), Password: secret.New(password)})
		wantReason(t, err, reason)
	}
}
