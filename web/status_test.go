package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"conductor-jwt/keyring"
	"conductor-jwt/web"
	"conductor-jwt/worker"
)

func busy() web.Status {
	now := time.Unix(1_800_000_000, 0)
	hour := make([]worker.Minute, 60)
	for i := range hour {
		hour[i] = worker.Minute{Begin: now.Add(time.Duration(i-59) * time.Minute), Completed: i * 100}
	}
	hour[59].Failed = map[string]int{"key_weak": 1, "policy_denied": 2}
	return web.Status{
		Version: "v1.2.3", Edition: "native", Crypto: "openssl 3.0", Server: "https://conductor/api", WorkerID: "w-1",
		Began: now.Add(-50 * time.Hour), Now: now, Hour: hour,
		Health:   worker.Health{Polled: true, Slots: 16, InUse: 3, InHand: 1, Queues: []worker.QueueHealth{{TaskType: "GET_SIGNED_JWT", LastPoll: now}}},
		Failures: []worker.Failure{{At: now, TaskID: "t", WorkflowID: "w/1", TaskName: "<script>alert(1)</script>", Code: "key_weak"}},
		Keys: []keyring.Status{
			{Name: "billing", Versions: []keyring.VersionStatus{{KeyID: "k-1", Algorithm: "RS256", State: keyring.Active, Created: now.Add(-72 * time.Hour)}}},
			{Name: "gone", Failing: true},
		},
		Settings: []web.Setting{{"slots", "16", "default"}, {"auth_secret", "[redacted]", "environment"}},
		UI:       "https://conductor.example.com/",
	}
}

func show(t *testing.T, s web.Status, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	web.StatusHandler(func() web.Status { return s }).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w
}

func TestStatusPageShowsWhatHappens(t *testing.T) {
	page := show(t, busy(), "/").Body.String()
	for what, want := range map[string]string{
		"the version":         "v1.2.3, native edition, openssl 3.0 crypto, up 2 days",
		"where it polls":      "https://conductor/api as w-1",
		"slots":               "1 of 16 slots hold a task",
		"completed":           "177000 completed",
		"failures by code":    `<td>policy_denied</td><td class="n">2</td>`,
		"the execution":       `href="https://conductor.example.com/execution/w%2F1"`,
		"a key, its kid, age": "<td>billing</td><td>k-1</td><td>RS256</td><td>active</td><td>3 days</td>",
		"a key that is away":  "<td>gone</td><td></td><td></td><td>not there yet</td>",
		"a setting":           "<td>auth_secret</td><td>[redacted]</td><td>environment</td>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%s: no %s", what, want)
		}
	}
}

// What others have named is text, and the page brings no script of its own.
func TestStatusPageIsInert(t *testing.T) {
	w := show(t, busy(), "/")
	root, err := html.Parse(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		switch n.Data {
		case "script", "link", "img", "iframe", "form":
			if n.Type == html.ElementNode {
				t.Errorf("there is a <%s>", n.Data)
			}
		}
	}
	if csp := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; ") {
		t.Errorf("policy %q", csp)
	}
}

// An end tag for each beginning: a browser forgives, and shows something else.
func TestStatusPageIsWellFormed(t *testing.T) {
	for _, s := range []web.Status{busy(), {}} {
		var open []string
		z := html.NewTokenizer(show(t, s, "/").Body)
		for {
			switch z.Next() {
			case html.ErrorToken:
				if len(open) > 0 {
					t.Errorf("left open: %v", open)
				}
				return
			case html.StartTagToken:
				if name, _ := z.TagName(); string(name) != "meta" {
					open = append(open, string(name))
				}
			case html.EndTagToken:
				name, _ := z.TagName()
				if len(open) == 0 || open[len(open)-1] != string(name) {
					t.Fatalf("</%s> closes %v", name, open)
				}
				open = open[:len(open)-1]
			}
		}
	}
}

func TestStatusPageIsAtOnePlace(t *testing.T) {
	for path, want := range map[string]int{"/": 200, "/metrics": 404, "/x": 404} {
		if got := show(t, busy(), path).Code; got != want {
			t.Errorf("%s: %d", path, got)
		}
	}
}
