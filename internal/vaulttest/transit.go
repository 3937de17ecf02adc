package vaulttest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

type transitKey struct {
	kind     string
	versions []transitVersion // the first is version 1
	least    int              // min_decryption_version
	signing  int              // min_encryption_version
}

type transitVersion struct {
	private crypto.Signer
	created time.Time
}

// PutTransit adds a version to the key mount/name, or makes it. A nil private
// key stands for one of a type that signs nothing.
func (s *Server) PutTransit(path string, private crypto.Signer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.transit[path]
	if k == nil {
		k = &transitKey{kind: kindOf(private), least: 1}
		s.transit[path] = k
	}
	k.versions = append(k.versions, transitVersion{private, s.Now()})
}

// Least sets min_decryption_version and min_encryption_version of a key.
func (s *Server) Least(path string, decryption, encryption int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.transit[path].least, s.transit[path].signing = decryption, encryption
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
	return "aes256-gcm96"
}

func (s *Server) readTransit(w http.ResponseWriter, path string) {
	k := s.transit[path]
	if k == nil {
		w.WriteHeader(http.StatusNotFound)
		reply(w, map[string][]string{"errors": {}})
		return
	}
	list := map[string]any{}
	for i, v := range k.versions {
		if i+1 < k.least {
			continue
		}
		if v.private == nil {
			list[strconv.Itoa(i+1)] = v.created.Unix()
			continue
		}
		list[strconv.Itoa(i+1)] = map[string]any{"creation_time": v.created, "name": k.kind, "public_key": publicText(v.private)}
	}
	reply(w, map[string]any{"data": map[string]any{
		"type": k.kind, "derived": false, "latest_version": len(k.versions),
		"min_decryption_version": k.least, "min_encryption_version": k.signing, "keys": list,
	}})
}

func publicText(private crypto.Signer) string {
	if p, ok := private.Public().(ed25519.PublicKey); ok {
		return base64.StdEncoding.EncodeToString(p)
	}
	der, _ := x509.MarshalPKIXPublicKey(private.Public())
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func (s *Server) sign(w http.ResponseWriter, path string, body map[string]any) {
	k := s.transit[path]
	if k == nil {
		refuse(w, http.StatusBadRequest, "signing key not found")
		return
	}
	number, _ := body["key_version"].(float64)
	n := int(number)
	if n == 0 {
		n = len(k.versions)
	}
	if n > len(k.versions) || n < k.least || n < k.signing || n < 0 {
		refuse(w, http.StatusBadRequest, "requested version for signing is not allowed")
		return
	}
	signature, problem := signWith(k.versions[n-1].private, body)
	if problem != "" {
		refuse(w, http.StatusBadRequest, problem)
		return
	}
	encoding := base64.StdEncoding
	if body["marshaling_algorithm"] == "jws" {
		encoding = base64.RawURLEncoding
	}
	reply(w, map[string]any{"data": map[string]any{
		"key_version": n, "signature": fmt.Sprintf("vault:v%d:%s", n, encoding.EncodeToString(signature)),
	}})
}

func signWith(private crypto.Signer, body map[string]any) (signature []byte, problem string) {
	text, _ := body["input"].(string)
	input, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, "unable to decode input as base64"
	}
	if p, ok := private.(ed25519.PrivateKey); ok {
		return ed25519.Sign(p, input), ""
	}
	hash, ok := map[any]crypto.Hash{"sha2-256": crypto.SHA256, "sha2-384": crypto.SHA384, "sha2-512": crypto.SHA512}[body["hash_algorithm"]]
	if !ok {
		hash = crypto.SHA256
	}
	if body["prehashed"] != true {
		h := hash.New()
		_, _ = h.Write(input)
		input = h.Sum(nil)
	}
	if len(input) != hash.Size() {
		return nil, "input is not a digest"
	}
	switch p := private.(type) {
	case *rsa.PrivateKey:
		signature, err = signRSA(p, hash, input, body)
	case *ecdsa.PrivateKey:
		signature, err = signECDSA(p, input, body)
	default:
		return nil, "key type does not support signing"
	}
	if err != nil {
		return nil, "the signature failed"
	}
	return signature, ""
}

// signRSA takes the longest salt unless told otherwise, as the server does.
func signRSA(p *rsa.PrivateKey, hash crypto.Hash, digest []byte, body map[string]any) ([]byte, error) {
	if body["signature_algorithm"] == "pkcs1v15" {
		return rsa.SignPKCS1v15(rand.Reader, p, hash, digest)
	}
	salt := rsa.PSSSaltLengthAuto
	if body["salt_length"] == "hash" {
		salt = rsa.PSSSaltLengthEqualsHash
	}
	return rsa.SignPSS(rand.Reader, p, hash, digest, &rsa.PSSOptions{SaltLength: salt})
}

func signECDSA(p *ecdsa.PrivateKey, digest []byte, body map[string]any) ([]byte, error) {
	if body["marshaling_algorithm"] != "jws" {
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

// NewKey makes a key for PutTransit of a type that the server has.
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
