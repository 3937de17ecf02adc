package vault_test

import (
	"cmp"
	"encoding/base64"
	"maps"
	"net/http"
	"os"
	"strings"
	"testing"

	"conductor-jwt/test/vaulttest"
)

type row struct {
	name   string
	path   string // GET without a body, POST with one
	body   map[string]any
	status int
	says   string // part of the answer
}

// The answers of Vault on which this package relies.
func TestAPI(t *testing.T) {
	for kind, start := range servers() {
		t.Run(kind, func(t *testing.T) {
			s := start(t)
			for _, r := range append(append(signRules(s), readRules(s)...), kvRules(t, s)...) {
				verb := http.MethodGet
				if r.body != nil {
					verb = http.MethodPost
				}
				status, answer := ask(t, s, verb, r.path, r.body)
				if status != r.status || !strings.Contains(answer, r.says) {
					t.Errorf("%s: status %d, not %d with %q; it says %.300s", r.name, status, r.status, r.says, answer)
				}
			}
		})
	}
}

func signRules(s server) []row {
	ec, rsa, ed, aes := s.create("ecdsa-p256"), s.create("rsa-2048"), s.create("ed25519"), s.create("aes256-gcm96")
	for range 3 {
		s.rotate(ec)
	}
	s.setMinVersions(ec, 2, 3)
	old := s.create("ecdsa-p256")
	s.rotate(old)
	s.setMinVersions(old, 2, 0)
	digest := base64.StdEncoding.EncodeToString(make([]byte, 32))
	short := base64.StdEncoding.EncodeToString(make([]byte, 20))
	rule := func(status int, says, name, key string, more map[string]any) row {
		body := map[string]any{"input": digest, "prehashed": true}
		maps.Copy(body, more)
		return row{name, "transit/sign/" + key, body, status, says}
	}
	return []row{
		rule(200, `"vault:v4:`, "the newest version", ec, nil),
		rule(200, `"vault:v4:`, "the newest version is 0 too", ec, map[string]any{"key_version": 0}),
		rule(200, `"vault:v3:`, "the version at min_encryption_version", ec, map[string]any{"key_version": 3}),
		rule(500, "less than the minimum encryption key version", "one below it", ec, map[string]any{"key_version": 2}),
		rule(500, "less than the minimum encryption key version", "one below both", ec, map[string]any{"key_version": 1}),
		rule(500, "no such key version", "one below min_decryption_version", old, map[string]any{"key_version": 1}),
		rule(500, "higher than the latest key version", "a version to come", ec, map[string]any{"key_version": 5}),
		rule(500, "requested version for signing is negative", "a negative version", ec, map[string]any{"key_version": -1}),
		rule(400, "Field validation failed", "a version that is no number", ec, map[string]any{"key_version": "x"}),
		rule(400, "invalid marshaling type", "another marshaling", ec, map[string]any{"marshaling_algorithm": "other"}),
		rule(400, "invalid hash algorithm", "another hash", ec, map[string]any{"hash_algorithm": "md5"}),
		rule(400, "invalid hash algorithm", "another hash, where none is needed", ed, map[string]any{"hash_algorithm": "md5", "prehashed": false}),
		rule(400, "unable to decode input", "no base64", ec, map[string]any{"input": "&"}),
		rule(200, `"vault:v4:`, "a short digest, for ec", ec, map[string]any{"input": short}),
		rule(500, "1 error occurred", "a short digest, for pkcs1", rsa, map[string]any{"input": short, "signature_algorithm": "pkcs1v15"}),
		rule(500, "1 error occurred", "a short digest, for pss", rsa, map[string]any{"input": short}),
		rule(500, "1 error occurred", "a digest of another hash", rsa, map[string]any{"hash_algorithm": "sha2-512", "signature_algorithm": "pkcs1v15"}),
		rule(500, "unsupported rsa signature algorithm", "another padding", rsa, map[string]any{"signature_algorithm": "other"}),
		rule(200, `"vault:v1:`, "the longest salt", rsa, map[string]any{"salt_length": "222"}),
		rule(500, "salt length", "a salt too long", rsa, map[string]any{"salt_length": "223"}),
		rule(400, "salt length neither", "a salt of no length", rsa, map[string]any{"salt_length": "x"}),
		rule(400, "does not support signing", "a key that encrypts", aes, nil),
		rule(400, "signing key not found", "no key", "none", nil),
	}
}

