package reliability

import (
	"bytes"
	"context"
	"fmt"
	"regexp"

	"conductor-jwt/test/conductortest"
)

// Leak is a secret found where it must not be. It does not hold the value.
type Leak struct {
	What  string // "a key", "a token", "the server's credentials"
	Where string // "the log", "the metrics", "an output"
}

// String implements [fmt.Stringer].
func (l Leak) String() string { return l.What + " in " + l.Where }

// credentials names the testbed's password and the access tokens that the
// server granted.
const credentials = "the server's credentials" //nolint:gosec // a name, not a secret

// tailLength is the number of bytes at the end of a token that identify it.
const tailLength = 40

// leakFinder searches for the secrets of a run.
type leakFinder struct {
	keys, credentials *conductortest.Canary
	tokens            map[string]string // the token's last tailLength bytes -> its task
	compact           *regexp.Regexp    // RFC 7515 §3.1; both parts begin with a brace and a quotation mark
	found             map[Leak]bool
	leaks             []Leak
}

// findLeaks returns every secret of a run that is where it must not be: a key or
// credentials in anything that the worker wrote, a token anywhere but in the
// output of its own task.
func findLeaks(ledger *conductortest.Ledger, keys []Key, granted []string, log, pages string) []Leak {
	f := newLeakFinder(keys)
	f.addCredentials(granted)
	updates := ledger.Updates()
	f.addTokens(updates)
	f.search("the log", []byte(log), "")
	f.search("a page it serves", []byte(pages), "")
	for _, u := range updates {
		f.searchUpdate(u)
	}
	return f.leaks
}

func newLeakFinder(keys []Key) *leakFinder {
	f := &leakFinder{
		keys: canaryFor(keys), credentials: conductortest.NewCanary(),
		tokens: map[string]string{}, found: map[Leak]bool{},
		compact: regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}`),
	}
	f.addCredentials([]string{KeySecret})
	return f
}

// addCredentials adds passwords and access tokens to the secrets to find.
func (f *leakFinder) addCredentials(granted []string) {
	for _, text := range granted {
		f.credentials.PlantText(credentials, text)
	}
}

// addTokens adds the tokens in the outputs of updates to the secrets to find.
func (f *leakFinder) addTokens(updates []conductortest.Update) {
	for _, u := range updates {
		if token, err := TokenOf(u.Result.Output.Reveal()); err == nil && len(token) > tailLength {
			f.tokens[token[len(token)-tailLength:]] = firstOf(u.Result.TaskID)
		}
	}
}

func (f *leakFinder) searchUpdate(u conductortest.Update) {
	r := u.Result
	f.search("an output", r.Output.Reveal(), firstOf(r.TaskID))
	f.search("a reason", []byte(r.Reason), "")
	for _, line := range r.Logs {
		f.search("a task's log", []byte(line.Text), "")
	}
}

// search searches data. task is the one task whose token may be in data, or
// empty.
func (f *leakFinder) search(where string, data []byte, task string) {
	if len(data) == 0 {
		return
	}
	if len(f.keys.Search(data)) > 0 {
		f.report("a key", where)
	}
	for _, found := range f.credentials.Search(data) {
		if found.Secret == credentials {
			f.report(credentials, where)
		}
	}
	if task == "" && f.compact.Match(data) {
		f.report("a token", where)
	}
	for i := 0; i+tailLength <= len(data); i++ {
		if owner, ok := f.tokens[string(data[i:i+tailLength])]; ok && owner != task {
			f.report("a token", where)
		}
	}
}

func (f *leakFinder) report(what, where string) {
	l := Leak{what, where}
	if !f.found[l] {
		f.found[l] = true
		f.leaks = append(f.leaks, l)
	}
}

// Pages returns the worker's metrics and health pages. It is empty if the log
// does not hold the address.
func Pages(ctx context.Context, w Worker) string {
	base, ok := loggedURL(w.Log())
	if !ok {
		return ""
	}
	var all bytes.Buffer
	for _, page := range []string{"/metrics", "/readyz", "/livez"} {
		if _, body, err := conductortest.Get(ctx, base+page); err == nil {
			fmt.Fprintln(&all, body)
		}
	}
	return all.String()
}
