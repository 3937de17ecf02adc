//go:build cgo

package pkcs11

import (
	"strings"
	"sync"

	"github.com/miekg/pkcs11"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
)

// library is a module that is loaded once. It has its own lock, because a module
// may hang while it starts. It is never finalised: another Scheme may use the
// same module.
type library struct {
	mu     sync.Mutex
	module *pkcs11.Ctx
}

// module returns the module at path, and loads it if necessary.
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
		return nil, keys.Unavailable("the PKCS#11 module cannot be loaded", "check module-path, and that the library is installed")
	}
	if err := m.Initialize(); err != nil && !is(err, pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED) {
		m.Destroy()
		return nil, keys.Unavailable("the PKCS#11 module does not start", "check its configuration")
	}
	l.module = m
	return m, nil
}

// slot returns the one slot that holds the token.
func (p place) slot(m *pkcs11.Ctx) (uint, error) {
	slots, err := m.GetSlotList(true)
	if err != nil {
		return 0, storeError(err)
	}
	var found []uint
	for _, slot := range slots {
		about, err := m.GetTokenInfo(slot)
		if err == nil && p.matches(about) {
			found = append(found, slot)
		}
	}
	switch len(found) {
	case 0:
		return 0, store.Unavailable("is in no slot of the module", "plug it in, correct the source, or check the module's configuration")
	case 1:
		return found[0], nil
	}
	return 0, &fault.Error{Reason: keys.ErrAmbiguous, Found: "several tokens match the source", Hint: "add serial to the source"}
}

// matches compares the attributes that p names. The module pads its values (PKCS
// #11 §3.2).
func (p place) matches(about pkcs11.TokenInfo) bool {
	for _, pair := range [][2]string{{p.token, about.Label}, {p.serial, about.SerialNumber}, {p.manufacturer, about.ManufacturerID}, {p.model, about.Model}} {
		if pair[0] != "" && pair[0] != strings.TrimRight(pair[1], " \x00") {
			return false
		}
	}
	return true
}
