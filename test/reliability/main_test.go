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

// TestMain lets more rows run at once than there are cores: most of a row's
// time goes by in waiting.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	var err error
	if folder, err = os.MkdirTemp("", "reliability"); err != nil {
		panic(err)
	}
	closeNames, err := names.listen()
	if err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(closing{m, closeNames}, goleak.Cleanup(func(status int) {
		_ = os.RemoveAll(folder)
		os.Exit(status)
	}))
}

// closing ends the name server before leaks are looked for.
type closing struct {
	*testing.M
	end func()
}

// Run implements goleak's TestingM.
func (c closing) Run() int {
	defer c.end()
	return c.M.Run()
}

// folder is for what is built.
var folder string

// keyRing is made once a test binary.
var keyRing = sync.OnceValue(func() []Key {
	keys, err := NewKeys()
	if err != nil {
		panic(err)
	}
	return keys
})

// binary is the program, built once a test binary.
var binary = sync.OnceValues(func() (string, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return "", err
	}
	return Build(context.Background(), os.Environ(), root, ".", folder)
})

// built is the worker as a process, under what is put in front of it.
func built(t *testing.T, wrapper ...string) Command {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	args := append(append([]string{}, wrapper...), path, "worker")
	return Command{Path: args[0], Args: args[1:], Env: []string{"PATH=" + os.Getenv("PATH")}}
}
