package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/provider"
)

func newRecipeCommand(env Env) *cobra.Command {
	return newGroup("recipe", "Print a workflow for each provider", newRecipeListCommand(env), newRecipeShowCommand(env))
}

func newRecipeListCommand(env Env) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the providers",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if output == outputJSON {
				return writeJSON(env.Stdout, provider.Names())
			}
			table := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
			for _, p := range provider.Profiles() {
				_, _ = fmt.Fprintf(table, "%s\t%s\n", p.Name, p.Title) // only Flush writes
			}
			return table.Flush()
		},
	}
	outputFlag(cmd, &output, outputText, outputJSON)
	return cmd
}

func newRecipeShowCommand(env Env) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "Print the recipe of one provider: its key, its task and known problems",
		Long: `Print the recipe of one provider in Markdown: how to get the key, the inputs of
the task that gets the token, and known problems. With -o json, print the whole
workflow in the form that the server accepts.`,
		Example:           "  conductor-jwt recipe show github-app -o json | jq .workflow",
		ValidArgsFunction: cobra.FixedCompletions(provider.Names(), cobra.ShellCompDirectiveNoFileComp),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("the names are "+strings.Join(provider.Names(), ", "), "%s takes the name of one recipe", cmd.CommandPath())
			}
			return showRecipe(env, args[0], output)
		},
	}
	outputFlag(cmd, &output, outputText, outputJSON)
	return cmd
}

func showRecipe(env Env, name, output string) error {
	p, ok := provider.Find(name)
	if !ok {
		return usage(profileHint(name), "unknown recipe")
	}
	if output == outputText {
		_, err := fmt.Fprint(env.Stdout, p.RecipePage())
		return err
	}
	var o jsonobj.Object
	o.String("name", p.Name)
	o.String("secret", p.Recipe.Secret)
	o.Set("workflow", p.Workflow())
	return writeObject(env.Stdout, &o)
}
