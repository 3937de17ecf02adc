package worker

import (
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestOptionsThatCannotWork(t *testing.T) {
	good := func() Options {
		types := []string{"A", "B"}
		return Options{
			Server: newLedger(), Handler: handlerFunc(sign), Metrics: NewMetrics(types), Logger: slog.New(slog.DiscardHandler),
			TaskTypes: types, Slots: 2, Pollers: 1, PollTimeout: time.Millisecond,
		}
	}
	for _, c := range []struct {
		name string
		with func(*Options)
		says string
	}{
		{"no server", func(o *Options) { o.Server = nil }, "Server"},
		{"no handler", func(o *Options) { o.Handler = nil }, "Handler"},
		{"no metrics", func(o *Options) { o.Metrics = nil }, "Metrics"},
		{"no logger", func(o *Options) { o.Logger = nil }, "Logger"},
		{"no task type", func(o *Options) { o.TaskTypes = nil }, "task types"},
		{"fewer slots than types", func(o *Options) { o.Slots = 1 }, "1 slots for 2 task types"},
		{"no pollers", func(o *Options) { o.Pollers = 0 }, "pollers"},
		{"a poll that does not wait", func(o *Options) { o.PollTimeout = 0 }, "poll timeout"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := good()
			c.with(&o)
			if _, err := New(o); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("New says %v, want it to mention %q", err, c.says)
			}
		})
	}
	if _, err := New(good()); err != nil {
		t.Error(err)
	}
}
