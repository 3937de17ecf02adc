package cli

import "github.com/spf13/cobra"

func newKeyCommand(env Env) *cobra.Command {
	return newGroup("key", "Look at keys, make them, convert them",
		newKeyInspectCommand(env), newKeyGenerateCommand(env), newKeyConvertCommand(env))
}
