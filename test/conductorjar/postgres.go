package conductorjar

import (
	"archive/zip"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"conductor-jwt/internal/secret"
	"conductor-jwt/test/conductorjar/child"
)

// PostgresVersion is the release of PostgreSQL.
const PostgresVersion = "17.6"

// Postgres is a running PostgreSQL with an empty database, on loopback.
type Postgres struct {
	program  string // folder of bin, lib and share
	folder   string // holds the data; Stop removes it
	owner    *child.User
	password secret.Text
	port     int
	process  *child.Process
}

// The account of the cluster, and the database that every cluster has.
const (
	postgresUser     = "conductor"
	postgresDatabase = "postgres"
)

// StartPostgres fetches PostgreSQL if necessary, makes a cluster in a temporary
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
	if err := errors.Join(p.useUnprivilegedUser(), p.makeCluster(ctx)); err != nil {
		_ = os.RemoveAll(folder) // the first error matters
		return nil, err
	}
	if err := p.launch(ctx, log); err != nil {
		_ = os.RemoveAll(folder) // as above
		return nil, err
	}
	return p, nil
}

// useUnprivilegedUser gives the cluster to the user nobody if the caller is root,
// as whom PostgreSQL does not run. It copies the program too, because that user
// may not be able to read the cache.
func (p *Postgres) useUnprivilegedUser() (err error) {
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
	return p.chown()
}

// chown changes the owner of everything in the folder.
func (p *Postgres) chown() error {
	root, err := os.OpenRoot(p.folder)
	if err != nil {
		return fmt.Errorf("postgresql: %w", err)
	}
	defer func() { _ = root.Close() }() // it was only read
	err = fs.WalkDir(root.FS(), ".", func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, root.Lchown(path, p.owner.UID, p.owner.GID))
	})
	if err != nil {
		return fmt.Errorf("postgresql: %w", err)
	}
	return nil
}

// makeCluster makes a cluster without protection against a crash of the machine.
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

// launch retries, because another program may take the free port.
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
	timeout := time.NewTimer(time.Minute)
	defer timeout.Stop()
	select {
	case <-watch.matched:
		return nil
	case <-p.process.Done():
		return fmt.Errorf("postgresql: %w; its last lines:\n%s", endOf(p.process), watch.tail.Lines(10))
	case <-timeout.C:
		p.process.Kill()
		return fmt.Errorf("postgresql: not ready within a minute; its last lines:\n%s", watch.tail.Lines(10))
	}
}

// settings returns the arguments of a Conductor server that uses this database.
func (p *Postgres) settings() []string {
	return []string{
		"--conductor.db.type=postgres", "--conductor.queue.type=postgres", "--conductor.indexing.type=postgres",
		"--spring.datasource.url=jdbc:postgresql://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)) + "/" + postgresDatabase,
		"--spring.datasource.username=" + postgresUser,
	}
}

// Stop stops PostgreSQL and removes its data.
func (p *Postgres) Stop(ctx context.Context) error {
	// SIGTERM would wait for the last client to disconnect; SIGINT does not. The
	// signal fails only if the process has exited.
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
	defer func() { _ = listener.Close() }() // the port must be free
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("no port in %s", listener.Addr())
	}
	return address.Port, nil
}

// postgresArtifact is a jar in Maven Central that holds an archive of PostgreSQL's
// bin, lib and share; ok is false if there is none for this platform.
func postgresArtifact() (a artifact, ok bool) {
	const version = PostgresVersion + ".0"
	var platform, size, digest string
	switch runtime.GOOS + "/" + runtime.GOARCH {
	case "linux/amd64":
		platform, size, digest = "linux-amd64", "15 MB", "23da5a044b4fb7a5a081a45008c95749c873305328d73f86aefd56922ce1d29d"
	case "linux/arm64":
		platform, size, digest = "linux-arm64v8", "14 MB", "84427ea54a5238247924ef3b0f940e7d027e58760f19d7325242e50d22fa014a"
	case "darwin/amd64":
		platform, size, digest = "darwin-amd64", "30 MB", "f1d6d39896ca48e65d6dbcb492d809df0d4952c65299de8af6e08d2208eae3e0"
	case "darwin/arm64":
		platform, size, digest = "darwin-arm64v8", "30 MB", "e87ee36767dee4f00f829d7a52e4a216e2fdebe5934c5683730940aabe570721"
	default:
		return a, false
	}
	name := "embedded-postgres-binaries-" + platform
	return artifact{
		coordinates: "io.zonky.test.postgres:" + name + ":" + version,
		file:        name + "-" + version + ".jar", size: size, sha256: digest,
	}, true
}

