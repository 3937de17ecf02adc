package exchange_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/exchange"
	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/outbound"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/keys/exposure"
	"conductor-jwt/provider"
)

func TestWhatIsPosted(t *testing.T) {
	f := newFixture(t, 8)
	r := f.request()
	r.Input.Parameters.String("resource", "x")
	f.wants(r, "token-1", false)
	post := f.posts[0]
	form, err := url.ParseQuery(post.Body.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	if post.Method != http.MethodPost || post.URL != tokenURL || !post.Private ||
		post.Header.Get("Content-Type") != "application/x-www-form-urlencoded" ||
		form.Get("assertion") != "header.assertion-number-1.signature" || form.Get("resource") != "x" {
		t.Errorf("%s %s %v %v", post.Method, post.URL, post.Header, form)
	}
	r = withSubject(f.request(), "c")
	r.Listed = false
	f.wants(r, "token-2", false)
	if f.posts[1].Private {
		t.Error("an endpoint that is not listed may be private")
	}
}

func TestAnswersAndTheirErrors(t *testing.T) {
	const token = `{"access_token":"x","expires_in":60}`
	for name, row := range map[string]struct {
		status  int
		body    string
		reason  error
		outcome string
	}{
		"a token":                    {200, token, nil, "granted"},
		"created":                    {201, token, nil, "granted"},
		"invalid_grant":              {400, `{"error":"invalid_grant"}`, exchange.ErrRefused, "refused"},
		"invalid_client":             {401, `{"error":"invalid_client"}`, exchange.ErrRefused, "refused"},
		"another 4xx":                {404, `{}`, exchange.ErrRefused, "refused"},
		"an error with status 200":   {200, `{"error":"invalid_grant"}`, exchange.ErrRefused, "refused"},
		"no JSON":                    {200, `<html>`, exchange.ErrUnavailable, "unavailable"},
		"no JSON, with status 400":   {400, `<html>`, exchange.ErrUnavailable, "unavailable"},
		"no body":                    {200, ``, exchange.ErrUnavailable, "unavailable"},
		"no token":                   {200, `{}`, exchange.ErrUnavailable, "unavailable"},
		"a token for no header":      {200, `{"access_token":"a\r\nb"}`, exchange.ErrUnavailable, "unavailable"},
		"a redirect":                 {302, ``, exchange.ErrUnavailable, "unavailable"},
		"request timeout":            {408, `{"error":"invalid_grant"}`, exchange.ErrUnavailable, "unavailable"},
		"too early":                  {425, ``, exchange.ErrUnavailable, "unavailable"},
		"too many requests":          {429, ``, exchange.ErrUnavailable, "throttled"},
		"an error of the server":     {500, `{"error":"server_error"}`, exchange.ErrUnavailable, "unavailable"},
		"a gateway without a server": {502, token, exchange.ErrUnavailable, "unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, 8)
			f.answer = always(row.status, row.body)
			if _, _, err := f.token(f.request()); !errors.Is(err, row.reason) || row.reason != nil && isNoFault(err) {
				t.Errorf("%v, want %v", err, row.reason)
			}
			if n := metrics(t, f.x); n["total{"+row.outcome+",test}"] != 1 || n["seconds{test}"] != 1 {
				t.Errorf("the metrics: %v", n)
			}
		})
	}
}

// Waiting does not help where a page or a redirect answers.
func TestWhatToDoFollowsFromTheAnswer(t *testing.T) {
	for status, want := range map[int]string{200: "check the address", 302: "check the address", 429: "wait until", 503: "wait until"} {
		f := newFixture(t, 8)
		f.answer = always(status, `<html>`)
		if e := f.failure(f.request(), exchange.ErrUnavailable); !strings.Contains(e.Error(), "; "+want) {
			t.Errorf("status %d: %v", status, e)
		}
	}
}

func isNoFault(err error) bool {
	_, ok := errors.AsType[*fault.Error](err)
	return !ok
}

func TestEndsWithoutAnAnswer(t *testing.T) {
	for reason, want := range map[error]error{
		outbound.ErrUnreachable: exchange.ErrUnavailable, outbound.ErrTooLarge: exchange.ErrUnavailable,
		outbound.ErrAddress: exchange.ErrEndpoint, outbound.ErrURL: exchange.ErrEndpoint,
	} {
		f := newFixture(t, 8)
		f.answer = func(context.Context, int) (outbound.Response, error) {
			return outbound.Response{}, &fault.Error{Reason: reason, Found: "why", Hint: "what to do"}
		}
		if e := f.failure(f.request(), want); e.Error() != "token endpoint: why; what to do" {
			t.Error(e)
		}
		outcome := map[error]string{exchange.ErrUnavailable: "unavailable", exchange.ErrEndpoint: "denied"}[want]
		if n := metrics(t, f.x); n["total{"+outcome+",test}"] != 1 {
			t.Errorf("%v: the metrics: %v", reason, n)
		}
	}
}

