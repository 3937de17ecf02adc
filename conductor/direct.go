package conductor

import (
	"bytes"
	"context"
	"io"
	"net/http"
)

// direct makes the two calls that every task pays for over net/http alone. The
// SDK's client parses the address anew, copies header and body, and reads the
// answer that the transport has already read: a sixth of what a task costs
// beside its signature (bench/profiles).
type direct struct {
	base string
	http *http.Client
}

func newDirect(base string, transport http.RoundTripper) *direct {
	return &direct{base: base, http: &http.Client{Transport: transport}}
}

// send does one call; the transport has taken the answer's body.
func (d *direct) send(ctx context.Context, what call, r request) error {
	address := d.base + what.path(r.arg)
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	out, err := http.NewRequestWithContext(ctx, what.method(), address, body)
	if err != nil {
		return err
	}
	out.Header["Accept"] = []string{"application/json"}
	if r.body != nil {
		out.Header["Content-Type"] = []string{"application/json"}
	}
	answer, err := d.http.Do(out)
	if err != nil {
		return err
	}
	_ = answer.Body.Close()       // nothing is lost with it
	if answer.StatusCode >= 300 { // a redirect to nowhere
		return ErrBroken
	}
	return nil
}
