package vaulttest

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const encryptionType = "aes256-gcm96"

type transitKey struct {
	kind          string
	versions      []transitVersion // the first is version 1
	minDecryption int              // min_decryption_version
	minEncryption int              // min_encryption_version
}

type transitVersion struct {
	private crypto.Signer
	created time.Time
}

// PutTransit adds a version to the key mount/name, or creates the key. A nil
// private key is one of a type that does not sign.
func (s *Server) PutTransit(path string, private crypto.Signer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.transit[path]
	if k == nil {
		k = &transitKey{kind: kindOf(private), minDecryption: 1}
		s.transit[path] = k
	}
	k.versions = append(k.versions, transitVersion{private, s.Now()})
}

// SetMinVersions sets min_decryption_version and min_encryption_version of a key.
func (s *Server) SetMinVersions(path string, decryption, encryption int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.transit[path].minDecryption, s.transit[path].minEncryption = decryption, encryption
}

func kindOf(private crypto.Signer) string {
	switch p := private.(type) {
	case *rsa.PrivateKey:
		return fmt.Sprintf("rsa-%d", p.N.BitLen())
	case *ecdsa.PrivateKey:
		return fmt.Sprintf("ecdsa-p%d", p.Curve.Params().BitSize)
	case ed25519.PrivateKey:
		return "ed25519"
	}
	return encryptionType
}

// nameOf returns the server's name for the type of one version.
func nameOf(kind string) string { return strings.Replace(kind, "ecdsa-p", "P-", 1) }

func (s *Server) readTransit(w http.ResponseWriter, path string) {
	k := s.transit[path]
	if k == nil {
		notFound(w)
		return
	}
	list := map[string]any{}
	for i, v := range k.versions {
		if i+1 < k.minDecryption {
			continue
		}
		if v.private == nil {
			list[strconv.Itoa(i+1)] = v.created.Unix()
			continue
		}
		list[strconv.Itoa(i+1)] = map[string]any{"creation_time": v.created, "name": nameOf(k.kind), "public_key": publicText(v.private)}
	}
	reply(w, map[string]any{"data": map[string]any{
		"type": k.kind, "derived": false, "supports_signing": k.kind != encryptionType, "latest_version": len(k.versions),
		"min_decryption_version": k.minDecryption, "min_encryption_version": k.minEncryption, "keys": list,
	}})
}

