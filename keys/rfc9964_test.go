package keys_test

import (
	"crypto/mldsa"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"conductor-jwt/keys"
)

// TestThePublishedMLDSAExamples: the examples of RFC 9964 are deterministic
// (FIPS 204 §5.2), so that the all-zero seed makes each anew. A key and a token
// of thousands of characters are held against the digests of the published
// ones.
func TestThePublishedMLDSAExamples(t *testing.T) {
	const payload = "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4"
	for _, c := range []struct {
		params           mldsa.Parameters
		kid, pub, digest string
	}{
		{
			mldsa.MLDSA44(), "T4xl70S7MT6Zeq6r9V9fPJGVn76wfnXJ21-gyo0Gu6o",
			"a312d90f93899debad5ce433890c330aad9b4f854758d0b07eb264a75899347e",
			"2ae7b395a71470a610a0d8b6443fd4784d93ba2b7d0a752da58264eb0fd338e8",
		},
		{
			mldsa.MLDSA65(), "Suiu29qbfuaBaR4Ats-c6XQBePB_OpAxAwcTR_0KXVM",
			"1b79221726f2b876c87049ee20015ab0a55bf5abfa3cc5b1f9cbc5751be23a8a",
			"bb1a49c32f37f5f750e73fcc6fd7cbd8cf683e8b0270b1420c02e2e63e66bc01",
		},
		{
			mldsa.MLDSA87(), "tRn1JNIkgMsABVQBlXeDHxAIcclh-2IX0UdDEzPt5XU",
			"79fa4619095f2e5eb020c9d2f871046402d038090738417198a42dcfae63f99c",
			"7102258ffe720c7430bf087b3283867b559d7479d1142162369fec672e1804aa",
		},
	} {
		t.Run(c.params.String(), func(t *testing.T) {
			k := must(mldsa.NewPrivateKey(c.params, make([]byte, mldsa.PrivateKeySize)))
			if sha256Hex(b64(k.PublicKey().Bytes())) != c.pub {
				t.Error("the public key differs from the published one")
			}
			header := b64([]byte(`{"alg":"` + c.params.String() + `","kid":"` + c.kid + `"}`))
			signature := must(k.SignDeterministic([]byte(header+"."+payload), &mldsa.Options{}))
			token := header + "." + payload + "." + b64(signature)
			if sha256Hex(token) != c.digest {
				t.Error("the token differs from the published one")
			}
			key := object{"kty": "AKP", "alg": c.params.String(), "priv": b64(k.Bytes()), "pub": b64(k.PublicKey().Bytes())}.text(t)
			checkVector(t, key, token, false)
			if got, err := keys.Thumbprint(mustResolve(t, key)); err != nil || got != c.kid {
				t.Errorf("thumbprint = %s, %v, want %s", got, err, c.kid)
			}
		})
	}
}

func sha256Hex(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
