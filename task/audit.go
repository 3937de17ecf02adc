package task

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/signer"
)

// Decision is what the worker decided about one task, as the audit records it:
// its JSON is a line of the audit. It holds no key material and no token. The
// claims of a task without a token are empty where they may hold an injected
// secret; those of a token are complete.
type Decision struct {
	Time      time.Time `json:"time"` // UTC
	Allowed   Verdict   `json:"decision"`
	Code      string    `json:"code,omitempty"`  // why not; of the table of codes
	Rule      string    `json:"rule,omitempty"`  // "grant 2", "inline: allow"
	RuleField string    `json:"field,omitempty"` // the field of the grant that does not match

	Key       string `json:"key,omitempty"`     // the name of a configured key
	Use       string `json:"profile,omitempty"` // the profile, where it names the key
	KeyID     string `json:"kid,omitempty"`
	Version   string `json:"version,omitempty"` // the key's thumbprint (RFC 7638); empty for a secret
	Algorithm string `json:"alg,omitempty"`

	Issuer      string   `json:"iss,omitempty"`
	Subject     string   `json:"sub,omitempty"`
	Audiences   []string `json:"aud,omitempty"`
	Scopes      []string `json:"scopes,omitempty"`
	TTL         int64    `json:"ttl,omitempty"` // seconds
	JWTID       string   `json:"jti,omitempty"`
	TokenSHA256 string   `json:"token_sha256,omitempty"` // in hexadecimal

	// Of a task that asks for an access token. The assertion is the one that was signed
	// for this task, if any was; a provider may have refused it. ExpiresAt is when the
	// access token expires, in seconds since 1970.
	Provider        string `json:"provider,omitempty"` // a built-in profile
	Cached          *bool  `json:"cached,omitempty"`
	ExpiresAt       int64  `json:"expires_at,omitempty"`
	AssertionSHA256 string `json:"assertion_sha256,omitempty"` // in hexadecimal

	// Of a task that verifies a token. Nothing of a token that is not valid is recorded.
	Verifier string `json:"verifier,omitempty"` // a verifier of the policy file

	WorkflowType string  `json:"workflow_type,omitempty"`
	WorkflowID   string  `json:"workflow_id,omitempty"`
	TaskID       string  `json:"task_id,omitempty"`
	Retry        int     `json:"retry_count"`
	Latency      float64 `json:"latency_ms"`
}

// Verdict says whether a task got its token. It is written as allow or deny.
type Verdict bool

// MarshalText implements [encoding.TextMarshaler].
func (v Verdict) MarshalText() ([]byte, error) {
	if v {
		return []byte("allow"), nil
	}
	return []byte("deny"), nil
}

// decisionOf returns the decision about a task by its draft and its outcome.
func decisionOf(t api.Task, d draft, out Outcome, began time.Time, took time.Duration) Decision {
	decision := Decision{
		Time: began.UTC(), Allowed: out.Status == api.Completed, Code: out.Fault.Code, Rule: d.rule, RuleField: d.ruleField,
		WorkflowType: t.WorkflowType, WorkflowID: t.WorkflowID, TaskID: t.ID, Retry: t.Retry,
		Latency: float64(took) / float64(time.Millisecond),
	}
	if d.verified != nil {
		decision.addVerification(d.verified)
	}
	if d.key == nil {
		return decision
	}
	r := d.request
	decision.Key, decision.Algorithm = r.key.Name, string(d.token.Algorithm)
	if r.keyFromProfile() {
		decision.Use = r.use
	}
	if thumbprint, err := keys.Thumbprint(d.key); err == nil {
		decision.Version = thumbprint
	}
	if !r.times.noExpiry {
		decision.TTL = d.ttl
	}
	if !d.disclosable {
		return decision
	}
	claims := &d.token.Claims
	decision.KeyID, decision.JWTID = d.token.KeyID, d.jwtID
	decision.Issuer, _ = claims.Text("iss")
	decision.Subject, _ = claims.Text("sub")
	decision.Audiences, _ = signer.Audiences(claims)
	decision.Scopes = r.scopesIn(claims)
	switch {
	case d.access != nil:
		decision.addExchange(&d)
	case bool(decision.Allowed):
		decision.TokenSHA256 = hashOf(d.signed.Compact)
	}
	return decision
}

func (decision *Decision) addExchange(d *draft) {
	decision.Provider = d.provider()
	if !d.signed.Compact.IsZero() {
		decision.AssertionSHA256 = hashOf(d.signed.Compact)
	}
	if !decision.Allowed {
		return
	}
	decision.Cached = &d.access.cached
	if at := d.access.token.Expires; !at.IsZero() {
		decision.ExpiresAt = at.Unix()
	}
}

// addVerification adds to a decision what a task verified.
func (decision *Decision) addVerification(v *verified) {
	decision.Verifier = v.verifier
	if v.code != "" {
		decision.Allowed, decision.Code = false, v.code
	}
	if v.parsed == nil {
		return
	}
	claims := &v.parsed.Claims
	decision.Algorithm, decision.KeyID, decision.TokenSHA256 = v.parsed.Algorithm, v.parsed.KeyID, hashOf(v.token)
	decision.Issuer, _ = claims.Text("iss")
	decision.Subject, _ = claims.Text("sub")
	decision.JWTID, _ = claims.Text("jti")
	decision.Audiences, _ = signer.Audiences(claims)
}

func hashOf(token secret.Text) string {
	sum := sha256.Sum256([]byte(token.Reveal()))
	return hex.EncodeToString(sum[:])
}
