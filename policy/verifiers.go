package policy

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"conductor-jwt/internal/glob"
	"conductor-jwt/keys"
)

// Verifier is what the operator expects of the tokens of one issuer, and where its
// keys are.
type Verifier struct {
	Name       string
	Place      Place
	Issuer     string // as iss has it
	Audiences  []string
	Algorithms []keys.Algorithm
	Types      []string // empty: any typ
	Leeway     time.Duration
	MaxAge     time.Duration // 0: any age

	// JWKS is [JWKSDiscover], the https URL of a JWK Set, or the file URL of one.
	JWKS string
}

// JWKSDiscover is the [Verifier.JWKS] of an issuer whose metadata names its JWK Set
// (OpenID Connect Discovery 1.0 §4, RFC 8414 §3).
const JWKSDiscover = "discover"

// JWKSFile returns the path of the file with the JWK Set, if it is one.
func (v Verifier) JWKSFile() (path string, ok bool) { return strings.CutPrefix(v.JWKS, fileURL) }

const fileURL = "file://"

// maxLeeway is the longest leeway. A longer one is a mistake: clocks differ by "no
// more than a few minutes" (RFC 7519 §4.1.4).
const maxLeeway = 10 * time.Minute

// VerifierNames returns the names of the verifiers, sorted.
func (p *Policy) VerifierNames() []string {
	var names []string
	if p != nil {
		for _, v := range p.Verifiers {
			names = append(names, v.Name)
		}
	}
	slices.Sort(names)
	return names
}

func (r *reader) verifiers(n ast.Node, p *Policy) {
	if mapping, ok := n.(*ast.MappingNode); ok && isEmpty(mapping) {
		r.fault(n, "there is no verifier; write one, or remove the field")
	}
	for _, entry := range r.entries(n, "verifiers") {
		if name, ok := r.name(entry.Key, "a verifier"); ok {
			p.Verifiers = append(p.Verifiers, r.verifier(name, entry))
		}
	}
}

func (r *reader) verifier(name string, entry *ast.MappingValueNode) Verifier {
	v := Verifier{Name: name, Place: placeOf(entry.Key), JWKS: JWKSDiscover}
	given := map[string]ast.Node{}
	note := func(field string, read func(ast.Node)) func(ast.Node) {
		return func(n ast.Node) {
			given[field] = n
			read(n)
		}
	}
	ok := r.object(entry.Value, "a verifier", fields{
		"issuer":     note("issuer", r.text(&v.Issuer)),
		"audiences":  note("audiences", r.texts(&v.Audiences)),
		"algorithms": note("algorithms", r.algorithms(&v.Algorithms)),
		"types":      r.texts(&v.Types),
		"leeway":     r.leeway(&v.Leeway),
		"max_age":    r.duration(&v.MaxAge),
		"jwks":       note("jwks", r.jwks(&v)),
	})
	if !ok {
		return v
	}
	for _, required := range []struct{ field, use string }{
		{"issuer", "write the iss of its tokens"},
		{"audiences", "list what aud must name, such as the URL of your service"},
		{"algorithms", "list those that the issuer signs with, such as [RS256]"},
	} {
		if given[required.field] == nil {
			r.fault(entry.Key, "%s is missing; %s", required.field, required.use)
		}
	}
	r.checkVerifier(v, given)
	return v
}

// checkVerifier checks the fields of a verifier against each other.
func (r *reader) checkVerifier(v Verifier, given map[string]ast.Node) {
	if v.JWKS == JWKSDiscover && v.Issuer != "" {
		if problem := issuerURLProblem(v.Issuer); problem != "" {
			r.faultIn("issuer", placeOf(given["issuer"]), "%s; or write jwks with the address of the JWK Set", problem)
		}
	}
	if _, isFile := v.JWKSFile(); isFile || v.JWKS == "" {
		return
	}
	for _, alg := range v.Algorithms {
		if alg.IsHMAC() {
			r.faultIn("algorithms", placeOf(given["algorithms"]), "%s needs a secret, which a JWK Set from the network would publish; name a file in jwks, or another algorithm", alg)
		}
	}
}

func (r *reader) leeway(place *time.Duration) func(ast.Node) {
	return func(n ast.Node) {
		r.duration(place)(n)
		if *place > maxLeeway {
			r.fault(n, "this is longer than clocks may differ; write at most %s", short(maxLeeway))
		}
	}
}

// jwks reads where the JWK Set of a verifier is; empty where that is wrong.
func (r *reader) jwks(v *Verifier) func(ast.Node) {
	return func(n ast.Node) {
		v.JWKS = ""
		var text string
		if r.text(&text)(n); text == "" {
			return
		}
		u, err := url.Parse(text)
		switch {
		case text == JWKSDiscover:
			v.JWKS = text
		case err != nil || !strings.HasPrefix(text, httpsURL) && !strings.HasPrefix(text, fileURL):
			r.fault(n, "this is not the place of a JWK Set; write discover, https://host/path or file:///path")
		case u.Scheme == "file" && (u.Host != "" || len(u.Path) < 2 || strings.ContainsAny(text, "?#%")):
			r.fault(n, "this is not the path of a file; write file:/// and an absolute path")
		case u.Scheme == "https" && (u.Hostname() == "" || strings.ContainsAny(text, "@#")):
			r.fault(n, "this is not the address of a JWK Set; write https:// and a host, without user name and fragment")
		case u.Scheme == "https" && !glob.IsNormalURL(text):
			r.fault(n, notNormal)
		default:
			v.JWKS = text
		}
	}
}
