package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/conductor-sdk/conductor-go/sdk/model"
	"github.com/spf13/cobra"

	"conductor-jwt/conductor"
	"conductor-jwt/config"
	"conductor-jwt/internal/printable"
	"conductor-jwt/worker"
)

func newTaskDefCommand(env Env) *cobra.Command {
	return newGroup("taskdef", "Register task definitions", newTaskDefApplyCommand(env))
}

func newTaskDefApplyCommand(env Env) *cobra.Command {
	var output string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "apply [name...]",
		Short: "Register missing task definitions",
		Long: `Register a task definition for each name that has none; one that exists is not
changed. The default names are get_signed_jwt, each configured task type, and
the name of every such task in the server's workflow definitions. The server
needs a definition to return the tasks of a worker that died. A workflow that
was started earlier keeps the definition that it had.`,
	}
	flags := addSettings(cmd)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "print what would be registered")
	outputFlag(cmd, &output, outputText, outputJSON)
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		loaded, err := loadConfig(env, flags)
		if err != nil {
			return err
		}
		printWarnings(env, loaded)
		applied, err := applyTaskDefs(cmd.Context(), env, loaded, names, dryRun)
		if perr := printApplied(env, applied, output); err == nil {
			err = perr
		}
		return err
	}
	return cmd
}

// appliedDef is a line of `taskdef apply`.
type appliedDef struct {
	Name    string         `json:"name"`
	Outcome string         `json:"outcome"` // one of the constants below
	Def     *model.TaskDef `json:"taskDefinition,omitempty"`
}

const (
	outcomeCreated = "created"
	outcomePlanned = "would be created"
	outcomeExists  = "exists, left as it is"
)

// applyTaskDefs also returns what was done before an error.
func applyTaskDefs(ctx context.Context, env Env, c *config.Loaded, names []string, dryRun bool) ([]appliedDef, error) {
	client, err := newSilentClient(env, c)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	queues := map[string]string{} // of the names that are not those of their queues
	if len(names) == 0 {
		if names, queues, err = namesInUse(ctx, client, c.TaskTypes); err != nil {
			return nil, serverError("the workflow definitions cannot be read", err)
		}
	}
	applied := []appliedDef{}
	for _, name := range names {
		one, err := applyTaskDef(ctx, client, worker.Definition(cmp.Or(queues[name], name), name, c.OwnerEmail), dryRun)
		if err != nil {
			return applied, serverError("the task definition "+printable.Line(name)+" cannot be registered", err)
		}
		applied = append(applied, one)
	}
	return applied, nil
}

func serverError(what string, err error) error {
	if e, ok := errors.AsType[*conductor.Error](err); ok {
		what += " (" + e.Reason() + ")"
	}
	return withHint(errors.New(what), "run `"+program+" doctor`")
}

// namesInUse returns the default names and those of the server's workflow
// definitions, with the queues of the latter.
func namesInUse(ctx context.Context, client *conductor.Client, types []string) (names []string, queues map[string]string, err error) {
	names, queues = worker.DefaultNames(types), map[string]string{}
	wanted := func(queue string) bool { return slices.Contains(types, queue) }
	tasks, err := client.WorkflowTasks(ctx, conductor.MaxAnswer, wanted)
	for _, t := range tasks {
		if !slices.Contains(names, t.Name) {
			names = append(names, t.Name)
			queues[t.Name] = t.Queue()
		}
	}
	return names, queues, err
}

func applyTaskDef(ctx context.Context, client *conductor.Client, def model.TaskDef, dryRun bool) (appliedDef, error) {
	_, exists, err := client.TaskDef(ctx, def.Name)
	switch {
	case err != nil:
		return appliedDef{}, err
	case exists:
		return appliedDef{Name: def.Name, Outcome: outcomeExists}, nil
	case dryRun:
		return appliedDef{def.Name, outcomePlanned, &def}, nil
	}
	return appliedDef{def.Name, outcomeCreated, &def}, client.CreateTaskDef(ctx, def)
}

func printApplied(env Env, applied []appliedDef, output string) error {
	if output == outputJSON {
		return writeJSON(env.Stdout, applied)
	}
	for _, a := range applied {
		if _, err := fmt.Fprintf(env.Stdout, "%s: %s\n", printable.Line(a.Name), a.Outcome); err != nil {
			return err
		}
	}
	return nil
}
