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

// ListsEndpoint reports whether the file lists an endpoint. It lists no URL that is
// not normal: a pattern would match it, and a server serve another path.
func (p *Policy) ListsEndpoint(endpoint string) bool {
	if p == nil {
		return false
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Fragment != "" || u.RawQuery != "" || u.ForceQuery ||
		!glob.IsNormalURL(endpoint) {
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
		r.fault(n, "there is no endpoint; write endpoints, or remove the field")
	}
}

// endpoint reads a pattern of token endpoints. A star stands for the first labels of
// a host alone, and two labels follow it, so that the domain is the one that the
// operator means.
func (r *reader) endpoint(n ast.Node, text string) (Endpoint, bool) {
	rest, isHTTPS := strings.CutPrefix(text, httpsURL)
	host, path, hasPath := strings.Cut(rest, "/")
	hostname, _, _ := strings.Cut(host, ":")
	domain, isWild := strings.CutPrefix(hostname, "*.")
	switch {
	case !isHTTPS || hostname == "":
		r.fault(n, "this is not the URL of a token endpoint; begin with https:// and a host")
	case strings.ContainsAny(text, "@?#"):
		r.fault(n, "the URL has a user name, query or fragment; end it after the path")
	case strings.Trim(text, urlCharacters+"*") != "" || host != strings.ToLower(host):
		r.fault(n, "the URL has a character that can be written in two ways; write the host in lower case, and only letters, digits and - . _ ~ in the path")
	case !hasPath:
		r.fault(n, "the URL has no path; write /** after the host to permit all of its paths")
	case strings.Contains(domain, "*") || isWild && !strings.Contains(strings.Trim(domain, "."), "."):
		r.fault(n, "the pattern matches hosts of other owners; write the host itself, or *. before a domain of your own, such as *.idp.example.com")
	case !glob.IsNormalURL(text):
		r.fault(n, notNormal)
	default:
		return Endpoint{glob.Pattern(strings.TrimSuffix(host, ":443")), glob.Pattern("/" + path)}, true
	}
	return Endpoint{}, false
}
