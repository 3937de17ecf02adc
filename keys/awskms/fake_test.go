package awskms_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"conductor-jwt/test/keyconformance"
)

// cloud is a fake of AWS KMS: its JSON, its signatures of requests, and its
// rules for the use of keys.
type cloud struct {
	url string

	mu      sync.Mutex
	keys    map[string]*fakeKey  // by ARN
	aliases map[string]fakeAlias // by name
	fail    string               // a code; empty: none
	status  int
	gate    keyconformance.Gate
	asked   map[string]int
}

type fakeKey struct {
	private    crypto.Signer
	created    time.Time
	state      string
	usage      string
	algorithms []string
}

type fakeAlias struct {
	arn     string
	updated time.Time
}

const (
	accessKey = "AKIAIOSFODNN7EXAMPLE"
	secretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	region    = "eu-west-1"
)

func newCloud(t *testing.T) *cloud {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", accessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secretKey)
	t.Setenv("AWS_CONFIG_FILE", "/none")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/none")
	c := &cloud{keys: map[string]*fakeKey{}, aliases: map[string]fakeAlias{}, asked: map[string]int{}}
	server := httptest.NewServer(c)
	c.url = server.URL
	t.Cleanup(func() { c.gate.Release(); server.Close() })
	return c
}

// put creates a key and points the alias to it.
func (c *cloud) put(private crypto.Signer, algorithms ...string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	arn := fmt.Sprintf("arn:aws:kms:%s:111122223333:key/k-%d", region, len(c.keys)+1)
	now := time.Now().Truncate(time.Millisecond)
	c.keys[arn] = &fakeKey{private, now, "Enabled", "SIGN_VERIFY", algorithms}
	c.aliases["alias/name"] = fakeAlias{arn, now}
	return arn
}

func (c *cloud) set(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	verb := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "TrentService.")
	c.mu.Lock()
	c.asked[verb]++
	c.mu.Unlock()
	if c.gate.Pass(r.Context()) != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var in struct {
		KeyID            string `json:"KeyId"`
		Message          []byte
		MessageType      string
		SigningAlgorithm string
	}
	switch {
	case c.fail != "":
		refuse(w, c.status, c.fail)
	case !signed(r, body):
		refuse(w, http.StatusBadRequest, "InvalidSignatureException")
	case json.Unmarshal(body, &in) != nil:
		refuse(w, http.StatusBadRequest, "SerializationException")
	default:
		arn := in.KeyID
		if a, ok := c.aliases[arn]; ok {
			arn = a.arn
		}
		k := c.keys[arn]
		if k == nil {
			refuse(w, http.StatusBadRequest, "NotFoundException")
			return
		}
		c.serve(w, verb, arn, k, in.Message, in.MessageType, in.SigningAlgorithm)
	}
}

func (c *cloud) serve(w http.ResponseWriter, verb, arn string, k *fakeKey, message []byte, kind, algorithm string) {
	switch verb {
	case "DescribeKey":
		reply(w, map[string]any{"KeyMetadata": map[string]any{
			"KeyId": "k", "Arn": arn, "CreationDate": seconds(k.created), "KeyState": k.state, "Enabled": k.state == "Enabled", "KeyUsage": k.usage,
		}})
	case "GetPublicKey":
		der, err := x509.MarshalPKIXPublicKey(k.private.Public())
		if err != nil || k.state != "Enabled" {
			refuse(w, http.StatusBadRequest, "DisabledException")
			return
		}
		reply(w, map[string]any{"KeyId": arn, "PublicKey": der, "KeyUsage": k.usage, "SigningAlgorithms": k.algorithms})
	case "ListAliases":
		var list []map[string]any
		for name, a := range c.aliases {
			if a.arn == arn {
				list = append(list, map[string]any{"AliasName": name, "TargetKeyId": "k", "LastUpdatedDate": seconds(a.updated), "CreationDate": 1})
			}
		}
		reply(w, map[string]any{"Aliases": list, "Truncated": false})
	case "Sign":
		signature, problem := k.sign(message, kind, algorithm)
		if problem != "" {
			refuse(w, http.StatusBadRequest, problem)
			return
		}
		reply(w, map[string]any{"KeyId": arn, "Signature": signature, "SigningAlgorithm": algorithm})
	default:
		refuse(w, http.StatusBadRequest, "UnknownOperationException")
	}
}

func (k *fakeKey) sign(message []byte, kind, algorithm string) (signature []byte, problem string) {
	if k.state != "Enabled" {
		return nil, "DisabledException"
	}
	if !slices.Contains(k.algorithms, algorithm) {
		return nil, "InvalidKeyUsageException"
	}
	if kind == "RAW" && len(message) > 4096 {
		return nil, "ValidationException"
	}
	if p, ok := k.private.(ed25519.PrivateKey); ok {
		if kind != "RAW" {
			return nil, "ValidationException"
		}
		return ed25519.Sign(p, message), ""
	}
	hash := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[algorithm[len(algorithm)-3:]]
	if kind == "RAW" {
		h := hash.New()
		_, _ = h.Write(message)
		message = h.Sum(nil)
	}
	if len(message) != hash.Size() {
		return nil, "ValidationException"
	}
	var err error
	switch p := k.private.(type) {
	case *ecdsa.PrivateKey:
		signature, err = ecdsa.SignASN1(rand.Reader, p, message)
	case *rsa.PrivateKey:
		if strings.Contains(algorithm, "PSS") {
			signature, err = rsa.SignPSS(rand.Reader, p, hash, message, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		} else {
			signature, err = rsa.SignPKCS1v15(rand.Reader, p, hash, message)
		}
	}
	if err != nil {
		return nil, "KMSInternalException"
	}
	return signature, ""
}

// signed verifies the signature of a request (SigV4).
func signed(r *http.Request, body []byte) bool {
	fields, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	parts := map[string]string{}
	for field := range strings.SplitSeq(fields, ", ") {
		name, value, _ := strings.Cut(field, "=")
		parts[name] = value
	}
	at := r.Header.Get("X-Amz-Date")
	if !ok || len(at) != 16 {
		return false
	}
	scope := at[:8] + "/" + region + "/kms/aws4_request"
	var canonical strings.Builder
	canonical.WriteString("POST\n/\n\n")
	for name := range strings.SplitSeq(parts["SignedHeaders"], ";") {
		value := r.Header.Get(name)
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		}
		canonical.WriteString(name + ":" + strings.TrimSpace(value) + "\n")
	}
	canonical.WriteString("\n" + parts["SignedHeaders"] + "\n" + hexOf(body))
	mac := []byte("AWS4" + secretKey)
	for _, step := range []string{at[:8], region, "kms", "aws4_request", "AWS4-HMAC-SHA256\n" + at + "\n" + scope + "\n" + hexOf([]byte(canonical.String()))} {
		h := hmac.New(sha256.New, mac)
		_, _ = h.Write([]byte(step))
		mac = h.Sum(nil)
	}
	return parts["Credential"] == accessKey+"/"+scope && parts["Signature"] == hex.EncodeToString(mac) && strings.Contains(parts["SignedHeaders"], "x-amz-target")
}

func hexOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(http.ErrAbortHandler)
	}
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("X-Amzn-Errortype", code)
	w.WriteHeader(status)
	reply(w, map[string]string{"__type": code, "message": "canary of the server"})
}
