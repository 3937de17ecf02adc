//go:build cgo

package pkcs11

import (
	"cmp"
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

// library is a module, loaded once. It has a lock of its own, because a module
// may hang while it starts, and is never finalised: another Scheme may use the
// same.
type library struct {
	mu     sync.Mutex
	module *pkcs11.Ctx
}

// module loads a library.
func (s *scheme) module(path string) (*pkcs11.Ctx, error) {
	s.mu.Lock()
	l := s.modules[path]
	if l == nil {
		l = &library{}
		s.modules[path] = l
	}
	s.mu.Unlock()
	return l.load(path)
}

func (l *library) load(path string) (*pkcs11.Ctx, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.module != nil {
		return l.module, nil
	}
	m := pkcs11.New(path)
	if m == nil {
		return nil, keys.Unavailable("a pkcs#11 module that cannot be loaded", "check module-path, and that the library is installed")
	}
	if err := m.Initialize(); err != nil && !is(err, pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED) {
		m.Destroy()
		return nil, keys.Unavailable("a pkcs#11 module that does not start", "check its configuration")
	}
	l.module = m
	return m, nil
}

// slot finds the one slot with the token.
func (p place) slot(m *pkcs11.Ctx) (uint, error) {
	slots, err := m.GetSlotList(true)
	if err != nil {
		return 0, storeError(err)
	}
	var found []uint
	for _, slot := range slots {
		about, err := m.GetTokenInfo(slot)
		if err == nil && p.fits(about) {
			found = append(found, slot)
		}
	}
	switch len(found) {
	case 0:
		return 0, keys.Unavailable("no token as the source names it", "plug it in, or correct the source; mind the module's configuration")
	case 1:
		return found[0], nil
	}
	return 0, &fault.Error{Reason: keys.ErrAmbiguous, Found: "several tokens as the source names it", Hint: "add serial to the source"}
}

func (p place) fits(about pkcs11.TokenInfo) bool {
	for _, pair := range [][2]string{{p.token, about.Label}, {p.serial, about.SerialNumber}, {p.manufacturer, about.ManufacturerID}, {p.model, about.Model}} {
		if pair[0] != "" && pair[0] != strings.TrimRight(pair[1], " \x00") { // padded (PKCS #11 §3.2)
			return false
		}
	}
	return true
}
