package worker

import (
	"strings"
	"testing"
	"time"
)

func TestOptionsThatCannotWork(t *testing.T) {
	good := func() Options {
		return Options{Server: newLedger(), Handler: handlerFunc(sign), TaskTypes: []string{"A", "B"}}
	}
	for _, c := range []struct {
		name string
		with func(*Options)
		says string
	}{
		{"no server", func(o *Options) { o.Server = nil }, "Server"},
		{"no handler", func(o *Options) { o.Handler = nil }, "Handler"},
		{"no task type", func(o *Options) { o.TaskTypes = nil }, "task types"},
		{"an empty task type", func(o *Options) { o.TaskTypes = []string{"A", ""} }, "empty"},
		{"a task type twice", func(o *Options) { o.TaskTypes = []string{"A", "B", "A"} }, "twice"},
		{"fewer slots than types", func(o *Options) { o.Slots = 1 }, "1 slots for 2 task types"},
		{"no pollers", func(o *Options) { o.Pollers = -1 }, "pollers"},
		{"a longer poll than the server takes", func(o *Options) { o.PollTimeout = 5001 * time.Millisecond }, "up to 5s"},
		{"a negative drain", func(o *Options) { o.DrainTimeout = -1 }, "drain"},
		{"a negative count", func(o *Options) { o.Once = -1 }, "0 for never"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := good()
			c.with(&o)
			if _, err := New(o); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("New says %v, want it to mention %q", err, c.says)
			}
		})
	}
	for name, with := range map[string]func(*Options){
		"a slot for each type":         func(o *Options) { o.Slots = 2 },
		"the longest poll":             func(o *Options) { o.PollTimeout = 5 * time.Second },
		"one poller":                   func(o *Options) { o.Pollers = 1 },
		"to stop after the first task": func(o *Options) { o.Once = 1 },
		"the shortest drain that is":   func(o *Options) { o.DrainTimeout = 1 },
		"the shortest poll that is":    func(o *Options) { o.PollTimeout = 1 },
	} {
		o := good()
		with(&o)
		if _, err := New(o); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	w, err := New(good())
	if err != nil {
		t.Fatal(err)
	}
	if o := w.opts; o.Slots < 8 || o.Pollers != 2 || o.PollTimeout != 5*time.Second || o.DrainTimeout != 25*time.Second || o.WorkerID == "" {
		t.Errorf("defaults: %d slots, %d pollers, %s, %s, %q", o.Slots, o.Pollers, o.PollTimeout, o.DrainTimeout, o.WorkerID)
	}
}
