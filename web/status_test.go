package web_test

import (
	"encoding/hex"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"conductor-jwt/config"
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
		Health:   worker.Health{Polled: true, Slots: 16, InUse: 3, InFlight: 1, Queues: []worker.QueueHealth{{TaskType: "GET_SIGNED_JWT", LastPoll: now}}},
		Failures: []worker.Failure{{At: now, TaskID: "t", WorkflowID: "w/1", TaskName: "<script>alert(1)</script>", Code: "key_weak"}},
		Keys: []keyring.Status{
			{Name: "billing", Versions: []keyring.VersionStatus{{KeyID: "k-1", Algorithm: "RS256", State: keyring.Active, Created: now.Add(-72 * time.Hour)}}},
			{Name: "partner", Failing: true},
		},
		Settings: []config.Row{row("auth_secret", "[redacted]", config.FromEnvironment)},
		UI:       "https://conductor.example.com/",
	}
}

func row(name, value string, source config.Source) config.Row {
	return config.Row{Name: name, Value: value, Origin: config.Origin{Source: source}}
}

func show(t *testing.T, s web.Status, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	web.StatusHandler(func() web.Status { return s }).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w
}

func TestStatusPageContent(t *testing.T) {
	page := show(t, busy(), "/").Body.String()
	for what, want := range map[string]string{
		"the version":         "v1.2.3, native edition, openssl 3.0 crypto, up 2 days",
		"where it polls":      "https://conductor/api as w-1",
		"slots":               "1 of 16 slots hold a task",
		"completed":           "177000 completed",
		"failures by code":    `<td>policy_denied</td><td class="n">2</td>`,
		"the execution":       `href="https://conductor.example.com/execution/w%2F1"`,
		"a key, its kid, age": "<td>billing</td><td>k-1</td><td>RS256</td><td>active</td><td>3 days</td>",
		"an unavailable key":  "<td>partner</td><td></td><td></td><td>not loaded yet</td>",
		"a setting":           "<td>auth_secret</td><td>[redacted]</td><td>environment</td>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%s: no %s", what, want)
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

// Every element is closed: a browser would repair the page silently.
func TestStatusPageIsWellFormed(t *testing.T) {
	for what, s := range map[string]web.Status{"busy": busy(), "idle": idle(), "empty": {}} {
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

// text returns the text of n.
func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.TrimSpace(b.String())
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// idle is a worker that polls and has had no task.
func idle() web.Status {
	s := busy()
	s.Failures, s.Keys = nil, nil
	for i, m := range s.Hour {
		s.Hour[i] = worker.Minute{Begin: m.Begin}
	}
	return s
}

func TestHeadlineAndTitle(t *testing.T) {
	for _, row := range []struct {
		what   string
		change func(*web.Status)
		want   string
	}{
		{"it polls", func(*web.Status) {}, "● polling"},
		{"it drains", func(s *web.Status) { s.Health.Draining = true }, "▲ draining"},
		{"it has never polled", func(s *web.Status) { s.Health.Polled = false }, "▲ no poll has succeeded yet"},
		{"one of two queues fails", func(s *web.Status) {
			s.Health.Queues = append(s.Health.Queues, worker.QueueHealth{TaskType: "x", Failing: "network"})
		}, "▲ polling fails for 1 of 2 task types"},
		{"its only queue fails", func(s *web.Status) {
			s.Health.Queues = []worker.QueueHealth{{TaskType: "x", Failing: "network"}}
		}, "▲ polling fails for 1 of 1 task type"},
		{"a key's store fails", func(s *web.Status) { s.Keys = busy().Keys }, "▲ polling; the store of 1 of 2 named keys fails"},
	} {
		s := idle()
		row.change(&s)
		page := show(t, s, "/").Body.String()
		headline, title := text(elements(t, page, "h1")[0]), text(elements(t, page, "title")[0])
		if headline != "conductor-jwt: "+row.want || title != row.want+" - conductor-jwt" {
			t.Errorf("%s: headline %q, title %q; want %q", row.what, headline, title, row.want)
		}
	}
}

func TestStatusPageReload(t *testing.T) {
	for path, want := range map[string]bool{"/": true, "/?refresh=0": false} {
		page := show(t, busy(), path).Body.String()
		if !strings.Contains(page, "As of 2027-01-15 08:00:00 UTC") {
			t.Errorf("%s does not say when it was written", path)
		}
		if got := strings.Contains(page, `<meta http-equiv="refresh"`); got != want {
			t.Errorf("%s reloads: %t", path, got)
		}
	}
}

func TestChartOfTheLastHour(t *testing.T) {
	for _, row := range []struct {
		what       string
		minutes    map[int]worker.Minute // by index
		max        string                // in a minute; empty: not shown
		top        string                // of the y axis
		done, lost []string              // heights of the bars, of 100
	}{
		{what: "nothing happened", top: "2"},
		{"one task", map[int]worker.Minute{3: {Completed: 1}}, "1", "2", []string{"50"}, nil},
		{"failures only", map[int]worker.Minute{59: {Failed: map[string]int{"a": 1, "b": 1}}}, "2", "2", nil, []string{"100"}},
		{"one failure among many", map[int]worker.Minute{7: {Completed: 1000, Failed: map[string]int{"a": 1}}}, "1001", "2000", []string{"50"}, []string{"3"}},
		{"a full bar with one failure", map[int]worker.Minute{7: {Completed: 1999, Failed: map[string]int{"a": 1}}}, "2000", "2000", []string{"97"}, []string{"3"}},
		{"one task and many", map[int]worker.Minute{0: {Completed: 1}, 1: {Completed: 7500}}, "7500", "8000", []string{"1", "93"}, nil},
		{"ten", map[int]worker.Minute{0: {Completed: 10}}, "10", "10", []string{"100"}, nil},
		{"eleven", map[int]worker.Minute{0: {Completed: 11}}, "11", "20", []string{"55"}, nil},
	} {
		s := idle()
		for i, m := range row.minutes {
			m.Begin = s.Hour[i].Begin
			s.Hour[i] = m
		}
		page := show(t, s, "/").Body.String()
		if _, rest, found := strings.Cut(page, "max in a minute: "); found != (row.max != "") || found && !strings.HasPrefix(rest, row.max+"<") {
			t.Errorf("%s: want %q as the maximum in a minute; the page has %.10q", row.what, row.max, rest)
		}
		if !strings.Contains(page, `<div class="axis y"><span>`+row.top+`</span>`) {
			t.Errorf("%s: the axis does not end at %s", row.what, row.top)
		}
		heights := map[string][]string{}
		for _, r := range elements(t, page, "rect") {
			if attribute(r, "x") != "" {
				heights[attribute(r, "class")] = append(heights[attribute(r, "class")], attribute(r, "height"))
			}
		}
		if !slices.Equal(heights["done"], row.done) || !slices.Equal(heights["failed"], row.lost) {
			t.Errorf("%s: bars %v", row.what, heights)
		}
	}
}

func TestChartMarksTheMinutesBeforeTheStart(t *testing.T) {
	s := idle()
	s.Began = s.Now.Add(-10 * time.Minute)
	if page := show(t, s, "/").Body.String(); !strings.Contains(page, `<rect class="empty" width="490" height="100"/>`) {
		t.Error("the first 49 minutes are not marked")
	}
	if page := show(t, idle(), "/").Body.String(); strings.Contains(page, "before the start") {
		t.Error("minutes of a worker that ran are marked")
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
	s.Hour[1].Failed = map[string]int{"b": 2, "a": 2, "c": 1}
	s.Hour[2].Failed = map[string]int{"c": 9}
	if got := rows(t, show(t, s, "/").Body.String(), "code"); !slices.Equal(got, []string{"c|10", "a|2", "b|2"}) {
		t.Errorf("%q", got)
	}
}

func TestRetriesAreOneRow(t *testing.T) {
	s := idle()
	at := func(ago time.Duration, id, name, code string) worker.Failure {
		return worker.Failure{At: s.Now.Add(-ago), WorkflowID: id, TaskName: name, Code: code}
	}
	s.UI = ""
	s.Failures = []worker.Failure{
		at(0, "w1", "sign", "key_weak"), at(time.Minute, "w2", "sign", "key_weak"), at(2*time.Minute, "w1", "sign", "key_weak"),
		at(3*time.Minute, "w1", "sign", "policy_denied"), at(4*time.Hour, "w1", "other", "key_weak"),
	}
	want := []string{"0 s ago|2|sign|key_weak|w1", "60 s ago|1|sign|key_weak|w2", "3 min ago|1|sign|policy_denied|w1", "4 h ago|1|other|key_weak|w1"}
	if got := rows(t, show(t, s, "/").Body.String(), "last"); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestNextChangeOfKeys(t *testing.T) {
	s := idle()
	s.Keys = []keyring.Status{{Name: "k", Versions: []keyring.VersionStatus{
		{KeyID: "1", State: keyring.Retired, From: s.Now.Add(-time.Hour), Until: s.Now.Add(time.Hour)},
		{KeyID: "2", State: keyring.Active, From: s.Now.Add(-time.Minute)},
		{KeyID: "3", State: keyring.Published, From: s.Now.Add(24 * time.Hour), Until: s.Now.Add(48 * time.Hour)},
	}}, {Name: "d", Delivered: "s"}}
	want := []string{
		"k|1||retired|60 min|published until 2027-01-15 09:00 UTC|● ok", "k|2||active|60 s||● ok",
		"k|3||published||signs from 2027-01-16 08:00 UTC|● ok", "d|||delivered with each task|||● ok",
	}
	if got := rows(t, show(t, s, "/").Body.String(), "key"); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestDefaultSettingsAreFolded(t *testing.T) {
	s := busy()
	s.Settings = append(s.Settings, row("max_ttl", "1h", config.FromDefault))
	details := elements(t, show(t, s, "/").Body.String(), "details")
	if len(details) != 1 || attribute(details[0], "open") != "" || !strings.Contains(text(details[0]), "max_ttl") || strings.Contains(text(details[0]), "auth_secret") {
		t.Errorf("%d folds", len(details))
	}
}

// On a narrow screen a table scrolls.
func TestTablesScroll(t *testing.T) {
	for _, table := range elements(t, show(t, busy(), "/").Body.String(), "table") {
		if attribute(table.Parent, "class") != "scroll" {
			t.Error("a table is not within what scrolls")
		}
	}
}

// WCAG 2.2 §1.4.3 asks 4.5:1 for text.
func TestColoursHaveContrast(t *testing.T) {
	_, style, _ := strings.Cut(show(t, busy(), "/").Body.String(), "<style>")
	light, dark, _ := strings.Cut(style, "prefers-color-scheme:dark")
	for theme, css := range map[string]string{"light": light, "dark": dark} {
		page := luminance(t, css, "page")
		for _, name := range []string{"text", "muted", "done", "failed"} {
			a, b := luminance(t, css, name), page
			if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < 4.5 {
				t.Errorf("%s, %s: %.1f:1", theme, name, ratio)
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

func TestStatusPageIsServedAtRootOnly(t *testing.T) {
	for path, want := range map[string]int{"/": 200, "/metrics": 404, "/x": 404} {
		if got := show(t, busy(), path).Code; got != want {
			t.Errorf("%s: %d", path, got)
		}
	}
}
