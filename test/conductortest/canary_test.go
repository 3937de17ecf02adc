package conductortest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/test/conductortest"
)

// leaks are encodings of secret bytes that the canary must find. They do not use
// the canary's own code.
func leaks() map[string]func([]byte) []byte {
	text := func(f func(b []byte) string) func([]byte) []byte {
		return func(b []byte) []byte { return []byte("level=INFO msg=\"key\" key=" + f(b) + "\n") }
	}
	wrapped := func(b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: "X", Bytes: append([]byte{0x30, 0x82, 1}, b...)}))
	}
	return map[string]func([]byte) []byte{
		"raw bytes":            text(func(b []byte) string { return string(b) }),
		"PEM lines":            text(wrapped),
		"PEM on one line":      text(func(b []byte) string { return strings.ReplaceAll(wrapped(b), "\n", "") }),
		"PEM escaped in JSON":  text(func(b []byte) string { return strings.ReplaceAll(wrapped(b), "\n", `\n`) }),
		"PEM escaped twice":    text(func(b []byte) string { return strings.ReplaceAll(wrapped(b), "\n", `\\n`) }),
		"base64":               text(base64.StdEncoding.EncodeToString),
		"base64 unpadded":      text(base64.RawStdEncoding.EncodeToString),
		"base64url":            text(base64.URLEncoding.EncodeToString),
		"base64url unpadded":   text(base64.RawURLEncoding.EncodeToString),
		"base64 after 1 byte":  text(func(b []byte) string { return base64.StdEncoding.EncodeToString(append([]byte{255}, b...)) }),
		"base64 after 2 bytes": text(func(b []byte) string { return base64.StdEncoding.EncodeToString(append([]byte{255, 1}, b...)) }),
		"base64url after 2":    text(func(b []byte) string { return base64.URLEncoding.EncodeToString(append([]byte{255, 1}, b...)) }),
		"base64 URL-encoded":   text(func(b []byte) string { return url.QueryEscape(base64.StdEncoding.EncodeToString(b)) }),
		"base32":               text(base32.StdEncoding.EncodeToString),
		"base32 after 3 bytes": text(func(b []byte) string { return base32.StdEncoding.EncodeToString(append([]byte("abc"), b...)) }),
		"hex":                  text(hex.EncodeToString),
		"HEX":                  text(func(b []byte) string { return fmt.Sprintf("%X", b) }),
		"hex with colons":      text(func(b []byte) string { return strings.ReplaceAll(fmt.Sprintf("% x", b), " ", ":") }),
		"hex with spaces":      text(func(b []byte) string { return fmt.Sprintf("% X", b) }),
		"half of it in hex":    text(func(b []byte) string { return fmt.Sprintf("%x", b[:len(b)/2]) }),
		"0x list":              text(func(b []byte) string { return fmt.Sprintf("%#v", b) }),
		"list of bytes":        text(func(b []byte) string { return fmt.Sprintf("%v", b) }),
		"list with commas":     text(func(b []byte) string { return strings.ReplaceAll(fmt.Sprintf("%d", b), " ", ",") }),
		"quoted by %q":         text(func(b []byte) string { return fmt.Sprintf("%q", b) }),
		"quoted by %+q":        text(func(b []byte) string { return fmt.Sprintf("%+q", b) }),
		"decimal":              text(func(b []byte) string { return new(big.Int).SetBytes(b).String() }),
		"hex number":           text(func(b []byte) string { return fmt.Sprintf("%#x", new(big.Int).SetBytes(b)) }),
		"HEX number":           text(func(b []byte) string { return fmt.Sprintf("%X", new(big.Int).SetBytes(b)) }),
		"octal number":         text(func(b []byte) string { return fmt.Sprintf("%o", new(big.Int).SetBytes(b)) }),
		"number by %#v":        text(func(b []byte) string { return fmt.Sprintf("%#v", *new(big.Int).SetBytes(b)) }),
		"number's words":       text(func(b []byte) string { return fmt.Sprint(new(big.Int).SetBytes(b).Bits()) }),
		"a struct of a number": text(func(b []byte) string { return fmt.Sprintf("%+v", struct{ D *big.Int }{new(big.Int).SetBytes(b)}) }),
		"a run of the middle":  text(func(b []byte) string { return string(b[3:20]) }),
		"hex of a run":         text(func(b []byte) string { return fmt.Sprintf("%x", b[3:14]) }),
		"base64 of a run":      text(func(b []byte) string { return base64.StdEncoding.EncodeToString(b[4:20]) }),
		"gzip": func(b []byte) []byte {
			var out bytes.Buffer
			out.WriteString("HTTP/1.1 200 OK\r\n\r\n")
			w := gzip.NewWriter(&out)
			_, _ = w.Write([]byte(`{"key":"` + hex.EncodeToString(b) + `"}`))
			_ = w.Close()
			return out.Bytes()
		},
		"slog as JSON": func(b []byte) []byte {
			var out bytes.Buffer
			slog.New(slog.NewJSONHandler(&out, nil)).Info("key", "bytes", b)
			return out.Bytes()
		},
	}
}

