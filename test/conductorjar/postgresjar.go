package conductorjar

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"conductor-jwt/test/conductorjar/child"
)

// postgresArtifact is PostgreSQL as a jar, whose one archive has bin, lib and
// share: any machine that gets the server's jar gets it too.
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

// preparePostgres gives the folder with bin, lib and share, after fetching it
// if it must.
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
	return place, s.staged(place, func(folder string) (string, error) {
		jar, err := s.obtain(ctx, a, maven, program, folder)
		if err != nil {
			return "", err
		}
		return s.unpackPostgres(ctx, jar, tar, folder)
	})
}

// planTar looks for a tar that unpacks xz; Go's own library does not.
func (s Setup) planTar() (string, []Missing) {
	tar, err := child.Look(s.Env, "tar")
	if err == nil && runtime.GOOS == "linux" { // on macOS tar needs no help
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

// unzipOne copies the file of a jar whose name ends so.
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
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600) //nolint:gosec // a fixed name in a folder of ours
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, from); err != nil { //nolint:gosec // its digest was compared: its size is known
		_ = out.Close() // the copy is what failed
		return err
	}
	return out.Close()
}
