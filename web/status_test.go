package web_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"conductor-jwt/conductor/api"
	"conductor-jwt/config"
	"conductor-jwt/keyring"
	"conductor-jwt/task"
	"conductor-jwt/web"
	"conductor-jwt/worker"
)

// now is the time of all statuses: 08:00:30 UTC.
func now() time.Time { return time.Date(2027, 1, 15, 8, 0, 30, 0, time.UTC) }

// past fills a history: each of its functions records at a time before now.
type past struct {
	clock time.Time
	*worker.History
}

func newPast() *past {
	p := &past{clock: now()}
	p.History = worker.NewHistory(func() time.Time { return p.clock })
	return p
}

// at sets the time of what is recorded next.
func (p *past) at(ago time.Duration) *past {
	p.clock = now().Add(-ago)
	return p
}

// hour returns the history now.
func (p *past) hour() worker.Hour { return p.at(0).Hour() }

// run records executions.
func (p *past) run(n int, status api.Status, f task.Fault) *past {
	for range n {
		e := worker.Executed{WorkflowID: "5f0c1d2e-aaaa", Workflow: "billing_run", TaskName: "sign", TaskType: "GET_SIGNED_JWT", Took: 2 * time.Millisecond}
		e.Outcome.Status, e.Outcome.Fault = status, f
		p.Executed(e)
	}
	return p
}

func (p *past) completed(n int) *past { return p.run(n, api.Completed, task.Fault{}) }

func (p *past) failed(n int, code string) *past {
	return p.run(n, api.FailedWithTerminalError, task.Fault{Code: code, Field: "privateKey", Message: "what was found; what to do"})
}

// idle is a worker that polls and has had no task.
func idle() web.StatusSource {
	return web.StatusSource{
		Process: web.Process{Version: "v1.2.3", Edition: "native", Crypto: "openssl 3.0", ID: "w-1", Server: "https://conductor/api", Began: now().Add(-50 * time.Hour)},
		Health:  worker.Health{Polled: true, Slots: 16, InUse: 3, InFlight: 1, Queues: []worker.QueueHealth{{TaskType: "GET_SIGNED_JWT", LastPoll: now()}}},
		Hour:    newPast().hour(),
	}
}

func busy() web.StatusSource {
	s := idle()
	p := newPast()
	p.at(10*time.Minute).completed(1200).failed(3, "policy_denied")
	e := worker.Executed{WorkflowID: "w/1", Workflow: "<script>alert(1)</script>", TaskName: "ta\u202esk", TaskType: "GET_SIGNED_JWT"}
	e.Outcome.Status, e.Outcome.Fault = api.Failed, task.Fault{Code: "key_weak", Field: "privateKey", Message: "an RSA key of 1024 bits; use 2048"}
	p.at(time.Minute).Executed(e)
	s.Hour = p.hour()
	s.Keys = []keyring.Status{
		{Name: "billing", Versions: []keyring.VersionStatus{{KeyID: "k-1", Algorithm: "RS256", State: keyring.Active, Created: now().Add(-72 * time.Hour)}}},
		{Name: "partner", Failing: true},
	}
	s.AccessTokens = &web.AccessTokens{Cached: 2, Providers: []web.Provider{{Name: "google-service-account", Hits: 5678, Granted: 45, Refused: 23, Failed: 67}}}
	s.Verifiers = []web.Verifier{{Name: "okta", Keys: 1234, Fetched: now().Add(-7 * time.Minute)}, {Name: "entra", Failing: true}}
	s.Settings = []config.Row{row("auth_secret", "[redacted]", config.FromEnvironment), row("max_ttl", "1h", config.FromDefault)}
	s.Executions = "https://conductor.example.com/execution/"
	return s
}

func row(name, value string, source config.Source) config.Row {
	return config.Row{Name: name, Value: value, Origin: config.Origin{Source: source}}
}

func show(t *testing.T, s web.StatusSource, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	handler(s).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w
}

func handler(s web.StatusSource) http.Handler {
	return web.StatusHandler(func() web.Status { return web.NewStatus(s) })
}

