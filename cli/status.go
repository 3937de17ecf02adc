package cli

import (
	"encoding/json"
	"errors"

	"github.com/spf13/cobra"

	"conductor-jwt/web"
)

// maxStatus is the maximum size of a worker's status in bytes.
const maxStatus = 4 << 20

func newStatusCommand(env Env) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Print the status page of the worker on this machine",
		Long: `Print what the worker on this machine does, as its status page shows it: the
overall state, the queues, the last hour, failures by cause, keys and settings.
It connects to the address of the setting listen, and so needs the settings of
the worker.`,
		Example: `  conductor-jwt status
  kubectl exec deploy/conductor-jwt -- conductor-jwt status
  conductor-jwt status -o json | jq .lastHour.codes`,
		Args: noArgs,
	}
	flags := addSettings(cmd, "config", "listen")
	outputFlag(cmd, &output, outputText, outputJSON)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		loaded, err := loadConfig(env, flags)
		if err != nil {
			return err
		}
		text, err := askWorker(cmd.Context(), loaded, "/status", maxStatus)
		if err != nil {
			return err
		}
		var status web.Status
		if json.Unmarshal(text, &status) != nil {
			return withHint(errors.New("what answers is not a worker of this version"), "check CONDUCTOR_JWT_LISTEN")
		}
		if output == outputJSON {
			return writeJSON(env.Stdout, status)
		}
		return web.WriteStatus(env.Stdout, status)
	}
	return cmd
}
