// Manpage writes the manual pages of conductor-jwt into a folder. It is a separate
// program so that the product does not link the generator.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"conductor-jwt/cli"
	"conductor-jwt/config"
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
	if err := doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "conductor-jwt", Manual: "conductor-jwt"}, folder); err != nil {
		return err
	}
	return addSections(root, folder)
}

// addSections adds EXIT STATUS and ENVIRONMENT, which cobra does not write, to the page
// of a command and those of its subcommands.
func addSections(cmd *cobra.Command, folder string) error {
	name := filepath.Join(folder, strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1")
	page, err := os.ReadFile(name) //nolint:gosec // written by this program
	if err != nil {
		return err
	}
	before, after, found := strings.Cut(string(page), ".SH SEE ALSO\n")
	if found {
		after = ".SH SEE ALSO\n" + after
	}
	if err := os.WriteFile(name, []byte(before+exitStatus(cmd)+environment(cmd)+after), 0o644); err != nil { //nolint:gosec // manual pages are public
		return err
	}
	for _, sub := range cmd.Commands() {
		if !sub.IsAvailableCommand() {
			continue
		}
		if err := addSections(sub, folder); err != nil {
			return err
		}
	}
	return nil
}

func exitStatus(cmd *cobra.Command) string {
	var b strings.Builder
	b.WriteString(".SH EXIT STATUS\n")
	for status, meaning := range cli.ExitStatuses(cmd) {
		fmt.Fprintf(&b, ".TP\n%d\n%s\n", status, meaning)
	}
	return b.String()
}

// environment describes the variables of the settings that cmd uses, and those of
// all commands.
func environment(cmd *cobra.Command) string {
	var b strings.Builder
	b.WriteString(".SH ENVIRONMENT\n")
	variable := func(name, about string) {
		fmt.Fprintf(&b, ".TP\n%s\n%s\n", name, strings.ReplaceAll(about, "`", ""))
	}
	for _, s := range config.Settings() {
		flag := s.Flag
		if s.Secret {
			flag = "auth-key" // a command that signs in to the server needs the secret too
		}
		if cmd.Flags().Lookup(flag) == nil {
			continue
		}
		variable(s.Env, s.About)
		if s.HasFile {
			variable(s.EnvFile(), "The path of a file that holds it.")
		}
	}
	variable("NO_COLOR", "No colours.")
	variable("CLICOLOR_FORCE", "Colours in a file or pipe too, unless it is 0.")
	return b.String()
}
