package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"conductor-jwt/config"
)

const commandsPage = "../docs/cli.md"

// The part of the page between the marks is generated from the commands:
// `go test ./cli -run Page -update`.
func TestCommandsPageIsTheCommands(t *testing.T) {
	raw, err := os.ReadFile(commandsPage)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- commands -->\n", "<!-- end of commands -->\n"
	before, rest, found := strings.Cut(string(raw), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s does not have the lines %s and %s", commandsPage, begin, end)
	}
	want := before + begin + commandsDocument(Command(Env{})) + end + after
	if want == string(raw) {
		return
	}
	if !*update {
		t.Fatalf("%s is not what the commands say; run `go test ./cli -run Page -update`", commandsPage)
	}
	if err := os.WriteFile(commandsPage, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

func commandsDocument(root *cobra.Command) string {
	var b strings.Builder
	for _, group := range root.Groups() {
		fmt.Fprintf(&b, "\n## %s\n", strings.TrimSuffix(group.Title, ":"))
		for _, c := range root.Commands() {
			if c.GroupID == group.ID {
				documentCommand(&b, c)
			}
		}
	}
	b.WriteString("\n")
	return b.String()
}

func documentCommand(b *strings.Builder, c *cobra.Command) {
	if c.HasSubCommands() {
		for _, sub := range c.Commands() {
			documentCommand(b, sub)
		}
		return
	}
	usage := strings.TrimSuffix(c.UseLine(), " [flags]")
	if f := c.Flags().Lookup("output"); f != nil {
		usage += " [-o " + f.Value.Type() + "]"
	}
	fmt.Fprintf(b, "\n### %s\n\n`%s`: %s.\n", strings.TrimPrefix(c.CommandPath(), program+" "), usage, c.Short)
	var rows strings.Builder
	var shared []string
	sign := c.Root().Commands()[slices.IndexFunc(c.Root().Commands(), func(c *cobra.Command) bool { return c.Name() == "sign" })]
	settings := 0
	c.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
		switch {
		case f.Hidden || f.Name == "help" || f.Name == "output":
		case isSetting(f.Name):
			settings++
		case c != sign && sign.Flags().Lookup(f.Name) != nil && sign.Flags().Lookup(f.Name).Usage == f.Usage:
			shared = append(shared, "`--"+f.Name+"`")
		default:
			value, usage := pflag.UnquoteUsage(f)
			if value != "" {
				value = " " + value
			}
			fmt.Fprintf(&rows, "| %s | %s |\n", escape("`--"+f.Name+value+"`"), escape(usage))
		}
	})
	if len(shared) > 0 {
		b.WriteString("As for [sign](#sign): " + strings.Join(shared, ", ") + ".\n")
	}
	if settings > 0 {
		b.WriteString("Settings of the worker are [flags](configuration.md) too.\n")
	}
	if rows.Len() > 0 {
		b.WriteString("\n| flag | |\n|---|---|\n" + rows.String())
	}
}

func escape(cell string) string { return strings.ReplaceAll(cell, "|", `\|`) }

func isSetting(flag string) bool {
	return slices.ContainsFunc(config.Settings(), func(s config.Setting) bool { return s.Flag == flag })
}
