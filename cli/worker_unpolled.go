package cli

import (
	"context"
	"log/slog"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/doctor"
)

const (
	// unpolledEvery is how often the worker looks for tasks that no worker polls.
	unpolledEvery = 10 * time.Minute
	// maxUnpolledBody is the longest list of workflow definitions that it reads:
	// its memory is for tasks. Doctor reads longer ones.
	maxUnpolledBody = 1 << 20
)

// unpolled warns of workflows whose task looks like GET_SIGNED_JWT and lies in
// a queue that no worker polls: such a task waits, and no error says so.
type unpolled struct {
	options doctor.Options
	log     *slog.Logger
}

func (u unpolled) run(ctx context.Context) {
	warned := map[string]bool{}
	tick := time.NewTicker(unpolledEvery)
	defer tick.Stop()
	for {
		u.look(ctx, warned)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// look warns once of each queue. Doctor reports what could not be asked.
func (u unpolled) look(ctx context.Context, warned map[string]bool) {
	defer func() { _ = recover() }() // a panic would end the worker
	for _, f := range doctor.Unpolled(conductor.WithMaxBody(ctx, maxUnpolledBody), u.options) {
		if warned[f.Remedy] {
			continue
		}
		warned[f.Remedy] = true
		u.log.WarnContext(ctx, "tasks that look like GET_SIGNED_JWT have a queue that no worker polls", "found", f.Found, "hint", f.Remedy)
	}
}
