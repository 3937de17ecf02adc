package gcpkms_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"conductor-jwt/test/keyconformance"
)

// cloud is a fake of Cloud KMS, with the rules of its REST API, and of the
// servers that issue tokens for it.
type cloud struct {
	url string

	mu       sync.Mutex
	keys     map[string][]fakeVersion // by the key's name
	accepts  func(bearer string) bool
	status   int            // of the answers of Cloud KMS; 0: no failure
	fails    map[string]int // the same by path, of the servers that issue tokens
	gate     keyconformance.Gate
	garble   string         // the member of an answer to corrupt
	asked    map[string]int // by path
	pageSize int
	tokens   int // issued
}

type fakeVersion struct {
	private   crypto.Signer
	algorithm string
	state     string
	created   time.Time
}

const keyName = "projects/p-1/locations/europe-west1/keyRings/r/cryptoKeys/k"

func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{keys: map[string][]fakeVersion{}, asked: map[string]int{}, pageSize: 2}
	c.accepts = func(bearer string) bool { return bearer == fmt.Sprintf("access-%d", c.tokens) }
	server := httptest.NewServer(c)
	c.url = server.URL
	t.Cleanup(func() { c.gate.Release(); server.Close() })
	return c
}

func (c *cloud) put(algorithm string, private crypto.Signer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys[keyName] = append(c.keys[keyName], fakeVersion{private, algorithm, "ENABLED", time.Now()})
}

func (c *cloud) set(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.asked[r.URL.Path]++
	status := c.status
	c.mu.Unlock()
	if c.gate.Pass(r.Context()) != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if status, ok := c.fails[r.URL.Path]; ok {
		w.Header().Set("Location", c.url+"/elsewhere")
		refuse(w, status)
		return
	}
	switch r.URL.Path {
	case "/computeMetadata/v1/instance/service-accounts/default/token":
		if r.Header.Get("Metadata-Flavor") != "Google" {
			refuse(w, http.StatusForbidden)
			return
		}
		c.grant(w)
	case "/token":
		c.refresh(w, r)
	case "/sts":
		c.exchange(w, r)
	case "/impersonate":
		c.impersonate(w, r)
	default:
		if status != 0 {
			refuse(w, status)
			return
		}
		c.serveKMS(w, r)
	}
}

func (c *cloud) grant(w http.ResponseWriter) {
	c.tokens++
	reply(w, map[string]any{"access_token": fmt.Sprintf("access-%d", c.tokens), "expires_in": 3599, "token_type": "Bearer"})
}

func (c *cloud) refresh(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("grant_type") != "refresh_token" || r.FormValue("client_id") != "id" || r.FormValue("client_secret") != "canary-secret" || r.FormValue("refresh_token") != "canary-refresh" {
		refuse(w, http.StatusBadRequest)
		return
	}
	c.grant(w)
}

func (c *cloud) exchange(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:token-exchange" || r.FormValue("audience") != "//iam/pool" ||
		r.FormValue("subject_token") != "a.b.c" || r.FormValue("subject_token_type") != "urn:ietf:params:oauth:token-type:jwt" || r.FormValue("scope") == "" {
		refuse(w, http.StatusBadRequest)
		return
	}
	c.grant(w)
}

func (c *cloud) impersonate(w http.ResponseWriter, r *http.Request) {
	var body struct{ Scope []string }
	if r.Header.Get("Authorization") != fmt.Sprintf("Bearer access-%d", c.tokens) || json.NewDecoder(r.Body).Decode(&body) != nil || len(body.Scope) != 1 {
		refuse(w, http.StatusForbidden)
		return
	}
	c.tokens++
	reply(w, map[string]any{"accessToken": fmt.Sprintf("access-%d", c.tokens), "expireTime": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)})
}

