package outbound_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"conductor-jwt/internal/outbound"
	"conductor-jwt/internal/secret"
)

func TestARequestAndItsAnswer(t *testing.T) {
	e := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("ETag", `"1"`)
		w.WriteHeader(http.StatusTeapot)
		_, _ = fmt.Fprint(w, r.Method, " ", r.URL.RequestURI(), " ", r.Header.Get("Authorization"), " ", r.UserAgent(), " ", r.ContentLength, " ", string(body))
	})
	answer, err := client(t, e, nil).Do(t.Context(), outbound.Request{
		Method: http.MethodPost, URL: e.URL + "/a?b=c", Header: http.Header{"Authorization": {"Bearer x"}}, Body: secret.New("d=e"), Private: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(answer.Body); got != "POST /a?b=c Bearer x test/1 3 d=e" || answer.Status != http.StatusTeapot || answer.Header.Get("ETag") != `"1"` {
		t.Errorf("%d %q %q", answer.Status, got, answer.Header.Get("ETag"))
	}
	answer, err = client(t, e, nil).Do(t.Context(), outbound.Request{Method: http.MethodGet, URL: e.URL, Private: true})
	if got := string(answer.Body); err != nil || got != "GET /  test/1 0 " {
		t.Errorf("%q, %v", got, err)
	}
}

// A connection to a listed private address must not serve another request.
func TestNoConnectionIsUsedTwice(t *testing.T) {
	e := serve(t, func(http.ResponseWriter, *http.Request) {})
	c := client(t, e, nil)
	for range 3 {
		if _, err := c.Do(t.Context(), outbound.Request{Method: http.MethodGet, URL: e.URL, Private: true}); err != nil {
			t.Fatal(err)
		}
	}
	if n := e.conns.Load(); n != 3 {
		t.Errorf("%d connections for three requests", n)
	}
}

func TestARedirectIsAnAnswer(t *testing.T) {
	other := serve(t, func(http.ResponseWriter, *http.Request) {})
	for status := 300; status <= 308; status++ {
		e := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", other.URL)
			w.WriteHeader(status)
		})
		answer, err := client(t, e, nil).Do(t.Context(), outbound.Request{Method: http.MethodPost, URL: e.URL, Body: secret.New("x"), Private: true})
		if err != nil || answer.Status != status || e.requests.Load() != 1 {
			t.Errorf("%d: %d, %v", status, answer.Status, err)
		}
	}
	if other.conns.Load() != 0 {
		t.Errorf("%d connections to the other server", other.conns.Load())
	}
}

func TestTheBodyIsLimited(t *testing.T) {
	const limit = 256 << 10
	body := bytes.Repeat([]byte("a"), limit+1)
	for name, row := range map[string]struct {
		answer http.HandlerFunc
		want   int // length of the body; -1: too large
	}{
		"the maximum": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body[1:]) }, limit},
		"the maximum in chunks": {func(w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(w).Flush()
			_, _ = w.Write(body[1:])
		}, limit},
		"one more": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }, -1},
		"one more, in chunks": {func(w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(w).Flush()
			_, _ = w.Write(body)
		}, -1},
		"a length that says so": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "99999999999") }, -1},
		"no end": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(body); err != nil {
					return
				}
			}
		}, -1},
	} {
		t.Run(name, func(t *testing.T) {
			e := serve(t, row.answer)
			answer, err := client(t, e, nil).Do(t.Context(), outbound.Request{Method: http.MethodPost, URL: e.URL, Private: true})
			if row.want < 0 && !errors.Is(err, outbound.ErrTooLarge) || row.want >= 0 && (err != nil || len(answer.Body) != row.want) {
				t.Errorf("%d bytes, %v", len(answer.Body), err)
			}
		})
	}
}

// No compression is asked for, and none is undone.
func TestACompressedAnswerStaysCompressed(t *testing.T) {
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	_, _ = w.Write(make([]byte, 1<<20))
	_ = w.Close()
	e := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Accept-Encoding"); got != "identity" {
			t.Errorf("it accepts %q", got)
		}
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb.Bytes())
	})
	answer, err := client(t, e, nil).Do(t.Context(), outbound.Request{Method: http.MethodPost, URL: e.URL, Private: true})
	if err != nil || !bytes.Equal(answer.Body, bomb.Bytes()) {
		t.Errorf("%d bytes of %d, %v", len(answer.Body), bomb.Len(), err)
	}
}

