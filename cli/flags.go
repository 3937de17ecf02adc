package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"conductor-jwt/keys"
)

// noArgs is for a command that takes flags only. Cobra's own says "unknown
// command" and quotes what it found.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usage("see `"+cmd.CommandPath()+" --help`", "%s takes no arguments, got %d", cmd.CommandPath(), len(args))
}

// oneFile takes at most one argument.
func oneFile(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usage("give one file, or - for standard input", "%s takes one argument, got %d", cmd.CommandPath(), len(args))
	}
	return nil
}

func exactlyOneFile(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	return usage("see `"+cmd.CommandPath()+" --help`", "%s takes one file, got %d", cmd.CommandPath(), len(args))
}

// The values of -o.
const (
	outputText = "text"
	outputJSON = "json"
)

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

// twin registers a flag under both of its names, the second one hidden.
func twin(s *pflag.FlagSet, name, long string, register func(name, text string), text string) {
	register(name, text+" (also --"+long+")")
	register(long, "the same as --"+name)
	hide(s, long)
}

func hide(s *pflag.FlagSet, name string) { s.Lookup(name).Hidden = true }

// twins are the flags that have several names.
func twins() [][]string {
	return [][]string{
		{"alg", "algorithm"},
		{"iss", "issuer"},
		{"sub", "subject"},
		{"aud", "audience"},
		{"exp", "expiration"},
		{"nbf", "not-before"},
		{"iat", "issued-at"},
		{"jti", "jwt-id"},
		{"key", "x5c-key", "x5t-key"},
	}
}

// checkTwins refuses one flag by two of its names, as step does: whichever
// came last would silently win.
func checkTwins(s *pflag.FlagSet) error {
	for _, names := range twins() {
		var used []string
		for _, name := range names {
			if s.Changed(name) {
				used = append(used, "--"+name)
			}
		}
		if len(used) > 1 {
			return usage("keep one of them", "%s are names of one flag", strings.Join(used, " and "))
		}
	}
	return nil
}

// completeAlgorithms lets a shell complete --alg.
func completeAlgorithms(cmd *cobra.Command, names ...string) {
	complete := cobra.FixedCompletions(texts(keys.Algorithms()), cobra.ShellCompDirectiveNoFileComp)
	for _, name := range names {
		if err := cmd.RegisterFlagCompletionFunc(name, complete); err != nil {
			panic(err) // the flag was added before
		}
	}
}

// parseAlgorithm reads --alg; empty is unset.
func parseAlgorithm(name string) (keys.Algorithm, error) {
	if name == "" {
		return "", nil
	}
	alg, err := keys.ParseAlgorithm(name)
	if err != nil {
		return "", asUsage(keyError("--alg", err))
	}
	return alg, nil
}

// stepArgs is a command line in the form that pflag knows. The commands that
// replace step's take step's own form too: a long flag with one dash, and
// sign's --jti without a value.
func stepArgs(root *cobra.Command, args []string) []string {
	if len(args) > 2 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		last := len(args) - 1 // the word to be completed
		return append(append(args[:1:1], stepArgs(root, args[1:last])...), args[last])
	}
	if len(args) == 0 || !slices.Contains([]string{"sign", "verify", "inspect"}, args[0]) {
		return args
	}
	cmd, rest, err := root.Find(args[:1])
	if err != nil || len(rest) > 0 {
		return args
	}
	cmd.InitDefaultHelpFlag()
	return append(args[:1:1], inPflagForm(cmd.Flags(), args[1:])...)
}

// inPflagForm gives each long flag two dashes, and --jti (and --jwt-id) its
// optional value: it takes the next argument unless there is none or it begins
// with a dash, and is then the same as --jti=, a random id. pflag knows values
// that are optional only in the form --jti=value, which would break --jti
// value. A flag's value is left as it is.
func inPflagForm(flags *pflag.FlagSet, args []string) []string {
	out := make([]string, 0, len(args))
	for i := 0; i < len(args); i++ {
		arg := twoDashes(flags, args[i])
		if arg == "--" {
			return append(out, args[i:]...)
		}
		next := i+1 < len(args)
		switch {
		case (arg == "--jti" || arg == "--jwt-id") && (!next || strings.HasPrefix(args[i+1], "-")):
			out = append(out, arg+"=")
		case takesNext(flags, arg) && next:
			out = append(out, arg, args[i+1])
			i++
		default:
			out = append(out, arg)
		}
	}
	return out
}

// twoDashes writes -name and -name=value with two dashes, where name is exactly
// that of a long flag.
func twoDashes(flags *pflag.FlagSet, arg string) string {
	name, ok := strings.CutPrefix(arg, "-")
	if !ok || len(name) < 2 || name[0] == '-' {
		return arg
	}
	name, _, _ = strings.Cut(name, "=")
	if flags.Lookup(name) == nil {
		return arg
	}
	return "-" + arg
}

// takesNext reports whether arg is a flag whose value is the next argument.
func takesNext(flags *pflag.FlagSet, arg string) bool {
	if name, ok := strings.CutPrefix(arg, "--"); ok {
		f := flags.Lookup(name)
		return f != nil && f.NoOptDefVal == ""
	}
	if len(arg) == 2 && arg[0] == '-' {
		f := flags.ShorthandLookup(arg[1:])
		return f != nil && f.NoOptDefVal == ""
	}
	return false
}
