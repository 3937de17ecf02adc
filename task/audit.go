package task

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/keys"
	"conductor-jwt/signer"
)

// Decision is what the worker decided about one task, as the audit records it:
// its JSON is a line of the audit. It holds no key material and no token. What
// is not known is empty: nothing of an input is kept that was refused before it
// was known to hold no secret.
type Decision struct {
	Time      time.Time `json:"time"` // UTC
	Allowed   Verdict   `json:"decision"`
	Code      string    `json:"code,omitempty"`  // why not; of the table of codes
	Rule      string    `json:"rule,omitempty"`  // "grant 2", "inline: allow"
	RuleField string    `json:"field,omitempty"` // the field of the grant that does not hold

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

// compose keeps what the token would say.
func (d *Decision) compose(r *request, c composed, key keys.Key) {
	d.Key, d.KeyID, d.Algorithm = r.key.Name, c.request.KeyID, string(c.request.Algorithm)
	if r.use != r.key.Name {
		d.Use = r.use
	}
	if thumbprint, err := keys.Thumbprint(key); err == nil {
		d.Version = thumbprint
	}
	claims := &c.request.Claims
	d.Issuer, _ = claims.Text("iss")
	d.Subject, _ = claims.Text("sub")
	d.Audiences, _ = signer.Audiences(claims)
	d.Scopes = slices.Clone(r.scopesOf(claims))
	d.JWTID = c.jwtID
	if !r.times.forever {
		d.TTL = r.times.ttl
	}
}

func (d *Decision) sign(token signer.Token) {
	sum := sha256.Sum256([]byte(token.Compact.Reveal()))
	d.TokenSHA256 = hex.EncodeToString(sum[:])
}

// seal keeps the claims of a token that was denied only where they are known
// to hold no secret that somebody injected.
func (d *Decision) seal(err error, check func() (bool, error)) {
	if d.Rule == "" && d.RuleField == "" || !errors.Is(err, ErrPolicyDenied) {
		d.forgetClaims()
		return
	}
	if skipped, err := check(); skipped || err != nil {
		d.forgetClaims()
	}
}

// forgetClaims drops all that came from inputs.
func (d *Decision) forgetClaims() {
	d.KeyID, d.Issuer, d.Subject, d.Audiences, d.Scopes, d.JWTID, d.TokenSHA256 = "", "", "", nil, nil, "", ""
}

// audit records a decision. Requeued tasks are not recorded: they are not decided
// yet.
func (h *Handler) audit(d api.Task, out Outcome, decided Decision, began time.Time) {
	if h.o.Audit == nil || out.Status == api.InProgress {
		return
	}
	decided.Time, decided.Latency = began.UTC(), float64(h.o.Now().Sub(began))/float64(time.Millisecond)
	decided.Allowed, decided.Code = out.Status == api.Completed, out.Fault.Code
	decided.WorkflowType, decided.WorkflowID, decided.TaskID, decided.Retry = d.WorkflowType, d.WorkflowID, d.ID, d.Retry
	if !decided.Allowed && out.Fault.Code != policyDenied {
		decided.forgetClaims()
	}
	h.o.Audit(decided)
}

// policyDenied is the code of a denial.
const policyDenied = "policy_denied"
