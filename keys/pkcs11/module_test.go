//go:build cgo

package pkcs11

import (
	"context"
	"errors"
	"testing"
)

// A module that hangs while it starts blocks only its own tokens, and their
// callers only until their contexts end.
func TestHangingModuleBlocksOnlyItsTokens(t *testing.T) {
	s, ok := New(Options{}).(*scheme)
	if !ok {
		t.Fatal("another type")
	}
	hanging := &library{}
	hanging.mu.Lock() // as load does while the module starts
	defer hanging.mu.Unlock()
	s.modules["/hanging.so"] = hanging
	source, err := s.Open("pkcs11:token=t;object=o?module-path=/hanging.so")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, _ = source.Versions(ctx)
		cancel()
	}()
	if _, err := s.Open("pkcs11:token=other;object=o?module-path=/hanging.so"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.module("/no/such/module.so"); err == nil {
		t.Error("an absent module is loaded")
	}
	cancel()
	if _, err := source.Versions(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
