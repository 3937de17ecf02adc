package keyrest_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"conductor-jwt/internal/keyrest"
	"conductor-jwt/keys"
)

func TestDo(t *testing.T) {
	for _, row := range []struct {
		name    string
		answers []int // the last one is repeated
		body    string
		calls   int
		want    error // nil: none
		refused bool
	}{
		{"an answer", []int{200}, `{"a":"b"}`, 1, nil, false},
		{"a server error, then an answer", []int{503, 200}, `{"a":"b"}`, 2, nil, false},
		{"throttling, then an answer", []int{429, 200}, `{"a":"b"}`, 2, nil, false},
		{"a server error that is a refusal", []int{500}, "no such version of canary", 1, keys.ErrUnavailable, true},
		{"server errors", []int{500}, "", 2, keys.ErrUnavailable, false},
		{"throttling", []int{429}, "", 2, keys.ErrUnavailable, false},
		{"a refusal", []int{403}, "", 1, keys.ErrUnavailable, true},
		{"not found", []int{404}, "", 1, keys.ErrUnavailable, true},
		{"a redirect", []int{307}, "", 1, keys.ErrUnavailable, false},
		{"not JSON", []int{200}, `{"a":"secret-canary`, 1, keys.ErrUnavailable, false},
		{"json of another shape", []int{200}, `{"a":{"secret-canary":1}}`, 1, keys.ErrUnavailable, false},
		{"more than 1 MiB", []int{200}, `{"a":"` + strings.Repeat("x", 1<<20) + `"}`, 1, keys.ErrUnavailable, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			calls := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				status := row.answers[min(calls, len(row.answers)-1)]
				calls++
				w.Header().Set("Location", "http://127.0.0.1:1/")
				w.WriteHeader(status)
				_, _ = w.Write([]byte(row.body))
			}))
			defer server.Close()
			c := keyrest.Client{Store: "the store", HTTP: keyrest.NewHTTP(nil)}
			var into struct{ A string }
			err := c.Do(t.Context(), keyrest.Request{
				Method: http.MethodGet, URL: server.URL + "/path-canary",
				IsRefusal: func(body []byte) bool { return bytes.Contains(body, []byte("no such version")) },
			}, &into)
			if !errors.Is(err, row.want) || errors.Is(err, keys.ErrRefused) != row.refused || calls != row.calls {
				t.Errorf("%v, refused %t, after %d calls", err, errors.Is(err, keys.ErrRefused), calls)
			}
			if err == nil && into.A != "b" {
				t.Error("the answer is not decoded")
			}
			if err != nil && (strings.Contains(err.Error(), "canary") || !strings.HasPrefix(err.Error(), "the store ")) {
				t.Error(err)
			}
		})
	}
}

// A library receives only successful answers, and Transport keeps the error of
// any other.
func TestTransport(t *testing.T) {
	for _, row := range []struct {
		name    string
		answers []int // the last one is repeated
		body    string
		calls   int
		refused bool
		good    bool
	}{
		{"an answer", []int{200}, `{"a":"b"}`, 1, false, true},
		{"a server error, then an answer", []int{503, 200}, `{"a":"b"}`, 2, false, true},
		{"server errors", []int{500}, "canary", 2, false, false},
		{"a refusal", []int{403}, "canary", 1, true, false},
		{"a redirect", []int{307}, "canary", 1, false, false},
		{"not JSON", []int{200}, "canary", 1, false, false},
		{"more than 1 MiB", []int{200}, `{"a":"` + strings.Repeat("x", 1<<20) + `"}`, 1, false, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			calls := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				sent, err := io.ReadAll(r.Body)
				if err != nil || string(sent) != "question" {
					t.Errorf("received %q, %v", sent, err)
				}
				status := row.answers[min(calls, len(row.answers)-1)]
				calls++
				w.Header().Set("Location", "http://127.0.0.1:1/")
				w.WriteHeader(status)
				_, _ = w.Write([]byte(row.body))
			}))
			defer server.Close()
			transport := &keyrest.Transport{Client: keyrest.Client{Store: "the store", HTTP: keyrest.NewHTTP(nil)}}
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader("question"))
			if err != nil {
				t.Fatal(err)
			}
			answer, err := (&http.Client{Transport: transport}).Do(request)
			if row.good != (err == nil) || calls != row.calls {
				t.Fatalf("%v after %d calls", err, calls)
			}
			if row.good {
				body, err := io.ReadAll(answer.Body)
				if err := errors.Join(err, answer.Body.Close()); err != nil || string(body) != row.body || transport.Err != nil {
					t.Errorf("%s, %v, %v", body, err, transport.Err)
				}
				return
			}
			if !errors.Is(transport.Err, keys.ErrUnavailable) || errors.Is(transport.Err, keys.ErrRefused) != row.refused || strings.Contains(transport.Err.Error(), "canary") {
				t.Errorf("%v, refused %t", transport.Err, errors.Is(transport.Err, keys.ErrRefused))
			}
		})
	}
}

func TestUnreachableAddresses(t *testing.T) {
	c := keyrest.Client{Store: "the store", HTTP: keyrest.NewHTTP(nil)}
	for _, at := range []string{"http://canary:x", "canary", "http://127.0.0.1:1"} {
		err := c.Do(t.Context(), keyrest.Request{Method: http.MethodGet, URL: at}, nil)
		if !errors.Is(err, keys.ErrUnavailable) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", at, err)
		}
	}
}
