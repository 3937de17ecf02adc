package keys

import (
	"context"
	"crypto/rsa"
	"errors"
	"sync"
	"time"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys/decode"
)

// ParserOptions configure a Parser.
type ParserOptions struct {
	CacheSize  int              // the number of parsed keys to keep; 0 keeps none
	Containers bool             // read JWE and PKCS#12 too; for the command line
	MaxText    int              // the longest text in bytes; 0 means 64 KiB
	Now        func() time.Time // nil means time.Now

	// RSA loads an RSA key that the cache keeps into a library that signs
	// faster than crypto/rsa. Where RSA is nil or fails, crypto/rsa signs.
	RSA func(*rsa.PrivateKey) (RSASigner, error)
}

// Parser is the Resolver of keys given as text. It parses a text once for all
// callers at the same time, and keeps parsed keys for 10 minutes: workflows
// sign with the same key again and again, and reading a key takes longer than
// signing with it. It also keeps the errors of keys with a password, so that a
// repeated task derives nothing. It is safe for concurrent use.
type Parser struct {
	options ParserOptions
	gate    *gate
	cache   *cache
	refused *cache

	mu       sync.Mutex
	inFlight map[digest]*flight
}

const (
	keyTTL      = 10 * time.Minute // how long a parsed key is kept
	refusedKept = 256              // the number of refusals to keep
	refusedTTL  = 5 * time.Minute
)

// flight is a parse in progress that other callers wait for.
type flight struct {
	done chan struct{}
	key  Key
	err  error
}

var _ Resolver = (*Parser)(nil)

// NewParser makes a Parser.
func NewParser(o ParserOptions) *Parser {
	if o.MaxText <= 0 {
		o.MaxText = decode.MaxText
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Parser{
		options: o, gate: newGate(), cache: newCache(o.CacheSize, keyTTL, o.Now),
		refused: newCache(refusedKept, refusedTTL, o.Now), inFlight: map[digest]*flight{},
	}
}

// Stats counts the use of the cache.
type Stats struct {
	Hits    uint64 // keys found, or being parsed
	Misses  uint64 // keys parsed
	Entries int    // keys kept now
}

// Stats returns the counts since the Parser was made.
func (p *Parser) Stats() Stats { return p.cache.stats() }

// Resolve reads the key of ref. Every error is an *fault.Error; that of a ref
// with a name is [ErrUnknown], as a keyring has the named keys.
func (p *Parser) Resolve(ctx context.Context, ref Ref) (Key, error) {
	if ref.Name != "" {
		return nil, &fault.Error{Reason: ErrUnknown, Found: "this names a key, and no keys are configured", Hint: "give the key itself in " + fault.Key}
	}
	if n := ref.Text.Len(); n > p.options.MaxText {
		return nil, decode.TooLarge(n, p.options.MaxText)
	}
	id := p.cache.digest(ref)
	for {
		if e, ok := p.cache.get(id); ok {
			return e.key, nil
		}
		if e, ok := p.refused.get(id); ok {
			return nil, e.err
		}
		f, mine := p.join(id)
		if mine {
			return p.parse(ctx, ref, id, f)
		}
		if err := f.wait(ctx); err != nil {
			return nil, err
		}
		if f.err == nil {
			p.cache.joined()
			return f.key, nil
		}
		if !isUnavailable(f.err) {
			return nil, f.err
		}
		// The parsing caller timed out, which says nothing about the key: try again.
	}
}

// join returns the parse of id that is in progress, or begins one.
func (p *Parser) join(id digest) (f *flight, mine bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f, ok := p.inFlight[id]; ok {
		return f, false
	}
	f = &flight{done: make(chan struct{}), err: interrupted()}
	p.inFlight[id] = f
	return f, true
}

// parse reads the key in the caller's own goroutine, so that the caller gets a
// panic. The waiting callers are woken up in any case.
func (p *Parser) parse(ctx context.Context, ref Ref, id digest, f *flight) (Key, error) {
	defer func() {
		p.mu.Lock()
		delete(p.inFlight, id)
		p.mu.Unlock()
		close(f.done)
	}()
	p.cache.missed()
	f.key, f.err = p.read(ctx, ref)
	switch {
	case f.err == nil:
		p.openNative(f.key)
		p.cache.put(id, entry{key: f.key})
	case !ref.Password.IsZero() && !isUnavailable(f.err):
		p.refused.put(id, entry{err: f.err})
	}
	return f.key, f.err
}

func (p *Parser) read(ctx context.Context, ref Ref) (Key, error) {
	enter := p.gate.enter
	if !ref.Password.IsZero() {
		enter = p.gate.enterAlone
	}
	leave, err := enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if p.options.Containers && ref.Encoding == "" {
		text, err := decode.OpenContainer(ctx, ref.Text.Reveal(), ref.Password)
		if err != nil {
			return nil, err
		}
		ref.Text = secret.New(text)
	}
	return read(ctx, ref, p.gate)
}

func (f *flight) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return decode.TimedOut(ctx)
	}
}

// interrupted is the error of a parse that panicked, for those who waited for
// it.
func interrupted() error {
	return &fault.Error{Reason: ErrUnavailable, Found: "reading the key was interrupted", Hint: "try again"}
}

// isUnavailable reports whether reading ended early, such as by a timeout. Such
// an error says nothing about the key and must not be cached.
func isUnavailable(err error) bool { return errors.Is(err, ErrUnavailable) }
