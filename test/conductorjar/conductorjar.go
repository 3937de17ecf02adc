// Package conductorjar starts the open-source Conductor server from its published
// jar, on embedded SQLite or on PostgreSQL, for the demo and the integration
// tests. It finds or fetches Java, the jar and PostgreSQL.
package conductorjar

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Setup configures how dependencies are found and fetched.
type Setup struct {
	Env      []string     // the caller's environment, as of os.Environ
	Cache    string       // folder for fetched files; "" is DefaultCache
	Progress func(string) // called before each step that may take long; may be nil
	Release  Release      // of the server; the zero value is that of Version

	// Folders are globs of Java installations; nil is the usual ones of the
	// operating system.
	Folders []string
}

// Runtime is the Java and the jar of a server.
type Runtime struct {
	Java        string // path of the program
	JavaVersion string
	Jar         string // path of the extracted jar, with its lib folder beside it
}

// DefaultCache returns the folder .cache of the project that contains the working
// directory or, outside of it, conductor-jwt in the user's cache folder.
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

// Prepare finds Java and the server's jar, or fetches them into the cache. A
// [*MissingError] names everything that it can neither find nor fetch.
func Prepare(ctx context.Context, s Setup) (Runtime, error) {
	s, unlock, err := s.open(ctx)
	if err != nil {
		return Runtime{}, err
	}
	defer unlock()
	return s.prepare(ctx)
}

// complete fills in the defaults of Progress and Release.
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

// open fills in the defaults and locks the cache until unlock is called.
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
	s.removeScratch()
	return s, unlock, nil
}

// scratch is the prefix of temporary folders in the cache.
const scratch = "conductorjar-tmp-"

// removeScratch removes temporary folders left by killed processes. The caller
// holds the lock, so no other process uses one.
func (s Setup) removeScratch() {
	// The only error is a malformed pattern, which this is not.
	left, _ := filepath.Glob(filepath.Join(s.Cache, scratch+"*"))
	for _, folder := range left {
		_ = os.RemoveAll(folder) // a folder that stays only takes space
	}
}

func (s Setup) prepare(ctx context.Context) (Runtime, error) {
	java, noJava := s.planJava(ctx)
	jar, noJar := s.planJar()
	if ctx.Err() != nil { // programs did not run; nothing is known to be missing
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

// fill calls work with a temporary folder and then moves the path that work
// returns to place, so that place is either complete or does not exist.
func (s Setup) fill(place string, work func(folder string) (string, error)) error {
	folder, err := os.MkdirTemp(s.Cache, scratch)
	if err != nil {
		return fmt.Errorf("cache folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }() // a folder that stays only takes space
	result, err := work(folder)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(place), 0o750); err != nil {
		return fmt.Errorf("cache folder: %w", err)
	}
	// What exists there was found unusable; otherwise fill would not be called.
	if err := os.RemoveAll(place); err != nil {
		return fmt.Errorf("cache folder: %w", err)
	}
	if err := os.Rename(result, place); err != nil {
		return fmt.Errorf("cache folder: %w", err)
	}
	return nil
}

// Missing is a dependency that can be neither found nor fetched.
type Missing struct {
	What   string // "Java 21 or newer"
	Found  string // what was found instead
	Remedy string // what to do
}

// MissingError names everything that is missing.
type MissingError struct {
	Items []Missing
}

// Error implements the error interface.
func (e *MissingError) Error() string {
	var b strings.Builder
	b.WriteString("the server cannot be started: ")
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
