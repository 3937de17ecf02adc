package conductor

import (
	"context"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"conductor-jwt/internal/secret"
)

// maxErrorBody is how much of an error page is read, to use the connection
// again; none of it is kept.
const maxErrorBody = 256

// roundTripper is everything between the SDK's client and the network. What it
// lets through to the SDK is a whole success; all else is an *Error, so that no
// error page is ever read into memory above it.
type roundTripper struct {
	options Options
	base    *url.URL
	inner   *transport
	headers *headers
	tokens  *tokens // nil without authentication
	skew    func(time.Duration)
	reader  *reader
}

// RoundTrip implements [http.RoundTripper].
func (t *roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	if err := t.admit(r); err != nil {
		closeBody(r.Body)
		return nil, err
	}
	token, err := t.token(ctx)
	if err != nil {
		closeBody(r.Body)
		return nil, err
	}
	answer, err := t.attempt(r, r.Body, token)
	if !t.wantsToken(err, token) {
		return answer, err
	}
	t.tokens.drop(token)
	if token, err = t.token(ctx); err != nil {
		return nil, err
	}
	body := io.ReadCloser(nil)
	if r.GetBody != nil {
		if body, err = r.GetBody(); err != nil {
			return nil, &Error{Class: Network, Call: string(callOf(ctx)), Cause: ErrBroken}
		}
	}
	return t.attempt(r, body, token)
}

// wantsToken reports whether a request is worth repeating once with a new
// access token: after a 401, and after a 403 that a token's age may explain.
func (t *roundTripper) wantsToken(err error, used secret.Text) bool {
	return t.tokens != nil && (hasStatus(err, http.StatusUnauthorized) ||
		hasStatus(err, http.StatusForbidden) && t.tokens.mayHaveExpired(used))
}

// admit refuses what must not leave: a request to another server than the
// configured one, which a redirect may ask for, or one that is over already.
func (t *roundTripper) admit(r *http.Request) error {
	ctx := r.Context()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	upgrade := t.base.Scheme == "http" && r.URL.Scheme == "https" &&
		strings.EqualFold(r.URL.Hostname(), t.base.Hostname())
	if !t.isOrigin(r.URL) && !upgrade {
		return &Error{Class: Garbled, Call: string(callOf(ctx)), Cause: errRedirect}
	}
	return nil
}

// isOrigin reports whether a URL is of the configured server (RFC 6454 §4).
func (t *roundTripper) isOrigin(u *url.URL) bool {
	return u.Scheme == t.base.Scheme && strings.EqualFold(u.Host, t.base.Host)
}

func (t *roundTripper) token(ctx context.Context) (secret.Text, error) {
	if t.tokens == nil {
		return secret.Text{}, nil
	}
	return t.tokens.get(ctx)
}

// attempt sends a request once.
func (t *roundTripper) attempt(r *http.Request, body io.ReadCloser, token secret.Text) (*http.Response, error) {
	c := callOf(r.Context())
	out := r.Clone(r.Context())
	out.Body = body
	out.Header.Set("User-Agent", t.options.UserAgent)
	out.Header.Del("Accept-Encoding") // net/http's own is undone below the limit
	out.Header.Del("X-Authorization")
	if !token.IsZero() {
		out.Header.Set("X-Authorization", token.Reveal())
	}
	if t.isOrigin(r.URL) {
		maps.Copy(out.Header, t.headers.fresh())
	}
	if r.Method == http.MethodPost {
		// Each POST of ours may be repeated; so net/http may do it on a
		// connection that the server has just closed. An empty list is not sent.
		out.Header["Idempotency-Key"] = []string{}
	}
	start := t.options.Now()
	inner := t.inner.fresh()
	answer, err := inner.RoundTrip(out)
	seen := Observation{Call: string(c), Method: c.method(), Path: c.template(), Duration: since(t.options.Now, start)}
	if err != nil {
		t.leave(inner, err)
		t.options.Observe(seen)
		return nil, t.inner.explain(classify(c, err))
	}
	t.inner.asked.Store(0)
	seen.Status = answer.StatusCode
	seen.Skew, seen.HasSkew = t.skewOf(answer)
	t.options.Observe(seen)
	whole, err := t.judge(c, r, answer)
	if errors.Is(err, context.DeadlineExceeded) {
		t.leave(inner, err)
	}
	return whole, err
}

// leave gives up connections that a request has failed on: the server may have
// moved, or be gone without a word.
func (t *roundTripper) leave(inner *http.Transport, err error) {
	if errors.Is(err, context.DeadlineExceeded) {
		t.inner.retire(inner)
	}
	inner.CloseIdleConnections()
}

func (t *roundTripper) skewOf(answer *http.Response) (time.Duration, bool) {
	date, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		return 0, false
	}
	skew := date.Sub(t.options.Now().Truncate(time.Second))
	t.skew(skew)
	return skew, true
}

// judge lets a success through and turns all else into an *Error.
func (t *roundTripper) judge(c call, r *http.Request, answer *http.Response) (*http.Response, error) {
	switch {
	case answer.StatusCode >= 200 && answer.StatusCode < 300:
	case followed(r.Method, answer):
		return answer, nil
	default:
		_, _ = io.CopyN(io.Discard, answer.Body, maxErrorBody)
		closeBody(answer.Body)
		return nil, &Error{
			Class: ClassOf(answer.StatusCode), Call: string(c), Status: answer.StatusCode,
			RetryAfter: RetryAfter(answer.Header.Get("Retry-After"), t.options.Now()),
		}
	}
	if isPage(answer.Header.Get("Content-Type")) {
		closeBody(answer.Body) // a proxy's login page is no acknowledgement
		return nil, &Error{Class: Garbled, Call: string(c), Status: answer.StatusCode}
	}
	limit := maxBodyOf(r.Context(), c.limit(t.options.MaxBody))
	if answer.ContentLength > limit {
		closeBody(answer.Body)
		return nil, &Error{Class: TooLarge, Call: string(c)}
	}
	body, err := t.reader.read(r.Context(), c, answer.Body, limit)
	closeBody(answer.Body)
	if err != nil {
		return nil, classify(c, err)
	}
	if to, ok := r.Context().Value(receivedKey{}).(*received); ok {
		to.body = body
	}
	answer.Body = http.NoBody
	// The SDK decodes by this header, and panics over some of them.
	answer.Header.Set("Content-Type", "text/plain")
	return answer, nil
}

// isPage reports whether a media type is one of HTML's. Only what may be one is
// taken apart.
func isPage(media string) bool {
	if !strings.Contains(strings.ToLower(media), "html") {
		return false
	}
	kind, _, _ := mime.ParseMediaType(media)
	return strings.HasSuffix(kind, "html")
}

// followed reports whether a redirect is followed: where it repeats the
// request as it was. A POST that becomes a GET would look acknowledged.
func followed(method string, answer *http.Response) bool {
	switch answer.StatusCode {
	case http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther:
		return method == http.MethodGet
	default:
		return false
	}
}

// errRedirect is a constant text, so it may be printed.
var errRedirect = errors.New("redirected to another server; set the server's own address")

func hasStatus(err error, status int) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Status == status
}

// classify makes an *Error of whatever a request ended in.
func classify(c call, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		if e.Call != "" {
			return e
		}
		named := *e
		named.Call = string(c)
		return &named
	}
	return &Error{Class: Network, Call: string(c), Cause: causeOf(err)}
}

func closeBody(body io.Closer) {
	if body != nil {
		_ = body.Close() // nothing is lost with it
	}
}
