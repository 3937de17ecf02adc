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
	maxPart   = 1 << 20
	// largeBody is the size above which answers are read one after the other,
	// so that a server cannot fill the memory by answering every poll at once
	// with an answer of the max size.
	largeBody = 4 << 20
)

// reader reads answers whole. It counts the bytes after decompression, so that
// the limit holds for a small answer that unpacks to a large one.
type reader struct {
	large chan struct{} // full while a large answer is read
	first sync.Pool     // of *[firstPart]byte, wiped: most answers are smaller
}

func newReader() *reader {
	return &reader{large: make(chan struct{}, 1)}
}

// borrow gives a first part, and the function that wipes and returns it.
func (r *reader) borrow() (part []byte, giveBack func()) {
	first, ok := r.first.Get().(*[firstPart]byte)
	if !ok {
		first = new([firstPart]byte)
	}
	return first[:0], func() {
		clear(first[:]) // keys came in it
		r.first.Put(first)
	}
}

// read reads up to limit bytes; more are an *Error. It reads in parts, because a
// growing buffer would hold its content twice.
func (r *reader) read(ctx context.Context, c Call, body io.Reader, limit int64) ([]byte, error) {
	var parts [][]byte
	size := int64(0)
	part, giveBack := r.borrow()
	defer giveBack()
	for {
		if len(part) == cap(part) {
			parts = append(parts, part)
			part = make([]byte, 0, min(maxPart, 4*cap(part)))
		}
		n, err := body.Read(part[len(part):cap(part)])
		part = part[:len(part)+n]
		before := size
		if size += int64(n); size > limit {
			if size > largeBody {
				// The next large answer waits for this one to end. Without a
				// collection both would be in memory.
				runtime.GC()
			}
			return nil, &Error{Class: TooLarge, Call: c}
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
