package conductor_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/internal/secret"
	"conductor-jwt/test/conductortest"
)

const keySecret = "key-secret-canary"

func startWithAuth(t *testing.T, faults conductortest.Faults) (*conductortest.Server, *conductor.Client) {
	t.Helper()
	s := conductortest.ServeWith(t, conductortest.NewLedger(conductortest.Options{}), faults,
		conductortest.ServerOptions{KeyID: "id", Secret: keySecret})
	return s, connect(t, conductor.Options{BaseURL: s.URL, KeyID: "id", Secret: secret.New(keySecret)})
}

func withoutSecrets(t *testing.T, err error) {
	t.Helper()
	if err != nil && (strings.Contains(err.Error(), keySecret) || strings.Contains(err.Error(), "token-")) {
		t.Errorf("the error tells a secret: %v", err)
	}
}

func TestConcurrentCallsFetchOneToken(t *testing.T) {
	s, c := startWithAuth(t, nil)
	together(t, 20, func() error {
		_, err := poll(c, 1)
		return err
	})
	if got := s.Granted(); got != 1 {
		t.Errorf("%d tokens were granted, want one", got)
	}
}

func TestRefusedTokenIsReplaced(t *testing.T) {
	s, c := startWithAuth(t, nil)
	enqueue(s, 1)
	tasks, err := poll(c, 1)
	if err != nil {
		t.Fatal(err)
	}
	for round := 2; round < 5; round++ {
		s.Rotate()
		together(t, 10, func() error { return complete(c, tasks[0]) })
		if got := s.Granted(); got != round {
			t.Errorf("%d tokens were granted, want %d", got, round)
		}
	}
	if err := s.Ledger.Check(); err != nil {
		t.Error(err)
	}
}

// A file of the credentials that changes is read for the next access token. One that
// cannot be used changes nothing.
func TestChangedCredentialsAreUsed(t *testing.T) {
	s := conductortest.ServeWith(t, conductortest.NewLedger(conductortest.Options{}), nil,
		conductortest.ServerOptions{KeyID: "id", Secret: "canary-1"})
	file := filepath.Join(t.TempDir(), "secret")
	replace(t, file, []byte("id/canary-1"))
	var log bytes.Buffer
	c := connect(t, conductor.Options{
		BaseURL: s.URL, KeyID: "id", Secret: secret.New("canary-1"), CredentialFiles: []string{file},
		ReadCredentials: func() (string, secret.Text, error) {
			text, err := os.ReadFile(file)
			if err == nil && len(text) == 0 {
				err = errors.New("the file is empty")
			}
			id, password, _ := strings.Cut(string(text), "/")
			return id, secret.New(password), err
		},
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	works := func(want bool) {
		t.Helper()
		if _, err := poll(c, 1); (err == nil) != want {
			t.Errorf("a poll: %v", err)
		}
	}
	works(true)
	s.ChangeKey("new-id", "canary-2")
	works(false)
	replace(t, file, nil)
	works(false)
	replace(t, file, []byte("new-id/canary-2"))
	works(true)
	if text := log.String(); strings.Contains(text, "canary") || strings.Count(text, "cannot be used") != 1 || strings.Count(text, "changed files are in use") != 1 {
		t.Errorf("the log is\n%s", text)
	}
}

func together(t *testing.T, n int, do func() error) {
	t.Helper()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if err := do(); err != nil {
				t.Errorf("call: %v", err)
			}
		})
	}
	wg.Wait()
}

