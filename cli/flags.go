package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"conductor-jwt/keys"
)

// noArgs refuses all arguments. [cobra.NoArgs] calls them unknown commands and
// quotes them.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usage("see `"+cmd.CommandPath()+" --help`", "%s takes no arguments, got %d", cmd.CommandPath(), len(args))
}

// oneFile refuses more than one argument.
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

// outputFlag adds -o, --output with its allowed values, of which the first is
// the default.
func outputFlag(cmd *cobra.Command, target *string, allowed ...string) {
	*target = allowed[0]
	cmd.Flags().VarP(&choice{target, allowed}, "output", "o", "print as "+strings.Join(allowed, " or "))
	complete := cobra.FixedCompletions(allowed, cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc("output", complete); err != nil {
		panic(err) // no such flag, or twice
	}
}

// choice is the value of a flag that allows a few values only.
type choice struct {
	target  *string
	allowed []string
}

var _ pflag.Value = (*choice)(nil)

func (c *choice) String() string { return *c.target }

// Type implements [pflag.Value]: it is what help and errors call the value.
func (c *choice) Type() string { return strings.Join(c.allowed, "|") }

func (c *choice) Set(s string) error {
	if !slices.Contains(c.allowed, s) {
		return usage("", "the value is not one of %s", strings.Join(c.allowed, ", "))
	}
	*c.target = s
	return nil
}

// refuseEmpty refuses a flag with an empty value, such as an unset variable of a
// shell: commands take it for a flag that was not given, and would not do the
// check that it asks for. step allows an empty --alg and --jti.
func refuseEmpty(cmd *cobra.Command, _ []string) error {
	var empty []string
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if isEmpty(f) && !slices.Contains([]string{"alg", "jti"}, mainName(f)) {
			empty = append(empty, "--"+f.Name)
		}
	})
	if len(empty) == 0 {
		return nil
	}
	return usage("give it a value, or leave it out", "%s: the value is empty", strings.Join(empty, ", "))
}

func isEmpty(f *pflag.Flag) bool {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return slices.Contains(list.GetSlice(), "")
	}
	return f.Value.Type() == "string" && f.Value.String() == ""
}

// requiredFlag is a flag that must be given.
type requiredFlag struct {
	name  string // in messages
	given bool
}

// requireFlags refuses missing flags, all at once.
func requireFlags(hint string, flags ...requiredFlag) error {
	var missing []string
	for _, f := range flags {
		if !f.given {
			missing = append(missing, f.name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return usage(hint, "%s must be given", strings.Join(missing, ", "))
}

// aliasOf is the annotation of a hidden flag that names the flag it stands for.
const aliasOf = "alias of"

// alias gives the flag called name another name, which help does not list.
func alias(s *pflag.FlagSet, name, other string) {
	f := *s.Lookup(name)
	f.Name, f.Usage, f.Hidden = other, "the same as --"+name, true
	f.Annotations = map[string][]string{aliasOf: {name}}
	s.AddFlag(&f)
}

// mainName returns the name of a flag, or of the flag that it is an alias of.
func mainName(f *pflag.Flag) string {
	if of := f.Annotations[aliasOf]; len(of) > 0 {
		return of[0]
	}
	return f.Name
}

// checkAliases refuses a flag that is given by two of its names, as step does:
// the last one would overwrite the others.
func checkAliases(s *pflag.FlagSet) error {
	used := map[string]string{}
	var err error
	s.Visit(func(f *pflag.Flag) {
		name := mainName(f)
		if other := used[name]; other != "" && err == nil {
			err = usage("keep one of them", "--%s and --%s are names of one flag", other, f.Name)
		}
		used[name] = f.Name
	})
	return err
}

// completeAlgorithms lets the shell complete the flags of these names.
func completeAlgorithms(cmd *cobra.Command, names ...string) {
	complete := cobra.FixedCompletions(texts(keys.Algorithms()), cobra.ShellCompDirectiveNoFileComp)
	for _, name := range names {
		if err := cmd.RegisterFlagCompletionFunc(name, complete); err != nil {
			panic(err) // no such flag, or twice
		}
	}
}

// parseAlgorithm returns the algorithm of --alg, empty for an empty name.
func parseAlgorithm(name string) (keys.Algorithm, error) {
	if name == "" {
		return "", nil
	}
	alg, err := keys.ParseAlgorithm(name)
	if err != nil {
		return "", asUsage(faultError("--alg", err))
	}
	return alg, nil
}

// stepArgs returns args in the form that pflag knows. The commands that replace
// step's also allow step's form: a long flag with one dash, and sign's --jti
// without a value.
func stepArgs(root *cobra.Command, args []string) []string {
	if len(args) > 2 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		last := len(args) - 1 // the word to complete
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

// inPflagForm writes long flags with two dashes, and --jti (or --jwt-id) without
// a value as --jti=, a random id: its value is the next argument, unless there
// is none or it begins with a dash. The optional values of pflag itself do not
// allow --jti value. Values of flags are left as they are.
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

// twoDashes returns -name and -name=value with two dashes if name is the whole
// name of a flag.
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