func (c *cloud) serveKMS(w http.ResponseWriter, r *http.Request) {
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !c.accepts(bearer) {
		refuse(w, http.StatusUnauthorized)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/v1/")
	key, rest, _ := strings.Cut(name, "/cryptoKeyVersions")
	list, ok := c.keys[key]
	if !ok {
		refuse(w, http.StatusNotFound)
		return
	}
	if rest == "" {
		c.list(w, r, key, list)
		return
	}
	number, verb, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	if n, found := strings.CutSuffix(number, ":asymmetricSign"); found {
		number, verb = n, "sign"
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > len(list) || list[n-1].state != "ENABLED" {
		refuse(w, http.StatusBadRequest)
		return
	}
	at := fmt.Sprintf("%s/cryptoKeyVersions/%d", key, n)
	switch verb {
	case "publicKey":
		c.public(w, at, list[n-1])
	case "sign":
		c.sign(w, r, at, list[n-1])
	default:
		refuse(w, http.StatusNotFound)
	}
}

// list returns a few at a time and, like the real one, not ordered by age.
func (c *cloud) list(w http.ResponseWriter, r *http.Request, key string, list []fakeVersion) {
	var all []map[string]string
	for i, v := range slices.Backward(list) {
		if r.FormValue("filter") == "state=ENABLED" && v.state != "ENABLED" {
			continue
		}
		all = append(all, map[string]string{
			"name": fmt.Sprintf("%s/cryptoKeyVersions/%d", key, i+1), "state": v.state,
			"algorithm": v.algorithm, "createTime": v.created.UTC().Format(time.RFC3339Nano),
		})
	}
	from, _ := strconv.Atoi(r.FormValue("pageToken"))
	to := min(from+c.pageSize, len(all))
	answer := map[string]any{"cryptoKeyVersions": all[from:to]}
	if to < len(all) {
		answer["nextPageToken"] = strconv.Itoa(to)
	}
	reply(w, answer)
}

func (c *cloud) public(w http.ResponseWriter, name string, v fakeVersion) {
	der, err := x509.MarshalPKIXPublicKey(v.private.Public())
	if err != nil {
		refuse(w, http.StatusInternalServerError)
		return
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	answer := map[string]any{"pem": string(text), "pemCrc32c": crc(text), "name": name, "algorithm": v.algorithm}
	c.reply(w, answer)
}

func (c *cloud) sign(w http.ResponseWriter, r *http.Request, name string, v fakeVersion) {
	var body struct {
		Digest                   map[string][]byte
		DigestCRC32C, DataCRC32C string
		Data                     []byte
	}
	if json.NewDecoder(r.Body).Decode(&body) != nil {
		refuse(w, http.StatusBadRequest)
		return
	}
	signature, err := fakeSign(v, body.Digest, body.Data)
	if err != nil {
		refuse(w, http.StatusBadRequest)
		return
	}
	var digest []byte
	for _, d := range body.Digest {
		digest = d
	}
	c.reply(w, map[string]any{
		"name": name, "signature": signature, "signatureCrc32c": crc(signature),
		"verifiedDigestCrc32c": digest != nil && body.DigestCRC32C == crc(digest),
		"verifiedDataCrc32c":   digest == nil && body.DataCRC32C == crc(body.Data),
	})
}

func fakeSign(v fakeVersion, digest map[string][]byte, data []byte) ([]byte, error) {
	hash := map[string]crypto.Hash{"sha256": crypto.SHA256, "sha384": crypto.SHA384, "sha512": crypto.SHA512}
	wrong := fmt.Errorf("not what the version's algorithm takes")
	if p, ok := v.private.(ed25519.PrivateKey); ok {
		if digest != nil || data == nil {
			return nil, wrong
		}
		return ed25519.Sign(p, data), nil
	}
	want := strings.ToLower(v.algorithm[strings.LastIndexByte(v.algorithm, '_')+1:])
	d, h := digest[want], hash[want]
	if len(digest) != 1 || data != nil || len(d) != h.Size() {
		return nil, wrong
	}
	switch p := v.private.(type) {
	case *ecdsa.PrivateKey:
		return ecdsa.SignASN1(rand.Reader, p, d)
	case *rsa.PrivateKey:
		if strings.Contains(v.algorithm, "_PSS_") {
			return rsa.SignPSS(rand.Reader, p, h, d, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		}
		return rsa.SignPKCS1v15(rand.Reader, p, h, d)
	}
	return nil, wrong
}

// reply corrupts one member if a test asks for it.
func (c *cloud) reply(w http.ResponseWriter, answer map[string]any) {
	if _, has := answer[c.garble]; has {
		answer[c.garble] = map[bool]any{true: false, false: "7"}[strings.HasPrefix(c.garble, "verified")]
	}
	reply(w, answer)
}

func crc(b []byte) string {
	return strconv.FormatUint(uint64(crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))), 10)
}

func reply(w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(http.ErrAbortHandler)
	}
}

func refuse(w http.ResponseWriter, status int) {
	w.WriteHeader(status)
	reply(w, map[string]any{"error": map[string]any{"code": status, "message": "canary of the server"}})
}
