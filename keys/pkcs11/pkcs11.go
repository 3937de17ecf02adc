//go:build cgo

package pkcs11

import (
	"cmp"
	"net/url"
	"strings"
	"sync"
	"weak"

	"github.com/miekg/pkcs11"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
)

// Options are what the sources need of the process.
type Options struct {
	// Module is the library where a URI has no module-path; empty: p11-kit's,
	// which knows all that the system has.
	Module string
}

const proxyModule = "p11-kit-proxy.so"

// New makes the Scheme. It loads no library. A process needs one: it remembers
// which pins were refused.
func New(o Options) keys.Scheme {
	return &scheme{o: o, modules: map[string]*library{}, tokens: map[place]weak.Pointer[token]{}, refused: map[place]*refusal{}}
}

type scheme struct {
	o Options

	mu      sync.Mutex
	modules map[string]*library // by path
	// By what of a place tells the token and its pin. A token goes, and its
	// sessions with it, when no source is left that names it; what it refused is
	// remembered, lest the next policy with the same source shows it again.
	tokens  map[place]weak.Pointer[token]
	refused map[place]*refusal
}

// Open implements [keys.Scheme].
func (s *scheme) Open(uri string) (keys.Source, error) {
	p, err := readURI(uri)
	if err != nil {
		return nil, err
	}
	// Any other name is looked for wherever the system looks for libraries.
	if p.module = cmp.Or(p.module, s.o.Module); p.module != "" && !strings.HasPrefix(p.module, "/") {
		return nil, malformed("give module-path, or PKCS11_MODULE_PATH, an absolute path")
	}
	p.module = cmp.Or(p.module, proxyModule)
	at := p
	at.object, at.id = "", ""
	return &source{token: s.token(at), place: p}, nil
}

func (s *scheme) token(at place) *token {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tokens[at].Value(); t != nil {
		return t
	}
	if s.refused[at] == nil {
		s.refused[at] = &refusal{}
	}
	t := newToken(at, s.refused[at], func() (*pkcs11.Ctx, error) { return s.module(at.module) })
	s.tokens[at] = weak.Make(t)
	return t
}

// place is what a URI says (RFC 7512 §2.3, §2.4).
type place struct {
	token, serial, manufacturer, model string
	object, id                         string
	pinSource, module                  string
}

// readURI takes the attributes that tell a key, and refuses all others: one
// that is not understood might have told it from another key.
func readURI(uri string) (place, error) {
	var p place
	rest, ok := strings.CutPrefix(uri, "pkcs11:")
	path, query, _ := strings.Cut(rest, "?")
	if !ok || strings.Contains(rest, "#") {
		return place{}, malformed("write pkcs11:token=…;object=…?pin-source=/path&module-path=/path")
	}
	kind := ""
	if !attributes(path, ";", map[string]*string{
		"token": &p.token, "serial": &p.serial, "manufacturer": &p.manufacturer, "model": &p.model,
		"object": &p.object, "id": &p.id, "type": &kind,
	}) || kind != "" && kind != "private" {
		return place{}, malformed("its path has token, serial, manufacturer, model, object, id and type=private, each once at most")
	}
	if strings.Contains(query, "pin-value") {
		return place{}, malformed("write the pin into a file of its own, and pin-source=/path")
	}
	if !attributes(query, "&", map[string]*string{"pin-source": &p.pinSource, "module-path": &p.module}) {
		return place{}, malformed("its query has pin-source and module-path, each once at most")
	}
	if p.object == "" && p.id == "" {
		return place{}, malformed("name the key by object=label or id=%01")
	}
	if p.token == "" && p.serial == "" {
		return place{}, malformed("name the token by token=label or serial=…")
	}
	p.pinSource = strings.TrimPrefix(p.pinSource, "file://")
	p.pinSource = strings.TrimPrefix(p.pinSource, "file:")
	if p.pinSource != "" && !strings.HasPrefix(p.pinSource, "/") {
		return place{}, malformed("give pin-source an absolute path")
	}
	return p, nil
}

// attributes reads name=value pairs into their places.
func attributes(text, separator string, places map[string]*string) bool {
	if text == "" {
		return true
	}
	for pair := range strings.SplitSeq(text, separator) {
		name, escaped, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(escaped)
		at := places[name]
		if !ok || err != nil || at == nil || *at != "" || value == "" {
			return false
		}
		*at = value
	}
	return true
}

func malformed(hint string) error {
	return &fault.Error{Reason: keys.ErrUnsupported, Found: "a uri that names no key of a token", Hint: hint}
}
