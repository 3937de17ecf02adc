//go:build cgo

package pkcs11

import (
	"cmp"
	"net/url"
	"strings"
	"sync"
	"weak"

	"github.com/miekg/pkcs11"

	"conductor-jwt/keys"
)

// Options are what the sources need of the process.
type Options struct {
	// Module is the path of the module for a URI without a module-path; empty:
	// that of p11-kit, which serves all modules that the system has.
	Module string
}

const proxyModule = "p11-kit-proxy.so"

// New returns the Scheme. It loads no module. A process must have only one
// Scheme, because that remembers which PINs were refused.
func New(o Options) keys.Scheme {
	return &scheme{o: o, modules: map[string]*library{}, tokens: map[place]weak.Pointer[token]{}, refused: map[place]*refusedPIN{}}
}

type scheme struct {
	o Options

	mu      sync.Mutex
	modules map[string]*library // by path
	// By the part of a place that names the token and its PIN. A token, and its
	// sessions, end with the last source that names it. A refused PIN is
	// remembered: otherwise the next policy with the same source would try it
	// again.
	tokens  map[place]weak.Pointer[token]
	refused map[place]*refusedPIN
}

// Open implements [keys.Scheme].
func (s *scheme) Open(uri string) (keys.Source, error) {
	p, err := readURI(uri)
	if err != nil {
		return nil, err
	}
	// The system would search its library path for a relative name.
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
		s.refused[at] = &refusedPIN{}
	}
	t := newToken(at, s.refused[at], func() (*pkcs11.Ctx, error) { return s.module(at.module) })
	s.tokens[at] = weak.Make(t)
	return t
}

// place is a private key, as a URI names it (RFC 7512 §2.3, §2.4).
type place struct {
	token, serial, manufacturer, model string
	object, id                         string
	pinSource, module                  string
}

// readURI reads the attributes that identify a key. It refuses all others: an
// attribute that is not supported might tell the key from another one.
func readURI(uri string) (place, error) {
	var p place
	rest, ok := strings.CutPrefix(uri, "pkcs11:")
	path, query, _ := strings.Cut(rest, "?")
	if !ok || strings.Contains(rest, "#") {
		return place{}, malformed("write pkcs11:token=…;object=…?pin-source=/path&module-path=/path")
	}
	objectType := ""
	if !readAttributes(path, ";", map[string]*string{
		"token": &p.token, "serial": &p.serial, "manufacturer": &p.manufacturer, "model": &p.model,
		"object": &p.object, "id": &p.id, "type": &objectType,
	}) || objectType != "" && objectType != "private" {
		return place{}, malformed("its path has token, serial, manufacturer, model, object, id and type=private, each at most once")
	}
	if strings.Contains(query, "pin-value") {
		return place{}, malformed("write the PIN into a file of its own, and pin-source=/path")
	}
	if !readAttributes(query, "&", map[string]*string{"pin-source": &p.pinSource, "module-path": &p.module}) {
		return place{}, malformed("its query has pin-source and module-path, each at most once")
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

// readAttributes reads name=value pairs into values. It reports false for a
// name that is unknown or repeated, and for an empty value.
func readAttributes(text, separator string, values map[string]*string) bool {
	if text == "" {
		return true
	}
	for pair := range strings.SplitSeq(text, separator) {
		name, escaped, ok := strings.Cut(pair, "=")
		text, err := url.PathUnescape(escaped)
		value := values[name]
		if !ok || err != nil || value == nil || *value != "" || text == "" {
			return false
		}
		*value = text
	}
	return true
}

func malformed(hint string) error { return store.Unsupported("this is not the URI of a key", hint) }
