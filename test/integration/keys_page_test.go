package integration_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// block is a block of shell commands in a page, and their output.
type block struct{ shell, prints string }

// blocksOf returns the blocks of a page, in order.
func blocksOf(page string) []block {
	var list []block
	for _, m := range regexp.MustCompile("(?m)^```sh\n((?s:.*?))^```\n(?:```text\n((?s:.*?))^```\n)?").FindAllStringSubmatch(page, -1) {
		list = append(list, block{m[1], m[2]})
	}
	return list
}

// The commands of docs/keys.md print what the page shows, on the real server.
func TestCommandsOfTheKeysPage(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(shared.root, "docs", "keys.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	for address, replacement := range map[string]string{"http://localhost:8080": shared.url(), "127.0.0.1:9991": "", "127.0.0.1:9992": ""} {
		if replacement == "" {
			if replacement, err = freeAddress(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if address == "127.0.0.1:9991" { // the worker's default
			page = strings.ReplaceAll(page, "conductor-jwt worker >", "CONDUCTOR_JWT_LISTEN="+replacement+" conductor-jwt worker >")
		}
		page = strings.ReplaceAll(page, address, replacement)
	}
	// Names and a domain of this run only: the server is shared, and it may still
	// serve the last poll of a worker of an earlier run.
	run := strings.ToLower(rand.Text()[:8])
	page = strings.ReplaceAll(page, "billing_run", "billing_run_"+run)
	domain := "keys-page-" + run
	page = strings.ReplaceAll(page, `"version": 1, "input": {`, `"version": 1, "taskToDomain": {"GET_SIGNED_JWT": "`+domain+`"}, "input": {`)

	blocks := blocksOf(page)
	if len(blocks) < 10 {
		t.Fatalf("found %d blocks, want at least 10; the page's format has changed", len(blocks))
	}
	scripts := t.TempDir()
	if err := os.WriteFile(filepath.Join(scripts, "keys.txtar"), scriptOf(blocks), 0o600); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: scripts, RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			bin := filepath.Join(e.WorkDir, ".bin")
			if err := os.MkdirAll(bin, 0o700); err != nil {
				return err
			}
			if err := os.Symlink(shared.binary, filepath.Join(bin, "conductor-jwt")); err != nil {
				return err
			}
			e.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
			e.Setenv("CONDUCTOR_JWT_DOMAIN", domain)
			e.Defer(func() { endWorker(filepath.Join(e.WorkDir, "worker.pid")) })
			return nil
		},
	})
}

// scriptOf makes a testscript of blocks. Variables that a block exports are set in
// the next.
func scriptOf(blocks []block) []byte {
	var script, files strings.Builder
	for i, b := range blocks {
		fmt.Fprintf(&script, "exec sh -c 'sh block-%d.sh >printed 2>&1 || { cat printed >&2; exit 1; }'\n", i)
		fmt.Fprintf(&files, "-- block-%d.sh --\ntouch .env\n. ./.env\nset -eu\n%sexport -p >.env\n", i, b.shell)
		if b.prints != "" {
			fmt.Fprintf(&script, "cmp printed want-%d\n", i)
			fmt.Fprintf(&files, "-- want-%d --\n%s", i, b.prints)
		}
	}
	return []byte(script.String() + files.String())
}

// endWorker kills a worker that the page's commands have left running.
func endWorker(pidFile string) {
	text, err := os.ReadFile(pidFile)
	if err != nil {
		return
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return
	}
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill() // it has probably exited
	}
}
