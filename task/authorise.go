package task

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/glob"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/policy"
	"conductor-jwt/signer"
)

// explainHint is the next step after a denial.
const explainHint = "have the operator run `conductor-jwt policy explain`, which lists the verdict of each grant"

// maxGrantTTL bounds the ttl where no limit of the worker holds. A longer one
// is a mistake.
const maxGrantTTL = 100 * 365 * 24 * time.Hour

// inlineRule names the operator's mode for keys in tasks in the audit.
func inlineRule(mode policy.Inline) string { return "inline: " + string(mode) }

// checkInline refuses a key in a task that the operator's mode does not permit.
func (h *Handler) checkInline(r *request) error {
	if r.use != "" || r.key.Name != "" {
		return nil
	}
	switch h.o.Policy.InlineMode() {
	case policy.InlineDeny:
		return refuse(errPolicyDenied, inPrivateKey, "the operator permits no keys in tasks (inline: deny)", "name a configured key in "+inKeyRef)
	case policy.InlineSecretsOnly:
		if r.keySecrets == nil {
			return refuse(errPolicyDenied, inPrivateKey, "its template is not exactly one secret (inline: secrets-only)", "write "+secretMark+"NAME} and nothing else, or name a configured key in "+inKeyRef)
		}
	case policy.InlineAllow:
	}
	return nil
}

// authorise checks the draft against the rules of its profile and the operator's
// grants. Where the task names no ttl, it returns the draft with the ttl that its
// grant permits, which may be less than the default.
func (h *Handler) authorise(t api.Task, d draft) (draft, error) {
	r := d.request
	verdict := policy.Verdict{Allowed: true, TTL: time.Duration(d.ttl) * time.Second}
	if r.needsGrant() {
		verdict = h.o.Policy.Decide(h.policyRequest(t, d))
	}
	if granted := int64(verdict.TTL / time.Second); verdict.Allowed && granted < d.ttl {
		d.ttl, d.expires = granted, d.issuedAt+granted
		d.token.Claims.Int("exp", d.expires)
	}
	if err := d.checkProfile(); err != nil {
		return d, err
	}
	if !r.needsGrant() {
		d.rule = inlineRule(h.o.Policy.InlineMode())
	} else {
		if err := checkLookalikes(&d.token); err != nil {
			return d, err
		}
		if verdict.Grant > 0 {
			d.rule = fmt.Sprintf("grant %d", verdict.Grant)
		}
		if !verdict.Allowed {
			d.ruleField = string(verdict.Field)
			return d, h.denied(r, verdict)
		}
	}
	if r.times.notBefore != nil && *r.times.notBefore >= d.ttl && !r.times.noExpiry {
		return d, invalid(inNotBefore, "this number of seconds is out of range", fmt.Sprintf("write -%d to %d: the grant permits a ttl of %d", maxBack, d.ttl-1, d.ttl))
	}
	if err := checkRepeated(&d.token); err != nil {
		return d, err
	}
	if r.secrets.In(d.token.KeyID) { // it may come from the key itself
		return d, exposed(inPrivateKeyID)
	}
	return d, nil
}

// needsGrant reports whether a grant must permit the token: for a configured
// key, and for any key where the mode is secrets-only.
func (r *request) needsGrant() bool { return r.use != "" || r.secretsOnly }

// checkProfile checks the draft against the rules of its profile.
func (d *draft) checkProfile() error {
	if !d.request.hasProfile() {
		return nil
	}
	for _, broken := range d.request.profile.CheckRequest(&d.token, d.now) {
		return atInput(broken)
	}
	return nil
}

// checkRepeated refuses a header that repeats a claim with another value (RFC
// 7519 §5.3).
func checkRepeated(token *signer.Request) error {
	for _, name := range []string{"iss", "sub", "aud"} {
		header, ok := token.Header.Get(name)
		if !ok {
			continue
		}
		claim, _ := token.Claims.Get(name)
		repeated, headerErr := parseValue(header, maxLevels)
		original, claimErr := parseValue(claim, maxLevels)
		if headerErr != nil || claimErr != nil || !repeated.Equal(original) {
			return refuse(errInputConflict, inHeaders, "the member "+name+" is not the claim "+name, "write the same in both, or leave it out of "+inHeaders)
		}
	}
	return nil
}

// policyRequest describes the draft to the policy. It reads the claims
// themselves: an input, a profile or the author's claims may have set them.
func (h *Handler) policyRequest(t api.Task, d draft) policy.Request {
	r := d.request
	q := policy.Request{
		Use: r.use, Secrets: r.keySecrets, Workflow: t.WorkflowType, TaskType: t.Type, Algorithm: string(d.token.Algorithm),
		TTL: time.Duration(d.ttl) * time.Second, DefaultTTL: r.times.defaulted, WorkerMaxTTL: h.workerTTL(r),
	}
	if r.times.noExpiry { // the token exceeds every limit, and no ttl shortens it
		q.TTL, q.DefaultTTL = maxGrantTTL, false
	}
	claims := &d.token.Claims
	q.Issuer, _ = claims.Text("iss")
	q.Subject, _ = claims.Text("sub")
	q.Audiences, _ = signer.Audiences(claims)
	q.Scopes = r.scopesIn(claims)
	q.Type, _ = d.token.Header.Text("typ")
	q.ProfileType = r.profile.Type
	return q
}

