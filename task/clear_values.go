package task

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json/jsontext"
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"conductor-jwt/internal/jsonobj"
)

const (
	maxClearValues = 128
	clearValueTTL  = time.Hour
	minClearLength = 20 // in characters, unless the value is an address
)

// clearValues remembers texts that stood in clear in a stored task. All who may
// read executions can read such a text, so that it is no secret in another task
// of the same workflow, and mode auto need not read that task to find out.
//
// A remembered value also confirms a guess: an author of data can send the guess
// in clear and then a reference to the secret, whose token is signed without a
// read if the guess was right. Therefore short texts are not remembered. That is
// not enough, because a reference may stand within a longer text of the author's
// choice, the guess within the same text. The first wrong guess is read and
// refused, and from then on this handler remembers nothing. So there is one
// attempt for each start of the worker and each new policy, and it tests at most
// maxClearValues guesses. Mode stored remembers nothing and has no such attempt.
type clearValues struct {
	key []byte
	now func() time.Time

	mu   sync.Mutex
	kept *simplelru.LRU[clearValue, time.Time] // until when; nil: nothing is remembered any more
}

// clearValue is a keyed hash, so that a dump of the memory tells nothing about a
// value.
type clearValue [sha256.Size]byte

func newClearValues(now func() time.Time) *clearValues {
	c := &clearValues{key: make([]byte, sha256.Size), now: now}
	_, _ = rand.Read(c.key)                                                  // never fails (crypto/rand)
	c.kept, _ = simplelru.NewLRU[clearValue, time.Time](maxClearValues, nil) // fails only for a size of 0
	return c
}

func (c *clearValues) hash(workflowType, text string) clearValue {
	mac := hmac.New(sha256.New, c.key)
	_, _ = fmt.Fprintf(mac, "%d:%s%s", len(workflowType), workflowType, text) // a hash never fails
	return clearValue(mac.Sum(nil))
}

// has reports whether a text was seen in clear within the last hour in a task of
// the workflow type.
func (c *clearValues) has(workflowType, text string) bool {
	if !memorable(text) {
		return false
	}
	v := c.hash(workflowType, text)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		return false
	}
	until, ok := c.kept.Get(v)
	return ok && c.now().Before(until)
}

// add remembers a text for an hour.
func (c *clearValues) add(workflowType, text string) {
	if !memorable(text) {
		return
	}
	v := c.hash(workflowType, text)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept != nil {
		c.kept.Add(v, c.now().Add(clearValueTTL))
	}
}

// forget drops everything. A comparison that failed may hide a wrong guess.
func (c *clearValues) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept != nil {
		c.kept.Purge()
	}
}

// close drops everything for good. It reports whether it was the first.
func (c *clearValues) close() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := c.kept != nil
	c.kept = nil
	return first
}

// memorable reports whether a text is one that no short secret equals, and holds
// no reference.
func memorable(text string) bool {
	if strings.Contains(text, secretMark) {
		return false
	}
	if utf8.RuneCountInString(text) >= minClearLength {
		return true
	}
	if u, err := url.Parse(text); err == nil && u.Scheme == "https" && u.Host != "" {
		return true
	}
	address, err := mail.ParseAddress(text)
	return err == nil && address.Address == text
}

// covers reports whether the workflow's data put only texts into the inputs that
// were seen in clear before.
func (c *clearValues) covers(workflowType string, v *inputValues) bool {
	for _, in := range v.table {
		value, ok := v.values[in.Name]
		if !ok || in.Sealed {
			continue
		}
		for text := range v.templates.dataTexts(in.Name, value) {
			if !c.has(workflowType, text) {
				return false
			}
		}
	}
	return true
}

// dataTexts returns the texts of an input's value that do not stand in its
// template: the workflow's data put them there. Numbers and the like are
// returned as their JSON.
func (t templates) dataTexts(name string, value jsonobj.Value) map[string]bool {
	texts := map[string]bool{}
	if !t.literally(name, value) {
		template, _ := t.of(name)
		collectDataTexts(template, value, texts)
	}
	return texts
}

func collectDataTexts(template, value jsonobj.Value, texts map[string]bool) {
	if template.Equal(value) && !hasExpression(template) {
		return
	}
	switch value.Kind {
	case jsontext.KindBeginObject:
		templates := template.ByName()
		for name, item := range value.Members() {
			inTemplate, ok := templates[name]
			if !ok {
				texts[name] = true
			}
			collectDataTexts(inTemplate, item, texts)
		}
	case jsontext.KindBeginArray:
		for i, item := range value.Items {
			var inTemplate jsonobj.Value
			if template.Kind == jsontext.KindBeginArray && i < len(template.Items) {
				inTemplate = template.Items[i]
			}
			collectDataTexts(inTemplate, item, texts)
		}
	case jsontext.KindString:
		texts[value.Text] = true
	default:
		texts[string(value.Raw)] = true
	}
}
