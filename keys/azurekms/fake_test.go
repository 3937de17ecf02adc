package azurekms_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"time"

	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azkeys"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azkeys/fake"

	"conductor-jwt/test/keyconformance"
)

// cloud is a fake of Key Vault: the SDK's own, behind a transport that can be
// held and can fail.
type cloud struct {
	inner *fake.ServerTransport

	mu     sync.Mutex
	keys   []*fakeKey
	status int
	gate   keyconformance.Gate
	asked  int // for public keys
}

type fakeKey struct {
	private crypto.Signer
	created time.Time
	before  *time.Time
	enabled bool
	kty     azkeys.KeyType
	crv     azkeys.CurveName
	ops     []*azkeys.KeyOperation
}

func newCloud() *cloud {
	c := &cloud{}
	c.inner = fake.NewServerTransport(&fake.Server{NewListKeyPropertiesVersionsPager: c.list, GetKey: c.get, Sign: c.sign})
	return c
}

func (c *cloud) put(private crypto.Signer) *fakeKey {
	c.mu.Lock()
	defer c.mu.Unlock()
	sign := azkeys.KeyOperationSign
	k := &fakeKey{private: private, created: time.Unix(1_790_000_000+int64(len(c.keys)), 0).UTC(), enabled: true, kty: azkeys.KeyTypeRSAHSM, ops: []*azkeys.KeyOperation{&sign}}
	if p, ok := private.(*ecdsa.PrivateKey); ok {
		k.kty, k.crv = azkeys.KeyTypeEC, azkeys.CurveName(p.Curve.Params().Name)
	}
	c.keys = append(c.keys, k)
	return k
}

func (c *cloud) set(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// Do implements policy.Transporter.
func (c *cloud) Do(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	status := c.status
	c.mu.Unlock()
	if err := c.gate.Pass(r.Context()); err != nil {
		return nil, err
	}
	if status != 0 {
		return &http.Response{
			StatusCode: status, Status: http.StatusText(status), Header: http.Header{}, Request: r,
			Body: io.NopCloser(strings.NewReader(`{"error":{"code":"Fault","message":"canary of the server"}}`)),
		}, nil
	}
	return c.inner.Do(r)
}

func id(i int) *azkeys.ID {
	v := azkeys.ID(fmt.Sprintf("https://v.vault.azure.net/keys/k/%032x", i+1))
	return &v
}

// list returns the newest first, two a page.
func (c *cloud) list(name string, _ *azkeys.ListKeyPropertiesVersionsOptions) (pages azfake.PagerResponder[azkeys.ListKeyPropertiesVersionsResponse]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []*azkeys.KeyProperties
	for i, k := range c.keys {
		all = append([]*azkeys.KeyProperties{{KID: id(i), Attributes: k.attributes()}}, all...)
	}
	if name != "k" {
		all = nil
	}
	for more := true; more; {
		n := min(2, len(all))
		var page azkeys.ListKeyPropertiesVersionsResponse
		page.Value, all, more = all[:n], all[n:], len(all) > n
		pages.AddPage(http.StatusOK, page, nil)
	}
	return pages
}

func (k *fakeKey) attributes() *azkeys.KeyAttributes {
	enabled, created := k.enabled, k.created
	return &azkeys.KeyAttributes{Enabled: &enabled, Created: &created, NotBefore: k.before}
}

// get and sign receive name and version as one string, from the SDK's fake.
func (c *cloud) get(_ context.Context, name, version string, _ *azkeys.GetKeyOptions) (out azfake.Responder[azkeys.GetKeyResponse], fault azfake.ErrorResponder) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	if version == "" {
		_, version, _ = strings.Cut(name, "/")
	}
	for i, k := range c.keys {
		if id(i).Version() == version {
			out.SetResponse(http.StatusOK, azkeys.GetKeyResponse{Attributes: k.attributes(), Key: k.jwk(i)}, nil)
			return out, fault
		}
	}
	fault.SetResponseError(http.StatusNotFound, "KeyNotFound")
	return out, fault
}

func (k *fakeKey) jwk(i int) *azkeys.JSONWebKey {
	out := &azkeys.JSONWebKey{KID: id(i), Kty: &k.kty, KeyOps: k.ops}
	switch p := k.private.(type) {
	case *rsa.PrivateKey:
		out.N, out.E = p.N.Bytes(), big.NewInt(int64(p.E)).Bytes()
	case *ecdsa.PrivateKey:
		size := (p.Curve.Params().BitSize + 7) / 8
		point, err := p.PublicKey.Bytes()
		if err != nil {
			panic(err)
		}
		out.Crv, out.X, out.Y = &k.crv, point[1:1+size], point[1+size:]
	}
	return out
}

func (c *cloud) sign(_ context.Context, name, version string, in azkeys.SignParameters, _ *azkeys.SignOptions) (out azfake.Responder[azkeys.SignResponse], fault azfake.ErrorResponder) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if version == "" {
		_, version, _ = strings.Cut(name, "/")
	}
	for i, k := range c.keys {
		if id(i).Version() != version || !k.enabled {
			continue
		}
		signature, err := signWith(k.private, string(*in.Algorithm), in.Value)
		if err != nil {
			fault.SetResponseError(http.StatusBadRequest, "BadParameter")
			return out, fault
		}
		out.SetResponse(http.StatusOK, azkeys.SignResponse{KID: id(i), Result: signature}, nil)
		return out, fault
	}
	fault.SetResponseError(http.StatusForbidden, "Forbidden")
	return out, fault
}

func signWith(private crypto.Signer, algorithm string, digest []byte) ([]byte, error) {
	hash := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[algorithm[2:]]
	if len(digest) != hash.Size() {
		return nil, fmt.Errorf("not a digest")
	}
	switch p := private.(type) {
	case *rsa.PrivateKey:
		if algorithm[:2] == "PS" {
			return rsa.SignPSS(rand.Reader, p, hash, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		}
		return rsa.SignPKCS1v15(rand.Reader, p, hash, digest)
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, p, digest)
		if err != nil {
			return nil, err
		}
		size := (p.Curve.Params().BitSize + 7) / 8
		return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...), nil
	}
	return nil, fmt.Errorf("no such key")
}
