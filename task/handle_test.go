package task_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/keys/openssl"
	"conductor-jwt/task"
)

// noon is when every test signs, unless it says otherwise.
var noon = time.Unix(1795348800, 0)

// edKey is the key that the tests sign with where its kind does not matter.
var edKey = sync.OnceValue(func() ed25519.PrivateKey {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return private
})

// pemOf writes a private key as PKCS#8.
func pemOf(key crypto.PrivateKey) string {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func quote(s string) string {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(quoted)
}

// input writes a task's input: @key stands for the key's PEM as a JSON string.
func input(text string) secret.JSON {
	return secret.NewJSON(json.RawMessage(strings.ReplaceAll(text, "@key", quote(pemOf(edKey())))))
}

// with returns an input of a key and further members.
func with(members string) string {
	if members == "" {
		return `{"privateKey":@key}`
	}
	return `{"privateKey":@key,` + members + `}`
}

// A setup changes how a task is delivered and handled.
type setup func(*task.Options, *api.Task)

// options are those of a worker without settings, at noon.
func options() task.Options {
	return task.Options{
		Keys:       keys.NewParser(edition()),
		DefaultTTL: 300 * time.Second,
		MaxTTL:     24 * time.Hour,
		KeyWait:    10 * time.Minute,
		Output:     task.OutputToken,
		Injection:  task.InjectionKey,
		Unknown:    task.UnknownWarn,
		Now:        func() time.Time { return noon },
		NewID:      func() string { return "fresh-id" },
		Logger:     slog.New(slog.DiscardHandler),
	}
}

// handle runs one task.
func handle(tb testing.TB, text string, setups ...setup) task.Outcome {
	tb.Helper()
	o := options()
	d := api.Task{ID: "task-1", Type: task.TaskType, Scheduled: noon, Input: input(text)}
	for _, s := range setups {
		s(&o, &d)
	}
	return task.NewHandler(o).Handle(tb.Context(), d)
}

func template(text string) setup {
	return func(_ *task.Options, d *api.Task) { d.Template = json.RawMessage(text) }
}

func defaults(text string) setup {
	return func(_ *task.Options, d *api.Task) { d.Defaults = json.RawMessage(text) }
}

// token is what a completed task gave out.
type token struct {
	output  map[string]any
	header  map[string]any
	claims  map[string]any
	payload string // the claims as they were signed
}

// completed demands a token that verifies, and takes it apart.
func completed(tb testing.TB, out task.Outcome) token {
	tb.Helper()
	if out.Status != api.Completed {
		tb.Fatalf("the task did not complete: %s", out.Reason)
	}
	if out.Reason != "" || out.Fault != (task.Fault{}) {
		tb.Fatalf("a completed task has the reason %q", out.Reason)
	}
	tok := token{output: object(tb, out.Output.Reveal())}
	compact, ok := tok.output["token"].(string)
	if !ok {
		tb.Fatal("the output has no token")
	}
	tok.header, tok.payload = verified(tb, compact, edKey().Public())
	tok.claims = object(tb, []byte(tok.payload))
	return tok
}

// verified checks a token with golang-jwt and gives its header and payload.
func verified(tb testing.TB, compact string, public crypto.PublicKey) (header map[string]any, payload string) {
	tb.Helper()
	parts := strings.Split(compact, ".")
	if len(parts) != 3 {
		tb.Fatalf("a token of %d parts", len(parts))
	}
	header = object(tb, unbase64(tb, parts[0]))
	alg, _ := header["alg"].(string)
	if err := jwt.GetSigningMethod(alg).Verify(parts[0]+"."+parts[1], unbase64(tb, parts[2]), public); err != nil {
		tb.Fatalf("the token does not verify: %v", err)
	}
	return header, string(unbase64(tb, parts[1]))
}

func unbase64(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func object(tb testing.TB, raw []byte) map[string]any {
	tb.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		tb.Fatalf("not a JSON object: %v", err)
	}
	return m
}

// failed demands that the task ended with a code at a field, and gives the
// message.
func failed(tb testing.TB, out task.Outcome, code, field string) string {
	tb.Helper()
	if out.Status == api.Completed {
		tb.Fatalf("the task completed; want %s", code)
	}
	if out.Fault.Code != code || out.Fault.Field != field {
		tb.Fatalf("the task failed with %q; want %s at %s", out.Reason, code, field)
	}
	e, _ := object(tb, out.Output.Reveal())["error"].(map[string]any)
	if e["code"] != code || e["field"] != field || e["message"] != out.Fault.Message {
		tb.Fatalf("the output says %v", e)
	}
	produced.Store(code, true)
	return out.Fault.Message
}

// edition is how the edition under test reads keys: in the native one OpenSSL
// signs with RSA keys, if only there is a cache to keep them.
func edition() keys.ParserOptions {
	lib, err := openssl.Load()
	if err != nil {
		return keys.ParserOptions{}
	}
	return keys.ParserOptions{CacheSize: 1, RSA: lib.RSA}
}
