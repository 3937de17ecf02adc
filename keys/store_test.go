package keys_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"testing"

	"conductor-jwt/keys"
)

// The error of a store is returned, unless ctx ended: then that is the reason.
func TestAStoreThatDoesNotSign(t *testing.T) {
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	const noTime, noSignature = "there was no time left to use the key", "the key store did not sign"
	for name, c := range map[string]struct {
		answer        error
		before, after bool // the time is up before, or after, the store is asked
		found         string
		asked         bool
		reason        error // beside keys.ErrUnavailable
	}{
		"an error of another package":    {errors.New("dial a-secret"), false, false, noSignature, true, nil},
		"a refusal":                      {keys.Refused("a key that is disabled", "enable it"), false, false, "a key that is disabled", true, keys.ErrRefused},
		"a store that is away":           {keys.Unavailable("no answer", "look at it"), false, false, "no answer", true, nil},
		"time that was up before":        {nil, true, false, noTime, false, context.Canceled},
		"time that is up after an error": {errors.New("dial a-secret"), false, true, noTime, true, context.Canceled},
		"time that is up with a refusal": {keys.Refused("a key that is disabled", "enable it"), false, true, noTime, true, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			asked := false
			key, err := keys.FromStore(public, keys.StoreOptions{Sign: func(context.Context, keys.Algorithm, []byte) ([]byte, error) {
				asked = true
				if c.after {
					cancel()
				}
				return nil, c.answer
			}})
			if err != nil {
				t.Fatal(err)
			}
			if c.before {
				cancel()
			}
			signature, err := key.Sign(ctx, keys.EdDSA, []byte("text"))
			wantReason(t, err, keys.ErrUnavailable)
			if refusal := refusalOf(t, err); refusal.Found != c.found || asked != c.asked || signature != nil || c.reason != nil && !errors.Is(err, c.reason) {
				t.Errorf("asked: %t, signature: %x, error: %v", asked, signature, err)
			}
		})
	}
}

// A form that a key does not have is an error without any output.
func TestFormsThatAKeyDoesNotHave(t *testing.T) {
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := keys.FromStore(public, keys.StoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	hmac := mustResolve(t, octJWK(32).text(t))
	ofPublic := func(key any) map[string]func() (string, error) {
		return map[string]func() (string, error){
			"spki":       func() (string, error) { b, err := keys.SPKI(key); return string(b), err },
			"public pem": func() (string, error) { return keys.PublicPEM(key) },
			"public JWK": func() (string, error) { raw, err := keys.PublicJWK(key, keys.JWKMeta{}); return string(raw), err },
			"thumbprint": func() (string, error) { return keys.Thumbprint(key) },
		}
	}
	for name, forms := range map[string]map[string]func() (string, error){
		"an HMAC key":           ofPublic(hmac),
		"what is no key":        ofPublic("text"),
		"nothing":               ofPublic(nil),
		"an HMAC key's private": {"pem": func() (string, error) { text, err := keys.PrivatePEM(hmac); return text.Reveal(), err }},
		"a stored key's private": {
			"pem": func() (string, error) { text, err := keys.PrivatePEM(stored); return text.Reveal(), err },
			"jwk": func() (string, error) {
				raw, err := keys.PrivateJWK(stored, keys.JWKMeta{})
				return string(raw.Reveal()), err
			},
		},
	} {
		for form, write := range forms {
			text, err := write()
			wantReason(t, err, keys.ErrUnsupported)
			if text != "" {
				t.Errorf("%s as %s: %d bytes beside %v", name, form, len(text), err)
			}
		}
	}
	for form, write := range ofPublic(stored) {
		if text, err := write(); err != nil || text == "" {
			t.Errorf("a stored key as %s: %v", form, err)
		}
	}
}

func TestJoinECDSARefusesOtherForms(t *testing.T) {
	tlv := func(tag byte, contents ...[]byte) []byte {
		content := bytes.Join(contents, nil)
		return append([]byte{tag, byte(len(content))}, content...)
	}
	r, s := tlv(2, []byte{1}), tlv(2, []byte{2})
	if out, err := keys.JoinECDSA(keys.ES256, tlv(0x30, r, s)); err != nil || len(out) != 64 || out[31] != 1 || out[63] != 2 {
		t.Errorf("%x, %v", out, err)
	}
	long := tlv(2, append([]byte{1}, make([]byte, 32)...))
	for name, der := range map[string][]byte{
		"nothing": nil, "one number": tlv(0x30, r), "zero": tlv(0x30, r, tlv(2, []byte{0})), "zero first": tlv(0x30, tlv(2, []byte{0}), s),
		"a negative number": tlv(0x30, r, tlv(2, []byte{0x80})), "more behind": append(tlv(0x30, r, s), 0),
		"a number that is too long": tlv(0x30, long, s), "the other one too long": tlv(0x30, r, long), "r and s already": make([]byte, 64),
	} {
		out, err := keys.JoinECDSA(keys.ES256, der)
		if out != nil {
			t.Errorf("%s: %x", name, out)
		}
		wantReason(t, err, keys.ErrUnavailable)
	}
}

func TestAStoresKeyIsForItsAlgorithmsAlone(t *testing.T) {
	_, err := keys.FromStore("text", keys.StoreOptions{})
	wantReason(t, err, keys.ErrUnsupported)
	public := &sharedRSA().PublicKey
	_, err = keys.FromStore(public, keys.StoreOptions{Algorithms: []keys.Algorithm{keys.ES256}})
	wantReason(t, err, keys.ErrAlgorithmMismatch)
	k := must(keys.FromStore(public, keys.StoreOptions{ID: "a", Algorithms: []keys.Algorithm{keys.PS512}}))
	if k.ID() != "a" || keys.KindOf(k) != keys.KindRSAPSS {
		t.Errorf("id %q, kind %s", k.ID(), keys.KindOf(k))
	}
	_, err = k.Sign(t.Context(), keys.PS256, nil)
	wantReason(t, err, keys.ErrAlgorithmMismatch)
}
