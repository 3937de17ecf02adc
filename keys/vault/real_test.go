package vault_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"conductor-jwt/internal/keyconformance"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys/vault"
)

// The tests of this file's users run against a real Vault or OpenBao where
// VAULT_ADDR and VAULT_TOKEN name one that may be written to, such as
// `bao server -dev`.

func real() vault.Options {
	return vault.Options{Address: os.Getenv("VAULT_ADDR"), Login: vault.Login{Token: secret.New(os.Getenv("VAULT_TOKEN"))}}
}

// realDo asks the server as its administrator does.
func realDo(t *testing.T, path string, body any, accepted ...int) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, strings.TrimRight(os.Getenv("VAULT_ADDR"), "/")+"/v1/"+path, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Vault-Token", os.Getenv("VAULT_TOKEN"))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode/100 != 2 && !slices.Contains(accepted, answer.StatusCode) {
		t.Fatalf("%s: status %d", path, answer.StatusCode)
	}
}

func realTransit(t *testing.T, kind string) keyconformance.Store {
	t.Helper()
	name := "conductor-jwt-" + strings.ToLower(rand.Text())
	realDo(t, "sys/mounts/transit", map[string]string{"type": "transit"}, http.StatusBadRequest) // it may be there
	realDo(t, "transit/keys/"+name, map[string]string{"type": kind})
	return keyconformance.Store{
		Source: open(t, real(), "vault-transit://transit/"+name),
		Absent: open(t, real(), "vault-transit://transit/none"),
		Rotate: func() { realDo(t, "transit/keys/"+name+"/rotate", nil) },
	}
}

// realKV uses the engine that a server in development mode has.
func realKV(t *testing.T) keyconformance.Store {
	t.Helper()
	name := "conductor-jwt-" + strings.ToLower(rand.Text())
	put := func() {
		realDo(t, "secret/data/"+name, map[string]any{"data": map[string]string{"pem": pemOf(t)}})
	}
	put()
	return keyconformance.Store{
		Source: open(t, real(), "vault-kv://secret/"+name+"#pem"), Absent: open(t, real(), "vault-kv://secret/none#pem"), Rotate: put,
	}
}
