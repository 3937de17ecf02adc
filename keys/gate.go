package keys

import (
	"context"
	"errors"
	"runtime"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys/decode"
)

// gate admits as many local private-key operations at once as there are cores:
// more would make each of them slower, and timers late. Keys in a store (a KMS,
// an HSM) do not pass it. A nil gate is open.
type gate struct {
	tokens chan struct{}
	opener chan struct{} // one place, for keys that come with a password
}

// newGate makes a gate of GOMAXPROCS places, and one more for keys that come
// with a password.
func newGate() *gate {
	return &gate{tokens: make(chan struct{}, runtime.GOMAXPROCS(0)), opener: make(chan struct{}, 1)}
}

// enter waits for a place and returns how to give it back, or fails with
// ctx's error, in an *fault.Error of [ErrUnavailable].
func (g *gate) enter(ctx context.Context) (leave func(), err error) {
	if g == nil {
		return enter(ctx, nil)
	}
	return enter(ctx, g.tokens)
}

// enterAlone waits for the one place of the keys that come with a password.
// The key says how much time and memory its password costs: two derivations at
// once may need more memory than the process has, and none may take the place
// of a signature.
func (g *gate) enterAlone(ctx context.Context) (leave func(), err error) {
	return enter(ctx, g.opener)
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

// abandoned is the end of a parse that was never finished: it panicked.
func abandoned() error {
	return &fault.Error{Reason: ErrUnavailable, Found: "a key whose reading was broken off", Hint: "try again"}
}

// gaveUpEarly reports whether the read ended early, such as by a timeout. Such an
// error must not be cached: it says nothing about the key.
func gaveUpEarly(err error) bool { return errors.Is(err, ErrUnavailable) }
