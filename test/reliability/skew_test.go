package reliability

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"conductor-jwt/test/conductortest"
)

// lateDate is a proxy in front of a server whose clock is off, by its Date
// header (RFC 9110 §6.6.1).
func lateDate(off *atomic.Int64) func(server string) (string, func(), error) {
	return func(server string) (string, func(), error) {
		target, err := url.Parse(server)
		if err != nil {
			return "", nil, err
		}
		transport := &http.Transport{}
		front := httptest.NewServer(&httputil.ReverseProxy{
			Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
			Transport: transport,
			ErrorLog:  log.New(io.Discard, "", 0),
			ModifyResponse: func(r *http.Response) error {
				r.Header.Set("Date", time.Now().Add(time.Duration(off.Load())).UTC().Format(http.TimeFormat))
				return nil
			},
		})
		return front.URL, func() { front.Close(); transport.CloseIdleConnections() }, nil
	}
}

// skewOf is what a worker's metric says.
func skewOf(ctx context.Context, w Worker) (seconds float64, err error) {
	base, err := Probe(ctx, w)
	if err != nil {
		return 0, err
	}
	_, body, err := conductortest.Ask(ctx, base+"/metrics")
	if err != nil {
		return 0, err
	}
	for line := range strings.SplitSeq(body, "\n") {
		if text, ok := strings.CutPrefix(line, "conductor_jwt_clock_skew_seconds "); ok {
			return strconv.ParseFloat(text, 64)
		}
	}
	return 0, fmt.Errorf("no metric of the skew")
}

// A server whose clock is off is told of by the metric at each answer, and by
// one line of the log; the tasks are done meanwhile, by the worker's clock.
func TestClocksThatDisagree(t *testing.T) {
	t.Parallel()
	var off atomic.Int64
	const line = "the clocks of the server and of this worker do not agree"
	v := holdIn(t, Row{
		Number: 15, Tasks: 5, Stage: Options{Behind: lateDate(&off)},
		Play: func(ctx context.Context, r *Run) error {
			for _, want := range []time.Duration{0, 10 * time.Minute, -10 * time.Minute, 0} {
				off.Store(int64(want))
				var wrong error
				err := eventually(ctx, fmt.Sprintf("a skew of %s", want), func() bool {
					var got float64
					got, wrong = skewOf(ctx, r.Worker())
					return wrong != nil || math.Abs(got-want.Seconds()) < 30
				})
				if err = errors.Join(err, wrong); err != nil {
					return err
				}
				r.Load(5)
			}
			return nil
		},
	}, built(t).Start)
	noneLost(t, v)
	if n := lines(v.Log, line); n != 1 {
		t.Errorf("%d lines about the clocks, want one", n)
	}
	// True to a second: 599, 600 or 601.
	if !regexp.MustCompile(`"server_ahead_seconds":(59|60)\d\b`).MatchString(v.Log) {
		t.Error("the line does not say by how much")
	}
}
