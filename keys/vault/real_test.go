package vault_test

import (
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys/vault"
	"conductor-jwt/test/conductortest"
	"conductor-jwt/test/keyconformance"
	"conductor-jwt/test/vaulttest"
)

// Tests that use this file run against a real Vault or OpenBao if VAULT_ADDR,
// VAULT_TOKEN and VAULT_UNSEAL_KEY name one that may be written to and sealed.
// `make test-vault` builds and starts one.

func real() vault.Options {
	return vault.Options{Address: os.Getenv("VAULT_ADDR"), Login: vault.Login{Token: secret.New(os.Getenv("VAULT_TOKEN"))}}
}

// realServer is a real server, in which each test has its own names.
type realServer struct{ t *testing.T }

func (realServer) options() vault.Options { return real() }

// adminAnswer is what the administrator reads of an answer.
type adminAnswer struct {
	Data struct {
		RoleID   string `json:"role_id"`
		SecretID string `json:"secret_id"`
	} `json:"data"`
	Auth struct {
		Token string `json:"client_token"`
	} `json:"auth"`
}

// do sends a request as the administrator, and expects success.
func (s realServer) do(verb, path string, body any) (got adminAnswer) {
	s.t.Helper()
	status, answer := ask(s.t, s, verb, path, body)
	if status/100 != 2 {
		s.t.Fatalf("%s: status %d, %s", path, status, answer)
	}
	if answer != "" && json.Unmarshal([]byte(answer), &got) != nil {
		s.t.Fatalf("%s: an unexpected answer", path)
	}
	return got
}

// mount enables an engine or auth method that a server in development mode lacks.
func (s realServer) mount(table, path, kind string) {
	s.t.Helper()
	if _, all := ask(s.t, s, http.MethodGet, table, nil); !strings.Contains(all, strconv.Quote(path+"/")) {
		s.do(http.MethodPost, table+"/"+path, map[string]string{"type": kind})
	}
}

func name() string { return "conductor-jwt-" + strings.ToLower(rand.Text()) }

func (s realServer) create(kind string) string {
	s.t.Helper()
	s.mount("sys/mounts", "transit", "transit")
	key := name()
	s.do(http.MethodPost, "transit/keys/"+key, map[string]string{"type": kind})
	return key
}

func (s realServer) rotate(key string) {
	s.t.Helper()
	s.do(http.MethodPost, "transit/keys/"+key+"/rotate", nil)
}

func (s realServer) setMinVersions(key string, decryption, encryption int) {
	s.t.Helper()
	s.do(http.MethodPost, "transit/keys/"+key+"/config", map[string]int{"min_decryption_version": decryption, "min_encryption_version": encryption})
}

func (s realServer) put(path string, fields map[string]any) {
	s.t.Helper()
	s.do(http.MethodPost, "secret/data/"+path, map[string]any{"data": fields})
}

func (s realServer) remove(path string, version int) {
	s.t.Helper()
	s.do(http.MethodPost, "secret/delete/"+path, map[string]any{"versions": []int{version}})
}

func (s realServer) restore(path string, version int) {
	s.t.Helper()
	s.do(http.MethodPost, "secret/undelete/"+path, map[string]any{"versions": []int{version}})
}

func (s realServer) destroy(path string, version int) {
	s.t.Helper()
	s.do(http.MethodPost, "secret/destroy/"+path, map[string]any{"versions": []int{version}})
}

func (s realServer) annotate(path, note string) {
	s.t.Helper()
	s.do(http.MethodPost, "secret/metadata/"+path, map[string]any{"custom_metadata": map[string]string{"note": note}})
}

func (s realServer) erase(path string) {
	s.t.Helper()
	s.do(http.MethodDelete, "secret/metadata/"+path, nil)
}

// policy creates a policy with the permissions of docs/key-stores.md, without the
// denied paths.
func (s realServer) policy(denied []string) string {
	s.t.Helper()
	paths := map[string]any{}
	permit := func(path, capability string) { paths[path] = map[string]any{"capabilities": []string{capability}} }
	permit("transit/keys/*", "read")
	permit("transit/sign/*", "update")
	permit("secret/metadata/*", "read")
	permit("secret/data/*", "read")
	for _, path := range denied {
		permit(path, "deny")
	}
	text, err := json.Marshal(map[string]any{"path": paths})
	if err != nil {
		s.t.Fatal(err)
	}
	policy := name()
	s.do(http.MethodPut, "sys/policies/acl/"+policy, map[string]string{"policy": string(text)})
	return policy
}