// The host of a profile is public; that of a task is not.
func TestAnErrorNamesTheHostOfTheProfileAlone(t *testing.T) {
	for own, want := range map[string]string{
		tokenURL: "token endpoint as.example: why", "https://other.example/token": "token endpoint: why", "": "token endpoint: why",
	} {
		f := newFixture(t, 8)
		f.answer = func(context.Context, int) (outbound.Response, error) {
			return outbound.Response{}, &fault.Error{Reason: outbound.ErrUnreachable, Found: "why"}
		}
		r := f.request()
		r.Profile.Exchange.URL = own
		if e := f.failure(r, exchange.ErrUnavailable); e.Found != want {
			t.Errorf("%q: %s, want %s", own, e.Found, want)
		}
	}
}

func TestAHintSaysHowLongAProviderAsksToWait(t *testing.T) {
	f := newFixture(t, 8)
	now := time.Now()
	f.now = func() time.Time { return now }
	f.answer = func(context.Context, int) (outbound.Response, error) {
		r := answered(http.StatusTooManyRequests, "")
		r.Header.Set("Retry-After", "20")
		return r, nil
	}
	for _, want := range []string{"wait 20s, as the provider asks", "wait 20s, or ask for fewer tokens"} { // the second is not posted
		if e := f.failure(f.request(), exchange.ErrUnavailable); e.Hint != want {
			t.Errorf("the hint is %q, want %q", e.Hint, want)
		}
	}
	if n := f.posted(); n != 1 {
		t.Errorf("%d posts", n)
	}
}

// described is the answer to a request whose provider describes its refusal so.
func described(t *testing.T, f *fixture, r exchange.Request, description string) *provider.Refused {
	t.Helper()
	body, err := json.Marshal(map[string]string{"error": "invalid_grant", "error_description": description})
	if err != nil {
		t.Fatal(err)
	}
	f.answer = always(http.StatusBadRequest, string(body))
	refused, ok := errors.AsType[*provider.Refused](f.failure(r, exchange.ErrRefused))
	if !ok {
		t.Fatal("without the provider's error")
	}
	if refused.Code != "invalid_grant" || refused.Status != http.StatusBadRequest {
		t.Errorf("%+v", refused)
	}
	return refused
}

func TestADescriptionIsEscapedAndCut(t *testing.T) {
	for description, want := range map[string]string{
		"":                                "",
		"Invalid JWT Signature.":          "Invalid JWT Signature.",
		"a\r\nb\x1b[31m\x00":              `a\r\nb\x1b[31m\x00`,
		"g\u00fcltig \u202e":              `g\u00fcltig \u202e`,
		`say "no" \`:                      `say \"no\" \\`,
		strings.Repeat("no ", 100):        strings.Repeat("no ", 66) + "no",
		strings.Repeat("a", 198) + "\x00": strings.Repeat("a", 198),
	} {
		f := newFixture(t, 8)
		if got := described(t, f, f.request(), description).Description; got != want || len(got) > 200 {
			t.Errorf("%q is %q", description, got)
		}
	}
}

