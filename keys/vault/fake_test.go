package vault_test

import (
	"fmt"
	"testing"
	"time"

	"conductor-jwt/keys/vault"
	"conductor-jwt/test/vaulttest"
)

// fakeServer is the fake, with a clock that the test sets.
type fakeServer struct {
	*vaulttest.Server
	t     *testing.T
	clock *clock
	kinds map[string]string // by key
	made  int
}

func newFake(t *testing.T) server {
	t.Helper()
	s := &fakeServer{Server: vaulttest.New(t), t: t, clock: &clock{now: time.Now()}, kinds: map[string]string{}}
	s.Now = s.clock.Now
	return s
}

func (s *fakeServer) options() vault.Options { return asRoot(s.Server) }

func (s *fakeServer) create(kind string) string {
	s.made++
	key := fmt.Sprintf("k%d", s.made)
	s.kinds[key] = kind
	s.rotate(key)
	return key
}

func (s *fakeServer) rotate(key string) {
	if kind := s.kinds[key]; kind != "aes256-gcm96" {
		s.PutTransit("transit/"+key, vaulttest.NewKey(kind))
		return
	}
	s.PutTransit("transit/"+key, nil)
}

func (s *fakeServer) setMinVersions(key string, decryption, encryption int) {
	s.SetMinVersions("transit/"+key, decryption, encryption)
}

func (s *fakeServer) put(path string, fields map[string]any) { s.PutKV("secret/"+path, fields) }
func (s *fakeServer) remove(path string, version int)        { s.DeleteKV("secret/"+path, version) }
func (s *fakeServer) restore(path string, version int)       { s.UndeleteKV("secret/"+path, version) }

func (s *fakeServer) destroy(path string, version int) { s.DestroyKV("secret/"+path, version) }

func (s *fakeServer) annotate(path, note string) {
	s.AnnotateKV("secret/"+path, map[string]string{"note": note})
}

func (s *fakeServer) erase(path string) { s.EraseKV("secret/" + path) }

func (s *fakeServer) appRole(l vaulttest.Lease, uses int, denied ...string) vault.AppRole {
	s.made++
	mount := fmt.Sprintf("approle-%d", s.made)
	s.AppRole(mount, "role", "secret", l)
	s.LimitLogins(mount, uses)
	s.deny(denied)
	return vault.AppRole{RoleID: "role", Mount: mount, SecretIDFile: write(s.t, "secret\n")}
}

func (s *fakeServer) kubernetes(jwt string, l vaulttest.Lease) vault.Kubernetes {
	s.Kubernetes("kubernetes", "worker", jwt, l)
	return vault.Kubernetes{Role: "worker", TokenFile: write(s.t, jwt)}
}

func (s *fakeServer) token(l vaulttest.Lease, denied ...string) string {
	s.made++
	name := fmt.Sprintf("hvs.by-hand-%d", s.made)
	s.Token(name, l)
	s.deny(denied)
	return name
}

func (s *fakeServer) deny(paths []string) {
	for _, path := range paths {
		s.Deny(path)
	}
}

func (s *fakeServer) revoke(token string)  { s.RevokeToken(token) }
func (s *fakeServer) seal()                { s.Seal() }
func (s *fakeServer) unseal()              { s.Unseal() }
func (s *fakeServer) pass(d time.Duration) { s.clock.pass(d) }
