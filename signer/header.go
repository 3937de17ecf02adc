package signer

import (
	"fmt"
	"slices"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/keys"
)

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
