package integration_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"conductor-jwt/internal/secret"
	"conductor-jwt/test/conductorjar"
	"conductor-jwt/test/conductorjar/child"
)

// testbed is a real server with its secrets, the worker's binary, and a running
// worker.
type testbed struct {
	folder string
	root   string // of the project
	binary string
	keys   *keySet
	server *conductorjar.Server
	worker *workerProcess
}

// existingTaskDef is a task definition that exists before a worker starts. It
// differs from the worker's in every value.
const existingTaskDef = `{"name":"get_signed_jwt","description":"ours","ownerEmail":"team@example.com","retryCount":1,
	"retryLogic":"FIXED","retryDelaySeconds":2,"responseTimeoutSeconds":33,"timeoutSeconds":77,
	"timeoutPolicy":"TIME_OUT_WF","runtimeMetadata":["control"]}`

// newTestbed returns a testbed even on an error, so that close can stop what was
// started.
func newTestbed(ctx context.Context) (*testbed, error) {
	s := &testbed{}
	var err error
	if s.folder, err = os.MkdirTemp("", "conductor-jwt-integration-"); err != nil {
		return s, err
	}
	if s.root, err = filepath.Abs("../.."); err != nil {
		return s, err
	}
	if s.keys, err = newKeySet(); err != nil {
		return s, err
	}
	// WORKER is another build of the worker, such as another edition.
	if binary := os.Getenv("WORKER"); binary != "" {
		s.binary = inProject(s.root, binary)
	} else {
		s.binary, err = s.build(ctx, ".")
	}
	if err != nil {
		return s, err
	}
	if s.server, err = s.boot(ctx); err != nil {
		return s, err
	}
	if err = s.server.RegisterTaskDef(ctx, json.RawMessage(existingTaskDef)); err != nil {
		return s, err
	}
	s.worker, err = s.startWorker(ctx)
	return s, err
}

// inProject returns a path relative to the project's root as an absolute one.
func inProject(root, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(root, path)
}

// build builds a program of the project and returns its path.
func (s *testbed) build(ctx context.Context, pkg string, flags ...string) (string, error) {
	env := os.Environ()
	goTool, err := child.Look(env, "go")
	if err != nil {
		return "", errors.New("no go on the PATH to build the worker with")
	}
	folder, err := os.MkdirTemp(s.folder, "build-")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(folder, "conductor-jwt-"+filepath.Base(pkg))
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	out, err := child.Output(ctx, child.Spec{
		Path: goTool, Args: append(append([]string{"build", "-o", binary}, flags...), pkg), Dir: s.root, Env: env,
	})
	if err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
	}
	return binary, nil
}

func (s *testbed) boot(ctx context.Context) (*conductorjar.Server, error) {
	log, err := os.Create(filepath.Join(s.folder, "server.log"))
	if err != nil {
		return nil, err
	}
	return conductorjar.Start(ctx, s.options(log))
}

// options returns the options of a server with the secrets.
func (s *testbed) options(log io.Writer) conductorjar.Options {
	secrets := map[string]secret.Text{}
	for name, value := range s.keys.secrets() {
		secrets[name] = secret.New(value)
	}
	return conductorjar.Options{
		Env: os.Environ(), Progress: func(step string) { fmt.Println("integration:", step) },
		Secrets: secrets, Log: log,
	}
}

// close stops everything. Its error includes a worker's exit status other than 0.
func (s *testbed) close(ctx context.Context) error {
	var errs []error
	if s.worker != nil {
		if err := s.worker.Stop(ctx); err != nil {
			errs = append(errs, fmt.Errorf("the shared worker: %w\n%s", err, s.worker.log.Lines(20)))
		}
		for _, find := range s.keys.canary().Search([]byte(s.worker.log.String())) {
			errs = append(errs, fmt.Errorf("the shared worker's log holds a secret: %s", find))
		}
	}
	if s.server != nil {
		errs = append(errs, s.server.Stop(ctx))
	}
	return errors.Join(append(errs, os.RemoveAll(s.folder))...)
}

// withBinary returns a testbed with another build of the worker.
func (s *testbed) withBinary(binary string) *testbed {
	o := *s
	o.binary = binary
	return &o
}

// readyWorker starts another worker and waits until its first poll has succeeded.
// It stops when the test ends.
func (s *testbed) readyWorker(t *testing.T, env ...string) *workerProcess {
	t.Helper()
	w := s.extraWorker(t, env...)
	if err := w.awaitReady(t.Context()); err != nil {
		t.Fatalf("worker: %v\n%s", err, w.log.Lines(20))
	}
	return w
}

// extraWorker starts another worker, which stops when the test ends.
func (s *testbed) extraWorker(t *testing.T, env ...string) *workerProcess {
	t.Helper()
	w, err := s.startWorkerProcess(t.Context(), env...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Kill)
	return w
}

// locks prevent concurrent loads on SQLite, which has one writer, and concurrent
// starts of a server, each of which uses all cores.
type locks struct{ load, start sync.Mutex }

var exclusive locks

// withExclusiveLoad waits until no other test loads the shared server.
func withExclusiveLoad(t *testing.T) {
	t.Helper()
	t.Parallel()
	exclusive.load.Lock()
	t.Cleanup(exclusive.load.Unlock)
}
