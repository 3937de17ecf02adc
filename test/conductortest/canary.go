package conductortest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"sync"
	"testing"
)

// Canary finds planted secrets in data, in many encodings, in whole or in part:
// a run of 16 bytes or characters is enough, so it finds a PEM line, a wrapped
// base64 body and half of a number, too. The public part of a key is not a find.
//
// Tokens are secret in a log and not in an update. A test that checks both has
// one Canary for keys and one for tokens.
type Canary struct {
	mu      sync.Mutex
	windows map[int]map[string]string // width -> window -> name
	short   map[string]string         // secrets shorter than a window
	limit   int64                     // bytes unpacked from one gzip
}

// Find is a secret found in data. It does not hold the value.
type Find struct {
	Secret string // the planted name, and the part of the key
	Form   string // the encoding
	Offset int
}

// String implements [fmt.Stringer].
func (f Find) String() string {
	return fmt.Sprintf("%s as %s at byte %d", f.Secret, f.Form, f.Offset)
}

// NewCanary returns a canary that finds PEM headers of private keys only, until
// secrets are planted.
func NewCanary() *Canary {
	return &Canary{
		windows: map[int]map[string]string{},
		short:   map[string]string{"PRIVATE KEY-----": "a private key\x00PEM header"},
		limit:   64 << 20,
	}
}

// PlantKey adds the private numbers of a key to the secrets.
func (c *Canary) PlantKey(name string, k FreshKey) {
	for _, p := range k.parts {
		c.addPart(name+" "+p.name, p)
	}
}

// PlantText adds a text to the secrets, such as a password, an HMAC secret, an
// access token or the signature of a JWT. It must be random and have 8 bytes or
// more.
func (c *Canary) PlantText(name, text string) {
	if len(text) < 8 {
		panic("conductortest: PlantText needs 8 bytes or more; shorter texts occur everywhere")
	}
	c.addPart(name, part{bytes: []byte(text)})
}

func (c *Canary) addPart(name string, p part) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range forms(p) {
		c.addWindows(name+"\x00"+f.name, f.text, f.width)
	}
}

// addWindows stores every window of a text. The caller holds the lock.
func (c *Canary) addWindows(name, text string, width int) {
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
		if window := text[i : i+width]; isVaried(window) {
			known[window] = name
		}
	}
}

// isVaried reports whether a window has at least 6 different bytes. Others, such
// as a run of zeros, occur anywhere.
func isVaried(window string) bool {
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

// Search finds planted secrets in data and in every gzip within data. It returns
// at most one find of each secret and encoding.
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

// unpack returns what a gzip holds, up to limit bytes.
func unpack(data []byte, limit int64) []byte {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	out, _ := io.ReadAll(io.LimitReader(r, limit)) // what was read before an error is searched, too
	return out
}

// Check reports a test error for every secret in data. where names the data.
func (c *Canary) Check(tb testing.TB, where string, data []byte) {
	tb.Helper()
	for _, f := range c.Search(data) {
		tb.Errorf("%s holds a secret: %s", where, f)
	}
}

// CheckLedger reports a test error for every secret in the outputs, reasons, logs
// and IDs of updates, and in stored tasks.
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
