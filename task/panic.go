package task

import (
	"fmt"
	"path"
	"runtime"
)

// PanicSite returns the innermost lines of code of a panic. It must be called by
// the deferred function that recovers. The value of a panic may be anything, also
// a key, so these lines are all that is logged of one.
func PanicSite() []string {
	const limit, skip = 12, 3 // runtime.Callers, PanicSite and the deferred function
	pcs := make([]uintptr, limit)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(skip, pcs)])
	var site []string
	for {
		f, more := frames.Next()
		if f.Line > 0 {
			site = append(site, fmt.Sprintf("%s (%s:%d)", path.Base(f.Function), path.Base(f.File), f.Line))
		}
		if !more {
			return site
		}
	}
}
