package keyrest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
)

// Transport sends the requests of a library as [Client.Do] sends ours, and
// gives it answers of success alone. It keeps the error of the last request:
// those of libraries drop its type and quote the body. It is for one goroutine.
type Transport struct {
	Client Client
	Err    error // as of Do; nil where the answer was JSON
}

var _ http.RoundTripper = (*Transport)(nil)

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_ = r.Body.Close() // each try reads a copy
	}
	body, err := t.Client.ask(r.Context(), func(ctx context.Context) (*http.Request, error) {
		request := r.Clone(ctx)
		var err error
		if r.GetBody != nil {
			request.Body, err = r.GetBody()
		}
		return request, err
	}, nil)
	if err == nil && !json.Valid(body) {
		err = t.Client.otherAnswer()
	}
	if t.Err = err; err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)),
	}, nil
}
