package keys

import (
	"context"
	"runtime"

	"conductor-jwt/keys/decode"
)

// gate limits local private-key operations to the number of cores: more at once
// would make each slower and delay timers. Keys in a key store (a KMS, an HSM)
// do not pass it. A nil gate is open.
type gate struct {
	tokens    chan struct{}
	passwords chan struct{} // one place, for keys with a password
}

// newGate returns a gate of GOMAXPROCS places, and one more for keys with a
// password.
func newGate() *gate {
	return &gate{tokens: make(chan struct{}, runtime.GOMAXPROCS(0)), passwords: make(chan struct{}, 1)}
}

// enter waits for a place. leave frees it. The error is an *fault.Error of
// [ErrUnavailable] with that of ctx as its cause.
func (g *gate) enter(ctx context.Context) (leave func(), err error) {
	if g == nil {
		return enter(ctx, nil)
	}
	return enter(ctx, g.tokens)
}

// enterAlone waits for the one place of keys with a password. The key itself
// sets the time and memory of the derivation: two at once may need more memory
// than the process has, and none may take the place of a signature.
func (g *gate) enterAlone(ctx context.Context) (leave func(), err error) {
	return enter(ctx, g.passwords)
}

func enter(ctx context.Context, places chan struct{}) (leave func(), err error) {
	if ctx.Err() != nil {
		return nil, decode.TimedOut(ctx)
	}
	if places == nil {
		return func() {}, nil
	}
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	case <-ctx.Done():
		return nil, decode.TimedOut(ctx)
	}
}
