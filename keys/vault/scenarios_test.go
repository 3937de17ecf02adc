package vault_test

import (
	"cmp"
	"encoding/base64"
	"errors"
	"os"
	"testing"
	"time"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/keys/vault"
	"conductor-jwt/test/vaulttest"
)

const tick = 100 * time.Millisecond

func transitOf(t *testing.T, o vault.Options, key string) keys.Source {
	t.Helper()
	return open(t, o, "vault-transit://transit/"+key)
}

func withToken(s server, token string) vault.Options {
	o := s.options()
	o.Login = vault.Login{Token: secret.New(token)}
	return o
}

func withAppRole(s server, role vault.AppRole) vault.Options {
	o := s.options()
	o.Login = vault.Login{AppRole: role}
	return o
}

// signs signs with the newest version.
func signs(t *testing.T, s keys.Source) error {
	t.Helper()
	list, err := s.Versions(t.Context())
	if err != nil {
		return err
	}
	newest := list[len(list)-1]
	_, err = newest.Sign(t.Context(), newest.Algorithms()[0], []byte("x"))
	return err
}

// The worker renews its own token as long as that extends its lifetime, and
// replaces it before it expires: no call fails.
func TestAppRoleTokenIsRenewedAndReplaced(t *testing.T) {
	for name, l := range map[string]vaulttest.Lease{
		"a ttl of 2 s, of 3 s with renewals": {TTL: 2 * time.Second, MaxTTL: 3 * time.Second},
		"a ttl of 1 s, of 2 s with renewals": {TTL: time.Second, MaxTTL: 2 * time.Second}, // the last renewal is for less than 1 s
	} {
		t.Run(name, func(t *testing.T) {
			for kind, start := range servers() {
				t.Run(kind, func(t *testing.T) {
					staysLoggedIn(t, start(t), l)
				})
			}
		})
	}
}

func staysLoggedIn(t *testing.T, s server, l vaulttest.Lease) {
	t.Helper()
	key := s.create("ed25519")
	o := withAppRole(s, s.appRole(l, 0))
	calls := count(t, &o)
	source := transitOf(t, o, key)
	for range 200 {
		if err := signs(t, source); err != nil {
			t.Fatal(err)
		}
		if calls.of(loginOf(o)) == 3 {
			break
		}
		s.pass(tick)
	}
	if logins, renewals := calls.of(loginOf(o)), calls.of(renew); logins != 3 || renewals < 2 {
		t.Errorf("logged in %d times, renewed %d times", logins, renewals)
	}
}

func loginOf(o vault.Options) string {
	return "POST auth/" + cmp.Or(o.Login.AppRole.Mount, "approle") + "/login"
}

// A token that somebody else issued is renewed.
func TestPeriodicTokenIsRenewedForever(t *testing.T) {
	for kind, start := range servers() {
		t.Run(kind, func(t *testing.T) {
			s := start(t)
			key := s.create("ed25519")
			o := withToken(s, s.token(vaulttest.Lease{Period: 2 * time.Second}))
			calls := count(t, &o)
			source := transitOf(t, o, key)
			for range 50 { // five seconds
				if err := signs(t, source); err != nil {
					t.Fatal(err)
				}
				s.pass(tick)
			}
			if looked, renewals := calls.of(look), calls.of(renew); looked != 1 || renewals < 3 || renewals > 6 {
				t.Errorf("looked up %d times, renewed %d times", looked, renewals)
			}
		})
	}
}

// The expiry of a token that cannot be replaced is a refusal.
func TestStaticTokenExpires(t *testing.T) {
	for name, l := range map[string]vaulttest.Lease{
		"not renewable":           {TTL: time.Second, NotRenewable: true},
		"at its maximum lifetime": {TTL: time.Second, MaxTTL: 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			for kind, start := range servers() {
				t.Run(kind, func(t *testing.T) {
					s := start(t)
					source := transitOf(t, withToken(s, s.token(l)), s.create("ed25519"))
					if err := signs(t, source); err != nil {
						t.Fatal(err)
					}
					for range 100 {
						if err := signs(t, source); err != nil {
							refused(t, err)
							return
						}
						s.pass(tick)
					}
					t.Error("it does not expire")
				})
			}
		})
	}
}