func TestADescriptionThatRepeatsWhatWasSentIsLeftOut(t *testing.T) {
	const secretText = "an-hmac-secret-that-is-long-enough-for-hs256"
	ref := keys.Ref{Text: secret.New(secretText), Encoding: keys.EncodingRaw}
	key, err := keys.NewParser(keys.ParserOptions{}).Resolve(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	const assertion = "header.assertion-number-1.signature"
	for what, description := range map[string]string{
		"the assertion":               "bad: " + assertion,
		"24 characters of it":         "bad: " + assertion[5:29],
		"it with a space":             "bad: " + assertion[:15] + " " + assertion[15:],
		"it percent-encoded":          "bad: " + strings.ReplaceAll(assertion, "-", "%2D"),
		"it in base64":                base64.StdEncoding.EncodeToString([]byte("." + assertion)),
		"the key":                     "bad: " + secretText,
		"24 characters of the key":    "bad: " + secretText[10:34],
		"the key in base64url":        base64.RawURLEncoding.EncodeToString([]byte(secretText)),
		"the client secret":           "bad: client-secret",
		"a private key of any other":  "-----BEGIN PRIVATE KEY-----",
		"it beyond what would be cut": strings.Repeat("bad ", 100) + assertion,
	} {
		f := newFixture(t, 8)
		r := f.request()
		r.Key, r.Secrets = key, ref.Secrets()
		r.Input.Parameters.String("clientSecret", "client-secret")
		if got := described(t, f, r, description).Description; got != "" {
			t.Errorf("%s: %q", what, got)
		}
	}
}

func TestADescriptionMayNameParametersThatAreNoSecrets(t *testing.T) {
	const description = "unknown: https://api.example/a-resource-with-a-long-name"
	f := newFixture(t, 8)
	r := f.request()
	r.Input.Parameters.String("resource", "https://api.example/a-resource-with-a-long-name")
	if got := described(t, f, r, description).Description; got != description {
		t.Errorf("%q", got)
	}
}

func TestACodeThatRepeatsWhatWasSentIsLeftOut(t *testing.T) {
	f := newFixture(t, 8)
	f.answer = always(http.StatusBadRequest, `{"error":"header.assertion-number-1.signature"}`)
	e := f.failure(f.request(), exchange.ErrRefused)
	refused, _ := errors.AsType[*provider.Refused](e)
	if refused.Code != "" || strings.Contains(e.Error(), "assertion-number") {
		t.Errorf("%q, %v", refused.Code, e)
	}
}

func TestNothingPrints(t *testing.T) {
	const canary = "canary"
	f := newFixture(t, 8)
	f.answer = always(http.StatusOK, `{"access_token":"canary","expires_in":3600,"scope":"canary"}`)
	r := f.request()
	r.Input.Claims.String("sub", canary)
	r.Input.Parameters.String("clientSecret", canary)
	token, _, err := f.x.Token(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{f.x, r, &r, token, &token} {
		var out strings.Builder
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			_, _ = fmt.Fprintf(&out, verb, v)
		}
		slog.New(slog.NewJSONHandler(&out, nil)).InfoContext(t.Context(), "x", "v", v)
		slog.New(slog.NewTextHandler(&out, nil)).InfoContext(t.Context(), "x", "v", v)
		if err := json.NewEncoder(&out).Encode(v); err != nil {
			t.Error(err)
		}
		if strings.Contains(out.String(), canary) || strings.Contains(out.String(), fmt.Sprintf("%x", canary)) {
			t.Errorf("%T: %s", v, out.String())
		}
	}
}

func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 8)
		r := f.request()
		r.Profile = r.Profile.Extend("an operator's name", r.Profile.Overrides)
		f.wants(r, "token-1", false)
		f.wants(r, "token-1", true)
		f.wants(r, "token-1", true)
		f.answer = always(http.StatusBadGateway, "")
		for range 6 {
			f.fails(withSubject(r, "c"), exchange.ErrUnavailable)
		}
		f.answer = func(context.Context, int) (outbound.Response, error) {
			r := answered(http.StatusTooManyRequests, "")
			r.Header.Set("Retry-After", "20")
			return r, nil
		}
		time.Sleep(5 * time.Second)
		f.fails(withSubject(r, "c"), exchange.ErrUnavailable)
		got, want := metrics(t, f.x), map[string]float64{ // of the series that are not 0
			"total{granted,test}": 1, "total{unavailable,test}": 5, "total{skipped,test}": 1, "total{throttled,test}": 1,
			"seconds{test}": 7, "cache_hits_total{test}": 2, "cache_entries{}": 1,
		}
		for _, series := range []string{"total{refused,okta}", "total{unavailable,okta}", "cache_hits_total{okta}"} {
			if n, ok := got[series]; !ok || n != 0 {
				t.Errorf("%s is not there at 0 from the start", series)
			}
		}
		maps.DeleteFunc(got, func(_ string, n float64) bool { return n == 0 })
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v, want %v", got, want)
		}
		f.answer = always(http.StatusBadRequest, "{}")
		time.Sleep(5 * time.Second)
		f.fails(withSubject(r, "d"), exchange.ErrRefused)
		list, cached := f.x.Status()
		if want := []exchange.Status{{Name: "test", Hits: 2, Granted: 1, Refused: 1, Failed: 7}}; !slices.Equal(list, want) || cached != 1 {
			t.Errorf("%+v and %d cached, want %+v and 1", list, cached, want)
		}
	})
}