// testKeys makes one set of keys for all tests, because RSA keys are slow to make.
var testKeys = sync.OnceValue(func() func(testing.TB) []conductortest.FreshKey {
	var once sync.Once
	var made []conductortest.FreshKey
	return func(tb testing.TB) []conductortest.FreshKey {
		tb.Helper()
		once.Do(func() { made = conductortest.FreshKeys(tb) })
		return made
	}
})()

func TestCanaryFindsATextInEveryEncoding(t *testing.T) {
	for what, password := range map[string]string{
		"plain":                     "corr3ct-Horse_battery/staple+9",
		"only characters to escape": "\"ä\\é\n\"ö<ü>\"&\t/ß\\å\"ø\x01=æ",
		"base64 with many symbols":  string(must(base64.StdEncoding.DecodeString("+/aQ+/bZ+c/x+dM/e+7/f/+gK/h+i2/+j/k+/lW/m+n8"))),
	} {
		c := conductortest.NewCanary()
		c.PlantText("password", password)
		for name, leak := range leaks() {
			finds := c.Search(leak([]byte(password)))
			if len(finds) == 0 {
				t.Errorf("%s is not found as %s", what, name)
			}
			for _, f := range finds {
				if strings.Contains(f.String(), password[1:8]) || f.Secret != "password" {
					t.Errorf("%s: %s: got the find %s, want one of the password that does not hold its value", what, name, f)
				}
			}
		}
	}
}

func TestCanaryFindsAKeyInEveryEncoding(t *testing.T) {
	for _, k := range testKeys(t) {
		t.Run(k.Algorithm, func(t *testing.T) {
			c := conductortest.NewCanary()
			c.PlantKey(k.Kind, k)
			for name, secret := range secretsOf(t, k) {
				for how, leak := range leaks() {
					if len(c.Search(leak(secret))) == 0 {
						t.Errorf("%s is not found as %s", name, how)
					}
				}
			}
			if !slices.ContainsFunc(strings.Split(k.Text, "\n"), func(line string) bool {
				return !strings.HasPrefix(line, "-") && len(c.Search([]byte(line))) > 0
			}) {
				t.Error("no line of the key's text is found")
			}
			for name, whole := range encodedForms(t, k) {
				if len(c.Search(whole)) == 0 {
					t.Errorf("%s is not found", name)
				}
			}
		})
	}
}

// secretsOf parses the secret bytes of a key from its text. It does not use the
// canary's own code.
func secretsOf(t *testing.T, k conductortest.FreshKey) map[string][]byte {
	t.Helper()
	if strings.HasPrefix(k.Text, "{") {
		var members map[string]string
		if err := json.Unmarshal([]byte(k.Text), &members); err != nil {
			t.Fatal(err)
		}
		raw, err := base64.RawURLEncoding.DecodeString(members["d"] + members["k"])
		if err != nil {
			t.Fatal(err)
		}
		return map[string][]byte{"the member": raw}
	}
	block, _ := pem.Decode([]byte(k.Text))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return map[string][]byte{
			"d": key.D.Bytes(), "p": key.Primes[0].Bytes(), "q": key.Primes[1].Bytes(),
			"dp": key.Precomputed.Dp.Bytes(), "dq": key.Precomputed.Dq.Bytes(), "qi": key.Precomputed.Qinv.Bytes(),
		}
	case *ecdsa.PrivateKey:
		return map[string][]byte{"d": key.D.Bytes()} //nolint:staticcheck // the number that fmt prints
	case interface{ Seed() []byte }: // Ed25519
		return map[string][]byte{"seed": key.Seed()}
	case interface{ Bytes() []byte }: // ML-DSA
		return map[string][]byte{"seed": key.Bytes()}
	default:
		t.Fatalf("unexpected key type %T", key)
		return nil
	}
}

