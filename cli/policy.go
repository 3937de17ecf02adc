package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"conductor-jwt/conductor/api"
	"conductor-jwt/config"
	"conductor-jwt/internal/printable"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
	"conductor-jwt/task"
)

func newPolicyCommand(env Env) *cobra.Command {
	return newGroup("policy", "Explain what the policy file allows", newPolicyExplainCommand(env))
}

// explainFlags are the flags of `policy explain`.
type explainFlags struct {
	task, workflow, taskType, output string
}

func newPolicyExplainCommand(env Env) *cobra.Command {
	var f explainFlags
	cmd := &cobra.Command{
		Use:   "explain [FILE]",
		Short: "Print which grant allows a task, or the first failing field of each grant",
		Long: `Print which grant of the policy file allows a task, or for each grant the first
field that fails. FILE is the task's input, or its inputParameters with values
in place of expressions, or - for standard input. privateKey may be an
expression. With --task the input is that of a task on the server.`,
		Example: `  conductor-jwt policy explain --policy policy.yaml --workflow pay input.json
  conductor-jwt policy explain --task 5f0c…`,
		Args: cobra.MaximumNArgs(1),
	}
	settings := addSettings(cmd, "policy", "config")
	cmd.Flags().StringVar(&f.task, "task", "", "`id` of a task on the server")
	cmd.Flags().StringVar(&f.workflow, "workflow", "", "`name` of the task's workflow")
	cmd.Flags().StringVar(&f.taskType, "task-type", task.TaskType, "task's `type`")
	outputFlag(cmd, &f.output, outputText, outputJSON)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if (len(args) == 1) == (f.task != "") {
			return usage("give the file of a task's input, or --task with an id", "%s takes a file or --task", cmd.CommandPath())
		}
		loaded, err := loadConfig(env, settings)
		if err != nil {
			return err
		}
		if loaded.Policy == "" {
			return usage("add --policy with the policy file, or set CONDUCTOR_JWT_POLICY", "no policy file is set")
		}
		return explainPolicy(cmd.Context(), env, loaded, f, args)
	}
	return cmd
}

func explainPolicy(ctx context.Context, env Env, c *config.Loaded, f explainFlags, args []string) error {
	d, err := f.delivery(ctx, env, c, args)
	if err != nil {
		return err
	}
	if task.Verifies(d.Type) {
		return usage("the verifiers of the policy file decide; conductor-jwt verify says what is wrong with a token", "a task that verifies a token needs no grant")
	}
	p, ring, err := openRing(ctx, env, c)
	if err != nil {
		return err
	}
	e, err := task.NewHandler(handlerOptions(env, c, withoutTask{ring, p}, p, nil, slog.New(slog.DiscardHandler))).Explain(ctx, d)
	if err != nil {
		return outcomeError(task.Outcome{Reason: task.ReasonOf(err)})
	}
	if f.output == outputJSON {
		err = writeJSON(env.Stdout, explanationJSON(p, e))
	} else {
		err = printExplanation(env.Stdout, p, e)
	}
	if err == nil && !e.Allowed {
		err = errReported
	}
	return err
}

// withoutTask resolves all keys but those that come with each task.
type withoutTask struct {
	keys.Resolver
	policy *policy.Policy
}

// Resolve implements [keys.Resolver].
func (w withoutTask) Resolve(ctx context.Context, ref keys.Ref) (keys.Key, error) {
	if k, ok := w.policy.Key(ref.Name); ok && k.Versions[0].Scheme() == policy.SchemeConductor {
		return nil, keys.Unavailable("the key comes with each task", "run the task")
	}
	return w.Resolver.Resolve(ctx, ref)
}

func (f explainFlags) delivery(ctx context.Context, env Env, c *config.Loaded, args []string) (api.Task, error) {
	if f.task != "" {
		return readStoredTask(ctx, env, c, f.task)
	}
	raw, err := readInput(env, args[0], maxTaskInput)
	if err != nil {
		return api.Task{}, err
	}
	return api.Task{Type: f.taskType, Name: task.TaskType, WorkflowType: f.workflow, Input: secret.NewJSON(raw), Template: raw}, nil
}

