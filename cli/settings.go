package cli

import (
	"context"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"conductor-jwt/config"
	"conductor-jwt/internal/readfile"
)

// settingFlags are the flags of a command that set settings.
type settingFlags map[string]*settingFlag

// addSettings adds the flags of the settings: of all, or of those in only.
func addSettings(cmd *cobra.Command, only ...string) settingFlags {
	flags := settingFlags{}
	cmd.Flags().SortFlags = false // in the order of the table
	for _, s := range config.Settings() {
		if s.Flag == "" || len(only) > 0 && !slices.Contains(only, s.Name) {
			continue
		}
		f := &settingFlag{kind: typeOf(s)}
		flags[s.Name] = f
		p := cmd.Flags().VarPF(f, s.Flag, "", usageOf(s))
		p.DefValue = s.Default
		if s.Kind == config.Switch {
			p.NoOptDefVal = "true"
		}
		completeSetting(cmd, s)
	}
	return flags
}

// typeOf returns the type of the value as help prints it.
func typeOf(s config.Setting) string {
	switch s.Kind {
	case config.Choice:
		return strings.Join(s.Choices, "|")
	case config.Switch:
		return "bool" // pflag lists it without a value
	case config.URL, config.Proxy:
		return "URL"
	}
	return string(s.Kind)
}

// usageOf returns the description of a setting as help prints it.
func usageOf(s config.Setting) string {
	about := strings.ToLower(s.About[:1]) + strings.TrimSuffix(s.About[1:], ".")
	if len(s.About) > 1 && strings.ToUpper(s.About[:2]) == s.About[:2] {
		about = s.About[:1] + about[1:] // an abbreviation: URL, PEM
	}
	return strings.ReplaceAll(about, "`", "") + " (" + s.Env + ")" // pflag takes a word in backquotes for the type of the value
}

func completeSetting(cmd *cobra.Command, s config.Setting) {
	complete := cobra.NoFileCompletions
	switch s.Kind {
	case config.Path:
		return
	case config.Choice:
		complete = cobra.FixedCompletions(s.Choices, cobra.ShellCompDirectiveNoFileComp)
	}
	if err := cmd.RegisterFlagCompletionFunc(s.Flag, complete); err != nil {
		panic(err) // no such flag, or twice
	}
}

// given returns the values of the flags on the command line, by setting.
func (f settingFlags) given() map[string]string {
	given := map[string]string{}
	for name, flag := range f {
		if flag.set {
			given[name] = flag.text
		}
	}
	return given
}

// settingFlag holds the text of a flag, which package config parses.
type settingFlag struct {
	kind string
	text string
	set  bool
}

func (f *settingFlag) String() string { return f.text }

func (f *settingFlag) Set(text string) error {
	f.text, f.set = text, true
	return nil
}

func (f *settingFlag) Type() string { return f.kind }

// maxSettings is the maximum size in bytes of the configuration file, a secret's
// file and the policy file.
const maxSettings = 1 << 20

// loadConfig reads the settings from flags, which may be nil, variables and files.
// With an error it returns what it has read.
func loadConfig(env Env, flags settingFlags) (*config.Loaded, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "" // config chooses a name
	}
	c, err := config.Load(config.Sources{
		Flags:    flags.given(),
		Getenv:   env.Getenv,
		Environ:  env.Environ(),
		ReadFile: func(path string) ([]byte, error) { return readfile.Any(context.Background(), path, maxSettings) },
		Cores:    runtime.GOMAXPROCS(0),
		Host:     host,
		PID:      os.Getpid(),
	})
	if err != nil {
		return c, asUsage(withHint(err, configHint))
	}
	return c, nil
}

const configHint = "run `" + program + " worker --help`, which lists every setting"

func printWarnings(env Env, l *config.Loaded) {
	for _, w := range l.Warnings {
		env.warn(w)
	}
}
