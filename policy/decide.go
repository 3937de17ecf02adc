package policy

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"conductor-jwt/internal/glob"
)

// Field is a field of a grant, by its name in the file.
type Field string

// The fields, in the order in which they are compared.
const (
	FieldUse        Field = "use"
	FieldWorkflows  Field = "workflows"
	FieldTaskTypes  Field = "task_types"
	FieldIssuers    Field = "issuers"
	FieldSubjects   Field = "subjects"
	FieldAudiences  Field = "audiences"
	FieldScopes     Field = "scopes"
	FieldAlgorithms Field = "algorithms"
	FieldTypes      Field = "types"
	FieldSecrets    Field = "secrets"
	FieldMaxTTL     Field = "max_ttl"
)

// Fields returns all fields, in the order in which they are compared.
func Fields() []Field {
	return []Field{
		FieldUse, FieldWorkflows, FieldTaskTypes, FieldIssuers, FieldSubjects, FieldAudiences, FieldScopes,
		FieldAlgorithms, FieldTypes, FieldSecrets, FieldMaxTTL,
	}
}

// Request is what a token would say, and who asks for it.
type Request struct {
	Use       string   // the key, or the profile that names one; empty for a key in the task
	Secrets   []string // the server's secrets that such a key comes from, NAME or NAME.path
	Workflow  string
	TaskType  string
	Issuer    string // empty: the token has none; likewise below
	Subject   string
	Audiences []string
	Scopes    []string
	Algorithm string
	Type      string // typ
	OwnType   string // the typ that the profile sets; a grant that names no types allows it

	TTL       time.Duration
	Unasked   bool          // the task named no ttl, so that it may be a shorter one
	WorkerTTL time.Duration // the most where a grant says nothing
}

// Verdict is what one grant says of a request.
type Verdict struct {
	Grant   int // its number in the file, from 1
	Allowed bool
	Field   Field         // the first that does not hold
	TTL     time.Duration // where Allowed: at most the request's
	// Worker says of FieldMaxTTL that the grant has none: the worker's holds.
	Worker bool
}

// Explain gives the verdict of every grant, in the order of the file.
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

// Decide gives the verdict of the first grant that allows the request, or of
// the one that came nearest: whose first failing field is compared the latest.
// Without any grant it is the zero Verdict.
func (p *Policy) Decide(r Request) Verdict {
	var nearest Verdict
	for _, v := range p.Explain(r) {
		if v.Allowed {
			return v
		}
		if slices.Index(Fields(), v.Field) > slices.Index(Fields(), nearest.Field) {
			nearest = v
		}
	}
	return nearest
}

func (g Grant) most(worker time.Duration) time.Duration {
	if g.MaxTTL > 0 {
		return g.MaxTTL
	}
	return worker
}

// verdict compares field by field. What a grant names must be there: a token
// without an audience is good for every audience.
func (g Grant) verdict(r Request) Verdict {
	v := Verdict{Grant: g.Number}
	for _, f := range Fields() {
		switch f {
		case FieldUse, FieldSecrets, FieldMaxTTL:
			continue
		}
		match := allMatch
		switch f {
		case FieldScopes:
			match = scopesMatch
		case FieldTypes:
			match = func([]glob.Pattern, []string) bool { return g.typeMatches(r) }
		}
		if globs := g.Globs(f); v.Field == "" && globs != nil && !match(globs, r.Texts(f)) {
			v.Field = f
		}
	}
	// A key in the task is used by the names of its secrets, a configured one
	// by its own.
	switch {
	case r.Use != "" && !glob.MatchAny(g.Use, r.Use):
		v.Field = FieldUse
	case r.Use == "" && g.Secrets == nil:
		v.Field = FieldUse // the grant speaks of configured keys
	case r.Use == "" && v.Field == "" && !secretsMatch(g.Secrets, r.Secrets):
		v.Field = FieldSecrets
	}
	if v.Field != "" {
		return v
	}
	v.TTL = r.TTL
	if most := g.most(r.WorkerTTL); v.TTL > most {
		if !r.Unasked {
			return Verdict{Grant: g.Number, Field: FieldMaxTTL, Worker: g.MaxTTL == 0}
		}
		v.TTL = most
	}
	v.Allowed = true
	return v
}