func TestARequestEndsInTime(t *testing.T) {
	slow := serveSlowly(t, "")
	silent, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0") // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	for name, address := range map[string]string{"no answer": slow.URL, "no TLS handshake": "https://" + silent.Addr().String()} {
		_, err := client(t, slow, nil).WithTimeout(50*time.Millisecond).Do(t.Context(), outbound.Request{Method: http.MethodPost, URL: address, Private: true})
		if e := reason(t, err); !errors.Is(err, outbound.ErrUnreachable) || e.Found != "there was no answer in time" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// serveSlowly answers with the beginning of an answer, and never ends it.
func serveSlowly(t *testing.T, beginning string) *endpoint {
	t.Helper()
	end := make(chan struct{})
	e := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if beginning != "" {
			_, _ = io.WriteString(w, beginning)
			_ = http.NewResponseController(w).Flush()
		}
		<-end
	})
	t.Cleanup(func() { close(end) })
	return e
}

func TestASlowBodyEndsInTime(t *testing.T) {
	e := serveSlowly(t, `{"access_`)
	_, err := client(t, e, nil).WithTimeout(50*time.Millisecond).Do(t.Context(), outbound.Request{Method: http.MethodPost, URL: e.URL, Private: true})
	if e := reason(t, err); !errors.Is(err, outbound.ErrUnreachable) || e.Found != "there was no answer in time" {
		t.Error(err)
	}
}

func TestACancelledRequestEndsAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	end := make(chan struct{})
	e := serve(t, func(http.ResponseWriter, *http.Request) {
		cancel()
		<-end
	})
	defer close(end)
	if _, err := client(t, e, nil).Do(ctx, outbound.Request{Method: http.MethodPost, URL: e.URL, Private: true}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A server that breaks the connection has perhaps read the request: it is not sent
// again.
func TestABrokenConnectionIsNoReasonToRepeat(t *testing.T) {
	for name, write := range map[string]string{
		"no byte": "", "half a header": "HTTP/1.1 200 OK\r\nContent-", "half a body": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "no HTTP": "canary canary\r\n\r\n",
		"a header without end": "HTTP/1.1 200 OK\r\nX-Canary: " + strings.Repeat("canary", 20_000) + "\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			e := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				conn, buffer, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = buffer.WriteString(write)
				_ = buffer.Flush()
				_ = conn.Close()
			})
			c := client(t, e, nil)
			for _, method := range []string{http.MethodPost, http.MethodGet} {
				_, err := c.Do(t.Context(), outbound.Request{Method: method, URL: e.URL, Private: true})
				if e := reason(t, err); !errors.Is(err, outbound.ErrUnreachable) || strings.Contains(e.Error(), "canary") {
					t.Error(err)
				}
			}
			if e.requests.Load() != 2 {
				t.Errorf("%d requests of 2", e.requests.Load())
			}
		})
	}
}

