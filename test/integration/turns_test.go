package integration_test

import (
	"sync"
	"testing"
)

// turns keep apart what would only slow one another down: two loads on one
// SQLite, which has one writer, and two starts of a server, each of which
// takes all the processors there are.
type turns struct{ load, start sync.Mutex }

var turn turns

// underLoad waits for the test's turn to load the shared server.
func underLoad(t *testing.T) {
	t.Helper()
	t.Parallel()
	turn.load.Lock()
	t.Cleanup(turn.load.Unlock)
}
