package verifier

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/outbound"
	"conductor-jwt/internal/readfile"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
)

// Fetcher sends a request to the internet; [outbound.Client] is one.
type Fetcher interface {
	Do(ctx context.Context, r outbound.Request) (outbound.Response, error)
}

const (
	// fetchTimeout bounds all requests for one set: two documents of metadata, and the
	// set.
	fetchTimeout = 20 * time.Second

	minAge = time.Minute
	maxAge = time.Hour
)

// fetched is a JWK Set that was just fetched.
type fetched struct {
	set keys.PublicSet
	age time.Duration // how long it may be used without asking again
}

// source is where a JWK Set comes from.
type source struct {
	client Fetcher
	listed func(url string) bool // whether an address may be private
	issuer string
	jwks   string // as [policy.Verifier.JWKS]
}

// Discover fetches the JWK Set of an issuer by its metadata (OpenID Connect Discovery
// 1.0 §4, or else RFC 8414 §3). Listed says which addresses may be private.
func Discover(ctx context.Context, client Fetcher, issuer string, listed func(url string) bool) (keys.PublicSet, error) {
	f, err := source{client: client, listed: listed, issuer: issuer, jwks: policy.JWKSDiscover}.fetch(ctx)
	return f.set, err
}

// fetch fetches the set. Every error is an *[fault.Error] of [ErrUnavailable], or that
// of ctx.
func (s source) fetch(ctx context.Context) (fetched, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	if name, ok := (policy.Verifier{JWKS: s.jwks}).JWKSFile(); ok {
		return s.fromFile(ctx, name)
	}
	address := s.jwks
	if address == policy.JWKSDiscover {
		var err error
		if address, err = s.discover(ctx); err != nil {
			return fetched{}, err
		}
	}
	return s.fromAddress(ctx, address)
}

func (s source) fromFile(ctx context.Context, name string) (fetched, error) {
	text, err := readfile.Regular(ctx, name, outbound.MaxBody)
	switch {
	case err != nil:
		return fetched{}, failure(outcomeUnreachable, "the file of the JWK Set cannot be read: "+readfile.Reason(err), "check the file that the policy names", err)
	case len(text) > outbound.MaxBody:
		return fetched{}, failure(outcomeInvalid, fmt.Sprintf("the file of the JWK Set is longer than %d KiB", outbound.MaxBody>>10), "check the file that the policy names", nil)
	}
	set, err := keys.ReadPublicSet(text, true)
	if err != nil {
		return fetched{}, badSet(err)
	}
	return fetched{set, minAge}, nil
}

func (s source) fromAddress(ctx context.Context, address string) (fetched, error) {
	answer, err := s.get(ctx, "JWK Set", address)
	if err != nil {
		return fetched{}, err
	}
	if answer.Status != http.StatusOK {
		return fetched{}, badStatus("JWK Set", answer.Status)
	}
	set, err := keys.ReadPublicSet(answer.Body, false)
	if err != nil {
		return fetched{}, badSet(err)
	}
	return fetched{set, lifetime(answer.Header)}, nil
}

// discover returns the address of the set by the issuer's metadata.
func (s source) discover(ctx context.Context) (string, error) {
	answer, err := s.get(ctx, "metadata", strings.TrimSuffix(s.issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return "", err
	}
	if isMissing(answer.Status) {
		// An authorization server without OpenID has them elsewhere (RFC 8414 §3.1).
		u, err := url.Parse(s.issuer)
		if err != nil {
			return "", failure(outcomeInvalid, "the issuer is not a URL", "correct the issuer", err)
		}
		if answer, err = s.get(ctx, "metadata", "https://"+u.Host+"/.well-known/oauth-authorization-server"+strings.TrimSuffix(u.EscapedPath(), "/")); err != nil {
			return "", err
		}
	}
	if answer.Status != http.StatusOK {
		return "", badStatus("metadata", answer.Status)
	}
	return s.jwksURI(answer.Body)
}

// isMissing reports whether a status means that there is no such document. Some file
// servers answer 403 for one.
func isMissing(status int) bool {
	return status/100 == 4 && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests
}

// jwksURI reads the issuer's metadata. They must be those of this issuer (OpenID
// Connect Discovery 1.0 §4.3, RFC 8414 §3.3): another may answer at its address.
func (s source) jwksURI(document []byte) (string, error) {
	metadata, err := jsonobj.Parse(document, jsonobj.Limits{Bytes: outbound.MaxBody})
	if err != nil {
		return "", failure(outcomeInvalid, "the issuer's metadata are not a JSON object", "check the issuer", err)
	}
	if named, _ := metadata.Text("issuer"); named != s.issuer {
		return "", failure(outcomeInvalid, "the metadata at the issuer's address name another issuer", "write the issuer exactly as its metadata have it", nil)
	}
	address, _ := metadata.Text("jwks_uri")
	if !strings.HasPrefix(address, "https://") {
		return "", failure(outcomeInvalid, "the issuer's metadata name no JWK Set with an HTTPS address", "name its address in jwks", nil)
	}
	return address, nil
}

// get fetches a document, which what names.
func (s source) get(ctx context.Context, what, address string) (outbound.Response, error) {
	answer, err := s.client.Do(ctx, outbound.Request{
		Method: http.MethodGet, URL: address, Header: http.Header{"Accept": {"application/json"}}, Private: s.listed(address),
	})
	if err == nil {
		return answer, nil
	}
	found, hint := "no answer", "check the issuer"
	if e, ok := errors.AsType[*fault.Error](err); ok {
		found, hint = e.Found, e.Hint
	}
	outcome := outcomeUnreachable
	switch {
	case errors.Is(err, outbound.ErrAddress), errors.Is(err, outbound.ErrURL):
		outcome = outcomeAddress
	case errors.Is(err, outbound.ErrTooLarge):
		outcome = outcomeInvalid
	}
	return outbound.Response{}, failure(outcome, "the issuer's "+what+" cannot be fetched: "+found, hint, err)
}

func badStatus(what string, status int) error {
	return failure(outcomeStatus, fmt.Sprintf("the issuer's %s cannot be fetched: it answered with status %d", what, status), "check the issuer, and whether it moved", nil)
}

func badSet(err error) error {
	found := "it cannot be read"
	if e, ok := errors.AsType[*fault.Error](err); ok {
		found = fault.Rename(e.Found, nil)
	}
	return failure(outcomeInvalid, "the issuer's JWK Set cannot be used: "+found, "check its address", err)
}

// fetchError is the Cause of an error of fetch.
type fetchError struct {
	outcome string // for the metrics
	err     error  // may be nil
}

// Error implements the error interface.
func (e *fetchError) Error() string { return "fetch: " + e.outcome }

// Unwrap returns the cause.
func (e *fetchError) Unwrap() error { return e.err }

func failure(outcome, found, hint string, cause error) error {
	return &fault.Error{Reason: ErrUnavailable, Found: found, Hint: hint, Cause: &fetchError{outcome, cause}}
}

// lifetime returns how long an answer may be used, by its max-age (RFC 9111 §5.2.2.1)
// within bounds: a shorter one would have the issuer asked too often, and a longer
// one would keep a revoked key too long.
func lifetime(header http.Header) time.Duration {
	age := minAge
	for directive := range strings.SplitSeq(strings.Join(header.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return minAge
		case "max-age":
			if seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
				age = time.Duration(seconds) * time.Second
			}
		}
	}
	return min(max(age, minAge), maxAge)
}
