package cli_test

import (
	"bytes"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"conductor-jwt/cli"
)

// Inputs that would cost much time or memory are refused before they do. The time
// limit is generous, for busy machines.
func TestHostileInputsAreRefusedAtOnce(t *testing.T) {
	dir := t.TempDir()
	files := map[string][]byte{
		"rsa32768.pem":   rsaOf(t, 32768),
		"800kb.pem":      pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: make([]byte, 600<<10)}),
		"billion.pem":    pbkdf2Of(t, 1_000_000_000),
		"billion.jwe":    []byte(jweOf(1_000_000_000)),
		"arrays.jwk":     []byte(strings.Repeat("[", 10_000)),
		"arrays.json":    []byte(`{"a":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + "}"),
		"10mb.jwt":       []byte(strings.Repeat("a", 10<<20)),
		"dots.jwt":       []byte(strings.Repeat(".", 10<<20)),
		"60kb.jwt":       []byte(strings.Repeat(".", 60<<10)),
		"deep.jwt":       []byte(b64(`{"alg":"ES256"}`) + "." + b64(strings.Repeat("[", 10_000)) + ".c2ln"),
		"10mb.json":      []byte(`{"a":"` + strings.Repeat("a", 10<<20) + `"}`),
		"10mb-task.json": []byte(`{"privateKey":"` + strings.Repeat("a", 10<<20) + `"}`),
		"pw":             []byte("password"),
		"key.jwk":        []byte(`{"kty":"oct","k":"` + strings.Repeat("A", 43) + `"}`),
	}
	for name, raw := range files {
		write(t, filepath.Join(dir, name), raw)
	}
	t.Chdir(dir)
	for _, args := range []string{
		"sign --subtle --key rsa32768.pem", "sign --subtle --key 800kb.pem", "sign --subtle --key billion.pem --password-file pw",
		"sign --subtle --key billion.jwe --password-file pw", "sign --subtle --key arrays.jwk", "sign --subtle --key key.jwk arrays.json",
		"sign --subtle --key key.jwk 10mb.json", "sign --task-input 10mb-task.json", "sign --task-input arrays.json",
		"verify --subtle --key rsa32768.pem 60kb.jwt", "verify --subtle --key key.jwk 10mb.jwt", "verify --subtle --key key.jwk dots.jwt",
		"verify --subtle --key key.jwk 60kb.jwt", "verify --subtle --key key.jwk deep.jwt",
		"inspect --insecure 10mb.jwt", "inspect --insecure dots.jwt", "inspect --insecure deep.jwt",
		"key inspect rsa32768.pem", "key inspect 800kb.pem", "jwks rsa32768.pem", "key convert arrays.jwk",
	} {
		t.Run(args, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			exit := cli.Run(t.Context(), cli.Env{
				Args: strings.Fields(args), Stdin: open(t, os.DevNull), Stdout: &stdout, Stderr: &stderr, Now: time.Now,
				Getenv: func(string) (string, bool) { return "", false }, Environ: func() []string { return nil },
			})
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			if exit != 1 || stdout.Len() > 0 || !strings.HasPrefix(stderr.String(), "error: ") {
				t.Errorf("exit %d: %s%s", exit, stdout.String(), stderr.String())
			}
			if stderr.Len() > 1000 {
				t.Errorf("%d bytes of error", stderr.Len())
			}
			if took > 2*time.Second {
				t.Errorf("took %s", took)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
				t.Errorf("allocated %d MB", used>>20)
			}
		})
	}
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// rsaOf returns a PKCS#1 key whose numbers are wrong, except in size.
func rsaOf(t *testing.T, bits uint) []byte {
	t.Helper()
	one := big.NewInt(1)
	n := new(big.Int).Sub(new(big.Int).Lsh(one, bits), one)
	half := new(big.Int).Sub(new(big.Int).Lsh(one, bits/2), one)
	der, err := asn1.Marshal(struct {
		Version             int
		N                   *big.Int
		E                   int
		D, P, Q, DP, DQ, QI *big.Int
	}{0, n, 65537, n, half, half, half, half, half})
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: der})
}

// pbkdf2Of returns an encrypted PKCS#8 key with this number of iterations.
func pbkdf2Of(t *testing.T, iterations int) []byte {
	t.Helper()
	type algorithm struct {
		OID    asn1.ObjectIdentifier
		Params any `asn1:"optional"`
	}
	type pbkdf2 struct {
		Salt       []byte
		Iterations int
		PRF        algorithm
	}
	type pbes2 struct{ KDF, Cipher algorithm }
	der, err := asn1.Marshal(struct {
		Algorithm algorithm
		Data      []byte
	}{
		algorithm{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}, pbes2{
			algorithm{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}, pbkdf2{make([]byte, 8), iterations, algorithm{asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}, asn1.NullRawValue}}},
			algorithm{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}, make([]byte, 16)},
		}},
		make([]byte, 128),
	})
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der})
}

func jweOf(p2c int) string {
	header := `{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2s":"AAAAAAAAAAA","p2c":` + big.NewInt(int64(p2c)).String() + `}`
	return b64(header) + "." + b64(strings.Repeat("k", 24)) + "." + b64("iviviviviviv") + "." + b64("ciphertext") + "." + b64("tagtagtagtagtagt")
}
