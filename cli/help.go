package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"conductor-jwt/config"
)

// The layout of --help, in columns.
const (
	helpWidth     = 80
	maxFlagColumn = 32 // the description of a longer flag begins on a line of its own
)

// maxListedSettings is how many settings a command other than worker lists.
const maxListedSettings = 5

// printUsage prints the part of --help that follows the description of cmd. Cobra's
// own lists the settings among the flags, and is wider than a terminal.
func printUsage(cmd *cobra.Command) error {
	var b strings.Builder
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "Usage:\n  %s COMMAND\n", cmd.CommandPath())
	} else {
		fmt.Fprintf(&b, "Usage:\n  %s\n", cmd.UseLine())
	}
	if cmd.Example != "" {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", cmd.Example)
	}
	for _, group := range cmd.Groups() {
		writeCommands(&b, group.Title, cmd, group.ID)
	}
	if cmd.HasAvailableSubCommands() && !cmd.AllChildCommandsHaveGroup() {
		title := "Commands:"
		if len(cmd.Groups()) > 0 {
			title = "Other commands:"
		}
		writeCommands(&b, title, cmd, "")
	}
	var own, settings []*pflag.Flag
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		switch {
		case f.Hidden:
		case isSetting(f.Name):
			settings = append(settings, f)
		default:
			own = append(own, f)
		}
	})
	writeFlags(&b, "Flags:", own)
	if len(settings) > maxListedSettings && cmd.Name() != "worker" {
		b.WriteString("\nSettings of the worker:\n  Each setting is a flag here too, such as --config and --server-url.\n  They are listed by `" + program + " worker --help`.\n")
	} else {
		writeFlags(&b, "Settings of the worker:", settings)
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\n`%s COMMAND --help` describes a command.\n", cmd.CommandPath())
	}
	b.WriteString("\nExit status:\n")
	for status, meaning := range ExitStatuses(cmd) {
		fmt.Fprintf(&b, "  %d  %s\n", status, meaning)
	}
	_, err := io.WriteString(cmd.OutOrStderr(), b.String())
	return err
}

// ExitStatuses returns the meanings of the exit statuses of a command: 0, 1 and 2.
func ExitStatuses(cmd *cobra.Command) []string {
	done, failed := "done", "failed"
	switch strings.TrimPrefix(cmd.CommandPath(), program+" ") {
	case "verify":
		done, failed = "the token is valid", "the token is not valid, or the command failed"
	case "inspect":
		failed = "failed, or the token breaks a rule of --profile"
	case "health":
		done, failed = "the worker is ready", "the worker is not ready"
	case "doctor":
		done, failed = "tasks will run", "a problem keeps tasks from running"
	case "policy explain":
		done, failed = "a grant allows the task", "no grant allows the task, or the command failed"
	}
	return []string{done, failed, "wrong use: flags, arguments or settings"}
}

// isSetting reports whether a flag is that of a setting of the worker.
func isSetting(flag string) bool {
	return slices.ContainsFunc(config.Settings(), func(s config.Setting) bool { return s.Flag == flag })
}

func writeCommands(b *strings.Builder, title string, parent *cobra.Command, group string) {
	fmt.Fprintf(b, "\n%s\n", title)
	for _, c := range parent.Commands() {
		if c.GroupID == group && (c.IsAvailableCommand() || c.Name() == "help") {
			writeRow(b, "  "+c.Name(), parent.Commands()[0].NamePadding()+3, c.Short)
		}
	}
}

func writeFlags(b *strings.Builder, title string, flags []*pflag.Flag) {
	if len(flags) == 0 {
		return
	}
	b.WriteString("\n")
	if title != "" {
		b.WriteString(title + "\n")
	}
	column := 0
	for _, f := range flags {
		if n := len(flagName(f)); n <= maxFlagColumn {
			column = max(column, n)
		}
	}
	for _, f := range flags {
		_, about := pflag.UnquoteUsage(f)
		if !slices.Contains([]string{"", "0", "false", "[]"}, f.DefValue) {
			about += " (default " + f.DefValue + ")"
		}
		writeRow(b, flagName(f), column+2, about)
	}
}

// flagName returns a flag as help prints it, with the name of its value.
func flagName(f *pflag.Flag) string {
	name := "      --" + f.Name
	if f.Shorthand != "" {
		name = "  -" + f.Shorthand + ", --" + f.Name
	}
	value, _ := pflag.UnquoteUsage(f)
	return strings.TrimRight(name+" "+value, " ")
}

// writeRow writes a name, and from a column on its description in as many lines as
// it needs.
func writeRow(b *strings.Builder, name string, column int, text string) {
	line := name
	for i, word := range strings.Fields(text) {
		first := i == 0 && len(line)+1 < column
		if i == 0 && !first || len(line)+1+len(word) > helpWidth {
			b.WriteString(line + "\n")
			line, first = "", true
		}
		if first {
			line += strings.Repeat(" ", column-len(line)) + word
		} else {
			line += " " + word
		}
	}
	b.WriteString(line + "\n")
}
