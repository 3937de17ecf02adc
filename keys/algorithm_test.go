package keys_test

import (
	"crypto/elliptic"
	"crypto/rand"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
)

func TestAnAlgorithmIsItsExactName(t *testing.T) {
	for _, a := range keys.Algorithms() {
		if got, err := keys.ParseAlgorithm(string(a)); got != a || err != nil {
			t.Errorf("%s: %s, %v", a, got, err)
		}
	}
	for _, c := range []struct{ name, hint string }{
		{"rs256", "RS256"},
		{"RS-256", "RS256"},
		{"RS256 ", "RS256"},
		{"RS265", "RS512|RS256"},
		{"RSA256", "RS256"},
		{"SHA256", ""},
		{"eddsa", "EdDSA"},
		{"ED25519", "Ed25519"},
		{"es256k", "ES256K"},
		{"ML_DSA_65", "ML-DSA-65"},
		{"mldsa44", "ML-DSA-44"},
		{"ES521", "ES512"},
		{"hs256", "HS256"},
		{"", "RS256"},
		{"none", "RS256"},
		{"None", "RS256"},
		{"NONE", "RS256"},
		{" none", "RS256"},
		{"RSA-OAEP-256", ""},
		{strings.Repeat("RS256", 1000), ""},
	} {
		got, err := keys.ParseAlgorithm(c.name)
		wantReason(t, err, keys.ErrAlgorithmUnknown)
		if got != "" {
			t.Errorf("%q gives %s", c.name, got)
		}
		refusal, _ := errors.AsType[*fault.Error](err)
		hit := c.hint == ""
		for want := range strings.SplitSeq(c.hint, "|") {
			hit = hit || strings.Contains(refusal.Hint, want)
		}
		if !hit {
			t.Errorf("%q: the hint %q does not name %s", c.name, refusal.Hint, c.hint)
		}
	}
}

func TestAMisfitSaysWhatFits(t *testing.T) {
	for _, c := range []struct {
		key  string
		alg  keys.Algorithm
		want []string
	}{
		{ecJWK(elliptic.P384(), "P-384").text(t), keys.RS256, []string{"P-384", "ES384"}},
		{secp256k1JWK().text(t), keys.ES256, []string{"secp256k1", "ES256K"}},
		{ed25519JWK().text(t), keys.RS256, []string{"Ed25519", "EdDSA or Ed25519"}},
		{pemFile(t, "rsapss.pkcs8.pem"), keys.RS256, []string{"RSASSA-PSS", "PS256, PS384 or PS512"}},
		{rsaJWK(sharedRSA()).text(t), keys.ES256, []string{"RSA key", "RS256, "}},
	} {
		err := keys.Check(mustResolve(t, c.key), c.alg)
		wantReason(t, err, keys.ErrAlgorithmMismatch)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v does not say %q", err, want)
			}
		}
		if found := refusalOf(t, err).Found; !strings.HasPrefix(found, string(c.alg)+" does not fit ") {
			t.Errorf("%q does not name what was asked for", found)
		}
	}
}

func TestTheAlgorithmsOfKeysThatTheStandardLibraryDoesNotRead(t *testing.T) {
	for file, want := range map[string][]keys.Algorithm{
		"rsapss.pkcs8.pem":          {keys.PS256, keys.PS384, keys.PS512},
		"rsapss-sha384.pkcs8.pem":   {keys.PS384},
		"secp256k1.pkcs8.pem":       {keys.ES256K},
		"secp256k1.sec1.pem":        {keys.ES256K},
		"secp256k1.params-sec1.pem": {keys.ES256K},
	} {
		if got := mustResolve(t, pemFile(t, file)).Algorithms(); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", file, got, want)
		}
	}
}

// Only a signature shows that no factor is a prime.
func TestAnRSAKeyWithoutPrimesThatArePrimeIsInconsistent(t *testing.T) {
	k := mustResolve(t, string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: compositeRSA(t)})))
	for _, alg := range []keys.Algorithm{keys.RS256, keys.PS256} {
		signature, err := k.Sign(t.Context(), alg, []byte("x"))
		if signature != nil {
			t.Errorf("%s: a signature", alg)
		}
		wantReason(t, err, keys.ErrInconsistent)
	}
}

// compositeRSA returns an RSAPrivateKey whose numbers are consistent although
// no factor is a prime.
func compositeRSA(t *testing.T) []byte {
	t.Helper()
	odd := func() *big.Int {
		n := must(rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 1024)))
		return n.SetBit(n.SetBit(n.SetBit(n, 1023, 1), 1022, 1), 0, 1)
	}
	e, one := big.NewInt(65537), big.NewInt(1)
	for {
		p, q := odd(), odd()
		pMinus1, qMinus1 := new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)
		both := new(big.Int).Mul(pMinus1, qMinus1)
		lambda := both.Div(both, new(big.Int).GCD(nil, nil, pMinus1, qMinus1))
		d, inverse := new(big.Int).ModInverse(e, lambda), new(big.Int).ModInverse(q, p)
		if d != nil && inverse != nil && !p.ProbablyPrime(0) && !q.ProbablyPrime(0) {
			return must(asn1.Marshal(struct {
				Version                         int
				N, E, D, P, Q, DP, DQ, QInverse *big.Int
			}{0, new(big.Int).Mul(p, q), e, d, p, q, new(big.Int).Mod(d, pMinus1), new(big.Int).Mod(d, qMinus1), inverse}))
		}
	}
}
