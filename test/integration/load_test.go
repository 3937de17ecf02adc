package integration_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/conductor-sdk/conductor-go/sdk/model"
)

// load starts workflows one after the other until it is stopped.
type load struct {
	testbed *testbed
	request func(i int) model.StartWorkflowRequest
	count   chan int // number of workflows so far; holds the latest value
	stop    context.CancelFunc
	done    chan struct{}
	ids     []string // valid once done is closed
	err     error
}

// retryPolicy is whether a load retries when the server does not start a workflow.
type retryPolicy bool

const (
	noRetries retryPolicy = false
	retries   retryPolicy = true // the server may be down
)

func (s *testbed) load(ctx context.Context, t *testing.T, p retryPolicy, r func(i int) model.StartWorkflowRequest) *load {
	t.Helper()
	ctx, stop := context.WithCancel(ctx)
	l := &load{testbed: s, request: r, count: make(chan int, 1), stop: stop, done: make(chan struct{})}
	go l.run(ctx, p)
	t.Cleanup(func() { stop(); <-l.done })
	return l
}

func (l *load) run(ctx context.Context, p retryPolicy) {
	defer close(l.done)
	pace := time.NewTicker(25 * time.Millisecond) // SQLite has one writer
	defer pace.Stop()
	for {
		select {
		case <-pace.C:
		case <-ctx.Done():
			return
		}
		// The start is not cancelled with ctx, so that every ID is known.
		id, err := l.testbed.server.StartWorkflow(context.WithoutCancel(ctx), l.request(len(l.ids)))
		if err != nil {
			if p == retries {
				continue
			}
			l.err = err
			return
		}
		l.ids = append(l.ids, id)
		select {
		case <-l.count:
		default:
		}
		l.count <- len(l.ids)
	}
}

// more waits until n more workflows have started.
func (l *load) more(ctx context.Context, t *testing.T, n int) {
	t.Helper()
	for target := -1; ; {
		select {
		case now := <-l.count:
			if target < 0 {
				target = now + n
			}
			if now >= target {
				return
			}
		case <-l.done:
			t.Fatalf("the load ended too early: %v", errors.Join(l.err, ctx.Err()))
		case <-ctx.Done():
			t.Fatalf("fewer than %d more workflows ended: %v", n, ctx.Err())
		}
	}
}

// end stops the load and returns the IDs.
func (l *load) end(t *testing.T) []string {
	t.Helper()
	l.stop()
	<-l.done
	if l.err != nil {
		t.Fatal(l.err)
	}
	return l.ids
}
