package signer

import (
	"crypto/x509"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

// Request is everything that a token says about itself.
type Request struct {
	Algorithm keys.Algorithm // empty takes the key's default
	KeyID     string         // kid, byte for byte; empty leaves it out
	Header    Object         // further members; alg, kid and the chain's are the signer's
	Claims    Object

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
