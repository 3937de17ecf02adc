package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"conductor-jwt/worker"
)

// loggedError is an error that is written as one line of a JSON log.
type loggedError struct{ error }

func (e *loggedError) Unwrap() error { return e.error }

// failInLog makes what prevents a worker's start a line of its log where that is
// set to be JSON: who collects the log of a container parses every line of it.
func failInLog(env Env, cmd *cobra.Command, flags settingFlags) {
	logged := func(err error) error {
		if _, left := errors.AsType[*worker.DrainError](err); left || err == nil || errors.Is(err, errSecond) {
			return err // it had started
		}
		// Settings that are wrong are the command's to report.
		if loaded, _ := loadConfig(env, flags); loaded.LogFormat == logJSON {
			return &loggedError{err}
		}
		return err
	}
	args, run := cmd.Args, cmd.RunE
	cmd.Args = func(cmd *cobra.Command, list []string) error { return logged(args(cmd, list)) }
	cmd.RunE = func(cmd *cobra.Command, list []string) error { return logged(run(cmd, list)) }
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return logged(asUsage(flagError(cmd, err))) })
}
