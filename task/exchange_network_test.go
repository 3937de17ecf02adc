package task_test

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/exchange"
	"conductor-jwt/internal/outbound"
	"conductor-jwt/keys"
	"conductor-jwt/task"
)

// tokenServer is a token endpoint on loopback, which answers as answer says.
type tokenServer struct {
	*httptest.Server

	mu     sync.Mutex
	forms  []url.Values
	answer func(form url.Values) (status int, body string)

	retryAfter string
}

func serveTokens(t *testing.T, answer func(url.Values) (int, string)) *tokenServer {
	t.Helper()
	s := &tokenServer{answer: answer}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.forms = append(s.forms, r.PostForm)
		status, body := s.answer(r.PostForm)
		if s.retryAfter != "" {
			w.Header().Set("Retry-After", s.retryAfter)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s
}

// numbered issues a new access token for each assertion.
func numbered() func(url.Values) (int, string) {
	n := 0
	return func(url.Values) (int, string) {
		n++
		return http.StatusOK, fmt.Sprintf(`{"access_token":"access-%d","token_type":"Bearer","expires_in":3600}`, n)
	}
}

func (s *tokenServer) posted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.forms)
}

// exchanger returns an exchanger that trusts the server.
func (s *tokenServer) exchanger(t *testing.T) *exchange.Exchanger {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	client, err := outbound.New(outbound.Options{Getenv: func(string) string { return "" }, UserAgent: "test", Roots: roots})
	if err != nil {
		t.Fatal(err)
	}
	return exchange.New(exchange.Options{
		Client: client, Slots: 8, Now: func() time.Time { return noon },
		Active: func(string) (keys.Key, bool) { return nil, false },
	})
}

// through exchanges with x under a policy file, in which ENDPOINTS lists the server.
func (s *tokenServer) through(tb testing.TB, x *exchange.Exchanger, policyText string) setup {
	tb.Helper()
	policed := under(tb, strings.ReplaceAll(policyText, "ENDPOINTS", fmt.Sprintf("exchange: {endpoints: [%q]}", s.URL+"/**")))
	return func(o *task.Options, d *api.Task) {
		policed(o, d)
		o.Exchange, d.Type = x, task.AccessTokenType
	}
}

func (s *tokenServer) input(members string) string {
	return `{"privateKey":@key,"profile":"client-assertion","audience":"https://as.example","tokenUrl":"` + s.URL + `/token",` + members + `}`
}

const anyKey = "inline: allow\nENDPOINTS\n"

func TestTwoTenantsShareNoToken(t *testing.T) {
	s := serveTokens(t, numbered())
	x := s.exchanger(t)
	access := func(input string) any {
		t.Helper()
		return exchanged(t, handle(t, input, s.through(t, x, anyKey)))["accessToken"]
	}
	first := access(s.input(`"issuer":"a","scopes":"read"`))
	if again := access(s.input(`"scopes":"read","issuer":"a"`)); again != first || s.posted() != 1 {
		t.Errorf("the same tenant got %v and %v", first, again)
	}
	tokens := map[any]string{first: "the first"}
	for says, input := range map[string]string{
		"another client":                s.input(`"issuer":"b","scopes":"read"`),
		"another scope":                 s.input(`"issuer":"a","scopes":"write"`),
		"another claim":                 s.input(`"issuer":"a","scopes":"read","claims":{"tenant":"b"}`),
		"another parameter":             s.input(`"issuer":"a","scopes":"read","parameters":{"resource":"https://b.example"}`),
		"another endpoint":              strings.Replace(s.input(`"issuer":"a","scopes":"read"`), "/token", "/b/token", 1),
		"another key":                   strings.ReplaceAll(s.input(`"issuer":"a","scopes":"read"`), "@key", quote(pemOf(ecKey()))),
		"another key, with the same id": strings.ReplaceAll(s.input(`"issuer":"a","scopes":"read","privateKeyId":"k"`), "@key", quote(pemOf(rsaKey()))),
	} {
		token := access(input)
		if other, ok := tokens[token]; ok {
			t.Errorf("%s shares the token of %s", says, other)
		}
		tokens[token] = says
	}
}

// The workflow's data cannot get a token that is kept for another subject by naming
// it: the grant decides first.
func TestAGrantThatIsTakenAwayTakesTheKeptToken(t *testing.T) {
	const policyText = `
keys: {billing: {source: "env:A"}, other: {source: "env:B"}}
grants: [{use: [billing], subjects: [alice]}]
ENDPOINTS
`
	s := serveTokens(t, numbered())
	x := s.exchanger(t)
	input := strings.Replace(s.input(`"issuer":"alice"`), `"privateKey":@key`, `"keyRef":"billing"`, 1)
	exchanged(t, handle(t, input, s.through(t, x, policyText)))
	if output := exchanged(t, handle(t, input, s.through(t, x, policyText))); output["cached"] != true {
		t.Fatal("the token was not kept")
	}
	for field, taken := range map[string]string{
		"subject":  strings.Replace(policyText, "[alice]", "[bob]", 1),
		"keyRef":   strings.Replace(policyText, "use: [billing]", "use: [other]", 1),
		"tokenUrl": strings.Replace(policyText, "ENDPOINTS", "", 1),
	} {
		out := handle(t, input, s.through(t, x, taken))
		failed(t, out, "policy_denied", field)
		if strings.Contains(string(out.Output.Reveal()), "access-1") {
			t.Errorf("%s: the output has the token", field)
		}
	}
	if s.posted() != 1 {
		t.Errorf("%d assertions were posted", s.posted())
	}
}

