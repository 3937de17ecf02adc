package conductor

import (
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"sync"
)

const (
	firstPart = 8 << 10
	mostPart  = 1 << 20
	// largeBody is from where on answers are read one after the other: a
	// server, or what stands in its place, must not fill the memory by
	// answering every poll at once with all that an answer may hold.
	largeBody = 4 << 20
)

// reader reads answers whole, above decompression, so that a small answer that
// grows is cut.
type reader struct {
	large chan struct{} // full while somebody reads a large one
	first sync.Pool     // of *[firstPart]byte, wiped: most answers are far smaller
}

func newReader() *reader {
	return &reader{large: make(chan struct{}, 1)}
}

// lend gives a first part and what takes it back.
func (r *reader) lend() (part []byte, giveBack func()) {
	first, ok := r.first.Get().(*[firstPart]byte)
	if !ok {
		first = new([firstPart]byte)
	}
	return first[:0], func() {
		clear(first[:]) // keys came in it
		r.first.Put(first)
	}
}

// read reads up to limit bytes; more are an *Error. It reads in parts, because
// a buffer that grows would hold what it has twice over.
func (r *reader) read(ctx context.Context, c call, body io.Reader, limit int64) ([]byte, error) {
	var parts [][]byte
	size := int64(0)
	part, giveBack := r.lend()
	defer giveBack()
	for {
		if len(part) == cap(part) {
			parts = append(parts, part)
			part = make([]byte, 0, min(mostPart, 4*cap(part)))
		}
		n, err := body.Read(part[len(part):cap(part)])
		part = part[:len(part)+n]
		before := size
		if size += int64(n); size > limit {
			if size > largeBody {
				// The next one may be as large, and waits for this one to
				// end: the collector would let both stand side by side.
				runtime.GC()
			}
			return nil, &Error{Class: TooLarge, Call: string(c)}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if before <= largeBody && size > largeBody {
			if err := r.wait(ctx); err != nil {
				return nil, err
			}
			defer func() { <-r.large }()
		}
	}
	return slices.Concat(append(parts, part)...), nil
}

func (r *reader) wait(ctx context.Context) error {
	select {
	case r.large <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// received is where a call finds its answer: the SDK would copy it twice.
type received struct{ body []byte }

type receivedKey struct{}

func withReceived(ctx context.Context) (context.Context, *received) {
	r := &received{}
	return context.WithValue(ctx, receivedKey{}, r), r
}
