package reliability

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// TestMain runs more rows at once than there are cores: a row mostly waits.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	var err error
	if folder, err = os.MkdirTemp("", "reliability"); err != nil {
		panic(err)
	}
	closeNames, err := dns.listen()
	if err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(closing{m, closeNames}, goleak.Cleanup(func(status int) {
		_ = os.RemoveAll(folder)
		os.Exit(status)
	}))
}

// closing stops the name server before goleak looks for goroutines.
type closing struct {
	*testing.M
	end func()
}

// Run implements goleak's TestingM.
func (c closing) Run() int {
	defer c.end()
	return c.M.Run()
}

// folder holds the built programs.
var folder string

// keyRing is the keys of all rows.
var keyRing = sync.OnceValue(func() []Key {
	keys, err := NewKeys()
	if err != nil {
		panic(err)
	}
	return keys
})

// binary builds the program once and returns its path.
var binary = sync.OnceValues(func() (string, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return "", err
	}
	return Build(context.Background(), os.Environ(), root, ".", folder)
})

// builtWorker is the built worker, run by a wrapper command if one is given.
func builtWorker(t *testing.T, wrapper ...string) Command {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	args := append(append([]string{}, wrapper...), path, "worker")
	return Command{Path: args[0], Args: args[1:], Env: []string{"PATH=" + os.Getenv("PATH")}}
}
