package keys_test

import (
	"bytes"
	"crypto/elliptic"
	"errors"
	"slices"
	"strings"
	"testing"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

func TestTheKeyOfAJWKSIsChosen(t *testing.T) {
	a := ecJWK(elliptic.P256(), "P-256").with("kid", "a")
	b := ed25519JWK().with("kid", "b")
	public := ecJWK(elliptic.P384(), "P-384").with("kid", "p").without("d")
	encryption := ecJWK(elliptic.P256(), "P-256").with("kid", "e").with("use", "enc")
	foreign := object{"kty": "LWE", "kid": "f"}
	broken := a.with("kid", "x").with("d", b64(make([]byte, 32)))
	noID := ed25519JWK()
	hmac := object{"kty": "oct", "kid": "h", "k": b64(bytes.Repeat([]byte("k"), 32))}
	otherHMAC := hmac.with("k", b64(bytes.Repeat([]byte("o"), 32)))
	for _, c := range []struct {
		name   string
		set    []any
		id     string
		want   string // the kid chosen
		reason error
	}{
		{"by its id", []any{a, b}, "b", "b", nil},
		{"as the only one", []any{a}, "", "a", nil},
		{"as the only one that may sign", []any{public, encryption, foreign, b}, "", "b", nil},
		{"by its id among broken ones", []any{broken, b}, "b", "b", nil},
		{"as the only one, which has no id", []any{noID}, "any", "", nil},
		{"from two without an id", []any{a, b}, "", "", keys.ErrAmbiguous},
		{"from two of that id", []any{a, b.with("kid", "a")}, "a", "", keys.ErrAmbiguous},
		{"as the only one that can be read", []any{broken, a}, "", "a", nil},
		{"as the only one that can be read of its id", []any{broken, a.with("kid", "x")}, "x", "x", nil},
		{"as the only one beside what is no key", []any{nil, 1, "x", []any{}, a}, "", "a", nil},
		{"as the only one, which has no id, beside what is no key", []any{nil, noID}, "any", "", nil},
		{"as the only one that can be read, which has no id", []any{broken, noID, foreign}, "any", "", nil},
		{"from equal ones", []any{a, a.with("n", "x"), a}, "a", "a", nil},
		{"from equal ones without an id", []any{noID, noID}, "any", "", nil},
		{"from equal secrets", []any{hmac, hmac}, "", "h", nil},
		{"from equal ones with two ids", []any{a, a.with("kid", "c")}, "", "", keys.ErrAmbiguous},
		{"from two secrets of one id", []any{hmac, otherHMAC}, "h", "", keys.ErrAmbiguous},
		{"by an id that neither of two without one has", []any{noID, b.without("kid")}, "any", "", keys.ErrAmbiguous},
		{"by an id that one with another and one without have not", []any{a, noID}, "any", "", keys.ErrAmbiguous},
		{"from broken ones", []any{broken, broken.with("kid", "y")}, "", "", keys.ErrInconsistent},
		{"by an id that is not there", []any{a, b}, "c", "", keys.ErrAmbiguous},
		{"by an id in another case", []any{a, b}, "A", "", keys.ErrAmbiguous},
		{"by another id than the only one's", []any{a}, "b", "", keys.ErrAmbiguous},
		{"by the id of a public one", []any{a, public}, "p", "", keys.ErrPublic},
		{"by the id of one for encryption", []any{a, encryption}, "e", "", keys.ErrUse},
		{"by the id of a broken one", []any{a, broken}, "x", "", keys.ErrInconsistent},
		{"from public ones", []any{public, public.with("kid", "q")}, "", "", keys.ErrPublic},
		{"from none", []any{}, "", "", keys.ErrUnreadable},
		{"from what is no object", []any{1}, "", "", keys.ErrUnreadable},
	} {
		t.Run(c.name, func(t *testing.T) {
			ref := keys.Ref{Text: secret.New(object{"keys": c.set}.text(t)), KeyID: c.id}
			k, err := keys.NewParser(keys.ParserOptions{}).Resolve(t.Context(), ref)
			if c.reason != nil {
				wantReason(t, err, c.reason)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if k.ID() != c.want {
				t.Errorf("chose %q", k.ID())
			}
		})
	}
	_, err := resolve(t.Context(), `{"keys":{}}`)
	wantReason(t, err, keys.ErrUnreadable)
}

// RFC 7517 §4.5 permits keys of different types or algorithms to share a kid.
func TestKidAlgorithmAndTypeChooseTheKeyOfAJWKSTogether(t *testing.T) {
	p256, p384, okp := ecJWK(elliptic.P256(), "P-256").with("kid", "1"), ecJWK(elliptic.P384(), "P-384").with("kid", "1"), ed25519JWK().with("kid", "1")
	k := bytes.Repeat([]byte("k"), 64)
	hs := func(alg string) object { return object{"kty": "oct", "kid": "1", "k": b64(k), "alg": alg} }
	open := hs("HS256").without("alg")
	for _, c := range []struct {
		name   string
		set    []any
		id     string
		alg    keys.Algorithm
		want   keys.Algorithm // the default of the key chosen
		reason error
	}{
		{"by type", []any{p256, p384, okp}, "1", keys.ES384, keys.ES384, nil},
		{"by type, without an id", []any{p256.without("kid"), p384, okp}, "", keys.ES256, keys.ES256, nil},
		{"by either name of one algorithm", []any{p256, okp}, "1", keys.Ed25519, keys.EdDSA, nil},
		{"by alg", []any{hs("HS256"), hs("HS384"), hs("HS512")}, "1", keys.HS384, keys.HS384, nil},
		{"by alg, before one that is open", []any{open, hs("HS384")}, "1", keys.HS384, keys.HS384, nil},
		{"as the open one, where none is for the algorithm", []any{hs("HS384"), open}, "1", keys.HS512, keys.HS256, nil},
		{"by an id, however the algorithm fits", []any{p256, okp.with("kid", "2")}, "1", keys.RS256, keys.ES256, nil},
		{"from two types, neither of which fits", []any{p256, okp}, "1", keys.RS256, "", keys.ErrAlgorithmMismatch},
		{"from two algorithms of one key", []any{hs("HS256"), hs("HS384")}, "1", "", "", keys.ErrAmbiguous},
		{"from two secrets of one algorithm", []any{p256, p256.with("kid", "1"), hs("HS256"), hs("HS256").with("k", b64(bytes.Repeat([]byte("o"), 64)))}, "1", keys.HS256, "", keys.ErrAmbiguous},
	} {
		t.Run(c.name, func(t *testing.T) {
			ref := keys.Ref{Text: secret.New(object{"keys": c.set}.text(t)), KeyID: c.id, Algorithm: c.alg}
			key, err := keys.NewParser(keys.ParserOptions{}).Resolve(t.Context(), ref)
			v, verr := keys.ReadVerifier(t.Context(), ref)
			if c.reason != nil {
				wantReason(t, err, c.reason)
				wantReason(t, verr, c.reason)
				return
			}
			if err != nil || verr != nil {
				t.Fatal(err, verr)
			}
			if key.Algorithms()[0] != c.want || v.Algorithms()[0] != c.want {
				t.Errorf("chose %s to sign, %s to verify", key.Algorithms()[0], v.Algorithms()[0])
			}
		})
	}
}

// The error tells the command line which ids there are, and a task nothing.
func TestAnErrorOfTheChoiceKnowsTheIDsAndDoesNotSayThem(t *testing.T) {
	set := []any{ecJWK(elliptic.P256(), "P-256").with("kid", "id-one"), ed25519JWK().with("kid", "id-two"), nil, ed25519JWK()}
	for id, unknown := range map[string]bool{"": false, "other": true} {
		_, err := keys.NewParser(keys.ParserOptions{}).Resolve(t.Context(), keys.Ref{Text: secret.New(object{"keys": set}.text(t)), KeyID: id})
		choice, ok := errors.AsType[*keys.SetError](err)
		if !ok || !slices.Equal(choice.KeyIDs, []string{"id-one", "id-two"}) || choice.Unknown != unknown {
			t.Errorf("id %q: %+v, %v", id, choice, ok)
		}
		if strings.Contains(err.Error(), "id-") {
			t.Errorf("quotes: %v", err)
		}
	}
}

func TestTheHintOfAChoiceHelps(t *testing.T) {
	a, b := ecJWK(elliptic.P256(), "P-256").with("kid", "a"), ed25519JWK().with("kid", "b")
	for _, c := range []struct {
		set  []any
		ref  keys.Ref
		hint string
	}{
		{[]any{a, b}, keys.Ref{}, "set kid to the kid of the one to use"},
		{[]any{a, b.with("kid", "a")}, keys.Ref{}, "set alg, or give each key a kid of its own"},
		{[]any{a.without("kid"), b.without("kid")}, keys.Ref{}, "set alg, or give each key a kid of its own"},
		{[]any{a, b}, keys.Ref{KeyID: "c"}, "set kid to the kid of one of its keys"},
		{[]any{a.without("kid"), b.without("kid")}, keys.Ref{KeyID: "c"}, "none of them has a kid: give each key a kid, or leave kid out and set alg"},
	} {
		c.ref.Text = secret.New(object{"keys": c.set}.text(t))
		_, err := keys.NewParser(keys.ParserOptions{}).Resolve(t.Context(), c.ref)
		if e, ok := errors.AsType[*fault.Error](err); !ok || fault.Rename(e.Hint, nil) != c.hint {
			t.Errorf("want %q, got %+v", c.hint, err)
		}
	}
}

func TestAServiceAccountFileGivesItsKey(t *testing.T) {
	file := object{
		"type": "service_account", "project_id": "p", "private_key_id": "3f1c", "private_key": pemFile(t, "rsa.pkcs8.pem"),
		"client_email": "a@p.iam.gserviceaccount.com", "token_uri": "https://oauth2.googleapis.com/token",
	}
	k := mustResolve(t, file.text(t))
	if k.ID() != "3f1c" || keys.KindOf(k) != keys.KindRSA {
		t.Errorf("id %q, kind %s", k.ID(), keys.KindOf(k))
	}
	if got := mustResolve(t, file.without("private_key_id").text(t)).ID(); got != "" {
		t.Errorf("id %q", got)
	}
	for _, c := range []struct {
		name   string
		file   object
		reason error
	}{
		{"without its key", file.without("private_key"), keys.ErrUnreadable},
		{"with an empty key", file.with("private_key", ""), keys.ErrUnreadable},
		{"with a key that is a number", file.with("private_key", 1), keys.ErrUnreadable},
		{"with an id that is a number", file.with("private_key_id", 1), keys.ErrUnreadable},
		{"with a public key", file.with("private_key", pemFile(t, "rsa.public.pem")), keys.ErrPublic},
		{"with text for a key", file.with("private_key", "***"), keys.ErrUnreadable},
		{"of a user", object{"type": "authorized_user", "client_id": "x", "refresh_token": "y"}, keys.ErrUnsupported},
		{"of a federation", object{"type": "external_account"}, keys.ErrUnsupported},
		{"of no type", file.without("type"), keys.ErrUnsupported},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := resolve(t.Context(), c.file.text(t))
			wantReason(t, err, c.reason)
		})
	}
}