func refused(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, keys.ErrUnavailable) || !errors.Is(err, keys.ErrRefused) {
		t.Errorf("not a refusal: %v", err)
	}
}

// A secret id with limited uses is refused after them.
func TestSecretIDIsUsedUp(t *testing.T) {
	for kind, start := range servers() {
		t.Run(kind, func(t *testing.T) {
			s := start(t)
			key := s.create("ed25519")
			o := withAppRole(s, s.appRole(vaulttest.Lease{TTL: time.Hour}, 2))
			for range 2 {
				if err := signs(t, transitOf(t, o, key)); err != nil {
					t.Error(err)
				}
			}
			refused(t, signs(t, transitOf(t, o, key)))
		})
	}
}

func TestMissingPermission(t *testing.T) {
	for kind, start := range servers() {
		t.Run(kind, func(t *testing.T) {
			s := start(t)
			key := s.create("ed25519")
			s.put(key, map[string]any{"pem": pemOf(t)})
			for path, uri := range map[string]string{
				"transit/keys/" + key: "vault-transit://transit/", "transit/sign/" + key: "vault-transit://transit/",
				"secret/metadata/" + key: "vault-kv://secret/", "secret/data/" + key: "vault-kv://secret/",
			} {
				end := key
				if uri == "vault-kv://secret/" {
					end += "#pem"
				}
				o := withAppRole(s, s.appRole(vaulttest.Lease{TTL: time.Hour}, 0, path))
				calls := count(t, &o)
				source := open(t, o, uri+end)
				for range 3 {
					refused(t, signs(t, source))
				}
				if n := calls.of(loginOf(o)); n != 1 {
					t.Errorf("%s: logged in %d times", path, n)
				}
			}
		})
	}
}

