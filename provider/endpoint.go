package provider

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/glob"
	"conductor-jwt/internal/jsonobj"
)

// Endpoint is a token endpoint.
type Endpoint struct {
	URL string
	// BuiltIn says that the provider owns the host. Any other endpoint must be listed
	// by the policy.
	BuiltIn bool
}

// ErrEndpoint is the reason of an error of [Profile.Endpoint].
var ErrEndpoint = errors.New("the token endpoint is missing or invalid")

// Endpoint returns where a token is exchanged: at tokenURL or, where it is empty, at
// the provider's only endpoint or the one that follows from the audience. The URL is
// https and has no user information, query or fragment, and its path is normalized,
// so that what a pattern matches is what is requested.
func (p *Profile) Endpoint(tokenURL string, claims, parameters *jsonobj.Object) (Endpoint, error) {
	x := p.Exchange
	if x == nil {
		return Endpoint{}, errNoExchange
	}
	fixed, missing := expand(x.URL, parameters)
	switch {
	case tokenURL != "":
	case missing != "":
		parameter, _ := x.parameter(missing)
		return Endpoint{}, wrongParameter(missing+" is "+notSet, setTo(parameter.Meaning))
	case x.endpoint != nil:
		tokenURL = x.endpoint(audienceOf(claims))
	default:
		tokenURL = fixed
	}
	if tokenURL == "" {
		return Endpoint{}, wrongEndpoint("this is not set, and each tenant of this provider has its own endpoint", "set it to the token endpoint of your tenant, such as "+p.exampleEndpoint())
	}
	if problem, hint := checkURL(tokenURL); problem != "" {
		return Endpoint{}, wrongEndpoint(problem, hint)
	}
	if fixed != "" && fixed != x.URL && tokenURL != fixed {
		return Endpoint{}, wrongEndpoint("this is set, and so is a parameter that is part of the endpoint", "leave one of them out")
	}
	builtIn := tokenURL == fixed || isPlain(tokenURL) && slices.ContainsFunc(x.Patterns, func(pattern string) bool {
		return glob.Pattern(withLabels(pattern)).MatchFilled(withLabels(tokenURL))
	})
	if !builtIn && x.URL != "" && x.Patterns == nil {
		return Endpoint{}, wrongEndpoint("this is not the endpoint of the provider, which has only one", "leave it out")
	}
	return Endpoint{URL: tokenURL, BuiltIn: builtIn}, nil
}

// EndpointFollows reports whether the token endpoint follows from the audience.
func (e *Exchange) EndpointFollows() bool { return e.endpoint != nil }

// KnownHost returns the host of an endpoint where the profile itself names it. It returns
// "" where a task names it, because no message may show a value of a task.
func (p *Profile) KnownHost(endpoint string) string {
	host := hostOf(endpoint)
	for _, known := range append([]string{p.Exchange.URL}, p.Exchange.Patterns...) {
		if hostOf(known) == host && !strings.Contains(host, "*") {
			return host
		}
	}
	return ""
}

func hostOf(endpoint string) string {
	host, _, _ := strings.Cut(strings.TrimPrefix(endpoint, "https://"), "/")
	return host
}

func wrongEndpoint(found, hint string) error {
	return &fault.Error{Reason: ErrEndpoint, Field: tokenURLField, Found: found, Hint: hint}
}

// expand replaces {name} in a URL by a parameter. It returns the name where the
// parameter is absent, or is no word.
func expand(pattern string, parameters *jsonobj.Object) (expanded, missing string) {
	before, rest, ok := strings.Cut(pattern, "{")
	if !ok {
		return pattern, ""
	}
	name, after, _ := strings.Cut(rest, "}")
	value, _ := given(parameters, name)
	list := texts(value)
	if len(list) != 1 || !isWord(list[0]) {
		return "", name
	}
	return before + list[0] + after, ""
}

const maxURL = 2048

// checkURL returns what is wrong with a token endpoint, and what to do.
func checkURL(text string) (problem, hint string) {
	u, err := url.Parse(text)
	switch {
	case len(text) > maxURL, err != nil, u.Host == "", u.Opaque != "":
		return "this is not an absolute URL", "set it to the token endpoint, such as https://as.example.com/token"
	case u.Scheme != "https":
		return "the URL does not begin with https://", "write an HTTPS URL"
	case u.User != nil, u.RawQuery != "", u.ForceQuery, strings.Contains(text, "#"):
		return "the URL has user information, a query or a fragment", "leave that part out"
	case !glob.IsNormalURL(text):
		return glob.NotNormal, glob.NormalForm
	}
	return "", ""
}

// withLabels writes the labels of a URL's host as segments, so that a star of a pattern
// matches one of them.
func withLabels(u string) string {
	host, path, _ := strings.Cut(strings.TrimPrefix(u, "https://"), "/")
	return strings.ReplaceAll(host, ".", "/") + "//" + path
}

// isPlain reports whether a URL has only a host of letters, digits and hyphens, and a
// path of unreserved characters (RFC 3986 §2.3). Nothing in it can be read
// as the end of the host.
func isPlain(text string) bool {
	host, path, _ := strings.Cut(strings.TrimPrefix(text, "https://"), "/")
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return !strings.ContainsFunc(path, func(r rune) bool { return r != '/' && !isUnreserved(r) })
}

// below returns a URL with a path after it, or "" where there is no URL.
func below(base, path string) string {
	if base == "" {
		return ""
	}
	return base + path
}