// Globs are the patterns of a field; nil where the grant does not name it, but
// for types, whose default is JWT.
func (g Grant) Globs(f Field) []glob.Pattern {
	switch f {
	case FieldUse:
		return g.Use
	case FieldWorkflows:
		return g.Workflows
	case FieldTaskTypes:
		return g.TaskTypes
	case FieldIssuers:
		return g.Issuers
	case FieldSubjects:
		return g.Subjects
	case FieldAudiences:
		return g.Audiences
	case FieldScopes:
		return g.Scopes
	case FieldAlgorithms:
		return g.Algorithms
	case FieldTypes:
		if g.Types == nil {
			return []glob.Pattern{"JWT"}
		}
		return g.Types
	case FieldSecrets:
		return g.Secrets
	case FieldMaxTTL:
	}
	return nil
}

// Texts are what is compared with the patterns of a field.
func (r Request) Texts(f Field) []string {
	switch f {
	case FieldUse:
		return one(r.Use)
	case FieldWorkflows:
		return one(r.Workflow)
	case FieldTaskTypes:
		return one(r.TaskType)
	case FieldIssuers:
		return one(r.Issuer)
	case FieldSubjects:
		return one(r.Subject)
	case FieldAudiences:
		return r.Audiences
	case FieldScopes:
		return r.Scopes
	case FieldAlgorithms:
		return one(r.Algorithm)
	case FieldTypes:
		return one(r.Type)
	case FieldSecrets:
		return r.Secrets
	case FieldMaxTTL:
	}
	return nil
}

func one(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

func allMatch(globs []glob.Pattern, texts []string) bool {
	for _, text := range texts {
		if !glob.MatchAny(globs, text) {
			return false
		}
	}
	return len(texts) > 0
}

// typeMatches compares typ. Where the grant names no types, a token has none,
// JWT or what its profile sets.
func (g Grant) typeMatches(r Request) bool {
	typ := mediaType(r.Type)
	if g.Types == nil && (typ == "" || typ == mediaType(r.OwnType)) {
		return true
	}
	return slices.ContainsFunc(g.Globs(FieldTypes), func(p glob.Pattern) bool { return glob.Pattern(mediaType(string(p))).Match(typ) })
}

// mediaType is a media type as it is compared: in lower case (RFC 2045 §5.1),
// without the application/ that typ may leave out (RFC 7515 §4.1.9).
func mediaType(text string) string {
	return strings.TrimPrefix(strings.ToLower(text), "application/")
}

// secretsMatch compares a pattern with the secret's name, which ends at the
// first dot; a pattern with a dot also with the path into the secret.
func secretsMatch(globs []glob.Pattern, secrets []string) bool {
	for _, secret := range secrets {
		name, _, _ := strings.Cut(secret, ".")
		if !slices.ContainsFunc(globs, func(g glob.Pattern) bool {
			return g.Match(name) || strings.Contains(string(g), ".") && g.Match(secret)
		}) {
			return false
		}
	}
	return len(secrets) > 0
}

// scopesMatch lets no star take in a second scope. What spaces and commas part
// is compared word by word, as a reader of lists does. What other readers might
// part matches no star. Only a pattern that is the very text stands for the
// whole of it.
func scopesMatch(globs []glob.Pattern, scopes []string) bool {
	for _, scope := range scopes {
		if slices.Contains(globs, glob.Pattern(scope)) {
			continue
		}
		words := strings.FieldsFunc(scope, func(c rune) bool { return c == ' ' || c == ',' })
		if parts(scope) || !allMatch(globs, words) {
			return false
		}
	}
	return len(scopes) > 0
}

// parts reports whether a scope holds what some reader might take for its end:
// a character that no scope token has (RFC 6749 §3.3), a semicolon, a bar, or
// any of these in percent-encoding (RFC 3986 §2.1). Spaces and commas are
// looked at elsewhere.
func parts(scope string) bool {
	for i, r := range scope {
		if r != ' ' && partsAt(r) {
			return true
		}
		if r == '%' && i+2 < len(scope) {
			c, err := strconv.ParseUint(scope[i+1:i+3], 16, 8)
			if err == nil && (partsAt(rune(c)) || c == ',' || c == '%') {
				return true
			}
		}
	}
	return false
}

func partsAt(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"\\;|", r) }