func TestErrorsSayWhatToCheck(t *testing.T) {
	e := serve(t, func(http.ResponseWriter, *http.Request) {})
	closed := serve(t, func(http.ResponseWriter, *http.Request) {})
	closed.Close()
	refusing := startProxy(t, e, http.StatusProxyAuthRequired)
	for name, row := range map[string]struct {
		c    *outbound.Client
		url  string
		want string
	}{
		"an authority that is not trusted": {client(t, nil, nil), e.URL, "the certificate is not trusted"},
		"another host's certificate":       {client(t, e, nil).WithResolver(resolves("127.0.0.1")), e.named("other.example"), "the certificate is for another host"},
		"a name without an address":        {client(t, e, nil).WithResolver(resolves()), e.named("example.com"), "the host name does not exist"},
		"a closed port":                    {client(t, e, nil), closed.URL, "the host refuses the connection"},
		"plain http":                       {client(t, e, nil), strings.Replace(refusing.URL, "http:", "https:", 1), "the connection broke, or the host does not speak HTTPS"},
		"a proxy that refuses":             {client(t, e, refusing.env()), e.named("example.com"), "the proxy answered with status 407"},
	} {
		_, err := row.c.Do(t.Context(), outbound.Request{Method: http.MethodPost, URL: row.url, Private: true})
		if e := reason(t, err); !errors.Is(err, outbound.ErrUnreachable) || e.Found != row.want || strings.Contains(e.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAProxyResolvesTheName(t *testing.T) {
	e := serve(t, func(http.ResponseWriter, *http.Request) {})
	p := startProxy(t, e, 0)
	if _, err := client(t, e, p.env()).Do(t.Context(), outbound.Request{Method: http.MethodPost, URL: "https://example.com/"}); err != nil {
		t.Fatal(err)
	}
	if host := <-p.hosts; host != "example.com:443" {
		t.Errorf("the proxy was asked for %s", host)
	}
	without := p.env()
	without["NO_PROXY"] = "example.com"
	c := client(t, e, without).WithResolver(resolves("127.0.0.1"))
	if _, err := c.Do(t.Context(), outbound.Request{Method: http.MethodPost, URL: e.named("example.com")}); !errors.Is(err, outbound.ErrAddress) {
		t.Errorf("a host of NO_PROXY: %v", err)
	}
	if _, err := client(t, e, p.env()).Do(t.Context(), outbound.Request{Method: http.MethodPost, URL: e.URL, Private: true}); err != nil || len(p.hosts) != 0 {
		t.Errorf("loopback: %v, %d requests to the proxy", err, len(p.hosts))
	}
}

func TestAWrongProxyIsRefusedAtOnce(t *testing.T) {
	_, err := outbound.New(outbound.Options{Getenv: func(string) string { return "ftp://canary:canary@host" }})
	if err == nil || strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
}

func TestConnectRequestsNothing(t *testing.T) {
	e := serve(t, func(http.ResponseWriter, *http.Request) {})
	closed := serve(t, func(http.ResponseWriter, *http.Request) {})
	closed.Close()
	p := startProxy(t, e, 0)
	for name, row := range map[string]struct {
		c       *outbound.Client
		url     string
		private bool
		want    error
	}{
		"a listed endpoint":          {client(t, e, nil), e.URL, true, nil},
		"by a name":                  {client(t, e, nil).WithResolver(resolves("127.0.0.1")), e.named("example.com"), true, nil},
		"a private address":          {client(t, e, nil), e.URL, false, outbound.ErrAddress},
		"a name with a private one":  {client(t, e, nil).WithResolver(resolves("127.0.0.1")), e.named("example.com"), false, outbound.ErrAddress},
		"through a proxy":            {client(t, e, p.env()), "https://example.com/token", false, nil},
		"a certificate of another":   {client(t, nil, nil), e.URL, true, outbound.ErrUnreachable},
		"a port without a listener":  {client(t, closed, nil), closed.URL, true, outbound.ErrUnreachable},
		"a scheme that is not https": {client(t, nil, nil), "http://example.com/", true, outbound.ErrURL},
		"a name that has no address": {client(t, nil, nil).WithResolver(resolves()), "https://example.com/", true, outbound.ErrUnreachable},
		"a silent proxy's refusal":   {client(t, e, startProxy(t, e, http.StatusForbidden).env()), "https://example.com/", false, outbound.ErrUnreachable},
	} {
		if err := row.c.Connect(t.Context(), row.url, row.private); !errors.Is(err, row.want) || row.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", name, err, row.want)
		}
	}
	if host := <-p.hosts; host != "example.com:443" || e.requests.Load() != 0 || e.conns.Load() == 0 {
		t.Errorf("the proxy was asked for %s; %d requests, %d connections", host, e.requests.Load(), e.conns.Load())
	}
}

func TestNothingPrints(t *testing.T) {
	const canary = "canary"
	for _, v := range []any{
		outbound.Request{Method: canary, URL: canary, Header: http.Header{canary: {canary}}, Body: secret.New(canary)},
		outbound.Response{Header: http.Header{canary: {canary}}, Body: []byte(canary)},
	} {
		var out bytes.Buffer
		w := bufio.NewWriter(&out)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			_, _ = fmt.Fprintf(w, verb, v)
		}
		slog.New(slog.NewJSONHandler(w, nil)).InfoContext(t.Context(), "x", "v", v)
		if err := json.NewEncoder(w).Encode(v); err != nil {
			t.Error(err)
		}
		_ = w.Flush()
		if strings.Contains(out.String(), canary) || strings.Contains(out.String(), fmt.Sprintf("%x", canary)) {
			t.Error(out.String())
		}
	}
}