// asText returns what the command status prints.
func asText(t *testing.T, s web.StatusSource) string {
	t.Helper()
	var b bytes.Buffer
	if err := web.WriteStatus(&b, web.NewStatus(s)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAccessTokensAreShownWhereThereAreExchanges(t *testing.T) {
	s := idle()
	for _, none := range []string{show(t, s, "/").Body.String(), asText(t, s), show(t, s, "/status").Body.String()} {
		if strings.Contains(strings.ToLower(none), "access token") || strings.Contains(none, "accessTokens") {
			t.Errorf("a worker that exchanges nothing shows %s", none)
		}
	}
	s.AccessTokens = &web.AccessTokens{Cached: 1, Providers: []web.Provider{}}
	if page := asPlain(t, show(t, s, "/").Body.String()); !strings.Contains(page, "None was asked for.") || !strings.Contains(page, "1 access token in the cache") {
		t.Error(page)
	}
	if text := asText(t, s); !strings.Contains(text, "Access tokens since the start: none") {
		t.Error(text)
	}
}

func TestStatusIsOnThePageAndInTheText(t *testing.T) {
	page, text := asPlain(t, show(t, busy(), "/").Body.String()), asText(t, busy())
	for what, want := range map[string]string{
		"the version":            "v1.2.3, native edition, openssl 3.0 crypto, up 2 days",
		"where it polls":         "https://conductor/api as w-1",
		"the time":               "2027-01-15 08:00:30 UTC",
		"slots":                  "1 of 16 slots hold a task",
		"completed":              "1,200",
		"a failure's workflow":   "billing_run",
		"a failure's input":      "privateKey",
		"a failure's message":    "an RSA key of 1024 bits; use 2048",
		"a name that is escaped": `ta\u202esk`,
		"a key":                  "billing",
		"its kid":                "k-1",
		"its age":                "3 days old",
		"a key without versions": "not loaded yet",
		"a provider":             "google-service-account",
		"its hits":               "5,678",
		"its exchanges":          "45",
		"its refusals":           "23",
		"its failures":           "67",
		"the cache":              "2 access tokens in the cache",
		"a verifier":             "okta",
		"its keys":               "1,234",
		"its set":                "7 min ago",
		"a verifier without set": "not yet",
		"a setting":              "[redacted]",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s: %s", what, want)
		}
		if !strings.Contains(text, want) {
			t.Errorf("the text has no %s: %s", what, want)
		}
	}
	if strings.Contains(text, "\u202e") || strings.Contains(text, "max_ttl") {
		t.Errorf("the text is\n%s", text)
	}
}

// asPlain returns the text of a page.
func asPlain(t *testing.T, page string) string {
	t.Helper()
	return text(elements(t, page, "html")[0])
}

func TestStatusAsJSON(t *testing.T) {
	w := show(t, busy(), "/status")
	var got web.Status
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Header().Get("Content-Type") != "application/json" {
		t.Fatal(err)
	}
	if want := web.NewStatus(busy()); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	for _, list := range []string{"queues", "failures", "keys", "settings", "defaults"} {
		if empty := show(t, web.StatusSource{}, "/status").Body.String(); !strings.Contains(empty, `"`+list+`": []`) {
			t.Errorf("%s is not an empty list in\n%s", list, empty)
		}
	}
}

// Names of tasks are escaped, and the page has no script.
func TestStatusPageIsInert(t *testing.T) {
	w := show(t, busy(), "/")
	root, err := html.Parse(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		switch n.Data {
		case "script", "img", "iframe", "form":
			if n.Type == html.ElementNode {
				t.Errorf("there is a <%s>", n.Data)
			}
		case "link":
			if attribute(n, "rel") != "icon" || !strings.HasPrefix(attribute(n, "href"), "data:image/svg+xml,") {
				t.Errorf("there is a link to %s", attribute(n, "href"))
			}
		}
	}
	if csp := w.Header().Get("Content-Security-Policy"); csp != "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" {
		t.Errorf("policy %q", csp)
	}
}

// Every element is closed: a browser would repair the page silently.
func TestStatusPageIsWellFormed(t *testing.T) {
	for what, s := range map[string]web.StatusSource{"busy": busy(), "idle": idle(), "empty": {}} {
		t.Run(what, func(t *testing.T) {
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
					if name, _ := z.TagName(); !slices.Contains([]string{"meta", "link", "br"}, string(name)) {
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
		})
	}
}

// elements returns all elements of a name, in order.
func elements(t *testing.T, page, name string) (list []*html.Node) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == name {
			list = append(list, n)
		}
	}
	return list
}

