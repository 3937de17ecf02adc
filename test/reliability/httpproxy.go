package reliability

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

// duplicator is a server that delivers every task twice over: twice in the same
// answer, and once more in the next, whoever asks.
type duplicator struct {
	proxy     *httputil.ReverseProxy
	transport *http.Transport

	mu   sync.Mutex
	last []json.RawMessage
}

// newDuplicator stands in front of a server.
func newDuplicator(server string) (*duplicator, error) {
	u, err := url.Parse(server)
	if err != nil {
		return nil, fmt.Errorf("reliability: %w", err)
	}
	d := &duplicator{transport: &http.Transport{}}
	d.proxy = &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(u) },
		ModifyResponse: d.double,
		Transport:      d.transport,
		ErrorLog:       log.New(io.Discard, "", 0),
	}
	return d, nil
}

// ServeHTTP implements [http.Handler].
func (d *duplicator) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.proxy.ServeHTTP(w, r) }

func (d *duplicator) double(answer *http.Response) error {
	if !strings.Contains(answer.Request.URL.Path, "/poll/") || answer.StatusCode != http.StatusOK {
		return nil
	}
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		return fmt.Errorf("reliability: %w", err)
	}
	var tasks []json.RawMessage
	if err := json.Unmarshal(raw, &tasks); err != nil {
		return fmt.Errorf("reliability: %w", err)
	}
	d.mu.Lock()
	before := d.last
	d.last = tasks
	d.mu.Unlock()
	doubled := append(append([]json.RawMessage{}, tasks...), tasks...)
	doubled = append(doubled, before...)
	if raw, err = json.Marshal(doubled); err != nil {
		return fmt.Errorf("reliability: %w", err)
	}
	answer.Body = io.NopCloser(bytes.NewReader(raw))
	answer.ContentLength = int64(len(raw))
	answer.Header.Set("Content-Length", fmt.Sprint(len(raw)))
	return nil
}

// serve puts a handler on a loopback port.
func serve(h http.Handler) (address string, end func(), err error) {
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("reliability: %w", err)
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l) // always ErrServerClosed: the listener is its own
	}()
	return "http://" + l.Addr().String(), func() { _ = s.Close(); <-done }, nil
}

// Duplicates is row 14.
func Duplicates() Row {
	return Row{
		Promise: Promise{Doubles: true},
		Number:  14, Fault: "every task delivered four times over, to two workers", Tasks: 100,
		Stage: Options{Behind: func(server string) (string, func(), error) {
			d, err := newDuplicator(server)
			if err != nil {
				return "", nil, err
			}
			url, end, err := serve(d)
			return url, func() { end(); d.transport.CloseIdleConnections() }, err
		}},
		Play: func(_ context.Context, r *Run) error {
			_, err := r.Start()
			return err
		},
	}
}
