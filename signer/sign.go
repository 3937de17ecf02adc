// Package signer turns claims and a key into a signed JWT, and reads one back
// strictly. It has no clock and no state.
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

// MaxToken is the length in bytes that no token exceeds, neither one that is
// signed nor one that is read.
const MaxToken = 64 << 10

// Request is everything that a token says about itself.
type Request struct {
	Algorithm keys.Algorithm // empty takes the key's default
	KeyID     string         // kid, byte for byte; empty leaves it out
	Header    jsonobj.Object // further members; alg, kid and the chain's are the signer's
	Claims    jsonobj.Object

	// Chain is the certificate chain, leaf first, of which ChainHeaders
	// (x5c, x5t, x5t#S256; RFC 7515 §4.1.6-4.1.8) go into the header. The
	// leaf must hold the key's public half.
	Chain        []*x509.Certificate
	ChainHeaders []string
}

// Token is a signed JWT in JWS Compact Serialization (RFC 7515 §7.1).
type Token struct {
	Compact   secret.Text
	Algorithm keys.Algorithm
}

// Sign signs r with key. It fails with an *[fault.Error] for a request that is
// unfit ([ErrReserved], [jsonobj.ErrSyntax], [ErrTooLarge], [ErrCertificateMismatch],
// [ErrCertificateInvalid]), and with the error of key otherwise.
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
		return Token{}, tokenTooLarge(size)
	}
	scratch := make([]byte, 0, max(header.Size(), r.Claims.Size()))
	token := make([]byte, 0, size+roomForSignature)
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

// roomForSignature saves a copy for RSA up to 4096 bits; longer ones cost it.
const roomForSignature = 700

func chooseAlgorithm(key keys.Key, asked keys.Algorithm) (keys.Algorithm, error) {
	if asked != "" {
		return asked, nil // Sign of the key checks it
	}
	fitting := key.Algorithms()
	if len(fitting) == 0 {
		return "", &fault.Error{Reason: ErrAlgorithm, Found: "a key without an algorithm", Hint: "use another key"}
	}
	return fitting[0], nil
}

func tokenTooLarge(size int) error {
	return &fault.Error{
		Reason: ErrTooLarge, Found: fmt.Sprintf("a token of %d bytes", size),
		Hint: fmt.Sprintf("a token has at most %d bytes; send fewer claims", MaxToken),
	}
}

// ReservedHeaders returns the header members that are the signer's own: those
// that say how the token is signed (RFC 7515 §4.1.1, 4.1.3, 4.1.4, 4.1.6-4.1.8,
// 4.1.11, RFC 7797 §3), so that a free member of that name would let a header
// lie.
func ReservedHeaders() []string {
	return []string{"alg", "kid", "crit", "b64", "jwk", HeaderX5C, HeaderX5T, HeaderX5TS256, HeaderX5CInsecure}
}

// Reserved reports whether a header member is one of [ReservedHeaders].
func Reserved(name string) bool { return slices.Contains(ReservedHeaders(), name) }

// composeHeader gives the protected header, its members in alphabetical order.
func composeHeader(key keys.Key, alg keys.Algorithm, r *Request) (jsonobj.Object, error) {
	header := r.Header.Clone()
	for m := range header.Members() {
		if Reserved(m.Name) {
			return jsonobj.Object{}, &fault.Error{
				Reason: ErrReserved, Field: m.Name, Found: "a header member that the signer sets itself",
				Hint: fmt.Sprintf("do not set %s as a free header member", m.Name),
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
