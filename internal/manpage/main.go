// Manpage writes the manual pages of conductor-jwt into a folder. It is a separate
// program so that the product does not link the generator.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra/doc"

	"conductor-jwt/cli"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: manpage FOLDER")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// write writes a page of section 1 for each command, with the date of
// SOURCE_DATE_EPOCH if it is set.
func write(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // manual pages are public
		return err
	}
	root := cli.Command(cli.Env{})
	root.DisableAutoGenTag = true
	return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "conductor-jwt", Manual: "conductor-jwt"}, folder)
}