func publicText(private crypto.Signer) string {
	if p, ok := private.Public().(ed25519.PublicKey); ok {
		return base64.StdEncoding.EncodeToString(p)
	}
	der, _ := x509.MarshalPKIXPublicKey(private.Public())
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// problem is why the server does not sign. It reports some refusals as server
// errors.
type problem struct {
	status int
	text   string
}

func badRequest(format string, a ...any) *problem {
	return &problem{http.StatusBadRequest, fmt.Sprintf(format, a...)}
}

func serverError(format string, a ...any) *problem {
	return &problem{http.StatusInternalServerError, wrapped(fmt.Sprintf(format, a...))}
}

func (s *Server) sign(w http.ResponseWriter, path string, body map[string]any) {
	r, p := readSign(body)
	var n int
	var signature []byte
	if p == nil {
		n, signature, p = s.transit[path].sign(r)
	}
	if p != nil {
		refuse(w, p.status, p.text)
		return
	}
	encoding := base64.StdEncoding
	if r.jws {
		encoding = base64.RawURLEncoding
	}
	reply(w, map[string]any{"data": map[string]any{
		"key_version": n, "signature": fmt.Sprintf("vault:v%d:%s", n, encoding.EncodeToString(signature)),
	}})
}

// signing is a request to sign, with the defaults of the server.
type signing struct {
	version   int
	input     []byte
	prehashed bool
	hash      crypto.Hash
	padding   string
	salt      int
	jws       bool
}

func readSign(body map[string]any) (signing, *problem) {
	var given struct {
		Input      string `json:"input"`
		Version    int    `json:"key_version"`
		Prehashed  bool   `json:"prehashed"`
		Hash       string `json:"hash_algorithm"`
		Padding    string `json:"signature_algorithm"`
		Salt       string `json:"salt_length"`
		Marshaling string `json:"marshaling_algorithm"`
	}
	raw, err := json.Marshal(body)
	if err != nil || json.Unmarshal(raw, &given) != nil {
		return signing{}, badRequest("Field validation failed")
	}
	r := signing{version: given.Version, prehashed: given.Prehashed, padding: given.Padding, jws: given.Marshaling == "jws"}
	var ok bool
	if r.hash, ok = hashOf(cmp.Or(given.Hash, "sha2-256")); !ok {
		return r, badRequest("invalid hash algorithm %q", given.Hash)
	}
	if !r.jws && given.Marshaling != "" && given.Marshaling != "asn1" {
		return r, badRequest("invalid marshaling type %q", given.Marshaling)
	}
	switch given.Salt {
	case "", "auto":
		r.salt = rsa.PSSSaltLengthAuto // the maximum
	case "hash":
		r.salt = rsa.PSSSaltLengthEqualsHash
	default:
		if r.salt, err = strconv.Atoi(given.Salt); err != nil {
			return r, badRequest("salt length neither 'auto', 'hash', nor an int: %s", given.Salt)
		}
	}
	if r.input, err = base64.StdEncoding.DecodeString(given.Input); err != nil {
		return r, badRequest("unable to decode input as base64: %s", err)
	}
	return r, nil
}

func hashOf(name string) (crypto.Hash, bool) {
	hash, ok := map[string]crypto.Hash{"sha2-256": crypto.SHA256, "sha2-384": crypto.SHA384, "sha2-512": crypto.SHA512}[name]
	return hash, ok
}

func (k *transitKey) sign(r signing) (n int, signature []byte, p *problem) {
	if k == nil {
		return 0, nil, badRequest("signing key not found")
	}
	if k.kind == encryptionType {
		return 0, nil, badRequest("key type %s does not support signing", k.kind)
	}
	if k.kind == "ed25519" && r.prehashed {
		return 0, nil, badRequest("only Pure Ed25519 signatures supported, prehashed must be false") // since 1.19.0
	}
	n = cmp.Or(r.version, len(k.versions))
	switch {
	case n < 0:
		return 0, nil, serverError("requested version for signing is negative")
	case n > len(k.versions):
		return 0, nil, serverError("requested version for signing is higher than the latest key version")
	case n < k.minEncryption:
		return 0, nil, serverError("requested version for signing is less than the minimum encryption key version")
	case n < k.minDecryption:
		return 0, nil, serverError("no such key version")
	}
	signature, err := signWith(k.versions[n-1].private, r)
	if err != nil {
		return 0, nil, serverError("%s", err)
	}
	return n, signature, nil
}

func signWith(private crypto.Signer, r signing) ([]byte, error) {
	if p, ok := private.(ed25519.PrivateKey); ok {
		return ed25519.Sign(p, r.input), nil // it has its own hash
	}
	digest := r.input
	if !r.prehashed {
		h := r.hash.New()
		_, _ = h.Write(digest)
		digest = h.Sum(nil)
	}
	switch p := private.(type) {
	case *rsa.PrivateKey:
		return signRSA(p, digest, r)
	case *ecdsa.PrivateKey:
		return signECDSA(p, digest, r.jws) // of any length
	}
	return nil, errors.New("unsupported key type")
}

func signRSA(p *rsa.PrivateKey, digest []byte, r signing) ([]byte, error) {
	switch r.padding {
	case "pkcs1v15":
		return rsa.SignPKCS1v15(rand.Reader, p, r.hash, digest)
	case "", "pss":
		if maxSalt := (p.N.BitLen()+6)/8 - 2 - r.hash.Size(); r.salt > maxSalt {
			return nil, fmt.Errorf("requested salt length %d is invalid", r.salt)
		}
		return rsa.SignPSS(rand.Reader, p, r.hash, digest, &rsa.PSSOptions{SaltLength: r.salt})
	}
	return nil, fmt.Errorf("unsupported rsa signature algorithm %s", r.padding)
}

func signECDSA(p *ecdsa.PrivateKey, digest []byte, jws bool) ([]byte, error) {
	if !jws {
		return ecdsa.SignASN1(rand.Reader, p, digest)
	}
	r, s, err := ecdsa.Sign(rand.Reader, p, digest)
	if err != nil {
		return nil, err
	}
	size := (p.Curve.Params().BitSize + 7) / 8
	out := make([]byte, 2*size)
	r.FillBytes(out[:size])
	s.FillBytes(out[size:])
	return out, nil
}

// NewKey returns a new key for PutTransit, of one of the server's types.
func NewKey(kind string) crypto.Signer {
	var private crypto.Signer
	var err error
	switch kind {
	case "ecdsa-p256":
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ecdsa-p384":
		private, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ecdsa-p521":
		private, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "ed25519":
		_, private, err = ed25519.GenerateKey(rand.Reader)
	default:
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		panic(err)
	}
	return private
}
