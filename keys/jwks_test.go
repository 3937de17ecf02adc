package keys_test

import (
	"crypto/elliptic"
	"testing"

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
		{"from a good and a broken one", []any{a, broken}, "", "", keys.ErrAmbiguous},
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
