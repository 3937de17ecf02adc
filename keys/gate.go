package keys

import (
	"context"
	"errors"
	"runtime"
)

// Gate admits as many local private-key operations at once as there are
// cores: more would only make timers late and every one of them slower. Keys
// in a store of their own (a KMS, an HSM) do not pass it. A nil Gate is open.
type Gate struct {
	tokens chan struct{}
}

// NewGate makes a gate of GOMAXPROCS places.
func NewGate() *Gate {
	return &Gate{tokens: make(chan struct{}, runtime.GOMAXPROCS(0))}
}

// enter waits for a place and returns how to give it back, or fails with
// ctx's error, in an *Error of [ErrUnavailable].
func (g *Gate) enter(ctx context.Context) (leave func(), err error) {
	if err := context.Cause(ctx); err != nil {
		return nil, gaveUp(ctx)
	}
	if g == nil {
		return func() {}, nil
	}
	select {
	case g.tokens <- struct{}{}:
		return func() { <-g.tokens }, nil
	case <-ctx.Done():
		return nil, gaveUp(ctx)
	}
}

func gaveUp(ctx context.Context) error {
	return &Error{
		Reason: ErrUnavailable, Found: "no time left to use the key",
		Hint: "try again", Cause: ctx.Err(),
	}
}

// abandoned is the end of a parse that was never finished: it panicked.
func abandoned() error {
	return &Error{Reason: ErrUnavailable, Found: "a key whose reading was broken off", Hint: "try again"}
}

// gaveUpEarly reports an end that says nothing about the key.
func gaveUpEarly(err error) bool { return errors.Is(err, ErrUnavailable) }
