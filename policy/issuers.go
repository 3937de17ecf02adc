package policy

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"conductor-jwt/internal/glob"
	"conductor-jwt/internal/yamlfile"
)

// Issuer is an issuer of ours: verifiers discover its keys from its URL (OpenID
// Connect Discovery 1.0 §4, RFC 8414 §3).
type Issuer struct {
	URL   string // as iss has it
	Path  string // of URL, without a final slash; empty: none
	Keys  []string
	Place Place // of URL
}

// JWKSURI returns the address of the issuer's JWK Set.
func (i Issuer) JWKSURI() string { return strings.TrimSuffix(i.URL, "/") + "/jwks.json" }

// Issuer returns the issuer with a URL.
func (p *Policy) Issuer(url string) (Issuer, bool) {
	if p != nil {
		for _, i := range p.Issuers {
			if i.URL == url {
				return i, true
			}
		}
	}
	return Issuer{}, false
}

// Publishes reports whether an issuer publishes the key that use names: a key, or
// a profile with one.
func (p *Policy) Publishes(i Issuer, use string) bool {
	if f, ok := p.Profiles()[use]; ok {
		use = f.Overrides.Key
	}
	return slices.Contains(i.Keys, use)
}

// issuerEntry is one issuer as the file has it.
type issuerEntry struct {
	Issuer
	keys []keyName // nil: all that are published
}

// keyName is the name of a key in a list.
type keyName struct {
	name  string
	place Place
}

func (r *reader) readIssuers(n ast.Node) {
	if isEmpty(n) {
		r.fault(n, "the list is empty; name at least one, or remove the field")
	}
	for _, element := range r.elements(n, "issuers") {
		var e issuerEntry
		if _, ok := yamlfile.Text(element); ok {
			r.issuerURL(&e.Issuer)(element)
		} else if r.object(element, "an issuer", fields{"url": r.issuerURL(&e.Issuer), "keys": r.issuerKeys(&e)}) && e.Place == (Place{}) {
			r.fault(element, "url is missing; write url: https://host/path")
		}
		if e.URL != "" {
			r.issuers = append(r.issuers, e)
		}
	}
}

func (r *reader) issuerKeys(e *issuerEntry) func(ast.Node) {
	return func(n ast.Node) {
		r.eachText(n, func(element ast.Node, name string) {
			e.keys = append(e.keys, keyName{name, placeOf(element)})
		})
	}
}

// urlCharacters are those that a URL has in one form only (RFC 3986 §2.3), and
// those between its parts.
const urlCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/:[]"

// notNormal is the problem of a URL that is not normal.
const notNormal = glob.NotNormal + "; " + glob.NormalForm

// issuerURLProblem returns what is wrong with the URL of an issuer, which is https
// without query and fragment (OpenID Connect Discovery 1.0 §3, RFC 8414 §2); empty
// for nothing.
func issuerURLProblem(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || !strings.HasPrefix(text, httpsURL) || u.Hostname() == "":
		return "this is not the URL of an issuer; begin with https:// and a host"
	case strings.ContainsAny(text, "@?#"):
		return "the URL has a user name, query or fragment; end it after the path"
	case strings.Trim(text, urlCharacters) != "":
		return "the URL has a character that can be written in two ways; use only letters, digits and - . _ ~"
	}
	return ""
}

// issuerURL reads the URL of an issuer of ours.
func (r *reader) issuerURL(i *Issuer) func(ast.Node) {
	return func(n ast.Node) {
		i.Place = placeOf(n)
		var text string
		if r.text(&text)(n); text == "" {
			return
		}
		if problem := issuerURLProblem(text); problem != "" {
			r.fault(n, "%s", problem)
			return
		}
		u, _ := url.Parse(text) // it was parsed before
		i.Path = strings.TrimSuffix(path.Clean("/"+u.Path), "/")
		switch {
		case !glob.IsNormalURL(text):
			r.fault(n, notNormal)
		case strings.Contains(u.Path, "/.well-known") || strings.HasPrefix(u.Path, "/keys/"):
			r.fault(n, "this is a path of the JWKS listener itself; write one without .well-known that does not begin with /keys/")
		default:
			i.URL = text
		}
	}
}

// resolveIssuers sets the issuers of the policy, and the keys of those that name
// none. The path alone tells two issuers apart: proxies change the Host that the
// listener receives.
func (r *reader) resolveIssuers(p *Policy) {
	var published []string
	for _, k := range p.Keys {
		if k.Publish {
			published = append(published, k.Name)
		}
	}
	for _, e := range r.issuers {
		for _, other := range p.Issuers {
			switch {
			case e.URL == other.URL:
				r.faultIn("issuers", e.Place, "this issuer is in line %d already; keep one", other.Place.Line)
			case e.Path == other.Path:
				r.faultIn("issuers", e.Place, "the issuer in line %d has the same path, and requests differ by path alone; give each issuer its own path", other.Place.Line)
			}
		}
		if e.keys == nil && len(published) == 0 {
			r.faultIn("issuers", e.Place, "this issuer has no keys, because no key is published; write publish: true in the keys that sign its tokens")
		}
		for _, k := range e.keys {
			key, ok := p.Key(k.name)
			switch {
			case !ok:
				r.within("keys", func() { r.unknown(k.place, k.name, "key", p.keyNames()) })
			case !key.Publish:
				r.faultIn("keys", k.place, "this key is not published; write publish: true in it, or remove it here")
			}
			e.Keys = append(e.Keys, k.name)
		}
		if e.keys == nil {
			e.Keys = slices.Clone(published)
		}
		p.Issuers = append(p.Issuers, e.Issuer)
	}
}
