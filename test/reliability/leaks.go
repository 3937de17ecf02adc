package reliability

import (
	"bytes"
	"context"
	"fmt"
	"regexp"

	"conductor-jwt/test/conductortest"
)

// Leak is a secret where it has no business. It does not say its value.
type Leak struct {
	What  string // "a key", "a token", "the server's credentials"
	Where string // "the log", "the metrics", "an output"
}

// String implements [fmt.Stringer].
func (l Leak) String() string { return l.What + " in " + l.Where }

// credentials are the password of the stage and the access tokens that the
// server granted.
const credentials = "the server's credentials" //nolint:gosec // what they are called

// tail is how much of the end of a token tells it from every other.
const tail = 40

// detective looks for the secrets of a run.
type detective struct {
	keys, credentials *conductortest.Canary
	tokens            map[string]string // tail -> the task whose token it is
	compact           *regexp.Regexp    // RFC 7515 §3.1; both parts begin with a brace and a quotation mark
	found             map[Leak]bool
	leaks             []Leak
}

// leaks is every secret of a run that is where it may not be: keys and
// credentials anywhere but in what the worker was given, a token anywhere but
// in the output of its own task.
func leaks(ledger *conductortest.Ledger, keys []Key, granted []string, log, pages string) []Leak {
	d := newDetective(keys)
	d.plant(granted)
	updates := ledger.Updates()
	d.learn(updates)
	d.look("the log", []byte(log), "")
	d.look("what it serves", []byte(pages), "")
	for _, u := range updates {
		d.update(u)
	}
	return d.leaks
}

func newDetective(keys []Key) *detective {
	d := &detective{
		keys: canaryOf(keys), credentials: conductortest.NewCanary(),
		tokens: map[string]string{}, found: map[Leak]bool{},
		compact: regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}`),
	}
	d.plant([]string{KeySecret})
	return d
}

// plant makes access tokens known.
func (d *detective) plant(granted []string) {
	for _, text := range granted {
		d.credentials.PlantText(credentials, text)
	}
}

// learn makes the tokens of updates known.
func (d *detective) learn(updates []conductortest.Update) {
	for _, u := range updates {
		if token, err := TokenOf(u.Result.Output.Reveal()); err == nil && len(token) > tail {
			d.tokens[token[len(token)-tail:]] = firstOf(u.Result.TaskID)
		}
	}
}

func (d *detective) update(u conductortest.Update) {
	r := u.Result
	d.look("an output", r.Output.Reveal(), firstOf(r.TaskID))
	d.look("a reason", []byte(r.Reason), "")
	for _, line := range r.Logs {
		d.look("a task's log", []byte(line.Text), "")
	}
}

// look looks at data, where the token of one task at most is in its place.
func (d *detective) look(where string, data []byte, task string) {
	if len(data) == 0 {
		return
	}
	if len(d.keys.Search(data)) > 0 {
		d.report("a key", where)
	}
	for _, f := range d.credentials.Search(data) {
		if f.Secret == credentials {
			d.report(credentials, where)
		}
	}
	if task == "" && d.compact.Match(data) {
		d.report("a token", where)
	}
	for i := 0; i+tail <= len(data); i++ {
		if whose, ok := d.tokens[string(data[i:i+tail])]; ok && whose != task {
			d.report("a token", where)
		}
	}
}

func (d *detective) report(what, where string) {
	l := Leak{what, where}
	if !d.found[l] {
		d.found[l] = true
		d.leaks = append(d.leaks, l)
	}
}

// Pages is what a worker serves of itself at the moment; one that does not
// say where serves nothing.
func Pages(ctx context.Context, w Worker) string {
	base, ok := served(w.Log())
	if !ok {
		return ""
	}
	var all bytes.Buffer
	for _, page := range []string{"/metrics", "/readyz", "/livez"} {
		if _, body, err := conductortest.Ask(ctx, base+page); err == nil {
			fmt.Fprintln(&all, body)
		}
	}
	return all.String()
}
