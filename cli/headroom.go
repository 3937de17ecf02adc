package cli

import "runtime"

// headroomBytes is how much more may be allocated from one collection to the
// next than the runtime's own least of 4 MiB.
const headroomBytes = 4 << 20

// headroom makes the garbage collector run half as often, until release: a
// worker keeps so little that its collections would come hundreds of times a
// second and cost a fifth of its tasks. The memory is never touched, so it never
// becomes resident. A higher GOGC would do the same, and double what a
// large answer takes, too.
func headroom() (release func()) {
	untouched := make([]byte, headroomBytes)
	return func() { runtime.KeepAlive(untouched) }
}
