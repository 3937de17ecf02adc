package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"conductor-jwt/config"
	"conductor-jwt/doctor"
)

func newDoctorCommand(env Env) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what keeps GET_SIGNED_JWT tasks from being run, and the remedy",
		Long: `Look at the server, the workflows and the queues with the worker's own settings,
and say of each what is wrong with it and the one thing to do. Nothing is
changed, and no secret is read. Exit status 1 where a task would not be run.`,
		Args: noArgs,
	}
	flags := addSettings(cmd)
	outputFlag(cmd, &output, outputText, outputJSON)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		loaded, err := loadConfig(env, flags)
		if err != nil {
			return configError(err)
		}
		printWarnings(env, loaded)
		return runDoctor(cmd.Context(), env, loaded, output)
	}
	return cmd
}

func runDoctor(ctx context.Context, env Env, c *config.Loaded, output string) error {
	o := doctor.Options{TaskTypes: c.TaskTypes, Domain: c.Domain, Registers: c.RegisterTaskdefs != config.RegisterOff, Now: env.Now}
	client, err := askingClient(env, c) //nolint:contextcheck // nothing is asked of the server yet
	if err != nil {
		return err
	}
	defer client.Close()
	o.Server = client
	if c.AuthKey != "" || c.HeadersFile != "" { // a gateway's header is a credential too
		stranger := *c
		stranger.AuthKey, stranger.AuthSecret, stranger.HeadersFile = "", config.Config{}.AuthSecret, ""
		anonymous, err := askingClient(env, &stranger) //nolint:contextcheck // as above
		if err != nil {
			return err
		}
		defer anonymous.Close()
		o.Anonymous = anonymous
	}
	named, delivered := keyFindings(ctx, env, c)
	o.Delivered = delivered
	found := append(doctor.Run(ctx, o), named...)
	if output == outputJSON {
		err = writeJSON(env.Stdout, found)
	} else {
		err = printFindings(env, env.Stdout, found)
	}
	if err != nil {
		return err
	}
	return problems(found)
}

// problems counts the findings that keep tasks from being run; nil for none.
func problems(found []doctor.Finding) error {
	n := 0
	for _, f := range found {
		if f.Level == doctor.Fail {
			n++
		}
	}
	switch n {
	case 0:
		return nil
	case 1:
		return errors.New("1 problem found: tasks will not run until it is fixed")
	}
	return fmt.Errorf("%d problems found: tasks will not run until they are fixed", n)
}

// printFindings is a line a finding, and one below it for the remedy.
func printFindings(env Env, w io.Writer, found []doctor.Finding) error {
	colours := map[doctor.Level]string{doctor.OK: green, doctor.Warn: yellow, doctor.Fail: red}
	for _, f := range found {
		level := string(f.Level) + strings.Repeat(" ", len(doctor.Fail)-len(f.Level))
		if _, err := fmt.Fprintf(w, "%s  %s: %s\n", env.paint(w, colours[f.Level], level), f.Check, f.Found); err != nil {
			return err
		}
		if f.Remedy == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "      -> %s\n", f.Remedy); err != nil {
			return err
		}
	}
	return nil
}
