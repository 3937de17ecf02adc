package conductorjar

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"time"

	"conductor-jwt/internal/secret"
	"conductor-jwt/test/conductorjar/child"
)

// Options configure a server.
type Options struct {
	Setup

	// Secrets are the values of ${workflow.secrets.NAME}. They are passed in the
	// environment because other users can read flags.
	Secrets map[string]secret.Text
	// DB is a SQLite file to keep after Stop, for a restart with the same data;
	// "" is a file in the server's folder, which Stop removes.
	DB string
	// Postgres holds the server's data instead of SQLite; may be nil. Stop it
	// after the server.
	Postgres *Postgres
	Port     int       // 0 is any free port
	Log      io.Writer // for the server's output; may be nil
}

// Server is a running Conductor server on loopback.
type Server struct {
	*API

	Runtime Runtime

	process  *child.Process
	release  Release
	folder   string
	db       string
	postgres *Postgres
}

// Start calls Prepare, starts the server and waits until it is healthy. The server
// is stopped when ctx is done, or by Stop.
func Start(ctx context.Context, o Options) (*Server, error) {
	var err error
	if o.Setup, err = o.complete(); err != nil {
		return nil, err
	}
	runtime, err := Prepare(ctx, o.Setup)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "conductor-server-")
	if err != nil {
		return nil, fmt.Errorf("conductor server: %w", err)
	}
	s := &Server{Runtime: runtime, release: o.Release, folder: folder, db: o.DB, postgres: o.Postgres}
	if s.db == "" {
		s.db = filepath.Join(folder, "conductor.db")
	}
	if err := s.launch(ctx, o); err != nil {
		_ = os.RemoveAll(folder) // the first error matters
		return nil, err
	}
	return s, nil
}

func (s *Server) launch(ctx context.Context, o Options) error {
	o.Progress("starting conductor-server " + s.release.Version + " on Java " + s.Runtime.JavaVersion)
	watch := newLineWatch(o.Log, `Tomcat started on port(?:\(s\):)? (\d+)`)
	process, err := child.Start(ctx, child.Spec{
		Path: s.Runtime.Java, Args: s.arguments(o.Port), Dir: s.folder, Env: s.environment(o),
		Stdout: watch, Stderr: watch, Grace: 10 * time.Second,
	})
	if err != nil {
		return fmt.Errorf("conductor server: %w", err)
	}
	s.process = process
	if err := s.awaitHealth(ctx, watch); err != nil {
		s.process.Kill()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("conductor server: %w; its last lines:\n%s", err, watch.tail.Lines(20))
	}
	return nil
}

// arguments start the server in a third of the default time: with the first
// compiler tier only and, where the release has such settings, with lazy beans
// and without the AI integrations and the scheduler.
func (s *Server) arguments(port int) []string {
	arguments := []string{
		"-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData",
		"--enable-native-access=ALL-UNNAMED", "-Djava.io.tmpdir=" + s.folder,
		"-jar", s.Runtime.Jar,
		"--server.port=" + strconv.Itoa(port), "--server.address=127.0.0.1",
	}
	arguments = append(arguments, s.release.settings...)
	switch {
	case s.postgres != nil:
		return append(arguments, s.postgres.settings()...)
	case s.release.memory:
		return arguments
	default:
		return append(arguments, "--spring.datasource.url=jdbc:sqlite:"+s.db+"?busy_timeout=15000&journal_mode=WAL")
	}
}

// environment does not pass on the caller's variables, because Spring reads
// settings from any variable.
func (s *Server) environment(o Options) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "LANG", "SystemRoot", "USERPROFILE"} {
		if value := child.Getenv(o.Env, name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	for name, value := range o.Secrets {
		env = append(env, "CONDUCTOR_SECRET_"+name+"="+value.Reveal())
	}
	if s.postgres != nil {
		env = append(env, "SPRING_DATASOURCE_PASSWORD="+s.postgres.password.Reveal())
	}
	return env
}

func (s *Server) awaitHealth(ctx context.Context, watch *lineWatch) error {
	const wait = 3 * time.Minute
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	select {
	case port := <-watch.matched:
		s.API = NewAPI("http://" + net.JoinHostPort("127.0.0.1", port))
	case <-s.process.Done():
		return fmt.Errorf("it exited before it listened: %w", endOf(s.process))
	case <-ctx.Done():
		return fmt.Errorf("it did not listen within %s", wait)
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := s.Get(ctx, "/health"); err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-s.process.Done():
			return fmt.Errorf("it exited before it was healthy: %w", endOf(s.process))
		case <-ctx.Done():
			return fmt.Errorf("it was not healthy within %s", wait)
		}
	}
}

func endOf(p *child.Process) error {
	if err := p.Err(); err != nil {
		return err
	}
	return fmt.Errorf("exit status 0")
}

// PID returns the server's process ID.
func (s *Server) PID() int { return s.process.PID() }

// Version returns the server's release.
func (s *Server) Version() string { return s.release.Version }

// DB returns the path of the SQLite file. Its journals are beside it.
func (s *Server) DB() string { return s.db }

// Done is closed when the server has exited.
func (s *Server) Done() <-chan struct{} { return s.process.Done() }

// Stop stops the server and removes its folder.
func (s *Server) Stop(ctx context.Context) error {
	s.Close()
	_ = s.process.Stop(ctx) // Java exits with 143 on SIGTERM
	return s.clean()
}

// Kill kills the server and removes its folder; a DB of Options stays.
func (s *Server) Kill() error {
	s.Close()
	s.process.Kill()
	return s.clean()
}

func (s *Server) clean() error {
	if err := os.RemoveAll(s.folder); err != nil {
		return fmt.Errorf("conductor server: remove its folder: %w", err)
	}
	return nil
}

// lineWatch forwards a program's output, keeps its end for error messages, and
// finds a line in it, such as the one with the port that the program listens on.
type lineWatch struct {
	mu      sync.Mutex
	to      io.Writer
	tail    *child.Tail
	line    []byte
	found   bool
	matched chan string // receives the match of the pattern's group, once
	pattern *regexp.Regexp
}

// newLineWatch searches for a line that matches a pattern with one group.
func newLineWatch(to io.Writer, pattern string) *lineWatch {
	if to == nil {
		to = io.Discard
	}
	return &lineWatch{
		to: to, tail: child.NewTail(32 << 10), matched: make(chan string, 1),
		pattern: regexp.MustCompile(pattern),
	}
}

// Write implements [io.Writer].
func (w *lineWatch) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, _ = w.tail.Write(p) // never fails
	if !w.found {
		w.search(p)
	}
	return w.to.Write(p)
}

func (w *lineWatch) search(p []byte) {
	for _, b := range p {
		if b != '\n' {
			w.line = append(w.line, b)
			continue
		}
		if match := w.pattern.FindSubmatch(w.line); match != nil {
			w.found = true
			w.matched <- string(match[1])
			return
		}
		w.line = w.line[:0]
	}
}
