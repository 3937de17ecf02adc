package task

import (
	"context"
	"fmt"
	"path"
	"runtime"
)

// recovered turns a panic into ErrInternal and logs where it came from: lines
// of code, never its value, which may hold what it was working on. It is for
// the deferred function that has recovered.
func (h *Handler) recovered(ctx context.Context, id string) error {
	h.o.Logger.ErrorContext(ctx, "a task panicked; please report it", "task_id", id, "at", panicSite())
	return ErrInternal
}

// panicSite gives the innermost lines of code below runtime.Callers, itself,
// recovered and the deferred function.
func panicSite() []string {
	const most, skip = 12, 4
	pcs := make([]uintptr, most)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(skip, pcs)])
	var site []string
	for {
		f, more := frames.Next()
		if f.Line > 0 {
			site = append(site, fmt.Sprintf("%s:%d", path.Base(f.File), f.Line))
		}
		if !more {
			return site
		}
	}
}
