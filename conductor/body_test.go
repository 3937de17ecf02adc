package conductor

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const testLimit = 32 << 20

// Answers of all sizes are read whole, and one byte over the limit is refused.
func TestAnswersAreReadWhole(t *testing.T) {
	r := newReader()
	for _, size := range []int{0, 1, firstPart - 1, firstPart, firstPart + 1, 5 * firstPart, maxPart, 3*maxPart + 7, largeBody, largeBody + 1, largeBody + 3*maxPart} {
		body := bytes.Repeat([]byte("0123456"), size/7+1)[:size]
		got, err := r.read(t.Context(), callPoll, bytes.NewReader(body), int64(size))
		if err != nil || !bytes.Equal(got, body) {
			t.Errorf("%d bytes: %d came, %v", size, len(got), err)
		}
		if size == 0 {
			continue
		}
		_, err = r.read(t.Context(), callPoll, bytes.NewReader(body), int64(size)-1)
		if e, ok := errors.AsType[*Error](err); !ok || e.Class != TooLarge || e.Call != "poll" {
			t.Errorf("%d bytes with a limit of one less: %v", size, err)
		}
	}
	if len(r.large) != 0 {
		t.Error("an answer that was read is still in the way of the next large one")
	}
}

// A server may answer all polls at once with an answer of the max size.
func TestLargeAnswersAreReadOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReader()
		large := make([]byte, largeBody+1)
		slow, feed := io.Pipe()
		first := make(chan error, 1)
		go func() {
			_, err := r.read(t.Context(), callPoll, slow, testLimit)
			first <- err
		}()
		if _, err := feed.Write(large); err != nil { // and its end does not come
			t.Fatal(err)
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.read(ctx, callPoll, bytes.NewReader(large), testLimit); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a second large answer beside the first: %v", err)
		}
		if _, err := r.read(t.Context(), callPoll, bytes.NewReader(large[1:]), testLimit); err != nil {
			t.Errorf("an answer that is not large: %v", err)
		}
		if err := feed.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-first; err != nil {
			t.Errorf("the first: %v", err)
		}
		if _, err := r.read(t.Context(), callPoll, bytes.NewReader(large), testLimit); err != nil {
			t.Errorf("after the first: %v", err)
		}
	})
}

// A large answer that breaks or is refused lets the next one in.
func TestFailedLargeAnswerLetsTheNextIn(t *testing.T) {
	r := newReader()
	large := make([]byte, largeBody+1)
	broken := io.MultiReader(bytes.NewReader(large), iotestErr{})
	if _, err := r.read(t.Context(), callPoll, broken, testLimit); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a broken answer: %v", err)
	}
	if _, err := r.read(t.Context(), callPoll, bytes.NewReader(append(large, large...)), largeBody+2); err == nil {
		t.Error("an answer over the limit was read")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := r.read(ctx, callPoll, bytes.NewReader(large), testLimit); err != nil {
		t.Errorf("the next: %v", err)
	}
}

type iotestErr struct{}

func (iotestErr) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// Answers hold keys, and the first part is used again.
func TestTheFirstPartIsWiped(t *testing.T) {
	for _, call := range []Call{callPoll, callUpdate} {
		r := newReader()
		kept := &r.parts
		if call == callPoll {
			kept = &r.pollParts
		}
		part := make([]byte, kept.size)
		for _, size := range []int{5, kept.size, 2 * kept.size} {
			kept.pool = sync.Pool{New: func() any { return &part }}
			if _, err := r.read(t.Context(), call, bytes.NewReader(bytes.Repeat([]byte("k"), size)), testLimit); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(part, make([]byte, len(part))) {
				t.Errorf("%s: the part still holds something of %d bytes", call, size)
			}
		}
	}
}
