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
		var short, long strings.Builder
		for _, c := range root.Commands() {
			if c.GroupID == group.ID {
				documentCommand(&short, &long, c)
			}
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s%s", strings.TrimSuffix(group.Title, ":"), short.String(), long.String())
	}
	b.WriteString("\n")
	return b.String()
}

// documentCommand writes a command's flags as --help does, without those that stand
// elsewhere on the page: --help, the settings, and the flags that mean the same in sign.
// A command that has no others is a line in short.
func documentCommand(short, long *strings.Builder, c *cobra.Command) {
	if c.HasSubCommands() {
		for _, sub := range c.Commands() {
			documentCommand(short, long, sub)
		}
		return
	}
	var own []*pflag.Flag
	var shared, settings []string
	sign, _, err := c.Root().Find([]string{"sign"})
	if err != nil {
		panic(err) // the command that signs
	}
	usage := strings.TrimPrefix(strings.TrimSuffix(c.UseLine(), " [flags]"), program+" ")
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		same := sign.Flags().Lookup(f.Name)
		switch {
		case f.Hidden || f.Name == "help":
		case f.Name == "output":
			usage += " [-o " + f.Value.Type() + "]"
		case isSetting(f.Name):
			settings = append(settings, " [--"+f.Name+"]")
		case c != sign && same != nil && same.Usage == f.Usage:
			shared = append(shared, "`--"+f.Name+"`")
		default:
			own = append(own, f)
		}
	})
	if len(settings) > maxListedSettings {
		settings = []string{" [SETTINGS]"}
	}
	usage += strings.Join(settings, "")
	if len(own)+len(shared) == 0 {
		fmt.Fprintf(short, "- `%s`: %s.\n", usage, c.Short)
		return
	}
	fmt.Fprintf(long, "\n### %s\n\n%s.\n", strings.TrimPrefix(c.CommandPath(), program+" "), c.Short)
	if len(shared) > 0 {
		long.WriteString("Flags as for [sign](#sign): " + strings.Join(shared, ", ") + ".\n")
	}
	var help strings.Builder
	help.WriteString(usage + "\n")
	writeFlags(&help, "", own)
	for line := range strings.Lines("\n" + help.String()) {
		long.WriteString(strings.TrimRight("    "+line, " \n") + "\n")
	}
}
