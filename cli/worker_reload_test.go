package cli

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"conductor-jwt/config"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
)

const (
	first  = `keys: {first: {source: "conductor:k"}}`
	second = `keys: {second: {source: "conductor:k"}}`
	wrong  = `keys: {second: {sourc: "conductor:k"}}`
)

// reloading is a signing whose policy file changes.
type reloading struct {
	t *testing.T
	*signing
	policy string // the path
	env    map[string]string
	log    bytes.Buffer
}

// inReloads runs a test in a bubble of synctest.
func inReloads(t *testing.T, test func(*reloading)) {
	t.Helper()
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		test(&reloading{t: t, policy: filepath.Join(folder, "policy.yaml"), env: map[string]string{}})
	})
}

// begin starts the signing with the policy file as it is.
func (r *reloading) begin() {
	r.t.Helper()
	c := &config.Loaded{Config: config.Defaults()}
	c.Policy, c.Slots = r.policy, 1
	env := Env{Now: time.Now, Getenv: func(name string) (string, bool) {
		text, ok := r.env[name]
		return text, ok
	}}
	var err error
	r.signing, err = newSigning(r.t.Context(), env, c, keys.NewParser(keys.ParserOptions{Now: time.Now}), nil, slog.New(slog.NewTextHandler(&r.log, nil)))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(r.run(r.t.Context(), nil))
	time.Sleep(time.Second) // between two looks
}

