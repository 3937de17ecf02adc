package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The values of -o.
const (
	outputText = "text"
	outputJSON = "json"
)

// noArgs is for a command that takes flags only. Cobra's own says "unknown
// command" and quotes what it found.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usage("see `"+cmd.CommandPath()+" --help`", "%s takes no arguments, got %d", cmd.CommandPath(), len(args))
}

// outputFlag gives cmd -o, --output with its allowed values, the default
// first.
func outputFlag(cmd *cobra.Command, target *string, allowed ...string) {
	*target = allowed[0]
	cmd.Flags().VarP(&choice{target, allowed}, "output", "o", "print as "+strings.Join(allowed, " or "))
	complete := cobra.FixedCompletions(allowed, cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc("output", complete); err != nil {
		panic(err) // the flag was added a line above
	}
}

// choice is a flag that has one of a few values.
type choice struct {
	target  *string
	allowed []string
}

var _ pflag.Value = (*choice)(nil)

func (c *choice) String() string { return *c.target }

// Type is what help and errors call the value.
func (c *choice) Type() string { return strings.Join(c.allowed, "|") }

func (c *choice) Set(s string) error {
	if !slices.Contains(c.allowed, s) {
		return usage("", "not one of %s", strings.Join(c.allowed, ", "))
	}
	*c.target = s
	return nil
}

// refuseEmpty refuses a flag that is given and has an empty value, as an unset
// variable of a shell gives it: it would count as not given, and what was to
// be checked or written would silently not be. Of sign and verify, --alg and
// --jti have an empty value that step knows.
func refuseEmpty(cmd *cobra.Command, _ []string) error {
	var empty []string
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if isEmpty(f) && !slices.Contains([]string{"alg", "algorithm", "jti", "jwt-id"}, f.Name) {
			empty = append(empty, "--"+f.Name)
		}
	})
	if len(empty) == 0 {
		return nil
	}
	return usage("give it a value, or leave it out", "%s: an empty value", strings.Join(empty, ", "))
}

func isEmpty(f *pflag.Flag) bool {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return slices.Contains(list.GetSlice(), "")
	}
	return f.Value.Type() == "string" && f.Value.String() == ""
}
