package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"conductor-jwt/config"
	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/nearest"
	"conductor-jwt/internal/printable"
	"conductor-jwt/keys"
)

// The exit statuses.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// usageError reports wrong use of the command line: exit status 2.
type usageError struct {
	message, hint string
}

func (e *usageError) Error() string { return e.message }

// Hint returns the next step.
func (e *usageError) Hint() string { return e.hint }

// usage returns a usageError; hint may be empty.
func usage(hint, format string, args ...any) error {
	return &usageError{message: fmt.Sprintf(format, args...), hint: hint}
}

// asUsage returns err as a usageError.
func asUsage(err error) error {
	if _, ok := errors.AsType[*usageError](err); ok {
		return err
	}
	return &usageError{message: err.Error(), hint: hintOf(err)}
}

// hinted is an error with a next step.
type hinted interface {
	error
	Hint() string
}

type hintedError struct {
	error
	hint string
}

func (e *hintedError) Hint() string { return e.hint }

func (e *hintedError) Unwrap() error { return e.error }

// withHint returns err with a next step.
func withHint(err error, hint string) error { return &hintedError{err, hint} }

func hintOf(err error) string {
	if h, ok := errors.AsType[hinted](err); ok {
		return h.Hint()
	}
	return ""
}

// errReported ends a command with status 1 whose output has named the reason.
var errReported = errors.New("reported")

func exitStatus(err error) int {
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	return exitFailed
}

// loggedError is an error that is printed as one line of a JSON log.
type loggedError struct{ error }

func (e *loggedError) Unwrap() error { return e.error }

// printError prints each line of err as an error of its own, so that faults
// which were found together ([errors.Join]) read like several errors.
func printError(env Env, err error) {
	if errors.Is(err, errReported) {
		return
	}
	if _, ok := errors.AsType[*loggedError](err); ok {
		newLogger(env, "error", logJSON).Error("the worker cannot start", "problem", strings.ReplaceAll(err.Error(), "\n", "; "), "hint", hintOf(err))
		return
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		env.label("error", red, line)
	}
	if hint := hintOf(err); hint != "" {
		env.label("hint", yellow, hint)
	}
}

// firstLine returns the first of the faults that err reports, for a log line.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// faultError returns an error of another package as "place: field: found" with its
// hint, in which flags stand for the fields of a key. Place may be empty.
func faultError(place string, err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	text := inFlags(e.Found)
	for _, before := range []string{inFlags(e.Field), printable.Line(place)} {
		if before != "" {
			text = before + ": " + text
		}
	}
	hint := inFlags(e.Hint)
	switch {
	case errors.Is(e, keys.ErrEncrypted):
		hint = "give its password with --password-file"
	case errors.Is(e, keys.ErrPassword):
		hint = "check the password in --password-file; white space at its end is dropped, at its beginning it counts"
	}
	return withHint(&fault.Error{Reason: e.Reason, Found: text}, hint)
}

// inFlags names the fields of a key by their flags.
func inFlags(text string) string {
	return fault.Rename(text, map[string]string{
		fault.Key: "the key file", fault.KeyID: "--kid", fault.Password: "--password-file",
		fault.Algorithm: "--alg", fault.Encoding: "--alg HS*",
	})
}

// flagError replaces pflag's messages: they quote the value of the flag, and a
// value in the wrong place may be a secret.
func flagError(cmd *cobra.Command, err error) error {
	help := "see `" + cmd.CommandPath() + " --help`"
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok {
		return unknownFlag(cmd, e, help)
	}
	if e, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return usage(help, "flag %s needs a value", dashed(e.GetFlag(), e.GetSpecifiedName()))
	}
	if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return invalidFlag(cmd, e, help)
	}
	if _, ok := errors.AsType[*pflag.InvalidSyntaxError](err); ok {
		return usage(help, "an argument looks like a flag but has no name")
	}
	return err
}

// invalidFlag gives the reason only if the flag's type is ours: pflag's own types
// quote the value.
func invalidFlag(cmd *cobra.Command, e *pflag.InvalidValueError, help string) error {
	name := e.GetFlag().Name
	if name == "output" {
		help = "-o sets the format; " + fileHint(cmd)
	}
	if own, ok := errors.AsType[*usageError](e); ok {
		return usage(help, "--%s: %s", name, own.message)
	}
	return usage(help, "--%s: the value is not a valid %s", name, e.GetFlag().Value.Type())
}

// fileHint says how cmd writes its output to a file.
func fileHint(cmd *cobra.Command) string {
	switch {
	case cmd.Flags().Lookup("out") != nil:
		return "to write to a file, add --out FILE"
	case strings.HasSuffix(cmd.Use, "generate FILE"):
		return "the file is the argument: `" + cmd.CommandPath() + " FILE`"
	}
	return "to write to a file, add >FILE"
}

func unknownFlag(cmd *cobra.Command, e *pflag.NotExistError, help string) error {
	name := e.GetSpecifiedName()
	if short := e.GetSpecifiedShortnames(); short != "" {
		long, _, _ := strings.Cut(short, "=")
		if near := nearestFlag(cmd, long); near != "" && len(long) > 2 { // a long flag with one dash
			return usage("did you mean "+near+"?", "unknown flag -%s", printable.Name(long))
		}
		if strings.HasPrefix(short, "o") {
			help = fileHint(cmd)
		}
		return usage(help, "unknown flag -%s", printable.Name(name))
	}
	if s, ok := secretSetting(name); ok {
		return usage("set "+s.Env+", or "+s.EnvFile()+" to a file that holds it", "a secret is not taken from a flag: every user of this machine can read it")
	}
	if near := nearestFlag(cmd, name); near != "" {
		help = "did you mean " + near + "?"
	}
	return usage(help, "unknown flag --%s", printable.Name(name))
}

// secretSetting finds a secret setting by the flag that it would have.
func secretSetting(flag string) (config.Setting, bool) {
	for _, s := range config.Settings() {
		if s.Secret && strings.ReplaceAll(s.Name, "_", "-") == flag {
			return s, true
		}
	}
	return config.Setting{}, false
}

func dashed(f *pflag.Flag, name string) string {
	if f != nil && f.Name != name {
		return "-" + name
	}
	return "--" + name
}

func nearestFlag(cmd *cobra.Command, name string) string {
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, "--"+f.Name)
		}
	})
	return nearest.Of(name, names)
}
