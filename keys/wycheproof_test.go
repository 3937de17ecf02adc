package keys_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/c2sp/wycheproof"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

// joseFile is a file of Wycheproof's JOSE sets.
type joseFile struct {
	TestGroups []joseGroup `json:"testGroups"`
}

type joseGroup struct {
	Comment string          `json:"comment"`
	Private json.RawMessage `json:"private"`
	Public  json.RawMessage `json:"public"`
	Tests   []joseTest      `json:"tests"`
}

type joseTest struct {
	ID      int             `json:"tcId"`
	Comment string          `json:"comment"`
	JWS     json.RawMessage `json:"jws"`
	Result  string          `json:"result"`
}

func joseGroups(tb testing.TB, name string) []joseGroup {
	tb.Helper()
	return readWycheproof[joseFile](tb, name).TestGroups
}

// readWycheproof reads a file of the project's test vectors.
func readWycheproof[T any](tb testing.TB, name string) (file T) {
	tb.Helper()
	raw, err := fs.ReadFile(wycheproof.TestVectors, name)
	if err != nil {
		tb.Fatal(err)
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		tb.Fatal(err)
	}
	return file
}

// labelled are tests whose verdict we do not share, each with its reason. A
// token's form (JSON serialisation, stray characters) is the signer's to
// judge; here the parts of a token are judged.
func labelled(id int) (verdict string) {
	switch id {
	case 346, 350:
		return "invalid" // the key's alg is PS256, the token's PS384
	case 347, 351:
		return "invalid" // the key's alg is ES521, which does not exist
	case 367, 370:
		return "valid" // the very text of a valid test
	case 372, 373:
		return "invalid" // the text holds a question mark
	}
	return ""
}

func TestWycheproofSignatures(t *testing.T) {
	judged := 0
	for _, g := range joseGroups(t, "json_web_signature_test.json") {
		for _, test := range g.Tests {
			want := test.Result
			if own := labelled(test.ID); own != "" {
				want = own
			}
			err := verifyCompact(t, g, test)
			if got := err == nil; got != (want == "valid") {
				t.Errorf("%s, test %d (%s): want %s, got %v", g.Comment, test.ID, test.Comment, want, err)
			}
			judged++
		}
	}
	if judged < 401 {
		t.Errorf("judged %d tests", judged)
	}
}

var errForm = errors.New("not a compact token")

// verifyCompact reads the public key of the group, where it has one, and
// verifies one token with it.
func verifyCompact(t *testing.T, g joseGroup, test joseTest) error {
	t.Helper()
	key := g.Public
	if key == nil {
		key = g.Private
	}
	var token string
	if json.Unmarshal(test.JWS, &token) != nil {
		return errForm
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return errForm
	}
	var decoded [3][]byte
	var err error
	for i, part := range parts {
		if decoded[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil || strings.ContainsAny(part, "\r\n") {
			return errForm
		}
	}
	var header struct {
		Algorithm string `json:"alg"`
		KeyID     string `json:"kid"`
	}
	if json.Unmarshal(decoded[0], &header) != nil {
		return errForm
	}
	v, err := keys.ReadVerifier(t.Context(), keys.Ref{Text: secret.New(string(key)), KeyID: header.KeyID})
	if err != nil {
		return err
	}
	alg, err := keys.ParseAlgorithm(header.Algorithm)
	if err != nil {
		return err
	}
	return v.Verify(alg, []byte(parts[0]+"."+parts[1]), decoded[2])
}

// TestWycheproofKeysSignAgain signs the input of each valid token anew: what
// is deterministic must be equal (§3 of each algorithm's RFC).
func TestWycheproofKeysSignAgain(t *testing.T) {
	signed := 0
	for _, g := range joseGroups(t, "json_web_signature_test.json") {
		for _, test := range g.Tests {
			if own := labelled(test.ID); test.Result != "valid" || own != "" {
				continue
			}
			if test.ID == 349 {
				continue // its private key's key_ops holds the one operation "sign, verify"
			}
			var token string
			if err := json.Unmarshal(test.JWS, &token); err != nil {
				t.Fatal(err)
			}
			alg, _, _ := takeApart(t, token)
			same := strings.HasPrefix(string(alg), "HS") || strings.HasPrefix(string(alg), "RS")
			checkVector(t, string(g.Private), token, same)
			signed++
		}
	}
	if signed < 30 {
		t.Errorf("signed %d tokens", signed)
	}
}

// TestWycheproofKeys judges the keys of the key set, and those of the set that
// mixes keys and signatures: those of an invalid group are refused, or do not
// verify its token. Groups of JWE have no tokens to verify.
func TestWycheproofKeys(t *testing.T) {
	judged := map[string]int{}
	groups := slices.Concat(joseGroups(t, "json_web_key_test.json"), joseGroups(t, "json_web_crypto_test.json"))
	for _, g := range groups {
		for _, test := range g.Tests {
			if test.JWS == nil {
				continue
			}
			want := test.Result
			switch g.Comment {
			case "jws_rsa_roca_key":
				want = "valid" // no rule of JWA tells the weak primes of one maker's chips
			case "jws_duplicate_kid":
				want = "valid" // the second key's k has stray bits: a key that cannot be read is ignored (RFC 7517 §5)
			case "jws_mixedSymmetryKeyset":
				want = "valid" // kid names the key and the key its algorithm: nothing is ambiguous
			}
			err := verifyCompact(t, g, test)
			if got := err == nil; got != (want == "valid") {
				t.Errorf("%s, test %d (%s): want %s, got %v", g.Comment, test.ID, test.Comment, want, err)
			}
			judged[want]++
		}
	}
	if judged["valid"] < 13 || judged["invalid"] < 61 {
		t.Errorf("judged %v", judged)
	}
}