// encodedForms returns a key as a program may print it.
func encodedForms(t *testing.T, k conductortest.FreshKey) map[string][]byte {
	t.Helper()
	out := map[string][]byte{
		"its text":               []byte(k.Text),
		"its text in JSON":       fmt.Appendf(nil, "%s", must(json.Marshal(k.Text))),
		"its text by %q":         fmt.Appendf(nil, "%q", k.Text),
		"its text in base64":     []byte(base64.StdEncoding.EncodeToString([]byte(k.Text))[7:]),
		"its text in base64url":  []byte(base64.RawURLEncoding.EncodeToString([]byte(k.Text))[9:]),
		"its text as bytes":      fmt.Appendf(nil, "%v", []byte(k.Text)),
		"its text as hex":        fmt.Appendf(nil, "%x", k.Text),
		"its text as JSON bytes": must(json.Marshal([]byte(k.Text))),
		"its text in a query":    []byte(url.QueryEscape(k.Text)),
	}
	if strings.HasPrefix(k.Text, "{") {
		return out
	}
	block, _ := pem.Decode([]byte(k.Text))
	key := must(x509.ParsePKCS8PrivateKey(block.Bytes))
	out["its DER"] = block.Bytes
	out["its DER in hex"] = []byte(hex.EncodeToString(block.Bytes))
	out["its DER in base64url"] = []byte(base64.RawURLEncoding.EncodeToString(block.Bytes))
	switch key := key.(type) {
	case *rsa.PrivateKey:
		out["its PKCS#1"] = x509.MarshalPKCS1PrivateKey(key)
		out["the struct"] = fmt.Appendf(nil, "%v", *key)
		out["the struct as JSON"] = must(json.Marshal(key))
	case *ecdsa.PrivateKey:
		out["its SEC1"] = must(x509.MarshalECPrivateKey(key))
		out["the struct"] = fmt.Appendf(nil, "%v", *key)
	}
	return out
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestCanaryDoesNotFindPublicKeys(t *testing.T) {
	c := conductortest.NewCanary()
	for _, k := range testKeys(t) {
		c.PlantKey(k.Kind, k)
	}
	c.PlantText("password", "corr3ct-Horse_battery/staple+9")
	for _, k := range testKeys(t) {
		if !strings.HasPrefix(k.Text, "-----") {
			continue
		}
		block, _ := pem.Decode([]byte(k.Text))
		private, ok := must(x509.ParsePKCS8PrivateKey(block.Bytes)).(crypto.Signer)
		if !ok {
			t.Fatalf("%s has no public key", k)
		}
		der := must(x509.MarshalPKIXPublicKey(private.Public()))
		c.Check(t, k.Kind+" in DER", der)
		for name, leak := range leaks() {
			c.Check(t, k.Kind+" as "+name, leak(der))
		}
	}
	noise := bytes.Repeat([]byte("0000000000000000 0, 0, 0, 0, 255 [redacted] \x00\x00\x00\x00"), 1000)
	c.Check(t, "noise", noise)
	c.Check(t, "a redacted secret", fmt.Appendf(nil, "%+v", secret.New("corr3ct-Horse_battery/staple+9")))
}

func TestCanaryFindsThePEMHeaderOfAnyPrivateKey(t *testing.T) {
	if finds := conductortest.NewCanary().Search([]byte("x -----BEGIN RSA PRIVATE KEY----- y")); len(finds) != 1 {
		t.Errorf("got %v, want one find", finds)
	}
}

func TestCanarySearchesTheLedger(t *testing.T) {
	const planted = "planted-0123456789-abcdef"
	plant := map[string]func(r *api.Result){
		"output": func(r *api.Result) { r.Output = secret.NewJSON(json.RawMessage(`{"t":"` + planted + `"}`)) },
		"reason": func(r *api.Result) { r.Reason = "because of " + planted },
		"log":    func(r *api.Result) { r.Logs = []api.Log{{Text: planted}} },
		"worker": func(r *api.Result) { r.WorkerID = planted },
		"none":   func(*api.Result) {},
	}
	for name, change := range plant {
		l := conductortest.NewLedger(conductortest.Options{})
		l.Enqueue(conductortest.TaskSpec{Type: queue})
		r := result(one(t, l), api.Completed)
		change(&r)
		if err := l.Update(context.Background(), r); err != nil {
			t.Fatal(err)
		}
		c := conductortest.NewCanary()
		c.PlantText("planted", planted)
		counter := &countingTB{TB: t}
		c.CheckLedger(counter, l)
		if (counter.failures > 0) != (name != "none") {
			t.Errorf("the secret is in %s, and CheckLedger reported %d errors", name, counter.failures)
		}
	}
}

// countingTB counts errors instead of reporting them.
type countingTB struct {
	testing.TB
	failures int
}

func (d *countingTB) Helper()               {}
func (d *countingTB) Errorf(string, ...any) { d.failures++ }

func TestFreshKeysFitTheirAlgorithm(t *testing.T) {
	parser := keys.NewParser(keys.ParserOptions{})
	for _, k := range testKeys(t) {
		key, err := parser.Resolve(t.Context(), keys.Ref{Text: secret.New(k.Text)})
		if err != nil {
			t.Errorf("%s: %v", k, err)
			continue
		}
		alg, err := keys.ParseAlgorithm(k.Algorithm)
		if err != nil {
			t.Fatal(err)
		}
		if err := keys.Check(key, alg); err != nil {
			t.Errorf("%s: %v", k, err)
		}
	}
}
