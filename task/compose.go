package task

import (
	"fmt"
	"slices"
	"time"

	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/keys"
	"conductor-jwt/provider"
	"conductor-jwt/signer"
)

// draft is the token that a task asks for, and what was decided about it. Each
// step returns it with its own fields set.
type draft struct {
	request *request // nil where it was not read
	key     keys.Key // nil in an explanation of a task whose key cannot be read

	// Of compose.
	token    signer.Request
	now      time.Time
	issuedAt int64  // NumericDate, RFC 7519 §2
	expires  int64  // NumericDate; 0 where there is no exp
	ttl      int64  // seconds
	jwtID    string // empty where there is no jti

	// Of authorise, for the audit.
	rule      string // "grant 2", "inline: allow"
	ruleField string // the field of the grant that does not match

	signed signer.Token

	access *access // of a task that exchanges the token

	verified *verified // of a task that verifies a token

	// disclosable says that the audit may hold the claims: they are in a token, or
	// are known to hold no injected secret.
	disclosable bool
	// unchecked says that the server denied the read of the stored task.
	unchecked bool
}

// compose writes the token that r asks for, with the presets of its profile.
func (h *Handler) compose(r *request, key keys.Key) (draft, error) {
	d := draft{request: r, now: h.o.Now(), ttl: r.times.ttl}
	var err error
	if d.token.KeyID, err = r.tokenKeyID(key); err != nil {
		return d, err
	}
	if d.token.Algorithm, err = r.tokenAlgorithm(key); err != nil {
		return d, err
	}
	d.key = key // from here on, the audit and the metrics may name it
	parties, err := r.parties(key)
	if err != nil {
		return d, err
	}
	if key != nil {
		complete, err := r.chain.withKey(key, r.key.Name != "", d.now)
		if err != nil {
			return d, err
		}
		d.token.Chain, d.token.ChainHeaders = complete.certificates, complete.headers
	}
	if len(d.token.KeyID) > maxText {
		return d, tooLarge(inPrivateKeyID, "the key's own id is over 4096 bytes", "set "+inPrivateKeyID+" to a shorter one")
	}
	d.issuedAt = d.now.Unix() + r.times.offset
	if !r.times.noExpiry {
		d.expires = d.issuedAt + d.ttl
	}
	if !slices.Contains(r.omit, claimJTI) {
		if d.jwtID = r.jwtID; d.jwtID == "" {
			d.jwtID = h.o.NewID()
		}
	}
	d.token.Header, d.token.Claims = r.headers.Clone(), d.claims(parties)
	r.profile.Complete(&d.token.Header, &d.token.Claims)
	if !d.token.Header.Has("typ") { // RFC 7519 §5.1
		d.token.Header.String("typ", outTokenTypeJWT)
	}
	return d, nil
}

// tokenKeyID returns the kid of the token. For a configured key, privateKeyId
// may say its name or its kid, and the token has its kid in either case.
func (r *request) tokenKeyID(key keys.Key) (string, error) {
	if key == nil {
		return r.keyID, nil
	}
	if r.key.Name != "" {
		if r.keyID != "" && r.keyID != r.key.Name && r.keyID != key.ID() {
			return "", refuse(errInputConflict, inPrivateKeyID, "it is neither the name of the configured key nor the id with which it signs now", "leave it out")
		}
		return key.ID(), nil
	}
	if r.keyID != "" {
		return r.keyID, nil
	}
	return key.ID(), nil
}

// tokenAlgorithm returns the algorithm that was asked for, where it fits the
// key and the profile, or their default. It is never overridden.
func (r *request) tokenAlgorithm(key keys.Key) (keys.Algorithm, error) {
	switch {
	case key == nil:
		return r.algorithm, nil
	case r.hasProfile():
		alg, err := r.profile.ChooseAlgorithm(key, r.algorithm)
		return alg, atInput(err)
	}
	alg := r.algorithm
	if fitting := key.Algorithms(); alg == "" && len(fitting) > 0 {
		return fitting[0], nil
	}
	if alg == "" {
		alg = keys.HS256 // only a secret that is too short for any algorithm has none
	}
	return alg, keys.Check(key, alg)
}

// parties returns the claims that name the parties, those that the task leaves
// out as its profile presets them.
func (r *request) parties(key keys.Key) (provider.Parties, error) {
	given := provider.Parties{Issuer: r.issuer, Subject: r.subject, Audiences: r.audience}
	if !r.hasProfile() {
		return given, nil
	}
	parties, err := r.profile.Fill(given, key)
	return parties, atInput(err)
}

// claims writes iss, sub, aud, exp, iat, nbf, jti and the scopes in this order,
// then the author's own in theirs.
func (d *draft) claims(p provider.Parties) jsonobj.Object {
	r := d.request
	claims := jsonobj.New(9 + r.claims.Len())
	if p.Issuer != "" {
		claims.String("iss", p.Issuer)
	}
	if p.Subject != "" {
		claims.String("sub", p.Subject)
	}
	switch len(p.Audiences) {
	case 0:
	case 1: // RFC 7519 §4.1.3: "the "aud" value MAY be a single case-sensitive string"
		claims.String("aud", p.Audiences[0])
	default:
		claims.Strings("aud", p.Audiences)
	}
	if !r.times.noExpiry {
		claims.Int("exp", d.expires)
	}
	if !slices.Contains(r.omit, claimIAT) {
		claims.Int(claimIAT, d.issuedAt)
	}
	if r.times.notBefore != nil {
		claims.Int("nbf", d.issuedAt+*r.times.notBefore)
	}
	if d.jwtID != "" {
		claims.String(claimJTI, d.jwtID)
	}
	r.scopes.write(&claims)
	for m := range r.claims.Members() {
		claims.Set(m.Name, m.Value)
	}
	return claims
}

// headerBudget is the size of an HTTP header that servers and proxies take,
// less room for the other headers.
const headerBudget = 7 << 10

// warnings returns what is unusual about a token that was signed.
func (d *draft) warnings() []string {
	list := d.request.warnings
	if w := d.request.key.Warning(); w != "" {
		list = append(list, inPrivateKey+": "+w)
	}
	if d.expires != 0 && d.expires <= d.now.Unix() {
		list = append(list, "the token has expired already: "+inIssuedAtOffset+" moves its end back as far as the ttl or further")
	}
	if size := d.signed.Compact.Len(); size > headerBudget {
		list = append(list, fmt.Sprintf("the token has %d bytes, which many servers do not take in a header", size))
	}
	return list
}