// text returns the text of n, as a reader sees it.
func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func TestHeadline(t *testing.T) {
	failing := worker.QueueHealth{TaskType: "x", Failing: "network", Since: now().Add(-3 * time.Minute), Hint: "start the server"}
	for _, row := range []struct {
		what        string
		change      func(*web.StatusSource)
		want, about string
	}{
		{"it has had no task", func(*web.StatusSource) {}, "● polling", "No task ended in the last hour."},
		{"it has had tasks", func(s *web.StatusSource) { s.Hour = newPast().completed(1234).failed(5, "a").hour() }, "● polling", "1,234 tasks completed and 5 failed in the last hour."},
		{
			"a verifier's set cannot be fetched", func(s *web.StatusSource) { s.Verifiers = busy().Verifiers },
			"▲ polling; the key set of 1 of 2 verifiers cannot be fetched", "Not fetched: entra. A set that was fetched before stays in use for a day.",
		},
		{"it is young", func(s *web.StatusSource) { s.Process.Began = now().Add(-11 * time.Minute) }, "● polling", "No task ended since the start 11 min ago."},
		{"it is young and has had a task", func(s *web.StatusSource) {
			s.Process.Began, s.Hour = now().Add(-59*time.Minute), newPast().completed(1).hour()
		}, "● polling", "1 task completed and 0 failed since the start 59 min ago."},
		{"it drains", func(s *web.StatusSource) { s.Health.Draining = true }, "▲ draining", "The worker polls no more and finishes 1 task in flight."},
		{"it has never polled", func(s *web.StatusSource) { s.Health.Polled = false }, "▲ no poll has succeeded yet", "The worker began 2 days ago."},
		{
			"one of two queues fails", func(s *web.StatusSource) { s.Health.Queues = append(s.Health.Queues, failing) },
			"▲ polling fails for 1 of 2 task types", "Polls of x fail: network for 3 min; start the server",
		},
		{
			"its only queue fails", func(s *web.StatusSource) { s.Health.Queues, s.Health.Polled = []worker.QueueHealth{failing}, false },
			"▲ polling fails for 1 of 1 task type", "Polls of x fail: network for 3 min; start the server",
		},
		{
			"a key's store fails", func(s *web.StatusSource) { s.Keys = busy().Keys },
			"▲ polling; the store of 1 of 2 named keys fails", "Not refreshed: partner. What was read before stays in use.",
		},
		{
			"the policy was refused", func(s *web.StatusSource) { s.Keys, s.PolicyRefused = busy().Keys, true },
			"▲ polling; the policy file is wrong", "The policy from before stays in force. The log says what is wrong with the file.",
		},
	} {
		s := idle()
		row.change(&s)
		page := show(t, s, "/").Body.String()
		headline, title := text(elements(t, page, "h1")[0]), text(elements(t, page, "title")[0])
		if headline != "conductor-jwt: "+row.want || title != row.want+" - conductor-jwt" || !strings.Contains(asPlain(t, page), row.about) {
			t.Errorf("%s: headline %q, title %q; want %q and %s", row.what, headline, title, row.want, row.about)
		}
		if lines := strings.Split(asText(t, s), "\n"); lines[0] != "conductor-jwt: "+row.want || lines[1] != row.about {
			t.Errorf("%s: the text begins with %q", row.what, lines[:2])
		}
		if got := web.NewStatus(s).State.OK; got != strings.HasPrefix(row.want, "●") {
			t.Errorf("%s: ok is %t", row.what, got)
		}
	}
}

func TestStatusPageReload(t *testing.T) {
	for path, want := range map[string]bool{"/": true, "/?refresh=0": false} {
		page := show(t, busy(), path).Body.String()
		if !strings.Contains(asPlain(t, page), "As of 2027-01-15 08:00:30 UTC") {
			t.Errorf("%s does not say when it was written", path)
		}
		if got := strings.Contains(page, `<meta http-equiv="refresh"`); got != want {
			t.Errorf("%s reloads: %t", path, got)
		}
	}
}

