package policy

import (
	"net/url"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"conductor-jwt/internal/glob"
)

// Endpoint is a pattern of token endpoints that the operator permits, private
// addresses included.
type Endpoint struct {
	Host, Path glob.Pattern // Host with the port, if it is not 443
}

const httpsURL = "https://"

// ListsEndpoint reports whether the file lists an endpoint. It lists no URL whose path
// has an empty, . or .. part: a pattern would match it, and a server serve another path.
func (p *Policy) ListsEndpoint(endpoint string) bool {
	if p == nil {
		return false
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Fragment != "" || u.RawQuery != "" || u.ForceQuery ||
		hasDots(strings.TrimPrefix(u.Path, "/")) {
		return false
	}
	host, path := strings.TrimSuffix(u.Host, ":443"), u.EscapedPath()
	return slices.ContainsFunc(p.Endpoints, func(e Endpoint) bool { return e.Host.MatchFilled(host) && e.Path.Match(path) })
}

// AnyEndpoint returns a policy that lists every token endpoint, for the command line,
// whose user chooses the endpoint.
func AnyEndpoint() *Policy { return &Policy{Endpoints: []Endpoint{{Host: "**", Path: "**"}}} }

func (r *reader) exchange(n ast.Node, p *Policy) {
	ok := r.object(n, "exchange", fields{"endpoints": func(n ast.Node) {
		r.eachText(n, func(element ast.Node, text string) {
			if e, ok := r.endpoint(element, text); ok {
				p.Endpoints = append(p.Endpoints, e)
			}
		})
	}})
	if ok && isEmpty(n) {
		r.fault(n, "nothing in exchange; write endpoints, or remove the field")
	}
}

// endpoint reads a pattern of token endpoints. A star stands for the first labels of
// a host alone, so that the domain is the one that the operator means.
func (r *reader) endpoint(n ast.Node, text string) (Endpoint, bool) {
	rest, isHTTPS := strings.CutPrefix(text, httpsURL)
	host, path, hasPath := strings.Cut(rest, "/")
	hostname, _, _ := strings.Cut(host, ":")
	switch {
	case !isHTTPS || hostname == "":
		r.fault(n, "not the url of a token endpoint; begin with https:// and a host")
	case strings.ContainsAny(text, "@?#"):
		r.fault(n, "a url with a user name, query or fragment; end it after the path")
	case strings.Trim(text, urlCharacters+"*") != "" || host != strings.ToLower(host):
		r.fault(n, "a url with a character that may be written in two ways; write the host in lower case, and letters, digits and - . _ ~ in the path")
	case !hasPath:
		r.fault(n, "a url without a path; write /** after the host for all of its paths")
	case strings.Contains(strings.TrimPrefix(host, "*."), "*") || strings.Trim(hostname, "*.") == "":
		r.fault(n, "a pattern that hosts of others match; write the host itself, or *. before a domain that is yours alone")
	case hasDots(path):
		r.fault(n, "a path with an empty part, or with . or ..; remove them")
	default:
		return Endpoint{glob.Pattern(strings.TrimSuffix(host, ":443")), glob.Pattern("/" + path)}, true
	}
	return Endpoint{}, false
}

// hasDots reports whether a path has a part that no normalised URL has.
func hasDots(path string) bool {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if part == "." || part == ".." || part == "" && i < len(parts)-1 {
			return true
		}
	}
	return false
}
