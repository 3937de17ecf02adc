package reliability

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"conductor-jwt/test/conductorjar/child"
	"conductor-jwt/test/conductortest"
)

// secrets is a canary of all that a worker of the matrix must keep to itself.
func secrets() *conductortest.Canary {
	canary := conductortest.NewCanary()
	for _, k := range keyRing() {
		k.Plant(canary)
	}
	canary.PlantText("the secret of the server", KeySecret)
	return canary
}

// inFile gives the secret of the server in a file, as the variables that end in _FILE take it.
func inFile(t *testing.T) map[string]string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	must(t, os.WriteFile(path, []byte(KeySecret+"\n"), 0o644))
	return map[string]string{"CONDUCTOR_AUTH_SECRET": "", "CONDUCTOR_AUTH_SECRET_FILE": path}
}

// pid is the process of a worker of its own.
func pid(w Worker) (int, error) {
	p, ok := w.(*Process)
	if !ok {
		return 0, fmt.Errorf("no process of its own")
	}
	return p.PID(), nil
}

// What everybody on the machine may read of the process tells nothing, and no
// core file may be written of it.
func TestProcTellsNothing(t *testing.T) {
	t.Parallel()
	canary := secrets()
	v := holdIn(t, Row{
		Tasks: 20, Stage: Options{Auth: true}, Env: inFile(t),
		Play: func(ctx context.Context, r *Run) error {
			if err := r.AwaitCompleted(ctx, 20); err != nil {
				return err
			}
			id, err := pid(r.Worker())
			if err != nil {
				return err
			}
			for _, name := range []string{"cmdline", "environ", "maps", "status", "limits", "comm", "stat"} {
				text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", id, name))
				if err != nil && !os.IsPermission(err) { // which is as well
					return err
				}
				canary.Check(t, name, text)
			}
			limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", id))
			if err != nil {
				return err
			}
			if !regexp.MustCompile(`(?m)^Max core file size +0 +0 +bytes`).Match(limits) {
				t.Errorf("core files are allowed:\n%s", limits)
			}
			return nil
		},
	}, built(t).Start)
	noneLost(t, v)
}

// The kernel gives what is in /proc of a process that is not dumpable to root
// (proc(5)), so that another process of the same user can neither read its
// memory nor attach to it.
func TestAnotherProcessOfTheUserCannotLookInside(t *testing.T) {
	t.Parallel()
	worker, anybody := built(t), Command{Path: "/bin/sleep", Args: []string{"60"}}
	if os.Getuid() == 0 {
		nobody, err := child.Nobody()
		must(t, err)
		must(t, os.Chmod(folder, 0o755))
		worker.User, anybody.User = nobody, nobody
	}
	owner := func(w Worker) uint32 {
		id, err := pid(w)
		must(t, err)
		info, err := os.Stat(fmt.Sprintf("/proc/%d/mem", id))
		must(t, err)
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			t.Fatal("no owner")
		}
		return stat.Uid
	}
	sleeper, err := anybody.Start(nil)
	must(t, err)
	if owner(sleeper) == 0 {
		t.Error("the memory of any process is root's: this test could not fail")
	}
	sleeper.Signal(os.Kill)
	holdIn(t, Row{
		Tasks: 1,
		Play: func(ctx context.Context, r *Run) error {
			if err := r.AwaitCompleted(ctx, 1); err != nil {
				return err
			}
			if id := owner(r.Worker()); id != 0 {
				t.Errorf("the memory of the worker is user %d's own", id)
			}
			return nil
		},
	}, worker.Start)
}

// A worker that is ended by SIGQUIT says where each goroutine was, with keys
// and results in hand, and says nothing of them; nor does it leave a file.
func TestACrashTellsNoKey(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"none", "single", "all", "system", "crash"} {
		t.Run(level, func(t *testing.T) {
			t.Parallel()
			worker, log := built(t), ""
			worker.Dir = t.TempDir()
			v, err := Row{
				Tasks: 30, Stage: Options{Auth: true, Lease: 5 * time.Second}, Env: map[string]string{"GOTRACEBACK": level},
				Play: func(ctx context.Context, r *Run) error {
					if err := r.AwaitCompleted(ctx, 10); err != nil {
						return err
					}
					r.Ledger.SetFaults(conductortest.Plan(1, conductortest.Rule{Call: "update", Fault: conductortest.Fault{Wire: conductortest.WireHang}}))
					r.Load(30)
					if err := r.AwaitCalls(ctx, "update", 1); err != nil {
						return err
					}
					w := r.Worker()
					r.forget(w)
					w.Signal(syscall.SIGQUIT)
					status, err := w.Wait(ctx)
					if err != nil {
						return err
					}
					if log = w.Log(); status == 0 || !strings.Contains(log, "SIGQUIT") {
						t.Errorf("exit status %d, and it does not say SIGQUIT", status)
					}
					if !regexp.MustCompile(`(?m)^goroutine 1\b`).MatchString(log) {
						t.Error("no stacks: this test could not fail")
					}
					r.Ledger.SetFaults(nil)
					_, err = r.Start()
					return err
				},
			}.Run(t.Context(), keyRing(), worker.Start)
			must(t, err)
			silent(t, v)
			left, err := os.ReadDir(worker.Dir)
			must(t, err)
			if len(left) > 0 {
				t.Errorf("it left %s", left[0].Name())
			}
		})
	}
}