func (r *reloading) write(text string) {
	r.t.Helper()
	writeFile(r.t, r.policy, text)
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// after checks, after some looks, which key the policy in force has, and how often
// a policy was taken and refused.
func (r *reloading) after(looks int, key string, taken, refused float64) {
	r.t.Helper()
	time.Sleep(time.Duration(looks) * watchInterval)
	synctest.Wait()
	if got := r.current.Load().ring.Status(); len(got) != 1 || got[0].Name != key {
		r.t.Errorf("the keys are %+v, want %s", got, key)
	}
	for result, want := range map[string]float64{reloadTaken: taken, reloadRefused: refused} {
		if got := testutil.ToFloat64(r.reloads.total.WithLabelValues(result)); got != want {
			r.t.Errorf("%v policies were %s, want %v", got, result, want)
		}
	}
}

func TestChangedPolicyIsTaken(t *testing.T) {
	inReloads(t, func(r *reloading) {
		r.write(first)
		r.begin()
		r.after(100, "first", 0, 0)
		r.write(second)
		r.after(2, "second", 1, 0)
		r.after(100, "second", 1, 0)
	})
}

// A mounted ConfigMap or Secret: the path is a symbolic link through ..data, which
// is replaced as a whole.
func TestChangedMountIsTaken(t *testing.T) {
	inReloads(t, func(r *reloading) {
		folder := filepath.Dir(r.policy)
		mount := func(version, text string) {
			if err := os.Mkdir(filepath.Join(folder, version), 0o700); err != nil {
				r.t.Fatal(err)
			}
			writeFile(r.t, filepath.Join(folder, version, "policy.yaml"), text)
			next := filepath.Join(folder, "..data_tmp")
			if err := os.Symlink(version, next); err != nil {
				r.t.Skip("symbolic links are not permitted here")
			}
			if err := os.Rename(next, filepath.Join(folder, "..data")); err != nil {
				r.t.Fatal(err)
			}
		}
		mount("..1", first)
		if err := os.Symlink(filepath.Join("..data", "policy.yaml"), r.policy); err != nil {
			r.t.Fatal(err)
		}
		r.begin()
		mount("..2", second)
		r.after(2, "second", 1, 0)
	})
}

// A file that changes from look to look is being written.
func TestHalfWrittenPolicyIsNotRead(t *testing.T) {
	inReloads(t, func(r *reloading) {
		r.write(first)
		r.begin()
		for _, text := range []string{wrong[:10], wrong[:20], wrong, "", second} {
			r.write(text)
			r.after(1, "first", 0, 0)
		}
		r.after(1, "second", 1, 0)
	})
}

func TestWrongPolicyIsReportedOnce(t *testing.T) {
	inReloads(t, func(r *reloading) {
		r.write(first)
		r.begin()
		successful, at := testutil.ToFloat64(r.reloads.successful), testutil.ToFloat64(r.reloads.at)
		if successful != 1 || at == 0 {
			r.t.Errorf("at the start: successful %v at %v", successful, at)
		}
		r.write(wrong)
		r.after(100, "first", 0, 1)
		if testutil.ToFloat64(r.reloads.successful) != 0 || testutil.ToFloat64(r.reloads.at) != at {
			r.t.Error("a refused policy counts as read")
		}
		if err := os.Remove(r.policy); err != nil {
			r.t.Fatal(err)
		}
		r.after(100, "first", 0, 2)
		r.write(first)
		r.after(100, "first", 1, 2)
		if testutil.ToFloat64(r.reloads.successful) != 1 || testutil.ToFloat64(r.reloads.at) <= at {
			r.t.Error("the policy that was taken does not count")
		}
		if n := strings.Count(r.log.String(), "this key has no source"); n != 1 {
			r.t.Errorf("the log is\n%s", &r.log)
		}
	})
}

// A Secret with a key may be mounted after the ConfigMap with the policy.
func TestPolicyIsReadAgainWhenItsKeyComes(t *testing.T) {
	inReloads(t, func(r *reloading) {
		r.write(first)
		r.begin()
		key := filepath.Join(filepath.Dir(r.policy), "key.pem")
		r.write(`keys: {second: {source: "file://` + filepath.ToSlash(key) + `"}}`)
		r.after(10, "first", 0, 1)
		writeFile(r.t, key, newKeyFile(r.t))
		r.after(2, "second", 1, 1)
		writeFile(r.t, key, newKeyFile(r.t)) // the ring judges it
		r.after(10, "second", 1, 1)
	})
}

func newKeyFile(t *testing.T) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// The connections of key stores are made anew when a file changes that they read
// once.
func TestChangedAuthorityOfAStoreIsTaken(t *testing.T) {
	inReloads(t, func(r *reloading) {
		ca := filepath.Join(filepath.Dir(r.policy), "ca.pem")
		writeFile(r.t, ca, "one")
		r.write(first + "\nvault: {address: \"https://localhost\", ca_file: " + strconv.Quote(ca) + "}")
		r.begin()
		r.after(10, "first", 0, 0)
		writeFile(r.t, ca, "another")
		r.after(2, "first", 1, 0)
		r.after(10, "first", 1, 0)
	})
}

func TestFilesThatConnectionsReadOnce(t *testing.T) {
	for _, row := range []struct {
		what, policy string
		env          map[string]string
		want         []string
	}{
		{"no policy", "", map[string]string{"HOME": "/h"}, nil},
		{"no store", first, map[string]string{"HOME": "/h", "AWS_CONFIG_FILE": "/c"}, nil},
		{"vault", first + "\nvault: {address: \"https://v\", ca_file: /ca}", nil, []string{"/ca"}},
		{"aws", `keys: {k: {source: "awskms:///alias/a"}}`, map[string]string{"HOME": "/h", "AWS_CONFIG_FILE": "/c"}, []string{filepath.FromSlash("/h/.aws/credentials"), "/c"}},
		{"azure", `keys: {k: {source: "azurekms://v/k"}}`, map[string]string{"AZURE_CLIENT_CERTIFICATE_PATH": "/a"}, []string{"/a"}},
	} {
		var p *policy.Policy
		if row.policy != "" {
			var err error
			if p, err = policy.Read("policy.yaml", []byte(row.policy), time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		env := Env{Getenv: func(name string) (string, bool) {
			text, ok := row.env[name]
			return text, ok
		}}
		if got := filesReadOnce(env, p); !slices.Equal(got, row.want) {
			t.Errorf("%s: %q, want %q", row.what, got, row.want)
		}
	}
}

// A policy that is refused because a file is missing is read again when it appears.
func TestFilesOfKeysAndVerifiers(t *testing.T) {
	text := `keys: {k: {source: "file:///k.pem"}}` + "\n" +
		`verifiers: {v: {issuer: "https://v", audiences: [us], algorithms: [ES256], jwks: "file:///set.json"}, w: {issuer: "https://w", audiences: [us], algorithms: [ES256]}}`
	p, err := policy.Read("policy.yaml", []byte(text), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	env := Env{Now: time.Now, Getenv: func(string) (string, bool) { return "", false }}
	if got := filesOfKeys(t.Context(), env, p); !slices.Equal(got, []string{filepath.FromSlash("/k.pem"), "/set.json"}) {
		t.Errorf("%q", got)
	}
	if got := filesOfKeys(t.Context(), env, nil); got != nil {
		t.Errorf("without a policy: %q", got)
	}
}
