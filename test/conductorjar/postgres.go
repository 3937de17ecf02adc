package conductorjar

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"conductor-jwt/internal/secret"
	"conductor-jwt/test/conductorjar/child"
)

// PostgresVersion is the release that is started.
const PostgresVersion = "17.6"

// Postgres is a running PostgreSQL with an empty database, on loopback only.
type Postgres struct {
	program  string // the folder of bin, lib and share
	folder   string // with the data, and gone after Stop
	owner    *child.User
	password secret.Text
	port     int
	process  *child.Process
}

// The one account of a cluster, and the database that every cluster has.
const (
	postgresUser     = "conductor"
	postgresDatabase = "postgres"
)

// StartPostgres fetches PostgreSQL, once, makes a cluster in a temporary
// folder and starts it. It is stopped when ctx is done, or by Stop.
func StartPostgres(ctx context.Context, s Setup, log io.Writer) (*Postgres, error) {
	program, err := s.preparePostgres(ctx)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "conductor-postgres-")
	if err != nil {
		return nil, fmt.Errorf("postgresql: %w", err)
	}
	p := &Postgres{program: program, folder: folder, password: secret.New(rand.Text())}
	if err := errors.Join(p.own(), p.makeCluster(ctx)); err != nil {
		_ = os.RemoveAll(folder) // the first error says more
		return nil, err
	}
	if err := p.launch(ctx, log); err != nil {
		_ = os.RemoveAll(folder) // as above
		return nil, err
	}
	return p, nil
}

// own gives the cluster to a user who is not root, whom PostgreSQL refuses,
// and the program too: the cache may be out of that user's reach.
func (p *Postgres) own() (err error) {
	if os.Geteuid() != 0 {
		return nil
	}
	if p.owner, err = child.Nobody(); err != nil {
		return fmt.Errorf("postgresql does not run as root: %w", err)
	}
	copied := filepath.Join(p.folder, "program")
	if err := os.CopyFS(copied, os.DirFS(p.program)); err != nil {
		return fmt.Errorf("postgresql: %w", err)
	}
	p.program = copied
	return p.giveAway()
}

// giveAway makes all of the folder the owner's.
func (p *Postgres) giveAway() error {
	root, err := os.OpenRoot(p.folder)
	if err != nil {
		return fmt.Errorf("postgresql: %w", err)
	}
	defer func() { _ = root.Close() }() // nothing is written by it
	err = fs.WalkDir(root.FS(), ".", func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, root.Lchown(path, p.owner.UID, p.owner.GID))
	})
	if err != nil {
		return fmt.Errorf("postgresql: %w", err)
	}
	return nil
}

// makeCluster leaves out what protects data from a crash of the machine; that
// of the program is survived.
func (p *Postgres) makeCluster(ctx context.Context) error {
	file := filepath.Join(p.folder, "password")
	if err := os.WriteFile(file, []byte(p.password.Reveal()), 0o600); err != nil {
		return fmt.Errorf("postgresql: %w", err)
	}
	if p.owner != nil {
		if err := os.Chown(file, p.owner.UID, p.owner.GID); err != nil {
			return fmt.Errorf("postgresql: %w", err)
		}
	}
	out, err := child.Output(ctx, p.spec("initdb", "--pgdata="+p.data(), "--username="+postgresUser, "--pwfile="+file,
		"--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"))
	if err != nil {
		return fmt.Errorf("postgresql: %w\n%s", err, out)
	}
	return os.Remove(file)
}

func (p *Postgres) data() string { return filepath.Join(p.folder, "data") }

func (p *Postgres) spec(program string, args ...string) child.Spec {
	return child.Spec{
		Path: filepath.Join(p.program, "bin", program), Args: args, Dir: p.folder, User: p.owner,
		Env: []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}, Grace: 10 * time.Second,
	}
}

// launch tries again where another program has taken the port in between.
func (p *Postgres) launch(ctx context.Context, log io.Writer) (err error) {
	for range 3 {
		if err = p.launchAt(ctx, log); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

func (p *Postgres) launchAt(ctx context.Context, log io.Writer) (err error) {
	if p.port, err = freePort(ctx); err != nil {
		return fmt.Errorf("postgresql: %w", err)
	}
	watch := newLineWatch(log, `(ready to accept connections)`)
	spec := p.spec("postgres", "-D", p.data(), "-p", strconv.Itoa(p.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
		"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "shared_buffers=64MB")
	spec.Stdout, spec.Stderr = watch, watch
	if p.process, err = child.Start(ctx, spec); err != nil {
		return fmt.Errorf("postgresql: %w", err)
	}
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	select {
	case <-watch.said:
		return nil
	case <-p.process.Done():
		return fmt.Errorf("postgresql: %w; its last lines:\n%s", endOf(p.process), watch.tail.Lines(10))
	case <-late.C:
		p.process.Kill()
		return fmt.Errorf("postgresql: not ready within a minute; its last lines:\n%s", watch.tail.Lines(10))
	}
}

// settings make a Conductor server store everything here.
func (p *Postgres) settings() []string {
	return []string{
		"--conductor.db.type=postgres", "--conductor.queue.type=postgres", "--conductor.indexing.type=postgres",
		"--spring.datasource.url=jdbc:postgresql://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)) + "/" + postgresDatabase,
		"--spring.datasource.username=" + postgresUser,
	}
}

// Stop ends it and removes its data.
func (p *Postgres) Stop(ctx context.Context) error {
	// SIGTERM would wait until the last client has gone; SIGINT does not. One
	// that has ended by itself cannot be signalled, and need not be.
	_ = p.process.Signal(os.Interrupt)
	select {
	case <-p.process.Done():
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
	}
	p.process.Kill()
	if err := os.RemoveAll(p.folder); err != nil {
		return fmt.Errorf("postgresql: remove its folder: %w", err)
	}
	return nil
}

func freePort(ctx context.Context) (int, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = listener.Close() }() // to be free again is the purpose
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("no port in %s", listener.Addr())
	}
	return address.Port, nil
}