// classes returns the values of an attribute, by the class of the element.
func classes(t *testing.T, page, name, key string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for _, n := range elements(t, page, name) {
		if v := attribute(n, key); v != "" && attribute(n, "x") != "" || name != "rect" {
			found[attribute(n, "class")] = append(found[attribute(n, "class")], v)
		}
	}
	return found
}

func TestChartOfTheLastHour(t *testing.T) {
	const minute = time.Minute
	for _, row := range []struct {
		what                string
		record              func(*past)
		max                 string // in a minute; empty: not shown
		top                 string // of the y axis
		done, lost, waiting []string
	}{
		{what: "nothing happened", record: func(*past) {}, top: "2"},
		{what: "one task", record: func(p *past) { p.at(3 * minute).completed(1) }, max: "1", top: "2", done: []string{"50"}},
		{what: "failures only", record: func(p *past) { p.failed(1, "a").failed(1, "b") }, max: "2", top: "2", lost: []string{"100"}},
		{what: "one failure among many", record: func(p *past) { p.completed(1000).failed(1, "a") }, max: "1,001", top: "2,000", done: []string{"50"}, lost: []string{"2"}},
		{what: "a full bar with one failure", record: func(p *past) { p.completed(1999).failed(1, "a") }, max: "2,000", top: "2,000", done: []string{"98"}, lost: []string{"2"}},
		{what: "one task and many", record: func(p *past) { p.at(9 * minute).completed(1).at(minute).completed(7500) }, max: "7,500", top: "8,000", done: []string{"1", "93"}},
		{what: "ten", record: func(p *past) { p.completed(10) }, max: "10", top: "10", done: []string{"100"}},
		{what: "eleven", record: func(p *past) { p.completed(11) }, max: "11", top: "20", done: []string{"55"}},
		{what: "a task that waits", record: func(p *past) {
			p.completed(1).run(1, api.InProgress, task.Fault{Code: "key_unavailable"})
		}, max: "2", top: "2", done: []string{"50"}, waiting: []string{"50"}},
	} {
		s, p := idle(), newPast()
		row.record(p)
		s.Hour = p.hour()
		page := show(t, s, "/").Body.String()
		if _, rest, found := strings.Cut(page, "at most "); found != (row.max != "") || found && !strings.HasPrefix(rest, row.max+" in a minute") {
			t.Errorf("%s: want %q as the maximum in a minute; the page has %.10q", row.what, row.max, rest)
		}
		if !strings.Contains(page, `<div class="axis y"><span>`+row.top+`</span>`) {
			t.Errorf("%s: the axis does not end at %s", row.what, row.top)
		}
		heights := classes(t, page, "rect", "height")
		if !slices.Equal(heights["done"], row.done) || !slices.Equal(heights["failed"], row.lost) || !slices.Equal(heights["waiting"], row.waiting) {
			t.Errorf("%s: bars %v", row.what, heights)
		}
	}
}

func TestChartNamesTheTimes(t *testing.T) {
	page := show(t, idle(), "/").Body.String()
	if want := `<div class="axis x"><span>07:01</span><span>07:16</span><span>07:31</span><span>07:46</span><span>08:01</span></div>`; strings.Count(page, want) != 4 {
		t.Errorf("%d charts have the axis %s", strings.Count(page, want), want)
	}
}

func TestChartMarksTheMinutesBeforeTheStart(t *testing.T) {
	s := idle()
	s.Process.Began = s.Hour.Now.Add(-10 * time.Minute)
	if page := show(t, s, "/").Body.String(); !strings.Contains(page, `<rect class="empty" width="490" height="100"/>`) {
		t.Error("the first 49 minutes are not marked")
	}
	if page := show(t, idle(), "/").Body.String(); strings.Contains(page, "before the start") {
		t.Error("minutes of a worker that ran are marked")
	}
}

// An outage of the server is marked in every chart; adjacent minutes are one mark.
func TestChartMarksOutages(t *testing.T) {
	s, p := idle(), newPast()
	for _, ago := range []int{40, 39, 38, 2} {
		p.at(time.Duration(ago) * time.Minute).Polled(true)
	}
	s.Hour = p.hour()
	page := show(t, s, "/").Body.String()
	if got := classes(t, page, "rect", "width")["outage"]; !slices.Equal(got, slices.Repeat([]string{"30", "10"}, 4)) {
		t.Errorf("%v", got)
	}
	if plain := asPlain(t, page); !strings.Contains(plain, "polls failed") || strings.Contains(asPlain(t, show(t, idle(), "/").Body.String()), "polls failed") {
		t.Error("the legend does not name the mark, or names one that is not there")
	}
}

