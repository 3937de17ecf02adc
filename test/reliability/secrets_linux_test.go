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

// secrets returns a canary that finds every secret of the matrix.
func secrets() *conductortest.Canary {
	canary := conductortest.NewCanary()
	for _, k := range keyRing() {
		k.Plant(canary)
	}
	canary.PlantText("the secret of the server", KeySecret)
	return canary
}

// inFile gives the worker the server's secret by CONDUCTOR_AUTH_SECRET_FILE.
func inFile(t *testing.T) map[string]string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	must(t, os.WriteFile(path, []byte(KeySecret+"\n"), 0o644))
	return map[string]string{"CONDUCTOR_AUTH_SECRET": "", "CONDUCTOR_AUTH_SECRET_FILE": path}
}

// pid returns the process ID of a worker that is a process.
func pid(w Worker) (int, error) {
	p, ok := w.(*Process)
	if !ok {
		return 0, fmt.Errorf("the worker is not a process of its own")
	}
	return p.PID(), nil
}

// What /proc shows of the process holds no secret, and it may not write a core
// file.
func TestProcHoldsNoSecrets(t *testing.T) {
	t.Parallel()
	canary := secrets()
	v := runRowIn(t, Row{
		Tasks: 20, Options: Options{Auth: true}, Env: inFile(t),
		Steps: func(ctx context.Context, r *Run) error {
			if err := r.AwaitCompleted(ctx, 20); err != nil {
				return err
			}
			id, err := pid(r.Worker())
			if err != nil {
				return err
			}
			for _, name := range []string{"cmdline", "environ", "maps", "status", "limits", "comm", "stat"} {
				text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", id, name))
				if err != nil && !os.IsPermission(err) { // which protects it as well
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
	}, builtWorker(t).Start)
	wantNoneLost(t, v)
}

// Root owns /proc/PID of a process that is not dumpable (proc(5)), so that
// another process of the same user can neither read its memory nor attach to it.
func TestMemoryIsNotReadableByTheSameUser(t *testing.T) {
	t.Parallel()
	worker, sleep := builtWorker(t), Command{Path: "/bin/sleep", Args: []string{"60"}}
	if os.Getuid() == 0 {
		nobody, err := child.Nobody()
		must(t, err)
		must(t, os.Chmod(folder, 0o755))
		worker.User, sleep.User = nobody, nobody
	}
	owner := func(w Worker) uint32 {
		id, err := pid(w)
		must(t, err)
		info, err := os.Stat(fmt.Sprintf("/proc/%d/mem", id))
		must(t, err)
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			t.Fatal("the file's owner is unknown")
		}
		return stat.Uid
	}
	sleeper, err := sleep.Start(nil)
	must(t, err)
	if owner(sleeper) == 0 {
		t.Error("root owns the memory of an ordinary process as well: this test cannot fail")
	}
	sleeper.Signal(os.Kill)
	runRowIn(t, Row{
		Tasks: 1,
		Steps: func(ctx context.Context, r *Run) error {
			if err := r.AwaitCompleted(ctx, 1); err != nil {
				return err
			}
			if id := owner(r.Worker()); id != 0 {
				t.Errorf("user %d owns the memory of the worker, want root", id)
			}
			return nil
		},
	}, worker.Start)
}

// SIGQUIT makes the worker print the stacks of its goroutines, which then hold
// keys and results. The output must hold no secret, and no file may be left.
func TestStackDumpHoldsNoSecrets(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"none", "single", "all", "system", "crash"} {
		t.Run(level, func(t *testing.T) {
			t.Parallel()
			worker, log := builtWorker(t), ""
			worker.Dir = t.TempDir()
			v, err := Row{
				Tasks: 30, Options: Options{Auth: true, Lease: 5 * time.Second}, Env: map[string]string{"GOTRACEBACK": level},
				Steps: func(ctx context.Context, r *Run) error {
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
						t.Errorf("exit status %d, want another than 0, and SIGQUIT in the log", status)
					}
					if !regexp.MustCompile(`(?m)^goroutine 1\b`).MatchString(log) {
						t.Error("the log holds no stacks: this test cannot fail")
					}
					r.Ledger.SetFaults(nil)
					_, err = r.Start()
					return err
				},
			}.Run(t.Context(), keyRing(), worker.Start)
			must(t, err)
			wantNoLeaks(t, v)
			left, err := os.ReadDir(worker.Dir)
			must(t, err)
			if len(left) > 0 {
				t.Errorf("the worker left the file %s", left[0].Name())
			}
		})
	}
}
