// Package interop checks that PyJWT, joserfc, jose, nimbus-jose-jwt, golang-jwt,
// go-jose and openssl verify what conductor-jwt signs, and the reverse. The peers
// are small programs in peers/, each in its own language; the tests install their
// libraries into .cache/interop. go-oidc and PyJWT also discover the issuers of a
// worker.
package interop

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conductor-jwt/cli"
	"conductor-jwt/keys"
)

const (
	issuer   = "https://issuer.example"
	audience = "https://audience.example/token"
)

// conductorJWT runs conductor-jwt's command line and returns its output.
func conductorJWT(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status := cli.Run(t.Context(), cli.Env{
		Args: args, Stdin: strings.NewReader(stdin), Stdout: &stdout, Stderr: &stderr,
		Getenv:  func(string) (string, bool) { return "", false },
		Environ: func() []string { return nil },
		Now:     time.Now,
	})
	if status != 0 {
		t.Fatalf("conductor-jwt %s: exit %d: %s", strings.Join(args, " "), status, stderr.String())
	}
	return strings.TrimSpace(stdout.String())
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// signOurs signs with a private key in one of its encodings.
func signOurs(t *testing.T, alg string, f form) string {
	t.Helper()
	args := append([]string{
		"sign", "--key", file(t, "key", f.text), "--alg", alg,
		"--iss", issuer, "--sub", "subject", "--aud", audience, "--ttl", "5m",
	}, f.args...)
	return conductorJWT(t, "{}", args...)
}

func checkClaims(t *testing.T, claims map[string]any) {
	t.Helper()
	if claims["iss"] != issuer || claims["aud"] != audience || claims["sub"] != "subject" {
		t.Errorf("claims %v, want the signed iss, sub and aud", claims)
	}
}

// TestOthersVerifyWhatWeSign signs with every algorithm and encoding of a key.
func TestOthersVerifyWhatWeSign(t *testing.T) {
	peers := []peer{pythonPeer(t), nodePeer(t), javaPeer(t), golangJWT(), goJOSE(), openssl(t), standardLibrary()}
	checked := map[string]int{}
	for _, pair := range pairs(t) {
		for _, alg := range pair.algs {
			for _, f := range pair.private {
				t.Run(alg+"/"+f.name, func(t *testing.T) {
					token := signOurs(t, alg, f)
					for _, p := range peers {
						if pair.publicPEM != "" && p.reads("verify", alg, "pem") {
							checkClaims(t, p.verify(t, alg, "pem", pair.publicPEM, token))
							checked[alg+" "+p.name]++
						}
						if p.reads("verify", alg, "jwk") {
							checkClaims(t, p.verify(t, alg, "jwk", pair.publicJWK, token))
							checked[alg+" "+p.name]++
						}
					}
				})
			}
		}
	}
	others := map[string]int{}
	for which := range checked {
		alg, _, _ := strings.Cut(which, " ")
		others[alg]++
	}
	for _, alg := range keys.Algorithms() {
		if n := others[string(alg)]; n < 2 {
			t.Errorf("%s was verified by %d other libraries, want at least 2", alg, n)
		}
	}
}

func TestWeVerifyWhatOthersSign(t *testing.T) {
	peers := []peer{pythonPeer(t), nodePeer(t), javaPeer(t), golangJWT(), goJOSE(), openssl(t)}
	claims := []byte(`{"iss":"` + issuer + `","sub":"subject","aud":"` + audience + `","exp":4102444800}`)
	others, algorithms := map[string]int{}, map[string]int{}
	for _, pair := range pairs(t) {
		for _, alg := range pair.algs {
			for _, p := range peers {
				if p.has(alg) {
					algorithms[p.name]++
				}
				for _, f := range pair.private {
					if !p.reads("sign", alg, f.name) {
						continue
					}
					t.Run(alg+"/"+p.name+"/"+f.name, func(t *testing.T) {
						token := p.sign(t, alg, f.name, f.text, claims)
						verifyOurs(t, alg, pair.publicJWK, token)
						if pair.publicPEM != "" {
							verifyOurs(t, alg, pair.publicPEM, token)
						}
						others[alg]++
					})
				}
			}
		}
	}
	for _, alg := range keys.Algorithms() {
		if others[string(alg)] == 0 {
			t.Errorf("%s was not signed by another library", alg)
		}
	}
	for _, p := range peers {
		if algorithms[p.name] < 10 {
			t.Errorf("%s signed with %d algorithms, want at least 10", p.name, algorithms[p.name])
		}
	}
}

func verifyOurs(t *testing.T, alg, key, token string) {
	t.Helper()
	out := conductorJWT(t, token, "verify", "--key", file(t, "public", key), "--alg", alg, "--iss", issuer, "--aud", audience)
	var got struct {
		Payload map[string]any `json:"payload"`
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("the output of verify is not JSON: %v", err)
	}
	checkClaims(t, got.Payload)
}
