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
	"sync/atomic"
	"time"
)

// duplicator is a reverse proxy that delivers every task three times: twice in
// the same response, and once more in the response to the next poll of any
// worker.
type duplicator struct {
	proxy     *httputil.ReverseProxy
	transport *http.Transport

	mu   sync.Mutex
	last []json.RawMessage
}

// newDuplicator returns a duplicator in front of a server.
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

func (d *duplicator) double(response *http.Response) error {
	if !strings.Contains(response.Request.URL.Path, "/poll/") || response.StatusCode != http.StatusOK {
		return nil
	}
	raw, err := io.ReadAll(response.Body)
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
	response.Body = io.NopCloser(bytes.NewReader(raw))
	response.ContentLength = int64(len(raw))
	response.Header.Set("Content-Length", fmt.Sprint(len(raw)))
	return nil
}

// SkewDate is an [Options.Proxy] that shifts the Date header (RFC 9110 §6.6.1) of
// each response by *offset nanoseconds, as a server with a wrong clock would.
func SkewDate(offset *atomic.Int64) func(server string) (string, func(), error) {
	return func(server string) (string, func(), error) {
		target, err := url.Parse(server)
		if err != nil {
			return "", nil, fmt.Errorf("reliability: %w", err)
		}
		transport := &http.Transport{}
		address, end, err := serve(&httputil.ReverseProxy{
			Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
			Transport: transport,
			ErrorLog:  log.New(io.Discard, "", 0), // a worker that ends cancels its polls
			ModifyResponse: func(r *http.Response) error {
				r.Header.Set("Date", time.Now().Add(time.Duration(offset.Load())).UTC().Format(http.TimeFormat))
				return nil
			},
		})
		return address, func() { end(); transport.CloseIdleConnections() }, err
	}
}

// serve serves a handler on a loopback port until end is called.
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
		_ = s.Serve(l) // always ErrServerClosed
	}()
	return "http://" + l.Addr().String(), func() { _ = s.Close(); <-done }, nil
}

// Duplicates is row 14.
func Duplicates() Row {
	return Row{
		Promise: Promise{DeliversDuplicates: true},
		Number:  14, Fault: "every task delivered four times over, to two workers", Tasks: 100,
		Options: Options{Proxy: func(server string) (string, func(), error) {
			d, err := newDuplicator(server)
			if err != nil {
				return "", nil, err
			}
			url, end, err := serve(d)
			return url, func() { end(); d.transport.CloseIdleConnections() }, err
		}},
		Steps: func(_ context.Context, r *Run) error {
			_, err := r.Start()
			return err
		},
	}
}
