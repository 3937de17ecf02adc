package task

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/keys"
	"conductor-jwt/signer"
)

// composed is a token that is ready to be signed.
type composed struct {
	request  signer.Request
	now      time.Time
	issuedAt int64
	expires  int64  // 0 where there is no exp
	jwtID    string // empty where there is no jti
}

// compose writes claims and header: iss, sub, aud, exp, iat, nbf, jti and
// scopes in this order, then the author's own in theirs.
func (r *request) compose(key keys.Key, algorithm keys.Algorithm, now time.Time, fresh func() string) (composed, error) {
	c := composed{now: now, issuedAt: now.Unix() + r.times.offset}
	if !r.times.forever {
		c.expires = c.issuedAt + r.times.ttl
	}
	if !slices.Contains(r.omit, claimJTI) {
		if c.jwtID = r.jwtID; c.jwtID == "" {
			c.jwtID = fresh()
		}
	}
	certificates, err := r.chain.withKey(key, r.key.Name != "", now)
	if err != nil {
		return c, err
	}
	c.request = signer.Request{
		Algorithm: algorithm, KeyID: r.keyID,
		Chain: certificates.certificates, ChainHeaders: certificates.headers,
	}
	if c.request.KeyID == "" {
		c.request.KeyID = key.ID()
	}
	if len(c.request.KeyID) > maxText {
		return c, tooLarge(inPrivateKeyID, "the key's own id is over 4096 bytes", "set "+inPrivateKeyID+" to a shorter one")
	}
	r.write(&c)
	return c, nil
}

// write sets the claims and the header members that are not the signer's.
func (r *request) write(c *composed) {
	c.request.Header, c.request.Claims = r.headers.Clone(), r.composeClaims(*c)
	r.profile.Complete(&c.request.Header, &c.request.Claims)
	if !c.request.Header.Has("typ") { // RFC 7519 §5.1
		c.request.Header.String("typ", outTokenTypeJWT)
	}
}

// headerBudget is what servers and proxies take as one HTTP header, with room
// for the others.
const headerBudget = 7 << 10

// warnings says what is odd about a token that was signed all the same.
func (c composed) warnings(token signer.Token) []string {
	var list []string
	if c.expires != 0 && c.expires <= c.now.Unix() {
		list = append(list, "the token has expired already: "+inIssuedAtOffset+" moves its end back as far as the ttl or further")
	}
	if size := token.Compact.Len(); size > headerBudget {
		list = append(list, fmt.Sprintf("the token has %d bytes, which many servers do not take in a header", size))
	}
	return list
}

func (r *request) composeClaims(c composed) jsonobj.Object {
	claims := jsonobj.New(9 + r.claims.Len())
	if r.issuer != "" {
		claims.String("iss", r.issuer)
	}
	if r.subject != "" {
		claims.String("sub", r.subject)
	}
	switch len(r.audience) {
	case 0:
	case 1: // RFC 7519 §4.1.3: "the "aud" value MAY be a single case-sensitive string"
		claims.String("aud", r.audience[0])
	default:
		claims.Strings("aud", r.audience)
	}
	if !r.times.forever {
		claims.Int("exp", c.expires)
	}
	if !slices.Contains(r.omit, claimIAT) {
		claims.Int(claimIAT, c.issuedAt)
	}
	if r.times.notBefore != nil {
		claims.Int("nbf", c.issuedAt+*r.times.notBefore)
	}
	if c.jwtID != "" {
		claims.String(claimJTI, c.jwtID)
	}
	r.scopes.write(&claims)
	for m := range r.claims.Members() {
		claims.Set(m.Name, m.Value)
	}
	return claims
}

// write sets the claim for scopes, where there are any.
func (s scopes) write(claims *jsonobj.Object) {
	switch {
	case len(s.list) == 0:
	case s.format == formatArray:
		claims.Strings(s.claim, s.list)
	case s.format == formatComma:
		claims.String(s.claim, strings.Join(s.list, ","))
	default:
		claims.String(s.claim, strings.Join(s.list, " "))
	}
}
