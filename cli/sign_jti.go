package cli

import (
	"crypto/rand"
	"encoding/hex"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// signArgs is a command line in which sign's flags with an optional value are
// in the form that pflag knows.
func signArgs(sign *cobra.Command, args []string) []string {
	if len(args) == 0 || args[0] != sign.Name() {
		return args
	}
	return append([]string{args[0]}, withOptionalJTI(sign.Flags(), args[1:])...)
}

// withOptionalJTI gives --jti (and --jwt-id) its optional value: it takes the
// next argument unless there is none or it begins with a dash, and is then the
// same as --jti=, a random id. pflag knows values that are optional only in
// the form --jti=value, which would break --jti value.
func withOptionalJTI(flags *pflag.FlagSet, args []string) []string {
	out := make([]string, 0, len(args))
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return append(out, args[i:]...)
		}
		name, long := strings.CutPrefix(arg, "--")
		next := i+1 < len(args)
		switch {
		case (name == "jti" || name == "jwt-id") && long && (!next || strings.HasPrefix(args[i+1], "-")):
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
