package cli

import (
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

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

// randomID has 256 bits, as step's.
func randomID() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	return hex.EncodeToString(raw)
}
