// Package file reads keys from files, folders and environment variables:
// file:///path, dir:///path and env:NAME. It knows no times: the operator says
// when a version may sign.
package file

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/readfile"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

// Options are what the sources need of the process.
type Options struct {
	Getenv func(string) (string, bool)
	Parser keys.Resolver // parses the text of a key
}

// New returns the Scheme of file, dir and env.
func New(o Options) keys.Scheme { return scheme{o} }

type scheme struct{ o Options }

// Open implements [keys.Scheme].
func (s scheme) Open(uri string) (keys.Source, error) {
	kind, rest, _ := strings.Cut(uri, ":")
	if kind == "env" {
		if rest == "" || strings.ContainsAny(rest, "=/ ") {
			return nil, malformed("this is a URI without the name of a variable", "write env:NAME")
		}
		return source{o: s.o, variable: rest}, nil
	}
	u, err := url.Parse(uri)
	if err != nil || u.Host != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || !filepath.IsAbs(filepath.FromSlash(u.Path)) {
		return nil, malformed("this is a URI without an absolute path", "write "+kind+":///path, with three slashes")
	}
	path := filepath.FromSlash(u.Path)
	switch kind {
	case "file":
		return source{o: s.o, paths: func() ([]string, error) { return []string{path}, nil }}, nil
	case "dir":
		return source{o: s.o, paths: func() ([]string, error) { return filesIn(path) }}, nil
	}
	return nil, malformed("this is a URI of another scheme", "write file:///path, dir:///path or env:NAME")
}

func malformed(found, hint string) error {
	return &fault.Error{Reason: keys.ErrUnsupported, Found: found, Hint: hint}
}

// source is read each time: the file at a path changes when a mounted secret is
// replaced.
type source struct {
	o        Options
	paths    func() ([]string, error) // nil for a variable
	variable string
}

// Timed implements [keys.Source]. A file's time is that of its last copy.
func (source) Timed() bool { return false }

// Remote implements [keys.Source].
func (source) Remote() bool { return false }

// Files returns the files that the source reads: none for a variable, or for a
// folder that cannot be listed.
func (s source) Files(ctx context.Context) []string {
	if s.paths == nil {
		return nil
	}
	paths, _ := readfile.Within(ctx, s.paths)
	return paths
}

// Versions implements [keys.Source].
func (s source) Versions(ctx context.Context) ([]keys.Key, error) {
	texts, err := s.texts(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]keys.Key, 0, len(texts))
	for _, text := range texts {
		key, err := s.o.Parser.Resolve(ctx, keys.Ref{Text: text})
		if err != nil {
			return nil, err
		}
		list = append(list, key)
	}
	return list, nil
}

func (s source) texts(ctx context.Context) ([]secret.Text, error) {
	if s.paths == nil {
		text, _ := s.o.Getenv(s.variable)
		if strings.TrimSpace(text) == "" {
			return nil, &fault.Error{Reason: keys.ErrMissing, Found: "the variable is not set", Hint: "set it to the key"}
		}
		return []secret.Text{secret.New(text)}, nil
	}
	paths, err := readfile.Within(ctx, s.paths)
	if err != nil {
		return nil, readError(err)
	}
	list := make([]secret.Text, 0, len(paths))
	for _, path := range paths {
		text, err := readfile.Regular(ctx, path, maxFile)
		if errors.Is(err, readfile.ErrNotRegular) || len(text) > maxFile {
			return nil, &fault.Error{Reason: keys.ErrTooLarge, Found: "this is not a regular file of at most 64 KiB", Hint: "name the file of one key"}
		}
		if err != nil {
			return nil, readError(err)
		}
		list = append(list, secret.New(string(text)))
	}
	return list, nil
}

// maxFile is the maximum length of a key file in bytes.
const maxFile = 64 << 10

// filesIn returns the regular files of a folder in the order of their names. It
// ignores names that begin with a dot, with which Kubernetes replaces a mounted
// secret.
func filesIn(path string) ([]string, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range entries {
		name := filepath.Join(path, e.Name())
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
			paths = append(paths, name)
		}
	}
	return paths, nil
}

// readError returns [keys.ErrMissing] if the file is absent or not readable, and
// [keys.ErrUnavailable] for any other failure, which says nothing about the key.
func readError(err error) error {
	hint := "correct the path, or put the key there"
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case errors.Is(err, fs.ErrPermission):
		hint = "permit it, or run the worker as its owner"
	default:
		return keys.Unavailable("the file cannot be read", "check the disk")
	}
	return &fault.Error{Reason: keys.ErrMissing, Found: readfile.Reason(err), Hint: hint}
}