// verdictJSON is the verdict of one grant in `policy explain -o json`.
type verdictJSON struct {
	Grant   int          `json:"grant"`
	Line    int          `json:"line"`
	Allowed bool         `json:"allowed"`
	Field   policy.Field `json:"field,omitempty"`
	Why     string       `json:"why,omitempty"`
	TTL     int64        `json:"ttl,omitempty"` // seconds
}

func explanationJSON(p *policy.Policy, e task.Explanation) map[string]any {
	grants := []verdictJSON{}
	for _, v := range e.Verdicts {
		g := p.Grants[v.Grant-1]
		grants = append(grants, verdictJSON{v.Grant, g.Place.Line, v.Allowed, v.Field, why(g, v, e), int64(v.TTL / time.Second)})
	}
	explanation := map[string]any{"allowed": e.Allowed, "inline": p.InlineMode(), "grants": grants}
	if e.Endpoint != "" {
		explanation["endpoint"] = e.Endpoint
	}
	if i, ok := p.Issuer(e.Request.Issuer); ok {
		explanation["issuer"] = issuerJSON{i.Place.Line, p.Publishes(i, e.Request.Use)}
	}
	return explanation
}

// issuerJSON is the token's issuer in `policy explain -o json`.
type issuerJSON struct {
	Line      int  `json:"line"`
	Publishes bool `json:"publishes"` // the key of the task
}

func printExplanation(w io.Writer, p *policy.Policy, e task.Explanation) error {
	result := "denied: no grant allows the task"
	if e.Allowed && e.Verdicts == nil {
		result = "allowed: a key in the task needs no grant (inline: allow)"
	}
	for _, v := range e.Verdicts {
		if v.Allowed {
			result = fmt.Sprintf("allowed by grant %d", v.Grant)
			break
		}
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0) // reports errors in Flush
	_, _ = fmt.Fprintln(table, result)
	for _, v := range e.Verdicts {
		g := p.Grants[v.Grant-1]
		what := "allows it"
		if !v.Allowed {
			what = string(v.Field)
		}
		_, _ = fmt.Fprintf(table, "grant %d\tline %d\t%s\t%s\n", v.Grant, g.Place.Line, what, printable.Line(why(g, v, e)))
	}
	if e.Endpoint != "" {
		_, _ = fmt.Fprintf(table, "endpoint\t%s\n", printable.Line(e.Endpoint))
	}
	if i, ok := p.Issuer(e.Request.Issuer); ok {
		what := "publishes the key"
		if !p.Publishes(i, e.Request.Use) {
			what = "does not publish the key: verifiers that discover it refuse the token"
		}
		_, _ = fmt.Fprintf(table, "issuer\tline %d\t%s\n", i.Place.Line, what)
	}
	return table.Flush()
}

// why compares the task with the field of the grant.
func why(g policy.Grant, v policy.Verdict, e task.Explanation) string {
	switch {
	case v.Allowed:
		return fmt.Sprintf("for %d s", int64(v.TTL/time.Second))
	case v.Field == policy.FieldMaxTTL:
		maxTTL := g.MaxTTL
		if v.WorkerLimit {
			maxTTL = e.Request.WorkerMaxTTL
		}
		return fmt.Sprintf("the task asks for %d s, the maximum is %d s", int64(e.Request.TTL/time.Second), int64(maxTTL/time.Second))
	case v.Field == policy.FieldUse && e.Request.Use == "":
		return "the task brings its key; the grant names no secrets"
	case v.Field == policy.FieldUse && g.Patterns[policy.FieldUse] == nil:
		return "the task names a configured key; the grant names secrets alone"
	case v.Field == policy.FieldAlgorithms && e.Unseen:
		return "the key selects the algorithm and is not available here; set algorithm in the input"
	}
	var globs []string
	for _, glob := range g.Allows(v.Field) {
		globs = append(globs, string(glob))
	}
	has := strings.Join(e.Request.Texts(v.Field), ", ")
	if has == "" {
		has = "none"
	}
	return "the task has " + has + ", the grant allows " + strings.Join(globs, ", ")
}
