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

// stage is the real server with its secrets, the worker's binary, and one
// running worker.
type stage struct {
	folder string
	root   string // of the project
	binary string
	keys   *keySet
	server *conductorjar.Server
	worker *workerProcess
}

// ownedTaskDef is a task definition that stands before any worker starts. All
// that the worker's own would say otherwise is different.
const ownedTaskDef = `{"name":"get_signed_jwt","description":"ours","ownerEmail":"team@example.com","retryCount":1,
	"retryLogic":"FIXED","retryDelaySeconds":2,"responseTimeoutSeconds":33,"timeoutSeconds":77,
	"timeoutPolicy":"TIME_OUT_WF","runtimeMetadata":["control"]}`

// setUp always gives a stage, so that what did start can be torn down.
func setUp(ctx context.Context) (*stage, error) {
	s := &stage{}
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
	// Another build of the worker, such as another edition, can be tested.
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
	if err = s.server.RegisterTaskDef(ctx, json.RawMessage(ownedTaskDef)); err != nil {
		return s, err
	}
	s.worker, err = s.startWorker(ctx)
	return s, err
}

// inProject is a path that is given from the project's root, wherever a test
// runs.
func inProject(root, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(root, path)
}

// build gives a program of the project, built as a user builds it.
func (s *stage) build(ctx context.Context, pkg string, flags ...string) (string, error) {
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

func (s *stage) boot(ctx context.Context) (*conductorjar.Server, error) {
	log, err := os.Create(filepath.Join(s.folder, "server.log"))
	if err != nil {
		return nil, err
	}
	return conductorjar.Start(ctx, s.options(log))
}

// options start a server that has the secrets.
func (s *stage) options(log io.Writer) conductorjar.Options {
	secrets := map[string]secret.Text{}
	for name, value := range s.keys.secrets() {
		secrets[name] = secret.New(value)
	}
	return conductorjar.Options{
		Env: os.Environ(), Progress: func(step string) { fmt.Println("integration:", step) },
		Secrets: secrets, Log: log,
	}
}

// tearDown ends everything. That the worker ends well is part of what is
// tested.
func (s *stage) tearDown(ctx context.Context) error {
	var errs []error
	if s.worker != nil {
		if err := s.worker.Stop(ctx); err != nil {
			errs = append(errs, fmt.Errorf("the shared worker: %w\n%s", err, s.worker.log.Lines(20)))
		}
		for _, find := range s.keys.canary().Search([]byte(s.worker.log.String())) {
			errs = append(errs, fmt.Errorf("the shared worker's log tells a secret: %s", find))
		}
	}
	if s.server != nil {
		errs = append(errs, s.server.Stop(ctx))
	}
	return errors.Join(append(errs, os.RemoveAll(s.folder))...)
}

// other is a stage with another build of the worker.
func (s *stage) other(binary string) *stage {
	o := *s
	o.binary = binary
	return &o
}

// readyWorker starts one more worker, whose first poll has succeeded and which
// ends with the test.
func (s *stage) readyWorker(t *testing.T, env ...string) *workerProcess {
	t.Helper()
	w := s.extraWorker(t, env...)
	if err := w.awaitReady(t.Context()); err != nil {
		t.Fatalf("worker: %v\n%s", err, w.log.Lines(20))
	}
	return w
}

// extraWorker launches one more worker, which ends with the test.
func (s *stage) extraWorker(t *testing.T, env ...string) *workerProcess {
	t.Helper()
	w, err := s.launchWorker(t.Context(), env...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Kill)
	return w
}

// turns keep apart what would only slow one another down: two loads on one
// SQLite, which has one writer, and two starts of a server, each of which
// takes all the processors there are.
type turns struct{ load, start sync.Mutex }

var turn turns

// underLoad waits for the test's turn to load the shared server.
func underLoad(t *testing.T) {
	t.Helper()
	t.Parallel()
	turn.load.Lock()
	t.Cleanup(turn.load.Unlock)
}