// preparePostgres returns the folder with bin, lib and share, and fetches it if
// necessary.
func (s Setup) preparePostgres(ctx context.Context) (string, error) {
	s, unlock, err := s.open(ctx)
	if err != nil {
		return "", err
	}
	defer unlock()
	place := filepath.Join(s.Cache, "postgresql-"+PostgresVersion)
	if _, err := os.Stat(filepath.Join(place, "bin", "postgres")); err == nil {
		return place, nil
	}
	a, ok := postgresArtifact()
	if !ok {
		return "", &MissingError{Items: []Missing{{
			What:  "PostgreSQL " + PostgresVersion,
			Found: "none is published for " + runtime.GOOS + "/" + runtime.GOARCH, Remedy: "use Linux or macOS",
		}}}
	}
	maven, missing := s.planMaven(a)
	java, noJava := s.planJava(ctx)
	tar, noTar := s.planTar()
	if missing = append(append(missing, noJava...), noTar...); missing != nil {
		return "", &MissingError{Items: missing}
	}
	program, _, err := java(ctx)
	if err != nil {
		return "", err
	}
	return place, s.fill(place, func(folder string) (string, error) {
		jar, err := s.obtain(ctx, a, maven, program, folder)
		if err != nil {
			return "", err
		}
		return s.unpackPostgres(ctx, jar, tar, folder)
	})
}

// planTar finds a tar that unpacks xz, which Go's standard library does not.
func (s Setup) planTar() (string, []Missing) {
	tar, err := child.Look(s.Env, "tar")
	if err == nil && runtime.GOOS == "linux" { // macOS's tar unpacks xz itself
		_, err = child.Look(s.Env, "xz")
	}
	if err != nil {
		return "", []Missing{{
			What: "tar and xz", Found: "not both on the PATH", Remedy: "install them (Debian: apt-get install tar xz-utils)",
		}}
	}
	return tar, nil
}

func (s Setup) unpackPostgres(ctx context.Context, jar, tar, folder string) (string, error) {
	archive := filepath.Join(folder, "postgres.txz")
	if err := unzipOne(jar, ".txz", archive); err != nil {
		return "", fmt.Errorf("postgresql: %w", err)
	}
	to := filepath.Join(folder, "unpacked")
	if err := os.Mkdir(to, 0o750); err != nil {
		return "", fmt.Errorf("postgresql: %w", err)
	}
	return to, s.tool(ctx, "tar", child.Spec{Path: tar, Dir: folder, Args: []string{"-xJf", archive, "-C", to}})
}

// unzipOne copies the file of a jar whose name ends with suffix.
func unzipOne(jar, suffix, to string) error {
	files, err := zip.OpenReader(jar)
	if err != nil {
		return err
	}
	defer func() { _ = files.Close() }() // it was only read
	for _, file := range files.File {
		if strings.HasSuffix(file.Name, suffix) {
			return unzip(file, to)
		}
	}
	return fmt.Errorf("no *%s in %s", suffix, jar)
}

func unzip(file *zip.File, to string) error {
	from, err := file.Open()
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()                                   // it was only read
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600) //nolint:gosec // a fixed name in a temporary folder
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, from); err != nil { //nolint:gosec // the jar's digest was checked
		_ = out.Close() // the error of the copy matters
		return err
	}
	return out.Close()
}
