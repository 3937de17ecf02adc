package keys_test

import (
	"encoding/hex"
	"encoding/pem"
	"testing"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

// TestWycheproofRawSignatures runs the sets of each algorithm in the form that
// JWS has: R || S for ECDSA (p1363), a salt as long as the hash for RSASSA-PSS.
func TestWycheproofRawSignatures(t *testing.T) {
	for _, c := range []struct {
		file string
		alg  keys.Algorithm
	}{
		{"rsa_signature_2048_sha256_test.json", keys.RS256},
		{"rsa_signature_3072_sha384_test.json", keys.RS384},
		{"rsa_signature_4096_sha512_test.json", keys.RS512},
		{"rsa_pss_2048_sha256_mgf1_32_test.json", keys.PS256},
		{"rsa_pss_2048_sha384_mgf1_48_test.json", keys.PS384},
		{"rsa_pss_4096_sha512_mgf1_64_test.json", keys.PS512},
		{"ecdsa_secp256r1_sha256_p1363_test.json", keys.ES256},
		{"ecdsa_secp384r1_sha384_p1363_test.json", keys.ES384},
		{"ecdsa_secp521r1_sha512_p1363_test.json", keys.ES512},
		{"ecdsa_secp256k1_sha256_p1363_test.json", keys.ES256K},
		{"ed25519_test.json", keys.Ed25519},
		{"mldsa_44_verify_test.json", keys.MLDSA44},
		{"mldsa_65_verify_test.json", keys.MLDSA65},
		{"mldsa_87_verify_test.json", keys.MLDSA87},
	} {
		t.Run(string(c.alg), func(t *testing.T) { judgeRaw(t, c.file, c.alg) })
	}
}

// rawFile is a file of signatures under public keys in DER.
type rawFile struct {
	TestGroups []struct {
		PublicKeyDER string `json:"publicKeyDer"`
		Tests        []struct {
			ID        int    `json:"tcId"`
			Comment   string `json:"comment"`
			Message   string `json:"msg"`
			Context   string `json:"ctx"`
			Signature string `json:"sig"`
			Result    string `json:"result"`
		} `json:"tests"`
	} `json:"testGroups"`
}

func judgeRaw(t *testing.T, file string, alg keys.Algorithm) {
	t.Helper()
	valid, invalid := 0, 0
	for _, g := range readWycheproof[rawFile](t, file).TestGroups {
		der := must(hex.DecodeString(g.PublicKeyDER))
		text := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		v, keyErr := keys.ReadVerifier(t.Context(), keys.Ref{Text: secret.New(text)})
		for _, test := range g.Tests {
			if test.Context != "" || test.Result == "acceptable" {
				continue // a JWS has no context; what may be taken or not is no verdict
			}
			err := keyErr
			if err == nil {
				err = v.Verify(alg, must(hex.DecodeString(test.Message)), must(hex.DecodeString(test.Signature)))
			}
			if got := err == nil; got != (test.Result == "valid") {
				t.Errorf("test %d (%s): want %s, got %v", test.ID, test.Comment, test.Result, err)
			}
			if test.Result == "valid" {
				valid++
			} else {
				invalid++
			}
		}
	}
	if valid == 0 || invalid == 0 {
		t.Errorf("judged %d valid and %d invalid signatures", valid, invalid)
	}
}
