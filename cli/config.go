package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"conductor-jwt/config"
	"conductor-jwt/internal/printable"
)

func newConfigCommand(env Env) *cobra.Command {
	return newGroup("config", "Show and check the worker's settings",
		newConfigShowCommand(env), newConfigValidateCommand(env), newConfigSchemaCommand(env))
}

func newConfigShowCommand(env Env) *cobra.Command {
	var output string
	var origin bool
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Print the settings in force, with secrets redacted",
		Args:  noArgs,
	}
	flags := addSettings(cmd)
	cmd.Flags().BoolVar(&origin, "origin", false, "print the origin of each value")
	outputFlag(cmd, &output, outputText, outputJSON)
	cmd.RunE = func(*cobra.Command, []string) error {
		loaded, err := loadConfig(env, flags)
		if err != nil {
			return err
		}
		printWarnings(env, loaded)
		if output == outputJSON {
			return writeJSON(env.Stdout, rowsAsJSON(loaded, origin))
		}
		return printRows(env.Stdout, loaded, origin)
	}
	return cmd
}

// rowJSON is a setting in `config show -o json --origin`.
type rowJSON struct {
	Value  string `json:"value"`
	Source string `json:"source"`
	Where  string `json:"where,omitempty"`
}

func rowsAsJSON(l *config.Loaded, origin bool) map[string]any {
	rows := map[string]any{}
	for _, row := range l.Rows() {
		rows[row.Name] = row.Value
		if origin {
			rows[row.Name] = rowJSON{row.Value, string(row.Origin.Source), row.Origin.Where}
		}
	}
	return rows
}

func printRows(w io.Writer, l *config.Loaded, origin bool) error {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, row := range l.Rows() {
		line := row.Name + "\t" + printable.Line(row.Value)
		if origin {
			line += "\t" + printable.Line(row.Origin.String())
		}
		_, _ = fmt.Fprintln(table, line) // a strings.Builder never fails
	}
	_ = table.Flush()
	for line := range strings.Lines(text.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil { // an empty value
			return err
		}
	}
	return nil
}

func newConfigValidateCommand(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "validate [file]",
		Short: "Check the settings and the files that they name; warnings count as errors",
		Args:  cobra.MaximumNArgs(1),
	}
	flags := addSettings(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			if err := flags["config"].Set(args[0]); err != nil {
				return err
			}
		}
		loaded, err := loadConfig(env, flags)
		if err != nil {
			return err
		}
		if len(loaded.Warnings) > 0 { // the worker would start
			return withHint(errors.New(strings.Join(loaded.Warnings, "\n")), configHint)
		}
		if err := checkFiles(env, loaded); err != nil {
			return err
		}
		if err := checkPolicy(cmd.Context(), env, loaded); err != nil {
			return asUsage(err)
		}
		valid := "the settings are valid"
		if loaded.Policy != "" {
			valid = "the settings and the policy file are valid"
		}
		_, err = fmt.Fprintln(env.Stdout, valid)
		return err
	}
	return cmd
}

// checkFiles reads the files that a client of the server needs.
func checkFiles(env Env, c *config.Loaded) error {
	client, err := newSilentClient(env, c)
	if err != nil {
		return err
	}
	client.Close()
	return nil
}

func newConfigSchemaCommand(env Env) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the configuration file",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			text, err := config.Schema()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(env.Stdout, "%s\n", text)
			return err
		},
	}
}