func TestNothingIsSentWithoutToken(t *testing.T) {
	fault := func(f conductortest.Fault) conductortest.Faults {
		return conductortest.Plan(1, conductortest.Rule{Call: "token", Fault: f})
	}
	cases := map[string]struct {
		faults conductortest.Faults
		class  conductor.Class
	}{
		"wrong credentials":            {fault(conductortest.Fault{Status: 401}), conductor.Unauthorized},
		"a server without credentials": {fault(conductortest.Fault{Status: 404}), conductor.Unauthorized},
		"a forbidden application":      {fault(conductortest.Fault{Status: 403}), conductor.Unauthorized},
		"too many":                     {fault(conductortest.Fault{Status: 429}), conductor.Throttled},
		"a failing server":             {fault(conductortest.Fault{Status: 500}), conductor.Server},
		"a closed connection":          {fault(conductortest.Fault{Wire: conductortest.WireClose}), conductor.Network},
		"a page":                       {fault(conductortest.Fault{Wire: conductortest.WireHTML}), conductor.Garbled},
		"half an answer":               {fault(conductortest.Fault{Wire: conductortest.WireTruncated}), conductor.Garbled},
		"a redirect":                   {fault(conductortest.Fault{Status: 307, Location: "/api/token"}), conductor.Garbled},
		"too much":                     {fault(conductortest.Fault{Wire: conductortest.WireEndless}), conductor.TooLarge},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s, client := startWithAuth(t, c.faults)
			_, err := poll(client, 1)
			withoutSecrets(t, err)
			if e := failure(t, err); e.Class != c.class || e.Call != "token" {
				t.Errorf("the error is %v, want class %s", e, c.class)
			}
			for _, r := range s.Requests() {
				if r.Path != "/api/token" {
					t.Errorf("%s %s was sent without a token", r.Method, r.Path)
				}
			}
		})
	}
}

func TestTokenRefusedTwiceIsUnauthorized(t *testing.T) {
	s, c := startWithAuth(t, conductortest.Plan(1, conductortest.Rule{Call: "poll", Fault: conductortest.Fault{Status: 401}}))
	_, err := poll(c, 1)
	withoutSecrets(t, err)
	if e := failure(t, err); e.Class != conductor.Unauthorized || e.Call != "poll" {
		t.Errorf("the error is %v", e)
	}
	if polls := s.Ledger.Calls("poll"); polls != 2 {
		t.Errorf("%d polls were sent, want one and its retry", polls)
	}
}

func TestForbiddenTokenIsKept(t *testing.T) {
	s, c := startWithAuth(t, nil)
	s.Forbid(true)
	for range 3 {
		_, err := poll(c, 1)
		withoutSecrets(t, err)
		if e := failure(t, err); e.Class != conductor.Forbidden {
			t.Errorf("the error is %v", e)
		}
	}
	if got := s.Granted(); got != 1 {
		t.Errorf("%d tokens were granted, want one", got)
	}
}

// clock is a clock that a test sets.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(4_000_000_000, c.offset.Load()) }
func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

func startWithClock(t *testing.T) (*conductortest.Server, *conductor.Client, *clock) {
	t.Helper()
	s := conductortest.ServeWith(t, conductortest.NewLedger(conductortest.Options{}), nil,
		conductortest.ServerOptions{KeyID: "id", Secret: keySecret})
	at := &clock{}
	return s, connect(t, conductor.Options{BaseURL: s.URL, KeyID: "id", Secret: secret.New(keySecret), Now: at.now}), at
}