func lease(l vaulttest.Lease, prefix string) map[string]any {
	given := map[string]any{}
	for name, d := range map[string]time.Duration{"ttl": l.TTL, prefix + "max_ttl": l.MaxTTL, "period": l.Period} {
		if d > 0 {
			given[name] = d.String()
		}
	}
	return given
}

func (s realServer) appRole(l vaulttest.Lease, uses int, denied ...string) vault.AppRole {
	s.t.Helper()
	s.mount("sys/auth", "approle", "approle")
	role := name()
	at := "auth/approle/role/" + role
	given := map[string]any{"token_policies": s.policy(denied), "secret_id_num_uses": uses}
	for name, v := range lease(l, "") {
		given["token_"+name] = v
	}
	s.do(http.MethodPost, at, given)
	id := s.do(http.MethodGet, at+"/role-id", nil).Data.RoleID
	secretID := s.do(http.MethodPost, at+"/secret-id", nil).Data.SecretID
	return vault.AppRole{RoleID: id, SecretIDFile: write(s.t, secretID+"\n")}
}

// kubernetes configures Vault to ask a cluster that knows one token, of the
// service account worker.
func (s realServer) kubernetes(jwt string, l vaulttest.Lease) vault.Kubernetes {
	s.t.Helper()
	cluster := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review struct{ Spec struct{ Token string } }
		good := json.NewDecoder(r.Body).Decode(&review) == nil && review.Spec.Token == jwt
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": map[string]any{
				"authenticated": good, "user": map[string]string{"username": "system:serviceaccount:jwt:worker", "uid": "1"},
			},
		})
	}))
	s.t.Cleanup(cluster.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cluster.Certificate().Raw})
	mount := name()
	s.mount("sys/auth", mount, "kubernetes")
	s.do(http.MethodPost, "auth/"+mount+"/config", map[string]any{
		"kubernetes_host": cluster.URL, "kubernetes_ca_cert": string(ca), "disable_local_ca_jwt": true,
	})
	given := map[string]any{"bound_service_account_names": "worker", "bound_service_account_namespaces": "jwt", "token_policies": s.policy(nil)}
	for name, v := range lease(l, "") {
		given["token_"+name] = v
	}
	s.do(http.MethodPost, "auth/"+mount+"/role/worker", given)
	return vault.Kubernetes{Role: "worker", Mount: mount, TokenFile: write(s.t, jwt)}
}

func (s realServer) token(l vaulttest.Lease, denied ...string) string {
	s.t.Helper()
	given := map[string]any{"policies": []string{s.policy(denied)}, "renewable": !l.NotRenewable}
	maps.Copy(given, lease(l, "explicit_"))
	return s.do(http.MethodPost, "auth/token/create", given).Auth.Token
}

func (s realServer) revoke(token string) {
	s.t.Helper()
	s.do(http.MethodPost, "auth/token/revoke", map[string]string{"token": token})
}

func (s realServer) seal() {
	s.t.Helper()
	if os.Getenv("VAULT_UNSEAL_KEY") == "" {
		s.t.Fatal("it could not be unsealed; set VAULT_UNSEAL_KEY")
	}
	s.do(http.MethodPut, "sys/seal", nil)
}

func (s realServer) unseal() {
	s.t.Helper()
	s.do(http.MethodPut, "sys/unseal", map[string]string{"key": os.Getenv("VAULT_UNSEAL_KEY")})
}

func (s realServer) pass(d time.Duration) {
	s.t.Helper()
	if err := conductortest.Pause(s.t.Context(), d); err != nil {
		s.t.Fatal(err)
	}
}

func realTransit(t *testing.T, kind string) keyconformance.Store {
	t.Helper()
	s := realServer{t}
	key := s.create(kind)
	return keyconformance.Store{
		Source: open(t, real(), "vault-transit://transit/"+key),
		Absent: open(t, real(), "vault-transit://transit/none"),
		Rotate: func() { s.rotate(key) },
	}
}

// realKV uses the engine of a server in development mode.
func realKV(t *testing.T) keyconformance.Store {
	t.Helper()
	s := realServer{t}
	path := name()
	put := func() { s.put(path, map[string]any{"pem": pemOf(t)}) }
	put()
	return keyconformance.Store{
		Source: open(t, real(), "vault-kv://secret/"+path+"#pem"), Absent: open(t, real(), "vault-kv://secret/none#pem"), Rotate: put,
	}
}