// scopesIn returns the scopes in both claims that may hold them, whether an
// input, the profile or the author set them.
func (r *request) scopesIn(claims *jsonobj.Object) []string {
	var list []string
	for _, name := range []string{claimScope, claimSCP} {
		raw, ok := claims.Get(name)
		if !ok {
			continue
		}
		if name == r.scopes.claim && len(r.scopes.list) > 0 {
			list = append(list, r.scopes.list...)
			continue
		}
		if text, ok := claims.Text(name); ok {
			list = append(list, strings.FieldsFunc(text, func(c rune) bool { return c == ' ' || c == ',' })...)
		} else if texts, ok := jsonobj.Strings(raw); ok {
			list = append(list, texts...)
		} else {
			list = append(list, string(raw))
		}
	}
	return list
}

// denied returns the error of a denial: the grant, and its field that does not
// match. It names no value, because a grant may be another team's.
func (h *Handler) denied(r *request, v policy.Verdict) error {
	switch {
	case v.Field == policy.FieldMaxTTL && v.WorkerLimit:
		return refuse(errTTLOutOfRange, inTTL, ttlOf(r.times.ttl)+" is outside of what is allowed", fmt.Sprintf("ask for 1 to %d seconds", int64(h.workerTTL(r)/time.Second)))
	case v.Grant == 0 || v.Field == policy.FieldUse:
		field, what := r.keyField(), "this key"
		if r.use == "" {
			field, what = inPrivateKey, "the secret of this key"
		} else if field == inProfile {
			what = "this profile"
		}
		return refuse(errPolicyDenied, field, "no grant lets a task use "+what, explainHint)
	}
	field, what := inputOf(v.Field)
	if field == inKeyRef {
		field = r.keyField()
	}
	return refuse(errPolicyDenied, field, fmt.Sprintf("grant %d does not allow %s (%s)", v.Grant, what, v.Field), explainHint)
}

// inputOf returns the input behind a field of a grant, and what the input holds.
func inputOf(f policy.Field) (input, what string) {
	switch f {
	case policy.FieldWorkflows:
		return inKeyRef, "this workflow"
	case policy.FieldTaskTypes:
		return inKeyRef, "this task type"
	case policy.FieldIssuers:
		return inIssuer, "this issuer, or needs one"
	case policy.FieldSubjects:
		return inSubject, "this subject, or needs one"
	case policy.FieldAudiences:
		return inAudience, "each of these audiences, or needs one"
	case policy.FieldScopes:
		return inScopes, "each of these scopes, or needs one"
	case policy.FieldAlgorithms:
		return inAlgorithm, "this algorithm"
	case policy.FieldTypes:
		return inHeaders, "this typ"
	case policy.FieldSecrets:
		return inPrivateKey, "the secret of this key"
	case policy.FieldMaxTTL:
		return inTTL, "so long a ttl"
	case policy.FieldUse:
	}
	return inKeyRef, "this"
}

// checkLookalikes refuses claims and header members that a verifier may take
// for one that a grant decides about. Names are exact (RFC 7519 §4, RFC 8259
// §8.3), but many parsers are not: encoding/json and Jackson ignore case, some
// also _ and -, and the last member wins.
func checkLookalikes(q *signer.Request) error {
	claims := []string{"iss", "sub", "aud", "exp", "nbf", claimIAT, claimJTI, claimScope, claimSCP}
	headers := append(reservedHeaders(), "typ", "cty", "iss", "sub", "aud")
	for _, row := range []struct {
		input   string
		object  *jsonobj.Object
		decided []string
	}{{inClaims, &q.Claims, claims}, {inHeaders, &q.Header, headers}} {
		for m := range row.object.Members() {
			if name := alike(m.Name, row.decided); name != "" {
				return refuse(errPolicyDenied, row.input, "some verifiers take a member for "+name+": it differs only in case, in _ and -, or in white space",
					"remove it, or give it another name")
			}
		}
	}
	return nil
}

// alike returns the one of names that a parser may take name for; empty if there
// is none, or if name is one of them.
func alike(name string, names []string) string {
	if slices.Contains(names, name) {
		return ""
	}
	folded := foldName(name)
	for _, n := range names {
		if foldName(n) == folded {
			return n
		}
	}
	return ""
}

// foldName drops what parsers drop from names: _, -, white space and
// invisible characters. The rest is mapped to upper and then to lower
// case, as Java's equalsIgnoreCase does, so that the dotless and the dotted i,
// the long s and the Kelvin sign become ASCII. A sharp s is two letters in
// upper case (Unicode, SpecialCasing.txt). Parsers in C end a name at its first
// zero character.
func foldName(name string) string {
	name, _, _ = strings.Cut(name, "\x00")
	name = strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || unicode.IsSpace(r) || glob.Hidden(r) {
			return -1
		}
		return unicode.ToLower(unicode.ToUpper(r))
	}, name)
	return strings.NewReplacer("\u00df", "ss", "\u1e9e", "ss").Replace(name)
}
