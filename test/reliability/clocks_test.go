package reliability

import (
	"context"
	"encoding/base64"
	"encoding/json"
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
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"conductor-jwt/test/conductortest"
)

// jumping is a clock that is set while the worker runs.
type jumping struct{ offset atomic.Int64 }

func (j *jumping) now() time.Time { return time.Now().Add(time.Duration(j.offset.Load())) }

// stamps are the iat and exp of a token.
func stamps(t *testing.T, output []byte) (iat, exp time.Time) {
	t.Helper()
	token, err := TokenOf(output)
	must(t, err)
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	must(t, err)
	var claims struct{ Iat, Exp int64 }
	must(t, json.Unmarshal(raw, &claims))
	return time.Unix(claims.Iat, 0), time.Unix(claims.Exp, 0)
}

// A clock that is set an hour back or forth changes what is in the tokens and
// nothing else: no poll is late, no lease is taken for spent.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	clock := &jumping{}
	jumps := []time.Duration{-time.Hour, time.Hour, 24 * time.Hour, -24 * time.Hour, 0}
	last := map[string]time.Duration{} // the jump after which a task came
	v := holdIn(t, Row{
		Number: 15, Tasks: 0,
		Play: func(ctx context.Context, r *Run) error {
			for i, jump := range jumps {
				clock.offset.Store(int64(jump))
				for range 20 {
					last[r.Enqueue(nil)] = jump
				}
				if err := r.AwaitCompleted(ctx, 20*(i+1)); err != nil {
					return err
				}
			}
			return nil
		},
	}, inside(clock.now))
	noneLost(t, v)
	for _, task := range v.Ledger.Tasks() {
		iat, exp := stamps(t, task.Output)
		if exp.Sub(iat) != 5*time.Minute {
			t.Errorf("%s: exp is %s after iat", task.ID, exp.Sub(iat))
		}
		if off := task.Ended.Add(last[task.ID]).Sub(iat); off < -2*time.Second || off > time.Minute {
			t.Errorf("%s: iat is %s off the clock", task.ID, off)
		}
	}
}

// explosive is a clock that blows up in the hands of the given package, a few
// times, with a key in its mouth.
type explosive struct {
	in   string
	left atomic.Int32
}

func (e *explosive) now() time.Time {
	if e.left.Load() > 0 && e.within() && e.left.Add(-1) >= 0 {
		panic(keyRing()[0].Text)
	}
	return time.Now()
}

func (e *explosive) within() bool {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		f, more := frames.Next()
		if strings.HasPrefix(f.Function, e.in) {
			return true
		}
		if !more {
			return false
		}
	}
}

// A panic fails the one task, and the server tries it again; the worker lives
// on, and what the panic said is not told.
func TestPanics(t *testing.T) {
	t.Parallel()
	for what, where := range map[string]string{"in the handler": "conductor-jwt/task.", "in the client": "conductor-jwt/conductor."} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			clock := &explosive{in: where}
			v, err := Row{
				Number: 26, Tasks: 40, Stage: Options{Auth: true},
				Play: func(ctx context.Context, r *Run) error {
					if err := r.AwaitCompleted(ctx, 5); err != nil {
						return err
					}
					clock.left.Store(10)
					r.Server.Rotate() // the token is fetched anew
					r.Load(20)
					return nil
				},
			}.Run(t.Context(), keyRing(), inside(clock.now))
			if err != nil || v.Completed != v.Tasks || v.Broken != nil || v.Wrong != nil || v.Status != 0 {
				t.Errorf("%v; %s", err, v)
			}
			silent(t, v)
			if clock.left.Load() > 0 {
				t.Errorf("%d panics are left", clock.left.Load())
			}
		})
	}
}

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