func readRules(s server) []row {
	key := s.create("ecdsa-p256")
	return []row{
		{"a key", "transit/keys/" + key, nil, 200, `"name":"P-256"`},
		{"a key that signs", "transit/keys/" + s.create("rsa-2048"), nil, 200, `"supports_signing":true`},
		{"a key that does not", "transit/keys/" + s.create("aes256-gcm96"), nil, 200, `"supports_signing":false`},
		{"no key", "transit/keys/none", nil, 404, `"errors":[]`},
		{"no mount", "none/keys/none", nil, 404, `"errors":[`},
		{"a token forever is not renewed", "auth/token/renew-self", map[string]any{}, 400, `"errors":["`},
	}
}

func kvRules(t *testing.T, s server) []row {
	t.Helper()
	path, long := s.create("ed25519"), s.create("ed25519")
	for range 4 {
		s.put(path, map[string]any{"a": "canary"})
	}
	s.remove(path, 2)
	s.destroy(path, 3)
	for range 11 {
		s.put(long, map[string]any{"a": "canary"})
	}
	at := "secret/data/" + path
	return []row{
		{"the newest", at, nil, 200, `"version":4`},
		{"the newest is 0 too", at + "?version=0", nil, 200, `"version":4`},
		{"one before", at + "?version=1", nil, 200, `"canary"`},
		{"a deleted one", at + "?version=2", nil, 404, `"data":null`},
		{"a destroyed one", at + "?version=3", nil, 404, `"destroyed":true`},
		{"one to come", at + "?version=5", nil, 404, `"errors":[]`},
		{"no number", at + "?version=x", nil, 400, "Field validation failed"},
		{"one that was dropped", "secret/data/" + long + "?version=1", nil, 404, `"errors":[]`},
		{"no secret", "secret/data/none", nil, 404, `"errors":[]`},
		{"no secret's metadata", "secret/metadata/none", nil, 404, `"errors":[]`},
	}
}

// Its answers without permission.
func TestAPIOfTokens(t *testing.T) {
	for kind, start := range servers() {
		t.Run(kind, func(t *testing.T) {
			s := start(t)
			key := s.create("ed25519")
			good, gone := s.token(vaulttest.Lease{}, "transit/keys/"+key), s.token(vaulttest.Lease{})
			fixed := s.token(vaulttest.Lease{NotRenewable: true})
			s.revoke(gone)
			for _, r := range []struct {
				name, token, verb, path string
				status                  int
				says                    string
			}{
				{"a path that is denied", good, "GET", "transit/keys/" + key, 403, "permission denied"},
				{"one's own token", good, "GET", "auth/token/lookup-self", 200, `"renewable":true`},
				{"a renewal", good, "POST", "auth/token/renew-self", 200, `"lease_duration":2764800`},
				{"a renewal of what cannot be", fixed, "POST", "auth/token/renew-self", 400, "lease is not renewable"},
				{"a revoked token", gone, "GET", "auth/token/lookup-self", 403, "permission denied"},
				{"a renewal of it", gone, "POST", "auth/token/renew-self", 403, "permission denied"},
				{"no token", "", "GET", "transit/keys/" + key, 403, "permission denied"},
				{"a login where nothing is mounted", "", "POST", "auth/none/login", 403, "permission denied"},
			} {
				var body any
				if r.verb == "POST" {
					body = map[string]any{}
				}
				status, answer := send(t, s.options().Address, r.token, r.verb, r.path, body)
				if status != r.status || !strings.Contains(answer, r.says) {
					t.Errorf("%s: status %d, not %d with %q; it says %.300s", r.name, status, r.status, r.says, answer)
				}
			}
			s.seal()
			defer s.unseal()
			if status, answer := send(t, s.options().Address, good, "GET", "transit/keys/"+key, nil); status != 503 || !strings.Contains(answer, "Vault is sealed") {
				t.Errorf("sealed: status %d, %s", status, answer)
			}
		})
	}
}

// After five wrong secret ids, the right one is refused.
func TestAPIOfLogins(t *testing.T) {
	for kind, start := range servers() {
		t.Run(kind, func(t *testing.T) {
			s := start(t)
			role := s.appRole(vaulttest.Lease{}, 0)
			right, err := os.ReadFile(role.SecretIDFile)
			if err != nil {
				t.Fatal(err)
			}
			login := func(secretID string) int {
				body := map[string]any{"role_id": role.RoleID, "secret_id": secretID}
				status, _ := send(t, s.options().Address, "", "POST", "auth/"+cmp.Or(role.Mount, "approle")+"/login", body)
				return status
			}
			for range 4 {
				login("wrong")
			}
			if status := login(strings.TrimSpace(string(right))); status != http.StatusOK {
				t.Errorf("after four failures: status %d", status)
			}
			for range 5 {
				login("wrong")
			}
			if status := login(strings.TrimSpace(string(right))); status != http.StatusForbidden {
				t.Errorf("after five failures: status %d", status)
			}
		})
	}
}
