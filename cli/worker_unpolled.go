package cli

import (
	"context"
	"log/slog"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/doctor"
)

const (
	// unpolledEvery is how often the worker looks for tasks that nobody polls.
	unpolledEvery = 10 * time.Minute
	// maxUnpolledBody is the longest list of workflow definitions that it reads:
	// its memory is for tasks. Doctor reads longer ones.
	maxUnpolledBody = 1 << 20
)

// unpolled warns of workflows whose task looks like GET_SIGNED_JWT and lies in
// a queue that nobody polls: such a task waits without a word.
type unpolled struct {
	options doctor.Options
	log     *slog.Logger
}

func (u unpolled) run(ctx context.Context) {
	told := map[string]bool{}
	tick := time.NewTicker(unpolledEvery)
	defer tick.Stop()
	for {
		u.look(ctx, told)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// look warns once of each queue. What cannot be asked is doctor's to say.
func (u unpolled) look(ctx context.Context, told map[string]bool) {
	defer func() { _ = recover() }() // it would end the worker
	for _, f := range doctor.Unpolled(conductor.WithMaxBody(ctx, maxUnpolledBody), u.options) {
		if told[f.Remedy] {
			continue
		}
		told[f.Remedy] = true
		u.log.WarnContext(ctx, "tasks that look like GET_SIGNED_JWT have a queue that no worker polls", "found", f.Found, "hint", f.Remedy)
	}
}
