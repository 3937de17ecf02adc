// Package interop checks that tokens travel: what conductor-jwt signs is
// verified by PyJWT, joserfc, jose, nimbus-jose-jwt, golang-jwt, go-jose and
// openssl, and what they sign is verified by conductor-jwt. go-oidc and PyJWT
// discover the issuers of a worker. The peers are small programs in peers/, each
// in its own language; the tests install what they need into .cache/interop.
package interop
