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
	firstPart     = 8 << 10
	firstPollPart = 128 << 10 // some 25 tasks with their keys
	maxPart       = 1 << 20
	// largeBody is the size above which answers are read one after the other,
	// so that a server cannot fill the memory by answering every poll at once
	// with an answer of the max size.
	largeBody = 4 << 20
)

// reader reads answers whole. It counts the bytes after decompression, so that
// the limit holds for a small answer that unpacks to a large one.
type reader struct {
	large            chan struct{} // full while a large answer is read
	parts, pollParts firstParts
}

func newReader() *reader {
	return &reader{large: make(chan struct{}, 1), parts: firstParts{size: firstPart}, pollParts: firstParts{size: firstPollPart}}
}

// firstParts are first parts of answers, wiped and used again: most answers fit
// into one.
type firstParts struct {
	size int
	pool sync.Pool // of *[]byte
}

func (f *firstParts) borrow() *[]byte {
	if part, ok := f.pool.Get().(*[]byte); ok {
		return part
	}
	part := make([]byte, f.size)
	return &part
}

// giveBack takes a part of which the first bytes were written.
func (f *firstParts) giveBack(part *[]byte, written int) {
	clear((*part)[:written]) // keys came in it
	f.pool.Put(part)
}

// read reads up to limit bytes; more are an *Error. It reads in parts, because a
// growing buffer would hold its content twice.
func (r *reader) read(ctx context.Context, c Call, body io.Reader, limit int64) ([]byte, error) {
	var parts [][]byte
	size := int64(0)
	pool := &r.parts
	if c == callPoll {
		pool = &r.pollParts
	}
	first := pool.borrow()
	part := (*first)[:0]
	defer func() { pool.giveBack(first, int(min(size, int64(pool.size)))) }()
	for {
		if len(part) == cap(part) {
			parts = append(parts, part)
			part = make([]byte, 0, min(maxPart, max(size, 4*firstPart))) // as much again
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
