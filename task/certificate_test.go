package task_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/task"
)

// authority issues certificates.
type authority struct {
	key  crypto.Signer
	cert *x509.Certificate
}

// issue makes a certificate of key that is valid around noon; by is nil for
// one that issues itself.
func issue(tb testing.TB, name string, key crypto.Signer, by *authority, from, to time.Time) *x509.Certificate {
	tb.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: to,
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return cert
}

func armoured(certs ...*x509.Certificate) string {
	var b strings.Builder
	for _, c := range certs {
		b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return b.String()
}

func certificate(tb testing.TB, key crypto.Signer, by *authority) string {
	tb.Helper()
	return armoured(issue(tb, "leaf", key, by, noon.Add(-time.Hour), noon.Add(time.Hour)))
}

func TestACertificateGoesIntoTheHeader(t *testing.T) {
	root := &authority{key: ecKey()}
	root.cert = issue(t, "root", ecKey(), nil, noon.Add(-time.Hour), noon.Add(time.Hour))
	leaf := issue(t, "leaf", edKey(), root, noon.Add(-time.Hour), noon.Add(time.Hour))
	short, long := sha1.Sum(leaf.Raw), sha256.Sum256(leaf.Raw)
	thumbprint, thumbprint256 := base64.RawURLEncoding.EncodeToString(short[:]), base64.RawURLEncoding.EncodeToString(long[:])
	x5c := []any{base64.StdEncoding.EncodeToString(leaf.Raw), base64.StdEncoding.EncodeToString(root.cert.Raw)}
	chain := armoured(leaf, root.cert)

	for _, test := range []struct {
		says, members string
		header        map[string]any
	}{
		{"by thumbprints", `"certificate":` + quote(chain), map[string]any{"x5t": thumbprint, "x5t#S256": thumbprint256}},
		{"as a chain", `"certificateHeaders":["x5c"],"certificate":` + quote(chain), map[string]any{"x5c": x5c}},
		{"as asked for", `"certificateHeaders":["x5t#S256","x5c"],"certificate":` + quote(chain), map[string]any{"x5c": x5c, "x5t#S256": thumbprint256}},
		{"with newlines lost", `"certificate":` + quote(strings.ReplaceAll(chain, "\n", "")), map[string]any{"x5t": thumbprint, "x5t#S256": thumbprint256}},
		{"with newlines as spaces", `"certificate":` + quote(strings.ReplaceAll(chain, "\n", " ")), map[string]any{"x5t": thumbprint, "x5t#S256": thumbprint256}},
		{"with newlines written out", `"certificate":` + quote(strings.ReplaceAll(chain, "\n", `\n`)), map[string]any{"x5t": thumbprint, "x5t#S256": thumbprint256}},
		{"with text around it", `"certificate":` + quote("Bag Attributes\r\n"+strings.ReplaceAll(chain, "\n", "\r\n")), map[string]any{"x5t": thumbprint, "x5t#S256": thumbprint256}},
	} {
		t.Run(test.says, func(t *testing.T) {
			header := completed(t, handle(t, with(test.members))).header
			delete(header, "alg")
			delete(header, "typ")
			if !reflect.DeepEqual(header, test.header) {
				t.Errorf("header = %v\nwant     %v", header, test.header)
			}
		})
	}
	t.Run("from beside the key", func(t *testing.T) {
		beside := `{"privateKey":` + quote(pemOf(edKey())+chain) + `,"certificateHeaders":["x5t#S256"]}`
		if got := completed(t, handle(t, beside)).header["x5t#S256"]; got != thumbprint256 {
			t.Errorf("x5t#S256 = %v", got)
		}
	})
	t.Run("not from beside the key unless asked for", func(t *testing.T) {
		header := completed(t, handle(t, `{"privateKey":`+quote(pemOf(edKey())+chain)+`}`)).header
		if len(header) != 2 {
			t.Errorf("header = %v", header)
		}
	})
}

func TestACertificateThatCannotStandIsRefused(t *testing.T) {
	early, late := noon.Add(-2*time.Hour), noon.Add(2*time.Hour)
	root := &authority{key: ecKey()}
	root.cert = issue(t, "root", ecKey(), nil, early, late)
	leaf := issue(t, "leaf", edKey(), root, early, late)
	whole := armoured(leaf)
	for _, test := range []struct{ says, certificate, code string }{
		{"expired", armoured(issue(t, "leaf", edKey(), nil, early, noon.Add(-time.Second))), "certificate_invalid"},
		{"not valid yet", armoured(issue(t, "leaf", edKey(), nil, noon.Add(time.Second), late)), "certificate_invalid"},
		{"out of order", armoured(root.cert, leaf), "certificate_invalid"},
		{"of a chain that does not hold together", armoured(leaf, issue(t, "stranger", rsaKey(), nil, early, late)), "certificate_invalid"},
		{"of another key", armoured(root.cert), "certificate_mismatch"},
		{"without its end", strings.Split(whole, "-----END")[0], "certificate_invalid"},
		{"with a hole", strings.Replace(whole, "MII", "MI", 1), "certificate_invalid"},
		{"that is a public key", publicPEM(t, edKey().Public()), "certificate_invalid"},
		{"that has a private key beside it", pemOf(rsaKey()) + whole, "certificate_invalid"},
		{"over 64 KiB", whole + strings.Repeat(" ", 64<<10), "input_too_large"},
		{"of 11 parts", strings.Repeat(whole, 11), "certificate_invalid"},
	} {
		t.Run(test.says, func(t *testing.T) {
			out := handle(t, with(`"certificate":`+quote(test.certificate)))
			failed(t, out, test.code, "certificate")
			if out.Status != api.FailedWithTerminalError {
				t.Errorf("the task ended %s", out.Status)
			}
		})
	}
}

// withChain is a configured key whose source has certificates beside it.
type withChain struct {
	keys.Key
	chain []*x509.Certificate
}

func (w withChain) Chain() []*x509.Certificate { return w.chain }

// An author's certificate would let an authority of the author's choice name
// the owner of the operator's key.
func TestTheCertificatesOfAConfiguredKeyAreTheOperators(t *testing.T) {
	grant := underProfiles(t, "keys: {billing: {source: \"env:A\"}}\nprofiles: {ours: {extends: client-assertion, key: billing, issuer: me, audience: [a]}}\ngrants: [{use: [billing, ours]}]\n")
	own := `"certificate":` + quote(certificate(t, edKey(), nil))
	failed(t, handle(t, asked(t, own), grant), "input_conflict", "certificate")
	failed(t, handle(t, asked(t, own+`,"certificateHeaders":["x5c"]`), grant), "input_conflict", "certificate")
	failed(t, handle(t, `{"profile":"ours",`+own+`}`, grant), "input_conflict", "certificate")
	message := failed(t, handle(t, asked(t, `"certificateHeaders":["x5c"]`), grant), "input_missing", "certificate")
	if !strings.Contains(message, "beside the key") {
		t.Errorf("message = %q", message)
	}
	beside := func(o *task.Options, _ *api.Task) {
		o.Keys = resolverFunc(func(ctx context.Context, _ keys.Ref) (keys.Key, error) {
			key, err := keys.NewParser(keys.ParserOptions{}).Resolve(ctx, keys.Ref{Text: secret.New(pemOf(edKey()))})
			return withChain{key, []*x509.Certificate{issue(t, "leaf", edKey(), nil, noon.Add(-time.Hour), noon.Add(time.Hour))}}, err
		})
	}
	if tok := completed(t, handle(t, asked(t, `"certificateHeaders":["x5c"]`), grant, beside)); tok.header["x5c"] == nil {
		t.Errorf("header %v", tok.header)
	}
}