// The scale is logarithmic; a minute alone is a dot, and a gap is not crossed.
func TestLatencyLines(t *testing.T) {
	s, p := idle(), newPast()
	for ago, took := range map[int]time.Duration{50: 5 * time.Millisecond, 49: 50 * time.Millisecond, 30: 500 * time.Millisecond} {
		p.at(time.Duration(ago) * time.Minute).Updated(took)
	}
	s.Hour = p.hour()
	page := show(t, s, "/").Body.String()
	if !strings.Contains(page, `<span>1 s</span><span>100 ms</span><span>10 ms</span><span>1 ms</span>`) {
		t.Error("the axis has not the powers of ten")
	}
	lines := classes(t, page, "path", "d")
	if want := []string{"M95 77.9h.1L105 42.5M295 10.3h.1"}; !slices.Equal(lines["p50"], want) || !slices.Equal(lines["p99"], want) {
		t.Errorf("%q, want %q", lines, want)
	}
}

func TestDurationsInWords(t *testing.T) {
	for _, row := range []struct {
		took time.Duration
		want string
	}{
		{20 * time.Microsecond, "0.02 ms"},
		{350 * time.Microsecond, "0.35 ms"},
		{4 * time.Millisecond, "3.8 ms"},
		{30 * time.Millisecond, "31 ms"},
		{900 * time.Millisecond, "852 ms"},
		{30 * time.Second, "31 s"},
		{10 * time.Minute, "10 min"},
	} {
		s, p := idle(), newPast()
		p.Updated(row.took)
		s.Hour = p.hour()
		line := ""
		for l := range strings.Lines(asText(t, s)) {
			if strings.HasPrefix(l, "update ") {
				line = strings.Join(strings.Fields(l), " ")
			}
		}
		if line != "update 1 "+row.want+" "+row.want {
			t.Errorf("%s is %q, want %s", row.took, line, row.want)
		}
	}
}

// rows returns the lines of the table with this first heading, with | between the
// cells.
func rows(t *testing.T, page, heading string) (list []string) {
	t.Helper()
	for _, table := range elements(t, page, "table") {
		var lines []string
		for n := range table.Descendants() {
			if n.Type == html.ElementNode && n.Data == "tr" {
				var cells []string
				for c := range n.ChildNodes() {
					cells = append(cells, text(c))
				}
				lines = append(lines, strings.Join(cells, "|"))
			}
		}
		if strings.HasPrefix(lines[0], heading+"|") {
			return lines[1:]
		}
	}
	return nil
}

func TestCodesAreSortedByNumber(t *testing.T) {
	s := idle()
	s.Hour = newPast().failed(2, "b").failed(2, "a").failed(1, "c").at(30*time.Minute).failed(999, "c").hour()
	if got := rows(t, show(t, s, "/").Body.String(), "code"); !slices.Equal(got, []string{"c|1,000|", "a|2|", "b|2|"}) {
		t.Errorf("%q", got)
	}
}

func TestFailuresAreOneRowForEachCause(t *testing.T) {
	s := idle()
	s.Executions = "https://ui/execution/"
	s.Hour = newPast().at(4*time.Hour).failed(1, "key_weak").
		at(3*time.Minute).failed(2, "policy_denied").
		at(time.Minute).run(1, api.InProgress, task.Fault{Code: "key_unavailable", Message: "no answer"}).
		at(0).failed(3, "key_weak").hour()
	want := []string{
		"0 s ago|4|key_weakwhat was found; what to do|privateKey|billing_run, sign5f0c1d2e…",
		"60 s ago|1|key_unavailableno answer (it is tried again)||billing_run, sign5f0c1d2e…",
		"3 min ago|2|policy_deniedwhat was found; what to do|privateKey|billing_run, sign5f0c1d2e…",
	}
	page := show(t, s, "/").Body.String()
	if got := rows(t, page, "last"); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if !strings.Contains(page, `<a rel="noreferrer" href="https://ui/execution/5f0c1d2e-aaaa" title="5f0c1d2e-aaaa">`) {
		t.Error("a failure has no link to its execution")
	}
	if !strings.Contains(asText(t, s), " 5f0c1d2e-aaaa ") {
		t.Error("the text abbreviates the id of an execution")
	}
}

