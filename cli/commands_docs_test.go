package cli

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
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

// documentCommand writes a command's flags as --help does, without those that stand
// elsewhere on the page: --help, the settings, and the flags that mean the same in sign.
func documentCommand(b *strings.Builder, c *cobra.Command) {
	if c.HasSubCommands() {
		for _, sub := range c.Commands() {
			documentCommand(b, sub)
		}
		return
	}
	fmt.Fprintf(b, "\n### %s\n\n%s.\n", strings.TrimPrefix(c.CommandPath(), program+" "), c.Short)
	var own []*pflag.Flag
	var shared, settings []string
	sign, _, err := c.Root().Find([]string{"sign"})
	if err != nil {
		panic(err) // the command that signs
	}
	usage := strings.TrimSuffix(c.UseLine(), " [flags]")
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		same := sign.Flags().Lookup(f.Name)
		switch {
		case f.Hidden || f.Name == "help":
		case f.Name == "output":
			usage += " [-o " + f.Value.Type() + "]"
		case isSetting(f.Name):
			settings = append(settings, "`--"+f.Name+"`")
		case c != sign && same != nil && same.Usage == f.Usage:
			shared = append(shared, "`--"+f.Name+"`")
		default:
			own = append(own, f)
		}
	})
	switch {
	case len(settings) > 5:
		b.WriteString("Flags: every [setting](configuration.md).\n")
	case len(settings) > 0:
		b.WriteString("Flags: the [settings](configuration.md) " + strings.Join(settings, ", ") + ".\n")
	}
	if len(shared) > 0 {
		b.WriteString("Flags as for [sign](#sign): " + strings.Join(shared, ", ") + ".\n")
	}
	var help strings.Builder
	help.WriteString(usage + "\n")
	writeFlags(&help, "", own)
	for line := range strings.Lines("\n" + help.String()) {
		b.WriteString(strings.TrimRight("    "+line, " \n") + "\n")
	}
}
