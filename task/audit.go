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

// Decision is what the worker decided about one task: for the audit. It holds
// no key material and no token. What is not known is empty: nothing of an input
// is kept that was refused before it was known to hold no secret.
type Decision struct {
	Time    time.Time
	Allowed bool
	Code    string // why not; of the table of codes
	Rule    string // "grant 2", "inline: allow"
	// RuleField is the field of the grant that does not hold.
	RuleField string

	Key       string // the name of a configured key
	Use       string // the profile, where it names the key
	KeyID     string
	Version   string // the key's thumbprint (RFC 7638); empty for a secret
	Algorithm string

	Issuer, Subject   string
	Audiences, Scopes []string
	TTL               time.Duration
	JWTID             string
	TokenSHA256       string // in hexadecimal

	WorkflowType, WorkflowID, TaskID string
	Retry                            int
	Took                             time.Duration
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
		d.TTL = time.Duration(r.times.ttl) * time.Second
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
	decided.Time, decided.Took = began, h.o.Now().Sub(began)
	decided.Allowed, decided.Code = out.Status == api.Completed, out.Fault.Code
	decided.WorkflowType, decided.WorkflowID, decided.TaskID, decided.Retry = d.WorkflowType, d.WorkflowID, d.ID, d.Retry
	if !decided.Allowed && out.Fault.Code != policyDenied {
		decided.forgetClaims()
	}
	h.o.Audit(decided)
}

// policyDenied is the code of a denial.
const policyDenied = "policy_denied"
