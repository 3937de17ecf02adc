// Package pagetest runs the shell commands of a page of documentation.
package pagetest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// block is a block of shell commands in a page, and their output.
type block struct{ shell, prints string }

// A block in a list is indented.
var blocks = regexp.MustCompile("(?m)^( *)```sh\n((?s:.*?))^ *```\n(?: *```text\n((?s:.*?))^ *```\n)?")

// Run runs the sh blocks of a page in order, in one folder. Variables that a block
// exports are set in the next. A block that is followed by a text block must print
// exactly that. Run fails if the page has fewer than minimum blocks.
func Run(t *testing.T, page string, minimum int, setup func(*testscript.Env) error) {
	t.Helper()
	var list []block
	for _, m := range blocks.FindAllStringSubmatch(page, -1) {
		list = append(list, block{outdented(m[2], m[1]), outdented(m[3], m[1])})
	}
	if len(list) < minimum {
		t.Fatalf("found %d blocks, want at least %d; the page's format has changed", len(list), minimum)
	}
	scripts := t.TempDir()
	if err := os.WriteFile(filepath.Join(scripts, "page.txtar"), script(list), 0o600); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{Dir: scripts, RequireExplicitExec: true, Setup: setup})
}

// outdented returns text without the indentation of its lines.
func outdented(text, indentation string) string {
	return strings.TrimPrefix(strings.ReplaceAll("\n"+text, "\n"+indentation, "\n"), "\n")
}

func script(list []block) []byte {
	var commands, files strings.Builder
	for i, b := range list {
		fmt.Fprintf(&commands, "exec sh -c 'sh block-%d.sh >printed 2>&1 || { cat printed >&2; exit 1; }'\n", i)
		fmt.Fprintf(&files, "-- block-%d.sh --\ntouch .env\n. ./.env\nset -eu\n%sexport -p >.env\n", i, b.shell)
		if b.prints != "" {
			fmt.Fprintf(&commands, "cmp printed want-%d\n", i)
			fmt.Fprintf(&files, "-- want-%d --\n%s", i, b.prints)
		}
	}
	return []byte(commands.String() + files.String())
}
