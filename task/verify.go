package task

import (
	"cmp"
	"context"
	"encoding/json/jsontext"
	"errors"
	"strings"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/secret"
	"conductor-jwt/signer"
	"conductor-jwt/verifier"
)

// Verifiers verify tokens: *[verifier.Verifiers].
type Verifiers interface {
	Verify(ctx context.Context, r verifier.Request) (signer.Parsed, error)
}

// verified is the end of a verification, for the audit.
type verified struct {
	verifier string // empty: a key in the task
	token    secret.Text
	parsed   *signer.Parsed // nil: the token is not valid, or it is not known
	code     string         // why not, where the task completes all the same
}

// verify verifies the token of a task. The draft is for the audit.
func (h *Handler) verify(ctx context.Context, t api.Task) (draft, Outcome) {
	d := draft{verified: &verified{}}
	if err := ctx.Err(); err != nil {
		return d, h.failed(ctx, t, d, err)
	}
	q, err := h.readVerification(t)
	d.request, d.verified.verifier = &q.request, q.ask.Verifier
	if err != nil {
		return d, h.failed(ctx, t, d, err)
	}
	// The stored task is read while the token is verified. There is no verdict before the
	// comparison with it has succeeded: a valid token shows its claims, and either
	// verdict confirms or refutes a guess at an injected secret.
	stored, stop := h.startStoredCheck(ctx, t, &q.request)
	defer stop()
	p, err := h.o.Verifiers.Verify(ctx, q.ask)
	invalid, isInvalid := errors.AsType[*verifier.Invalid](err)
	if err != nil && !isInvalid {
		return d, h.failed(ctx, t, d, verifyFault(err))
	}
	if d.unchecked, err = stored.wait(ctx); err != nil {
		return d, h.failed(ctx, t, d, err)
	}
	if isInvalid {
		return d, h.invalidToken(ctx, t, d, q, invalid)
	}
	d.verified.parsed, d.verified.token = &p, q.ask.Token
	return d, Outcome{
		Status: api.Completed, Output: h.verifiedOutput(&p, q.request.warnings), Warnings: q.request.warnings,
		Unchecked: d.unchecked, Verified: true,
	}
}

// invalidToken returns the outcome of a token that does not verify.
func (h *Handler) invalidToken(ctx context.Context, t api.Task, d draft, q verification, invalid *verifier.Invalid) Outcome {
	faults := q.faults(invalid)
	if q.report {
		d.verified.code = codeTokenInvalid
		return Outcome{
			Status: api.Completed, Output: invalidOutput(faults, q.request.warnings), Warnings: q.request.warnings,
			Unchecked: d.unchecked, Verified: true,
		}
	}
	found := make([]string, len(faults))
	hint := ""
	for i, f := range faults {
		if found[i] = f.found; f.field != inToken {
			found[i] = f.field + ": " + f.found
		}
		hint = cmp.Or(hint, f.hint)
	}
	out := h.failed(ctx, t, d, refuse(errTokenInvalid, inToken, strings.Join(found, "; "), hint))
	if out.Fault.Code == codeTokenInvalid {
		out.Output = failedOutput(out.Fault, jsonobj.Member{Name: outFaults, Value: faultList(faults)})
	}
	return out
}

// verifyFault names the input behind an error that is not about the token. It drops the
// causes, which have codes of their own for keys of tasks that sign.
func verifyFault(err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	switch {
	case !ok:
		return err
	case errors.Is(err, verifier.ErrUnavailable):
		return refuse(errIssuerUnavailable, inVerifier, fault.Rename(e.Found, verifyNames()), e.Hint)
	}
	return refuse(e.Reason, inPublicKey, fault.Rename(e.Found, verifyNames()), fault.Rename(e.Hint, verifyNames()))
}

// verifyNames returns the input behind each field of a key.
func verifyNames() map[string]string {
	return map[string]string{fault.Key: inPublicKey, fault.KeyID: "kid", fault.Algorithm: inAlgorithms, fault.Password: "a password", fault.Encoding: "an encoding"}
}

// tokenFault is one fault of a token that does not verify.
type tokenFault struct {
	reason string // a word of [faultWords], or wordMalformed
	field  string // the claim or header parameter; token for the token as a whole
	found  string
	hint   string
}

// faults returns the faults of a token, in the words of a task. They hold no text of
// it, and the name of a required claim only where the workflow's definition has it.
func (q verification) faults(invalid *verifier.Invalid) []tokenFault {
	list := make([]tokenFault, len(invalid.Faults))
	for i, f := range invalid.Faults {
		field := cmp.Or(fault.Rename(f.Field, verifyNames()), inToken)
		if errors.Is(f, signer.ErrRequired) {
			field = q.requiredName(f.Field)
		}
		list[i] = tokenFault{
			reason: faultReason(f), field: field,
			found: fault.Rename(f.Found, verifyNames()), hint: fault.Rename(f.Hint, verifyNames()),
		}
	}
	return list
}

