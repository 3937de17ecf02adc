//go:build cgo

package pkcs11

import (
	"context"
	"errors"
	"testing"
)

// A module that hangs while it starts holds up its own tokens alone, and those
// no longer than their callers wait.
func TestAModuleThatHangsIsNotWaitedFor(t *testing.T) {
	s, ok := New(Options{}).(*scheme)
	if !ok {
		t.Fatal("another type")
	}
	hanging := &library{}
	hanging.mu.Lock() // as while it starts
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
		t.Error("a module that is not there is loaded")
	}
	cancel()
	if _, err := source.Versions(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