// The real client against a server that behaves badly.
func TestHostileEndpoints(t *testing.T) {
	other := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect is followed") }))
	defer other.Close()
	for name, row := range map[string]struct {
		serve  http.HandlerFunc
		listed bool
		reason error
	}{
		"a token":    {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"access_token":"x"}`) }, true, nil},
		"not listed": {func(http.ResponseWriter, *http.Request) { t.Error("a private address is reached") }, false, exchange.ErrEndpoint},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		}, true, exchange.ErrUnavailable},
		"a login page":   {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, true, exchange.ErrUnavailable},
		"too large":      {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) }, true, exchange.ErrUnavailable},
		"half an answer": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, true, exchange.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewTLSServer(row.serve)
			defer s.Close()
			client, err := outbound.New(outbound.Options{Getenv: func(string) string { return "" }, UserAgent: "test", Roots: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}) //nolint:errcheck // it is one
			if err != nil {
				t.Fatal(err)
			}
			f := newFixture(t, 8)
			f.x = exchange.New(exchange.Options{Client: client, Slots: 8, Now: time.Now, Active: f.activeVersion})
			r := f.request()
			r.Input.URL, r.Listed = s.URL+"/token", row.listed
			if _, _, err := f.token(r); !errors.Is(err, row.reason) {
				t.Error(err)
			}
		})
	}
}

// FuzzAnswer reads whatever a provider answers. No error may show a run of what was
// sent, as package exposure defines a run, or a character that does not print.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		`{"access_token":"x","expires_in":3600}`, `{"error":"invalid_grant","error_description":"header.assertion-number-1.signature"}`,
		`{"access_token":1}`, `{"access_token":"x","expires_in":-1e99}`, `{"access_token":"x","expires_at":"9999-99-99"}`, `[`, `"\ud800"`, "\xff",
	} {
		f.Add(200, body, "1")
		f.Add(400, body, "")
	}
	f.Fuzz(func(t *testing.T, status int, body, wait string) {
		x := newFixture(t, 8)
		x.answer = func(context.Context, int) (outbound.Response, error) {
			r := answered(status, body)
			r.Header.Set("Retry-After", wait)
			return r, nil
		}
		token, _, err := x.x.Token(t.Context(), x.request())
		if err == nil {
			if token.AccessToken.IsZero() || !token.Expires.IsZero() && !token.Expires.After(time.Now().Add(-time.Second)) {
				t.Errorf("a token that cannot be used: expires %s", token.Expires)
			}
			return
		}
		if isNoFault(err) {
			t.Fatalf("%T", err)
		}
		text := err.Error()
		if refused, ok := errors.AsType[*provider.Refused](err); ok {
			text += " " + refused.Code + " " + refused.Description
			if len(refused.Description) > 200 {
				t.Errorf("%d characters", len(refused.Description))
			}
		}
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%q", text)
		}
		const sent = "header.assertion-number-1.signature"
		for from := range len(sent) - exposure.MinRun + 1 { // a shorter piece may be there by chance
			if run := sent[from : from+exposure.MinRun]; strings.Contains(text, run) {
				t.Errorf("%q repeats %q of the assertion", text, run)
			}
		}
		if got := exchange.RetryAfterOf(err); got < 0 || got > time.Minute {
			t.Errorf("retry after %s", got)
		}
	})
}

func BenchmarkHit(b *testing.B) {
	for _, alg := range []keys.Algorithm{keys.RS256, keys.ES256, keys.HS256} {
		b.Run(string(alg), func(b *testing.B) {
			f := newFixture(b, 8)
			f.key = generated(b, alg)
			r := f.request()
			f.wants(r, "token-1", false)
			b.ReportAllocs()
			for b.Loop() {
				if _, shared, err := f.x.Token(b.Context(), r); err != nil || !shared {
					b.Fatal(err)
				}
			}
		})
	}
}

// Some services answer with what they were sent.
func TestATokenThatRepeatsWhatWasSentIsNotGivenOut(t *testing.T) {
	const signature = "c2lnbmF0dXJlIG9mIGFuIGFzc2VydGlvbg"
	for says, row := range map[string]struct {
		answer string
		reason error
	}{
		"the assertion as the token":     {`{"access_token":"header.claims.` + signature + `","expires_in":60}`, exchange.ErrUnavailable},
		"the assertion as the type":      {`{"access_token":"x","expires_in":60,"token_type":"header.claims.` + signature + `"}`, exchange.ErrUnavailable},
		"the assertion among the scopes": {`{"access_token":"x","expires_in":60,"scope":"read header.claims.` + signature + `"}`, exchange.ErrUnavailable},
		"the assertion in the response":  {`{"access_token":"x","expires_in":60,"extra":{"a":["header.claims.` + signature + `"]}}`, exchange.ErrUnavailable},
		"the client's secret":            {`{"access_token":"x","expires_in":60,"scope":"correct horse battery"}`, exchange.ErrUnavailable},
		"the header and the claims":      {`{"access_token":"header.claims.of-another-signature","expires_in":60}`, nil},
	} {
		t.Run(says, func(t *testing.T) {
			f := newFixture(t, 8)
			f.answer = always(http.StatusOK, row.answer)
			r := f.request()
			r.Profile.Exchange.Response = []string{"extra"}
			r.Input.Parameters.String("clientSecret", "correct horse battery")
			r.Sign = func(context.Context) (secret.Text, error) { return secret.New("header.claims." + signature), nil }
			if _, _, err := f.token(r); !errors.Is(err, row.reason) {
				t.Errorf("%v", err)
			}
		})
	}
}