// A sealed server is unavailable and refuses nothing. After unsealing, the same
// token works.
func TestSealedServer(t *testing.T) {
	for kind, start := range servers() {
		t.Run(kind, func(t *testing.T) {
			s := start(t)
			key := s.create("ed25519")
			s.put(key, map[string]any{"pem": pemOf(t)})
			o := withAppRole(s, s.appRole(vaulttest.Lease{TTL: time.Hour}, 0))
			late := withAppRole(s, s.appRole(vaulttest.Lease{TTL: time.Hour}, 0))
			calls := count(t, &o)
			transit, kv := transitOf(t, o, key), open(t, o, "vault-kv://secret/"+key+"#pem")
			list, err := transit.Versions(t.Context())
			if err = errors.Join(err, signs(t, kv)); err != nil {
				t.Fatal(err)
			}
			s.seal()
			defer s.unseal()
			_, signing := list[0].Sign(t.Context(), keys.EdDSA, []byte("x"))
			for what, err := range map[string]error{
				"transit": signs(t, transit), "kv": signs(t, kv), "signing": signing, "a login": signs(t, transitOf(t, late, key)),
			} {
				if !errors.Is(err, keys.ErrUnavailable) || errors.Is(err, keys.ErrRefused) {
					t.Errorf("%s: %v", what, err)
				}
			}
			s.unseal()
			for what, err := range map[string]error{"transit": signs(t, transit), "kv": signs(t, kv), "a login": signs(t, transitOf(t, late, key))} {
				if err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			if n := calls.of(loginOf(o)); n != 2 { // one for each source
				t.Errorf("logged in %d times", n)
			}
		})
	}
}

func TestTransitVersions(t *testing.T) {
	for kind, start := range servers() {
		t.Run(kind, func(t *testing.T) {
			s := start(t)
			key := s.create("ed25519")
			for range 10 { // 10 is after 9, not after 1
				s.pass(tick)
				s.rotate(key)
			}
			list, err := transitOf(t, s.options(), key).Versions(t.Context())
			if err != nil || len(list) != 11 {
				t.Fatalf("%d versions, %v", len(list), err)
			}
			for i, k := range list[1:] {
				if since := k.Created().Sub(list[i].Created()); since < tick {
					t.Errorf("version %d was created %s after the one before", i+2, since)
				}
			}
		})
	}
}

func TestTransitNonSigningKey(t *testing.T) {
	for kind, start := range servers() {
		t.Run(kind, func(t *testing.T) {
			s := start(t)
			if _, err := transitOf(t, s.options(), s.create("aes256-gcm96")).Versions(t.Context()); !errors.Is(err, keys.ErrUnsupported) {
				t.Error(err)
			}
		})
	}
}

// Versions below min_encryption_version and min_decryption_version.
func TestTransitMinVersions(t *testing.T) {
	for kind, start := range servers() {
		t.Run(kind, func(t *testing.T) {
			s := start(t)
			key := s.create("ecdsa-p256")
			for range 3 {
				s.rotate(key)
			}
			source := transitOf(t, s.options(), key)
			list, err := source.Versions(t.Context())
			if err != nil || len(list) != 4 {
				t.Fatalf("%d versions, %v", len(list), err)
			}
			s.setMinVersions(key, 2, 3)
			versions, err := source.Versions(t.Context())
			if err != nil || len(versions) != 3 {
				t.Fatalf("%d versions, %v", len(versions), err)
			}
			for i, good := range []bool{false, true, true} {
				if _, err := versions[i].Sign(t.Context(), keys.ES256, []byte("x")); good != (err == nil) {
					t.Errorf("version %d: %v", i+2, err)
				} else if !good {
					refused(t, err)
				}
			}
			s.setMinVersions(key, 2, 0)
			if versions, err = source.Versions(t.Context()); err != nil || len(versions) != 3 {
				t.Fatalf("%d versions, %v", len(versions), err)
			}
			if _, err := versions[0].Sign(t.Context(), keys.ES256, []byte("x")); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestKVVersions(t *testing.T) {
	for kind, start := range servers() {
		t.Run(kind, func(t *testing.T) {
			s := start(t)
			path, one := s.create("ed25519"), pemOf(t) // a unique name
			s.put(path, map[string]any{"other": "not there yet"})
			s.put(path, map[string]any{"pem": "no key"})
			s.put(path, map[string]any{"pem": one})
			s.put(path, map[string]any{"pem": one, "note": "written again"})
			o := s.options()
			calls := count(t, &o)
			source := open(t, o, "vault-kv://secret/"+path+"#pem")
			for _, step := range []struct {
				name    string
				do      func()
				want    int
				wantErr error
			}{
				{"one key, twice", func() {}, 1, nil},
				{"its metadata are written", func() { s.annotate(path, "billing") }, 1, nil},
				{"another key", func() { s.put(path, map[string]any{"pem": pemOf(t)}) }, 2, nil},
				{"no key", func() { s.put(path, map[string]any{"pem": "broken"}) }, 0, keys.ErrUnreadable},
				{"no text", func() { s.put(path, map[string]any{"pem": 7}) }, 0, keys.ErrMissing},
				{"gone", func() { s.erase(path) }, 0, keys.ErrMissing},
				{"made anew", func() { s.put(path, map[string]any{"pem": pemOf(t)}) }, 1, nil},
			} {
				step.do()
				if list, err := source.Versions(t.Context()); len(list) != step.want || !errors.Is(err, step.wantErr) {
					t.Errorf("%s: %d versions, %v", step.name, len(list), err)
				}
			}
			// Each key is read once, and each version without a key every time.
			if n := calls.of("GET secret/data/" + path); n != 17 {
				t.Errorf("read %d times", n)
			}
		})
	}
}

func TestKVDeletedVersions(t *testing.T) {
	for kind, start := range servers() {
		t.Run(kind, func(t *testing.T) {
			s := start(t)
			path := s.create("ed25519")
			for range 3 {
				s.put(path, map[string]any{"pem": pemOf(t), "note": 1})
			}
			source := open(t, s.options(), "vault-kv://secret/"+path+"#pem")
			steps := []struct {
				name string
				do   func()
				want int
			}{
				{"all", func() {}, 3},
				{"deleted", func() { s.remove(path, 2) }, 2},
				{"restored", func() { s.restore(path, 2) }, 3},
				{"destroyed", func() { s.destroy(path, 1) }, 2},
				{"the newest deleted", func() { s.remove(path, 3) }, 1},
				{"rotated", func() { s.put(path, map[string]any{"pem": pemOf(t)}) }, 2},
			}
			for _, step := range steps {
				step.do()
				list, err := source.Versions(t.Context())
				if err != nil || len(list) != step.want {
					t.Errorf("%s: %d versions, %v", step.name, len(list), err)
				}
			}
			s.destroy(path, 2)
			s.remove(path, 4)
			if _, err := source.Versions(t.Context()); !errors.Is(err, keys.ErrMissing) {
				t.Error(err)
			}
		})
	}
}

// The engine keeps the newest ten versions by default.
func TestKVMaxVersions(t *testing.T) {
	for kind, start := range servers() {
		t.Run(kind, func(t *testing.T) {
			s := start(t)
			path := s.create("ed25519")
			source := open(t, s.options(), "vault-kv://secret/"+path+"#pem")
			for n := 1; n <= 12; n++ {
				s.put(path, map[string]any{"pem": pemOf(t)})
				if list, err := source.Versions(t.Context()); err != nil || len(list) != min(n, 10) {
					t.Fatalf("%d of %d versions, %v", len(list), n, err)
				}
			}
		})
	}
}

// The file of an agent is read for each call.
func TestTokenFileIsReplaced(t *testing.T) {
	for kind, start := range servers() {
		t.Run(kind, func(t *testing.T) {
			s := start(t)
			first := s.token(vaulttest.Lease{})
			o := s.options()
			o.Login = vault.Login{TokenFile: write(t, first)}
			source := transitOf(t, o, s.create("ed25519"))
			if err := signs(t, source); err != nil {
				t.Fatal(err)
			}
			s.revoke(first)
			refused(t, signs(t, source))
			overwrite(t, o.Login.TokenFile, s.token(vaulttest.Lease{}))
			if err := signs(t, source); err != nil {
				t.Error(err)
			}
		})
	}
}

func overwrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Vault locks a role after several wrong secret ids. A worker sends a wrong one
// once, and the right one as soon as the file has it.
func TestWrongSecretIDDoesNotLockRole(t *testing.T) {
	for kind, start := range servers() {
		t.Run(kind, func(t *testing.T) {
			s := start(t)
			key := s.create("ed25519")
			role := s.appRole(vaulttest.Lease{TTL: time.Hour}, 0)
			right, err := os.ReadFile(role.SecretIDFile)
			if err != nil {
				t.Fatal(err)
			}
			wrong := role
			wrong.SecretIDFile = write(t, "00000000-0000-0000-0000-000000000000")
			source := transitOf(t, withAppRole(s, wrong), key)
			for range 10 {
				refused(t, signs(t, source))
			}
			if err := signs(t, transitOf(t, withAppRole(s, role), key)); err != nil {
				t.Errorf("another worker: %v", err)
			}
			overwrite(t, wrong.SecretIDFile, string(right))
			if err := signs(t, source); err != nil {
				t.Errorf("after the file is corrected: %v", err)
			}
		})
	}
}

func TestServiceAccountLogin(t *testing.T) {
	for kind, start := range servers() {
		t.Run(kind, func(t *testing.T) {
			s := start(t)
			key := s.create("ed25519")
			o := s.options()
			o.Login = vault.Login{Kubernetes: s.kubernetes(serviceAccount(t, "worker"), vaulttest.Lease{TTL: time.Hour})}
			if err := signs(t, transitOf(t, o, key)); err != nil {
				t.Error(err)
			}
			for _, other := range []string{serviceAccount(t, "other"), serviceAccount(t, "worker"), "no-token"} {
				o.Login.Kubernetes.TokenFile = write(t, other)
				refused(t, signs(t, transitOf(t, o, key)))
			}
		})
	}
}

// serviceAccount returns a token like those of a cluster; no two are equal.
func serviceAccount(t *testing.T, name string) string {
	t.Helper()
	key := generated(t)
	encode := base64.RawURLEncoding.EncodeToString
	input := encode([]byte(`{"alg":"ES256"}`)) + "." + encode([]byte(`{"iss":"kubernetes/serviceaccount","sub":"system:serviceaccount:jwt:`+name+`",`+
		`"kubernetes.io":{"namespace":"jwt","serviceaccount":{"name":"`+name+`","uid":"1"}}}`))
	signature, err := key.Sign(t.Context(), keys.ES256, []byte(input))
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + encode(signature)
}
