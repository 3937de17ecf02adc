// Package signer signs claims as a JWT, and reads and verifies one strictly. It
// has no clock and no state.
package signer

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

// MaxToken is the maximum length of a token in bytes, signed or read.
const MaxToken = 64 << 10

// Request is the content of a token to sign.
type Request struct {
	Algorithm keys.Algorithm // empty: the key's default
	KeyID     string         // kid, byte for byte; empty: no kid
	Header    jsonobj.Object // further header parameters; none of [ReservedHeaders]
	Claims    jsonobj.Object

	// Chain is the certificate chain, leaf first. ChainHeaders (x5c, x5t,
	// x5t#S256; RFC 7515 §4.1.6-4.1.8) lists the header parameters to fill
	// from it. The leaf must certify the key.
	Chain        []*x509.Certificate
	ChainHeaders []string
}

// Token is a signed JWT in JWS Compact Serialization (RFC 7515 §7.1).
type Token struct {
	Compact   secret.Text
	Algorithm keys.Algorithm
}

// Sign signs r with key. It fails with an *[fault.Error] where r is not valid
// ([ErrReserved], [jsonobj.ErrSyntax], [ErrTooLarge], [ErrCertificateMismatch],
// [keys.ErrCertificateInvalid]), and with the error of key otherwise.
func Sign(ctx context.Context, key keys.Key, r Request) (Token, error) {
	alg, err := chooseAlgorithm(key, r.Algorithm)
	if err != nil {
		return Token{}, err
	}
	if err := r.Claims.Check(); err != nil {
		return Token{}, fault.In("payload", err)
	}
	header, err := composeHeader(key, alg, &r)
	if err != nil {
		return Token{}, err
	}
	size := base64.RawURLEncoding.EncodedLen(header.Size()) + base64.RawURLEncoding.EncodedLen(r.Claims.Size())
	if size > MaxToken {
		return Token{}, tokenTooLarge(size) // before a key store is called
	}
	scratch := make([]byte, 0, max(header.Size(), r.Claims.Size()))
	token := make([]byte, 0, size+signatureSize)
	token = base64.RawURLEncoding.AppendEncode(token, header.AppendJSON(scratch))
	token = append(token, '.')
	token = base64.RawURLEncoding.AppendEncode(token, r.Claims.AppendJSON(scratch))
	signature, err := key.Sign(ctx, alg, token) // RFC 7515 §5.1 step 5
	if err != nil {
		return Token{}, err
	}
	token = append(token, '.')
	token = base64.RawURLEncoding.AppendEncode(token, signature)
	if len(token) > MaxToken {
		return Token{}, tokenTooLarge(len(token))
	}
	return Token{Compact: secret.New(string(token)), Algorithm: alg}, nil
}

// signatureSize is the capacity reserved for a signature, in bytes of base64:
// enough for RSA up to 4096 bits. A longer one costs a copy of the token.
const signatureSize = 700

func chooseAlgorithm(key keys.Key, requested keys.Algorithm) (keys.Algorithm, error) {
	if requested != "" {
		return requested, nil // Sign of the key checks it
	}
	supported := key.Algorithms()
	if len(supported) == 0 {
		return "", &fault.Error{Reason: ErrAlgorithm, Found: "the key has no algorithm", Hint: "use another key"}
	}
	return supported[0], nil
}

func tokenTooLarge(size int) error {
	return &fault.Error{
		Reason: ErrTooLarge, Found: fmt.Sprintf("the token has %d bytes", size),
		Hint: fmt.Sprintf("a token has at most %d bytes; send fewer claims", MaxToken),
	}
}

// ReservedHeaders returns the header parameters that only the signer sets,
// because they say how the token is signed (RFC 7515 §4.1.1, 4.1.3, 4.1.4,
// 4.1.6-4.1.8, 4.1.11, RFC 7797 §3).
func ReservedHeaders() []string {
	return []string{"alg", "kid", "crit", "b64", "jwk", HeaderX5C, HeaderX5T, HeaderX5TS256, HeaderX5CInsecure}
}

// Reserved reports whether name is one of [ReservedHeaders].
func Reserved(name string) bool { return slices.Contains(ReservedHeaders(), name) }

// composeHeader returns the protected header, its parameters in alphabetical
// order.
func composeHeader(key keys.Key, alg keys.Algorithm, r *Request) (jsonobj.Object, error) {
	header := r.Header.Clone()
	for m := range header.Members() {
		if Reserved(m.Name) {
			return jsonobj.Object{}, &fault.Error{
				Reason: ErrReserved, Field: m.Name, Found: "the signer sets this header parameter itself",
				Hint: fmt.Sprintf("remove %s from the free header parameters", m.Name),
			}
		}
	}
	header.String("alg", string(alg))
	if r.KeyID != "" {
		header.String("kid", r.KeyID)
	}
	if len(r.ChainHeaders) > 0 {
		if err := addChain(&header, key, r); err != nil {
			return jsonobj.Object{}, err
		}
	}
	header.Sort()
	return header, fault.In("header", header.Check())
}