// Some servers answer 403 where a token has expired.
func TestOldForbiddenTokenIsReplacedOnce(t *testing.T) {
	for _, row := range []struct {
		what      string
		age       time.Duration
		end       func(*conductortest.Server)
		forbidden bool
		granted   int
	}{
		{"an old token that has expired", time.Minute + 1, (*conductortest.Server).Expire, false, 2},
		{"a token of a minute that has expired", time.Minute, (*conductortest.Server).Expire, true, 1},
		{"an old token of an application without the right", time.Hour, func(s *conductortest.Server) { s.Forbid(true) }, true, 2},
		{"a new token of an application without the right", time.Second, func(s *conductortest.Server) { s.Forbid(true) }, true, 1},
		{"a clock that was set back", -time.Hour, (*conductortest.Server).Expire, true, 1},
	} {
		t.Run(row.what, func(t *testing.T) {
			s, c, at := startWithClock(t)
			if _, err := poll(c, 1); err != nil {
				t.Fatal(err)
			}
			at.advance(row.age)
			row.end(s)
			var refused atomic.Int32
			together(t, 10, func() error {
				_, err := poll(c, 1)
				withoutSecrets(t, err)
				if e, is := errors.AsType[*conductor.Error](err); is && e.Class == conductor.Forbidden && e.Call == "poll" {
					refused.Add(1)
					return nil
				}
				return err
			})
			if got := s.Granted(); got != row.granted {
				t.Errorf("%d tokens were granted, want %d", got, row.granted)
			}
			if want := map[bool]int32{true: 10}[row.forbidden]; refused.Load() != want {
				t.Errorf("%d of 10 polls were forbidden, want %d", refused.Load(), want)
			}
			if polls := s.Ledger.Calls("poll"); polls > 1+10+10 {
				t.Errorf("%d polls were sent, want each repeated at most once", polls)
			}
		})
	}
}

// An old token is replaced after a 401 or 403 only.
func TestOtherFailuresKeepAnOldToken(t *testing.T) {
	for _, status := range []int{400, 404, 429, 500, 503} {
		s, c, at := startWithClock(t)
		if _, err := poll(c, 1); err != nil {
			t.Fatal(err)
		}
		at.advance(time.Hour)
		s.Ledger.SetFaults(conductortest.Plan(1, conductortest.Rule{Call: "poll", Fault: conductortest.Fault{Status: status}}))
		if _, err := poll(c, 1); failure(t, err).Status != status || s.Granted() != 1 || s.Ledger.Calls("poll") != 2 {
			t.Errorf("%d: %v, %d tokens granted, %d polls", status, err, s.Granted(), s.Ledger.Calls("poll"))
		}
	}
}

func TestTokenThatIsNotAHeaderValue(t *testing.T) {
	for _, token := range []string{`"a\nb"`, `"a b"`, `""`, `null`, `7`, `"ä"`} {
		polled := false
		s := answering(t, func(w http.ResponseWriter, r *http.Request) {
			polled = polled || r.URL.Path != "/api/token"
			_, _ = w.Write([]byte(`{"token":` + token + `}`))
		})
		_, err := poll(connect(t, conductor.Options{BaseURL: s, KeyID: "id", Secret: secret.New("s")}), 1)
		if e := failure(t, err); e.Class != conductor.Garbled || polled {
			t.Errorf("token %s gives %v, polled %v", token, e, polled)
		}
	}
}

func TestTokenIsNotSentToAnotherServer(t *testing.T) {
	for name, host := range map[string]string{"another host": "localhost", "another port": "127.0.0.1"} {
		t.Run(name, func(t *testing.T) {
			var reached atomic.Bool
			other := answering(t, func(http.ResponseWriter, *http.Request) { reached.Store(true) })
			other = strings.Replace(other, "127.0.0.1", host, 1)
			_, c := startWithAuth(t, conductortest.Plan(1, conductortest.Rule{
				Call: "poll", Fault: conductortest.Fault{Status: 307, Location: other + "/api/tasks"},
			}))
			_, err := poll(c, 1)
			withoutSecrets(t, err)
			if e := failure(t, err); e.Class != conductor.Garbled || !strings.Contains(e.Error(), "redirected") {
				t.Errorf("the error is %v", e)
			}
			if reached.Load() {
				t.Error("the other server got the request")
			}
		})
	}
}

func TestRedirectWithinTheServerIsFollowed(t *testing.T) {
	s, c := startWithAuth(t, conductortest.Plan(1, conductortest.Rule{
		Call: "update", Times: 1, Fault: conductortest.Fault{Status: 308, Location: "/api/tasks"},
	}))
	enqueue(s, 1)
	tasks, err := poll(c, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := complete(c, tasks[0]); err != nil {
		t.Errorf("the update: %v", err)
	}
	if err := s.Ledger.Check(); err != nil {
		t.Error(err)
	}
}
