// Package cli is the command line: one file a command, and wire.go, which builds
// the worker from the settings.
//
// Every command writes its results to standard output and everything else to
// standard error. The exit status is 0 for success, 1 for failure and 2 for
// wrong use. An error is a line that begins with "error:", followed by a "hint:"
// where there is a next step, and never by a page of help. Messages are lower
// case, without a full stop. No secret is taken from a flag.
package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// Main runs the command line of the process and returns the exit status.
// Version and commit are set by the linker; they may be empty. Before any command reads a key,
// a password or the settings, Main keeps the memory of the process off the disk.
func Main(version, commit string) int {
	unprotected := keepOffDisk() != nil
	return Run(context.Background(), Env{
		Args:    os.Args[1:],
		Stdin:   os.Stdin,
		Stdout:  os.Stdout,
		Stderr:  os.Stderr,
		Getenv:  os.LookupEnv, //nolint:forbidigo // the one place that reads the environment
		Environ: os.Environ,   //nolint:forbidigo // the one place that reads the environment
		Now:     time.Now,
		Signals: signals,
		Reloads: reloads,
		Version: version,
		Commit:  commit,

		unprotected: unprotected,
	})
}

// Run runs one command line and returns its exit status.
func Run(ctx context.Context, env Env) int {
	root := newRootCommand(env) //nolint:contextcheck // commands get it from ExecuteContext
	started := false
	root.PersistentPreRunE = func(cmd *cobra.Command, args []string) error {
		if err := refuseEmpty(cmd, args); err != nil {
			return err
		}
		started = true
		return nil
	}
	err := checkCommand(root, env.Args)
	if err == nil {
		err = root.ExecuteContext(ctx)
	}
	if err == nil {
		return exitDone
	}
	if !started {
		err = asUsage(err)
	}
	if errors.Is(err, errSecond) {
		printAtMost(time.Second, env, err)
	} else {
		printError(env, err)
	}
	return exitStatus(err)
}

// printAtMost prints err as printError does, but waits for standard error no
// longer than d: it may be a pipe that is full.
func printAtMost(d time.Duration, env Env, err error) {
	printed := make(chan struct{})
	go func() {
		printError(env, err)
		close(printed)
	}()
	select {
	case <-printed:
	case <-time.After(d):
	}
}

// program is the name of the binary in messages and help.
const program = "conductor-jwt"

// The groups of the help page.
const (
	groupWorker = "worker"
	groupTokens = "tokens"
)

// Command returns the whole command line, for programs that document it.
func Command(env Env) *cobra.Command { return newRootCommand(env) }

func newRootCommand(env Env) *cobra.Command {
	root := newGroup(program, "Run Conductor's GET_SIGNED_JWT tasks; sign and verify JWTs")
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	root.SilenceUsage = true
	root.SilenceErrors = true
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(newHelpCommand())
	root.SetUsageFunc(printUsage)
	root.AddGroup(
		&cobra.Group{ID: groupWorker, Title: "The worker:"},
		&cobra.Group{ID: groupTokens, Title: "Tokens and keys:"},
	)
	versionFlag(root, env)

	add(root, groupWorker,
		newWorkerCommand(env),
		newStatusCommand(env),
		newHealthCommand(env),
		newDoctorCommand(env),
		newTaskDefCommand(env),
		newConfigCommand(env),
		newPolicyCommand(env),
		newVersionCommand(env),
	)
	add(root, groupTokens,
		newSignCommand(env),
		newTokenCommand(env),
		newVerifyCommand(env),
		newInspectCommand(env),
		newKeyCommand(env),
		newJWKSCommand(env),
		newRecipeCommand(env),
	)
	root.SetArgs(stepArgs(root, env.Args))
	return root
}

// versionFlag adds --version, which prints what the command version prints.
// Cobra's own flag needs that text in advance, so that every start of the
// program would load OpenSSL.
func versionFlag(root *cobra.Command, env Env) {
	version := root.Flags().Bool("version", false, "print version, edition and crypto back end")
	group := root.RunE
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if *version && len(args) == 0 {
			_, err := fmt.Fprintln(env.Stdout, newBuild(env))
			return err
		}
		return group(cmd, args)
	}
}

func add(root *cobra.Command, group string, commands ...*cobra.Command) {
	for _, c := range commands {
		c.GroupID = group
		root.AddCommand(c)
	}
}

// newGroup returns a command that only holds others. Without arguments it prints
// its help; cobra would do so for an unknown command too, with exit status 0.
func newGroup(use, short string, commands ...*cobra.Command) *cobra.Command {
	group := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownCommand(cmd, args[0])
		},
		SuggestionsMinimumDistance: 2,
	}
	group.AddCommand(commands...)
	return group
}

func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Print the help of a command",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			if c, rest, err := cmd.Root().Find(args); err == nil && len(rest) == 0 {
				for _, sub := range c.Commands() {
					if sub.IsAvailableCommand() {
						names = append(names, sub.Name()+"\t"+sub.Short)
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil {
				return asUsage(err)
			}
			if len(rest) > 0 {
				return unknownCommand(about, rest[0])
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

// checkCommand refuses an unknown command before its flags are read: otherwise
// they would be called unknown, and --help would show the page of its parent.
func checkCommand(root *cobra.Command, args []string) error {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd(args...)
	cmd, rest, err := root.Find(args)
	if err != nil || !cmd.HasSubCommands() || len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		return nil //nolint:nilerr // cobra reports it
	}
	if len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		return unknownCommand(cmd, rest[0])
	}
	return nil
}

func unknownCommand(cmd *cobra.Command, name string) error {
	hint := "see `" + cmd.CommandPath() + " --help`"
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		hint = "did you mean `" + cmd.CommandPath() + " " + strings.Join(near, "` or `"+cmd.CommandPath()+" ") + "`?"
	}
	return usage(hint, "unknown command %s", quoteName(name))
}
