package task_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(whole{m}) }

// whole is a run of the tests that also fails where all of them ran and a code
// of the table was produced by none.
type whole struct{ *testing.M }

func (w whole) Run() int {
	status := w.M.Run()
	for _, name := range []string{"test.run", "test.skip", "test.list", "test.fuzz"} {
		if flag.Lookup(name).Value.String() != "" {
			return status
		}
	}
	if names := unproduced(); status == 0 && len(names) > 0 {
		fmt.Fprintf(os.Stderr, "no test produces a task that fails with %v\n", names)
		return 1
	}
	return status
}
