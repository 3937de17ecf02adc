package task

import (
	"encoding/json/jsontext"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/glob"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
	"conductor-jwt/signer"
)

// explainHint is the next step of whoever is denied.
const explainHint = "have the operator look with `conductor-jwt policy explain`, which says it of every grant"

// anyTTL is a hundred years: beyond it a ttl is a mistake, not a wish.
const anyTTL = 100 * 365 * 24 * time.Hour

// mostTTL is the longest ttl that is read. Where grants decide, they have the
// last word, when the token is composed: one may set more than the worker.
func (h *Handler) mostTTL(r *request) time.Duration {
	if r.use == "" && h.o.Policy.InlineMode() != policy.InlineSecretsOnly {
		return h.o.MaxTTL
	}
	return anyTTL
}

// checkInline holds a key that came in the task to the operator's mode.
func (h *Handler) checkInline(g *given, r *request) error {
	if r.use != "" || r.key.Name != "" {
		return nil
	}
	switch h.o.Policy.InlineMode() {
	case policy.InlineDeny:
		return refuse(ErrPolicyDenied, inPrivateKey, "the operator permits no keys in tasks (inline: deny)", "name a configured key in "+inKeyRef)
	case policy.InlineSecretsOnly:
		names, ok := g.secretsOfKey()
		if !ok {
			return refuse(ErrPolicyDenied, inPrivateKey, "its template is not exactly one secret (inline: secrets-only)", "write "+secretMark+"NAME} and nothing else, or name a configured key in "+inKeyRef)
		}
		r.from = names
	case policy.InlineAllow:
	}
	return nil
}

// secretsOfKey gives the secrets that the templates of privateKey name, with
// the path into each; false where one of them is, or may be, anything else than
// exactly one secret.
func (g *given) secretsOfKey() ([]string, bool) {
	var names []string
	if g.templates.unread {
		return nil, false
	}
	for _, t := range g.templates.all(inPrivateKey) {
		name, path, dotted := secretName(t.Text)
		if t.Kind != jsontext.KindString || name == "" {
			return nil, false
		}
		if dotted {
			name += "." + path
		}
		names = append(names, name)
	}
	return names, len(names) > 0
}

// checkKeyID takes what privateKeyId says of a configured key: that key's name
// or its kid. The kid of the token is the key's in either case.
func (r *request) checkKeyID(key keys.Key) error {
	if r.key.Name == "" {
		return nil
	}
	if r.keyID != "" && r.keyID != r.key.Name && r.keyID != key.ID() {
		return refuse(ErrInputConflict, inPrivateKeyID, "it is neither the name of the configured key nor the id with which it signs now", "leave it out")
	}
	r.keyID = ""
	return nil
}

// permit asks the policy whether the token that was composed may be signed.
func (h *Handler) permit(d api.Task, r *request, c composed, key keys.Key, decided *Decision) (composed, error) {
	if h.o.Audit != nil {
		decided.compose(r, c, key)
	}
	if r.use == "" && h.o.Policy.InlineMode() != policy.InlineSecretsOnly {
		decided.Rule = inlineRule(h.o.Policy.InlineMode())
		return c, nil
	}
	if err := checkLookalikes(&c.request); err != nil {
		return c, err
	}
	v := h.o.Policy.Decide(h.asks(d, r, c))
	if v.Grant > 0 {
		decided.Rule = fmt.Sprintf("grant %d", v.Grant)
	}
	if !v.Allowed {
		decided.RuleField = string(v.Field)
		return c, h.refusal(r, v)
	}
	if ttl := int64(v.TTL / time.Second); ttl < r.times.ttl {
		return r.shorten(c, ttl, decided)
	}
	return c, nil
}

// inlineRule names, in the audit, the operator's mode for keys in tasks.
func inlineRule(mode policy.Inline) string { return "inline: " + string(mode) }

// shorten gives the token the ttl that its grant permits, where the task asks
// for none: it may be shorter than the default.
func (r *request) shorten(c composed, ttl int64, decided *Decision) (composed, error) {
	if r.times.notBefore != nil && *r.times.notBefore > ttl-1 {
		return c, invalid(inNotBefore, "a number of seconds out of range", fmt.Sprintf("write -%d to %d: the grant permits a ttl of %d", maxBack, ttl-1, ttl))
	}
	r.times.ttl = ttl
	c.expires = c.issuedAt + ttl
	c.request.Claims.Int("exp", c.expires)
	decided.TTL = ttl
	return c, nil
}

// asks puts a token into the words of the policy. It reads the claims
// themselves: an input, a profile or the claims of the author may have set
// them.
func (h *Handler) asks(d api.Task, r *request, c composed) policy.Request {
	q := policy.Request{
		Use: r.use, Secrets: r.from, Workflow: d.WorkflowType, TaskType: d.Type, Algorithm: string(c.request.Algorithm),
		TTL: time.Duration(r.times.ttl) * time.Second, DefaultTTL: r.times.unasked, WorkerMaxTTL: h.workerTTL(r),
	}
	if r.times.forever { // what never expires is longer than any limit, and no ttl shortens it
		q.TTL, q.DefaultTTL = anyTTL, false
	}
	claims := &c.request.Claims
	q.Issuer, _ = claims.Text("iss")
	q.Subject, _ = claims.Text("sub")
	q.Audiences, _ = signer.Audiences(claims)
	q.Scopes = r.scopesOf(claims)
	q.Type, _ = c.request.Header.Text("typ")
	q.ProfileType = r.profile.Type
	return q
}

// scopesOf gives the scopes of both claims that hold some, whoever set them.
func (r *request) scopesOf(claims *jsonobj.Object) []string {
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

// refusal says which field of which grant does not hold. It names no value: a
// grant may be another team's.
func (h *Handler) refusal(r *request, v policy.Verdict) error {
	switch {
	case v.Field == policy.FieldMaxTTL && v.WorkerLimit:
		return refuse(ErrTTLOutOfRange, inTTL, ttlOf(r.times.ttl)+" is outside of what is allowed", fmt.Sprintf("ask for 1 to %d seconds", int64(h.workerTTL(r)/time.Second)))
	case v.Grant == 0 || v.Field == policy.FieldUse:
		field, what := r.keyField(), "this key"
		if r.use == "" {
			field, what = inPrivateKey, "the secret of this key"
		} else if field == inProfile {
			what = "this profile"
		}
		return refuse(ErrPolicyDenied, field, "no grant lets a task use "+what, explainHint)
	}
	field, what := inputOf(v.Field)
	if field == inKeyRef {
		field = r.keyField()
	}
	return refuse(ErrPolicyDenied, field, fmt.Sprintf("grant %d does not allow %s (%s)", v.Grant, what, v.Field), explainHint)
}

// inputOf gives the input behind a field of a grant, and what it holds.
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
				return refuse(ErrPolicyDenied, row.input, "a member that some verifiers take for "+name+": it differs only in case, in _ and -, or in white space",
					"remove it, or give it another name")
			}
		}
	}
	return nil
}

// alike gives the one of the names that a name could be taken for without
// being it; empty where there is none.
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
