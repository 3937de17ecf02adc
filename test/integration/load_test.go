package integration_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/conductor-sdk/conductor-go/sdk/model"
)

// load starts one workflow after the other until it is stopped.
type load struct {
	stage   *stage
	request func(i int) model.StartWorkflowRequest
	count   chan int // of workflows so far, the latest alone
	stop    context.CancelFunc
	done    chan struct{}
	ids     []string // valid once done is closed
	err     error
}

// patience is what a load does about a workflow that the server does not
// start.
type patience bool

const (
	fails  patience = false
	insist patience = true // again and again: the server may be away
)

func (s *stage) load(ctx context.Context, t *testing.T, p patience, r func(i int) model.StartWorkflowRequest) *load {
	t.Helper()
	ctx, stop := context.WithCancel(ctx)
	l := &load{stage: s, request: r, count: make(chan int, 1), stop: stop, done: make(chan struct{})}
	go l.run(ctx, p)
	t.Cleanup(func() { stop(); <-l.done })
	return l
}

func (l *load) run(ctx context.Context, p patience) {
	defer close(l.done)
	pace := time.NewTicker(25 * time.Millisecond) // one writer is all that SQLite has
	defer pace.Stop()
	for {
		select {
		case <-pace.C:
		case <-ctx.Done():
			return
		}
		// A start that has begun is not given up: its id must be known.
		id, err := l.stage.server.StartWorkflow(context.WithoutCancel(ctx), l.request(len(l.ids)))
		if err != nil {
			if p == insist {
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

// more waits until n more workflows have been started.
func (l *load) more(ctx context.Context, t *testing.T, n int) {
	t.Helper()
	for goal := -1; ; {
		select {
		case now := <-l.count:
			if goal < 0 {
				goal = now + n
			}
			if now >= goal {
				return
			}
		case <-l.done:
			t.Fatalf("the load has ended: %v", errors.Join(l.err, ctx.Err()))
		case <-ctx.Done():
			t.Fatalf("no %d more workflows: %v", n, ctx.Err())
		}
	}
}

// end stops the load and gives the ids.
func (l *load) end(t *testing.T) []string {
	t.Helper()
	l.stop()
	<-l.done
	if l.err != nil {
		t.Fatal(l.err)
	}
	return l.ids
}
