package policy

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"conductor-jwt/internal/glob"
	"conductor-jwt/signer"
)

// Request is what a token would say, and the task that asks for it. Empty
// fields are absent from the token.
type Request struct {
	Use       string   // the key, or the profile that names one; empty: a key in the task
	Secrets   []string // the server's secrets that a key in the task comes from, NAME or NAME.path
	Workflow  string
	TaskType  string
	Issuer    string
	Subject   string
	Audiences []string
	Scopes    []string
	Algorithm string

	Type        string // typ
	ProfileType string // typ that the profile sets; allowed where a grant names no types

	TTL          time.Duration
	DefaultTTL   bool          // the task asks for no ttl, so that a grant may shorten it
	WorkerMaxTTL time.Duration // the limit where a grant has none
}

// Verdict is the result of one grant for a request.
type Verdict struct {
	Grant   int // its number in the file, from 1
	Allowed bool
	Field   Field         // the first field that does not match, where not Allowed
	TTL     time.Duration // of the token, where Allowed; at most the request's
	// WorkerLimit says of FieldMaxTTL that the grant has no limit: the worker's
	// is exceeded.
	WorkerLimit bool
}

// Explain returns the verdict of every grant, in the order of the file.
func (p *Policy) Explain(r Request) []Verdict {
	if p == nil {
		return nil
	}
	list := make([]Verdict, len(p.Grants))
	for i, g := range p.Grants {
		list[i] = g.verdict(r)
	}
	return list
}

// Decide returns the verdict of the first grant that allows the request.
// Without one, it returns that of the nearest grant: the one whose first
// mismatch comes last in the order of the fields. Without any grant, it is the zero Verdict.
func (p *Policy) Decide(r Request) Verdict {
	var nearest Verdict
	for _, v := range p.Explain(r) {
		if v.Allowed {
			return v
		}
		if slices.Index(grantFields(), v.Field) > slices.Index(grantFields(), nearest.Field) {
			nearest = v
		}
	}
	return nearest
}

func (g Grant) verdict(r Request) Verdict {
	limit := g.maxTTL(r.WorkerMaxTTL)
	for _, f := range grantFields() {
		if !g.matches(f, r) {
			return Verdict{Grant: g.Number, Field: f, WorkerLimit: f == FieldMaxTTL && g.MaxTTL == 0}
		}
	}
	return Verdict{Grant: g.Number, Allowed: true, TTL: min(r.TTL, limit)}
}

// maxTTL returns the longest ttl that the grant allows.
func (g Grant) maxTTL(worker time.Duration) time.Duration {
	if g.MaxTTL > 0 {
		return g.MaxTTL
	}
	return worker
}

// matches compares one field. A field that the grant names must be in the
// token: one without an audience is valid at every audience.
func (g Grant) matches(f Field, r Request) bool {
	patterns, named := g.Patterns[f]
	switch f {
	case FieldUse:
		// A key in the task is permitted by the names of its secrets.
		return r.Use != "" && glob.MatchAny(patterns, r.Use) || r.Use == "" && g.Patterns[FieldSecrets] != nil
	case FieldSecrets:
		return r.Use != "" || matchSecrets(patterns, r.Secrets)
	case FieldTypes:
		return g.matchType(r)
	case FieldScopes:
		return !named || matchScopes(patterns, r.Scopes)
	case FieldMaxTTL:
		return r.DefaultTTL || r.TTL <= g.maxTTL(r.WorkerMaxTTL)
	case FieldWorkflows, FieldTaskTypes, FieldIssuers, FieldSubjects, FieldAudiences, FieldAlgorithms:
	}
	return !named || matchAll(patterns, r.Texts(f))
}

// Texts returns what is compared with the patterns of a field.
func (r Request) Texts(f Field) []string {
	text := ""
	switch f {
	case FieldAudiences:
		return r.Audiences
	case FieldScopes:
		return r.Scopes
	case FieldSecrets:
		return r.Secrets
	case FieldUse:
		text = r.Use
	case FieldWorkflows:
		text = r.Workflow
	case FieldTaskTypes:
		text = r.TaskType
	case FieldIssuers:
		text = r.Issuer
	case FieldSubjects:
		text = r.Subject
	case FieldAlgorithms:
		text = r.Algorithm
	case FieldTypes:
		text = r.Type
	case FieldMaxTTL:
	}
	if text == "" {
		return nil
	}
	return []string{text}
}

// matchAll reports whether there are texts, and each matches a pattern.
func matchAll(patterns []glob.Pattern, texts []string) bool {
	for _, text := range texts {
		if !glob.MatchAny(patterns, text) {
			return false
		}
	}
	return len(texts) > 0
}

// matchType compares typ. A grant that names no types allows none, JWT and what
// the profile sets.
func (g Grant) matchType(r Request) bool {
	typ := signer.MediaType(r.Type)
	if g.Patterns[FieldTypes] == nil && (typ == "" || typ == signer.MediaType(r.ProfileType)) {
		return true
	}
	return slices.ContainsFunc(g.Allows(FieldTypes), func(p glob.Pattern) bool { return glob.Pattern(signer.MediaType(string(p))).Match(typ) })
}

// matchSecrets compares patterns with the secret's name, which ends at the
// first dot; a pattern with a dot also with the path into the secret.
func matchSecrets(patterns []glob.Pattern, secrets []string) bool {
	for _, secret := range secrets {
		name, _, _ := strings.Cut(secret, ".")
		if !slices.ContainsFunc(patterns, func(p glob.Pattern) bool {
			return p.Match(name) || strings.Contains(string(p), ".") && p.Match(secret)
		}) {
			return false
		}
	}
	return len(secrets) > 0
}

// matchScopes ensures that no star matches a second scope. A text that is
// split at spaces and commas, as a reader of lists does, is compared word by
// word. A text that other readers might split matches no star; only a pattern
// that is the whole text matches it.
func matchScopes(patterns []glob.Pattern, scopes []string) bool {
	for _, scope := range scopes {
		if slices.Contains(patterns, glob.Pattern(scope)) {
			continue
		}
		words := strings.FieldsFunc(scope, func(c rune) bool { return c == ' ' || c == ',' })
		if splittable(scope) || !matchAll(patterns, words) {
			return false
		}
	}
	return len(scopes) > 0
}

// splittable reports whether some reader might split a scope, other than at
// spaces and commas: it has a character that no scope has (RFC 6749 §3.3), a
// semicolon, a bar, or any of these in percent-encoding (RFC 3986 §2.1).
func splittable(scope string) bool {
	for i, r := range scope {
		if r != ' ' && separates(r) {
			return true
		}
		if r == '%' && i+2 < len(scope) {
			c, err := strconv.ParseUint(scope[i+1:i+3], 16, 8)
			if err == nil && (separates(rune(c)) || c == ',' || c == '%') {
				return true
			}
		}
	}
	return false
}

func separates(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"\\;|", r) }
