package main

import (
	"fmt"
	"os"
	"path/filepath"

	"conductor-jwt/test/reliability"
)

// slots is every worker's number of slots, the same as in the rows.
const slots = "8"

// limit runs a worker with 6 GiB of address space, because a peer that unpacks a
// gzip bomb may use more memory than the machine has.
const limit = `ulimit -v 6291456; exec "$@"`

// peer is one of the workers that are compared.
type peer struct {
	name    string
	command reliability.Command
}

// peersOf returns the workers that bench/peers.sh has built.
func peersOf(folder string) ([]peer, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", folder, err)
	}
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + folder, "BENCH_SLOTS=" + slots, //nolint:forbidigo // for the child process
	}
	peers := []peer{
		{"conductor-jwt", reliability.Command{Path: "conductor-jwt-static", Args: []string{"worker"}}},
		{"TaskRunner", reliability.Command{Path: "conductor-go"}},
		{"Python SDK", reliability.Command{Path: "python/bin/python", Args: []string{filepath.Join(folder, "python/worker.py")}}},
	}
	for i := range peers {
		c := &peers[i].command
		path := filepath.Join(folder, c.Path)
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("no %s; run bench/peers.sh faults", path)
		}
		c.Path, c.Args, c.Env = "/bin/sh", append([]string{"-c", limit, "sh", path}, c.Args...), env
	}
	return peers, nil
}
