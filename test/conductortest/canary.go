package conductortest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"sync"
	"testing"
)

// Canary knows secrets and finds them in whatever it is shown, in every
// encoding that it can think of, whole or in part: a run of 16 bytes or
// characters is enough, so a PEM line, a wrapped base64 body or half of a
// number is found too. What is public of a key is not a find.
//
// Tokens are secrets of a log and not of an update; a test that cares has one
// Canary for keys and one for tokens.
type Canary struct {
	mu      sync.Mutex
	windows map[int]map[string]string // width -> window -> what it is
	short   map[string]string         // secrets shorter than a window
	limit   int64                     // of what is unpacked
}

// Find is a secret in the wrong place. It does not say its value.
type Find struct {
	Secret string // the name it was planted under, and the part of it
	Form   string // the encoding
	Offset int
}

// String implements [fmt.Stringer].
func (f Find) String() string {
	return fmt.Sprintf("%s as %s at byte %d", f.Secret, f.Form, f.Offset)
}

// NewCanary makes a canary that knows of armour alone: the words PRIVATE KEY
// between dashes have no business anywhere that it is shown.
func NewCanary() *Canary {
	return &Canary{
		windows: map[int]map[string]string{},
		short:   map[string]string{"PRIVATE KEY-----": "a private key\x00armour"},
		limit:   64 << 20,
	}
}

// PlantKey makes a key a secret: each of its private numbers.
func (c *Canary) PlantKey(name string, k FreshKey) {
	for _, p := range k.parts {
		c.plantBytes(name+" "+p.name, p)
	}
}

// PlantText makes a text a secret: a password, an HMAC secret, an access
// token, the signature of a JWT. It is to be random and of 8 bytes or more.
func (c *Canary) PlantText(name, text string) {
	if len(text) < 8 {
		panic("conductortest: a secret of fewer than 8 bytes is found everywhere")
	}
	c.plantBytes(name, part{bytes: []byte(text)})
}

func (c *Canary) plantBytes(name string, p part) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range forms(p) {
		c.plant(name+"\x00"+f.name, f.text, f.width)
	}
}

// plant remembers every window of a text. The caller holds the lock.
func (c *Canary) plant(name, text string, width int) {
	if len(text) < width {
		if len(text) >= 8 {
			c.short[text] = name
		}
		return
	}
	known := c.windows[width]
	if known == nil {
		known = map[string]string{}
		c.windows[width] = known
	}
	for i := 0; i+width <= len(text); i++ {
		if window := text[i : i+width]; telling(window) {
			known[window] = name
		}
	}
}

// telling reports whether a window is varied enough to be a secret: a run of
// zeros, or of one byte in a list of bytes, is found anywhere.
func telling(window string) bool {
	var seen [256]bool
	n := 0
	for _, b := range []byte(window) {
		if !seen[b] {
			seen[b] = true
			n++
		}
	}
	return n >= 6
}

// Search finds planted secrets in data, and in what a gzip within it unpacks
// to: at most one find of each secret and form.
func (c *Canary) Search(data []byte) []Find {
	c.mu.Lock()
	defer c.mu.Unlock()
	finds := c.searchPlain(data)
	for rest, base := data, 0; ; {
		i := bytes.Index(rest, []byte{0x1f, 0x8b, 8}) // RFC 1952 §2.3
		if i < 0 {
			return finds
		}
		for _, f := range c.searchPlain(unpack(rest[i:], c.limit)) {
			finds = append(finds, Find{Secret: f.Secret, Form: "gzip of " + f.Form, Offset: base + i})
		}
		rest, base = rest[i+3:], base+i+3
	}
}

func (c *Canary) searchPlain(data []byte) []Find {
	var finds []Find
	seen := map[string]bool{}
	found := func(name string, at int) {
		if seen[name] {
			return
		}
		seen[name] = true
		secret, form, _ := bytes.Cut([]byte(name), []byte{0})
		finds = append(finds, Find{Secret: string(secret), Form: string(form), Offset: at})
	}
	for text, name := range c.short {
		if i := bytes.Index(data, []byte(text)); i >= 0 {
			found(name, i)
		}
	}
	for width, known := range c.windows {
		for i := 0; i+width <= len(data); i++ {
			if name, ok := known[string(data[i:i+width])]; ok {
				found(name, i)
			}
		}
	}
	return finds
}

// unpack is what a gzip holds, as far as it can be read.
func unpack(data []byte, limit int64) []byte {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	out, _ := io.ReadAll(io.LimitReader(r, limit)) // half of it is searched, too
	return out
}

// Check fails the test for every secret in data, which came from where.
func (c *Canary) Check(tb testing.TB, where string, data []byte) {
	tb.Helper()
	for _, f := range c.Search(data) {
		tb.Errorf("%s tells a secret: %s", where, f)
	}
}

// CheckLedger fails the test for every secret in what the server was told or
// keeps: outputs, reasons, logs and ids of every update, and stored tasks.
func (c *Canary) CheckLedger(tb testing.TB, l *Ledger) {
	tb.Helper()
	for i, u := range l.Updates() {
		r := u.Result
		where := fmt.Sprintf("update %d, of %s", i, r.TaskID)
		c.Check(tb, where+": its output", r.Output.Reveal())
		c.Check(tb, where+": its reason", []byte(r.Reason))
		c.Check(tb, where+": its ids", []byte(r.TaskID+" "+r.WorkflowID+" "+r.WorkerID+" "+string(r.Status)))
		for _, line := range r.Logs {
			c.Check(tb, where+": its log", []byte(line.Text))
		}
	}
	for _, s := range l.Tasks() {
		c.Check(tb, "the stored task "+s.ID, s.Output)
		c.Check(tb, "the stored input of "+s.ID, s.Input)
	}
}