func TestKeysSayWhatComesNext(t *testing.T) {
	s := idle()
	s.Keys = []keyring.Status{{Name: "k", Versions: []keyring.VersionStatus{
		{KeyID: "1", Algorithm: "ES256", State: keyring.Retired, From: now().Add(-time.Hour), Until: now().Add(time.Hour)},
		{KeyID: strings.Repeat("2", 43), Algorithm: "ES256", State: keyring.Active, From: now().Add(-time.Minute), Until: now().Add(48 * time.Hour)},
		{KeyID: "3", State: keyring.Published, From: now().Add(24 * time.Hour), Until: now().Add(96 * time.Hour)},
		{KeyID: "4", State: keyring.Published, From: now().Add(72 * time.Hour)},
	}}, {Name: "d", Delivered: "s"}, {Name: "last", Versions: []keyring.VersionStatus{{State: keyring.Active, Algorithm: "RS256"}}}, {Name: "none", Failing: true}}
	want := []string{
		"k|22222222…ES256, 60 s old|2027-01-16 08:00|3 from 2027-01-16 08:004 from 2027-01-18 08:00|1 until 2027-01-15 09:00|● ok",
		"d|comes with each task||||● ok",
		"last|no kidRS256|no end planned|||● ok",
		"none|not loaded yet||||▲ failing",
	}
	if got := rows(t, show(t, s, "/").Body.String(), "key"); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if !strings.Contains(asText(t, s), strings.Repeat("2", 43)) {
		t.Error("the text abbreviates a kid")
	}
}

func TestDefaultSettingsAreFolded(t *testing.T) {
	details := elements(t, show(t, busy(), "/").Body.String(), "details")
	if len(details) != 1 || attribute(details[0], "open") != "" || !strings.Contains(text(details[0]), "max_ttl") || strings.Contains(text(details[0]), "auth_secret") {
		t.Errorf("%d folds", len(details))
	}
}

// On a narrow screen each cell of a wide table is a line, which needs the name of
// its column.
func TestCellsNameTheirColumns(t *testing.T) {
	for _, table := range elements(t, show(t, busy(), "/").Body.String(), "table") {
		if !strings.Contains(attribute(table, "class"), "stack") {
			continue
		}
		for n := range table.Descendants() {
			if n.Data == "td" && attribute(n, "data-label") == "" {
				t.Errorf("a cell without a label: %s", text(n))
			}
		}
	}
}

// WCAG 2.2 §1.4.3 asks 4.5:1 for text.
func TestColoursHaveContrast(t *testing.T) {
	_, style, _ := strings.Cut(show(t, busy(), "/").Body.String(), "<style>")
	light, dark, _ := strings.Cut(style, "prefers-color-scheme:dark")
	for theme, css := range map[string]string{"light": light, "dark": dark} {
		for _, ground := range []string{"page", "panel"} {
			for _, name := range []string{"text", "muted", "done", "failed", "waiting"} {
				a, b := luminance(t, css, name), luminance(t, css, ground)
				if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < 4.5 {
					t.Errorf("%s, %s on the %s: %.1f:1", theme, name, ground, ratio)
				}
			}
		}
	}
}

// luminance is the relative luminance of a variable's colour (WCAG 2.2).
func luminance(t *testing.T, css, name string) float64 {
	t.Helper()
	_, value, _ := strings.Cut(css, "--"+name+":#")
	rgb, err := hex.DecodeString(value[:min(6, len(value))])
	if err != nil || len(rgb) != 3 {
		t.Fatalf("%s has no colour: %v", name, err)
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		c := float64(rgb[i]) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func TestStatusIsServedAtTwoPaths(t *testing.T) {
	for path, want := range map[string]int{"/": 200, "/status": 200, "/metrics": 404, "/x": 404} {
		if got := show(t, busy(), path).Code; got != want {
			t.Errorf("%s: %d", path, got)
		}
	}
}