// requiredName returns the name of a required claim if it may be shown.
func (q verification) requiredName(name string) string {
	for _, template := range q.request.inputs.templates.all(inRequiredClaims) {
		if _, ok := template.Get(name); ok {
			return shown(name)
		}
	}
	return inRequiredClaims
}

// faultWord is the word for a fault of some reasons.
type faultWord struct {
	word    string
	reasons []error
}

// wordMalformed is the word for a text that is no token.
const wordMalformed = "malformed"

func faultWords() []faultWord {
	return []faultWord{
		{"unsigned", []error{signer.ErrUnsigned}},
		{"encrypted", []error{signer.ErrEncrypted}},
		{"too_large", []error{signer.ErrTooLarge}},
		{"critical", []error{signer.ErrCritical}},
		{"algorithm", []error{signer.ErrAlgorithm, signer.ErrAlgorithmAmbiguous}},
		{"key", []error{verifier.ErrKey}},
		{"signature", []error{signer.ErrSignature}},
		{"expired", []error{signer.ErrExpired}},
		{"no_expiry", []error{signer.ErrNoExpiry}},
		{"not_yet_valid", []error{signer.ErrNotYet}},
		{"issued_at", []error{signer.ErrIssuedAt}},
		{"too_old", []error{signer.ErrTooOld}},
		{"issuer", []error{signer.ErrIssuer}},
		{"audience", []error{signer.ErrAudience}},
		{"subject", []error{signer.ErrSubject}},
		{"type", []error{signer.ErrTokenType}},
		{"required_claim", []error{signer.ErrRequired}},
		{"claim", []error{signer.ErrClaimType}},
	}
}

// faultReason returns the word for a fault.
func faultReason(err error) string {
	for _, row := range faultWords() {
		for _, reason := range row.reasons {
			if errors.Is(err, reason) {
				return row.word
			}
		}
	}
	return wordMalformed
}

// The members of the output beside those of a token.
const (
	outValid   = "valid"
	outClaims  = "claims"
	outHeader  = "header"
	outIssuer  = "issuer"
	outSubject = "subject"
	outCode    = "code"
	outFaults  = "faults"
)

func verifyOutputs() []string {
	return []string{
		outValid, outClaims, outHeader, outIssuer, outSubject, outExpiresAt, outExpiresIn, outKeyID, outCode, outFaults, outWarnings, outError,
	}
}

// verifiedOutput writes outputData of a valid token. The claims keep their digits.
func (h *Handler) verifiedOutput(p *signer.Parsed, warnings []string) secret.JSON {
	var o jsonobj.Object
	o.Set(outValid, jsontext.Value("true"))
	o.Set(outClaims, p.Claims.AppendJSON(nil))
	o.Set(outHeader, p.Header.AppendJSON(nil))
	if issuer, ok := p.Claims.Text("iss"); ok {
		o.String(outIssuer, issuer)
	}
	if subject, ok := p.Claims.Text("sub"); ok {
		o.String(outSubject, subject)
	}
	if value, ok := p.Claims.Get("exp"); ok {
		if at, err := signer.NumericDate(value); err == nil { // it was checked
			o.Int(outExpiresAt, at.Unix())
			o.Int(outExpiresIn, at.Unix()-h.o.Now().Unix())
		}
	}
	if p.KeyID != "" {
		o.String(outKeyID, p.KeyID)
	}
	addWarnings(&o, warnings)
	return secret.NewJSON(o.AppendJSON(nil))
}

// invalidOutput writes outputData of a token that is not valid, where the task reports
// that. It holds nothing of the token.
func invalidOutput(faults []tokenFault, warnings []string) secret.JSON {
	var o jsonobj.Object
	o.Set(outValid, jsontext.Value("false"))
	o.String(outCode, codeTokenInvalid)
	o.Set(outFaults, faultList(faults))
	addWarnings(&o, warnings)
	return secret.NewJSON(o.AppendJSON(nil))
}

// faultList writes the faults of a token as a JSON array.
func faultList(faults []tokenFault) jsontext.Value {
	list := []byte{'['}
	for i, f := range faults {
		if i > 0 {
			list = append(list, ',')
		}
		var o jsonobj.Object
		o.String("reason", f.reason)
		o.String("field", f.field)
		o.String("message", sentence(f.found, f.hint))
		list = o.AppendJSON(list)
	}
	return append(list, ']')
}