// What a provider says about a request may hold the request.
func TestAProviderThatEchoesTheAssertion(t *testing.T) {
	key := pemOf(edKey())
	for says, body := range map[string]func(url.Values) map[string]any{
		"in the description": func(f url.Values) map[string]any {
			return map[string]any{"error": "invalid_client", "error_description": "cannot read " + f.Get("client_assertion")}
		},
		"a part of it in the description": func(f url.Values) map[string]any {
			return map[string]any{"error": "invalid_client", "error_description": f.Get("client_assertion")[20:60]}
		},
		"in the code": func(f url.Values) map[string]any {
			return map[string]any{"error": f.Get("client_assertion")[:64], "error_description": "x"}
		},
		"a part of the key": func(url.Values) map[string]any {
			return map[string]any{"error": "invalid_client", "error_description": strings.Split(key, "\n")[1]}
		},
		"the key": func(url.Values) map[string]any {
			return map[string]any{"error": "invalid_client", "error_description": key}
		},
	} {
		t.Run(says, func(t *testing.T) {
			var posted string
			s := serveTokens(t, func(f url.Values) (int, string) {
				posted = f.Get("client_assertion")
				raw, err := json.Marshal(body(f))
				if err != nil {
					t.Error(err)
				}
				return http.StatusUnauthorized, string(raw)
			})
			var log bytes.Buffer
			out := handle(t, s.input(`"issuer":"a"`), s.through(t, s.exchanger(t), anyKey), func(o *task.Options, _ *api.Task) {
				o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
				o.Audit = func(d task.Decision) { _, _ = fmt.Fprintf(&log, "%+v", d) }
			})
			failed(t, out, "exchange_refused", "profile")
			for _, text := range []string{string(out.Output.Reveal()), out.Reason, log.String()} {
				for _, secret := range []string{posted[:24], posted[20:44], posted[len(posted)-24:], strings.Split(key, "\n")[1][:24]} {
					if strings.Contains(text, secret) {
						t.Errorf("the answer is repeated: %s", text)
					}
				}
			}
			e, _ := object(t, out.Output.Reveal())["error"].(map[string]any)
			if p, _ := e["provider"].(map[string]any); fmt.Sprint(p["status"]) != "401" {
				t.Errorf("the provider's error is %v", e["provider"])
			}
		})
	}
}

// Parameters go to the provider as they are, and none becomes what the worker sets.
func TestTheFormOfAnExchange(t *testing.T) {
	s := serveTokens(t, numbered())
	exchanged(t, handle(t, s.input(`"issuer":"a","scopes":["read","write"],"parameters":{"resource":"https://b.example/?scope=all&grant_type=password"}`), s.through(t, s.exchanger(t), anyKey)))
	form := s.forms[0]
	for name, want := range map[string]string{
		"grant_type": "client_credentials", "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
		"scope": "read write", "resource": "https://b.example/?scope=all&grant_type=password",
	} {
		if got := form[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if len(form) != 5 {
		t.Errorf("the form is %v", form)
	}
}

func TestAProviderThatAsksToWait(t *testing.T) {
	server := serveTokens(t, func(url.Values) (int, string) { return http.StatusTooManyRequests, "" })
	server.retryAfter = "20"
	x := server.exchanger(t)
	for range 2 { // the second is not posted
		out := handle(t, server.input(`"issuer":"a"`), server.through(t, x, anyKey))
		failed(t, out, "exchange_unavailable", "profile")
		if out.Status != api.InProgress || out.After != 20*time.Second {
			t.Errorf("the task ended %s, after %s", out.Status, out.After)
		}
	}
	if server.posted() != 1 {
		t.Errorf("%d assertions were posted", server.posted())
	}
}

// Each attempt signs anew: the same assertion is never posted twice.
func TestEachAttemptSignsAnew(t *testing.T) {
	n := 0
	s := serveTokens(t, func(url.Values) (int, string) {
		if n++; n < 3 {
			return http.StatusServiceUnavailable, ""
		}
		return http.StatusOK, `{"access_token":"a","expires_in":60}`
	})
	x, ids := s.exchanger(t), 0
	fresh := func(o *task.Options, _ *api.Task) {
		o.NewID = func() string { ids++; return fmt.Sprint("id-", ids) }
	}
	for range 2 {
		out := handle(t, s.input(`"issuer":"a"`), s.through(t, x, anyKey), fresh)
		failed(t, out, "exchange_unavailable", "profile")
		if out.Status != api.InProgress || out.After != time.Second {
			t.Errorf("the task ended %s, after %s", out.Status, out.After)
		}
	}
	exchanged(t, handle(t, s.input(`"issuer":"a"`), s.through(t, x, anyKey), fresh))
	seen := map[string]bool{}
	for _, form := range s.forms {
		seen[form.Get("client_assertion")] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d assertions in %d posts", len(seen), len(s.forms))
	}
}
