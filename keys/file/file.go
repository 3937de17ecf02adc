// Package file is where keys come from files, folders and environment
// variables: file:///path, dir:///path and env:NAME. It knows no time: when a
// version may sign is said by the operator.
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
	Parser keys.Resolver // reads the text of a key
}

// New makes the Scheme of all three.
func New(o Options) keys.Scheme { return scheme{o} }

type scheme struct{ o Options }

// Open implements [keys.Scheme].
func (s scheme) Open(uri string) (keys.Source, error) {
	kind, rest, _ := strings.Cut(uri, ":")
	if kind == "env" {
		if rest == "" || strings.ContainsAny(rest, "=/ ") {
			return nil, malformed("a uri without the name of a variable", "write env:NAME")
		}
		return source{o: s.o, variable: rest}, nil
	}
	u, err := url.Parse(uri)
	if err != nil || u.Host != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || !filepath.IsAbs(filepath.FromSlash(u.Path)) {
		return nil, malformed("a uri without an absolute path", "write "+kind+":///path, with three slashes")
	}
	path := filepath.FromSlash(u.Path)
	switch kind {
	case "file":
		return source{o: s.o, paths: func() ([]string, error) { return []string{path}, nil }}, nil
	case "dir":
		return source{o: s.o, paths: func() ([]string, error) { return filesIn(path) }}, nil
	}
	return nil, malformed("a uri of another scheme", "write file:///path, dir:///path or env:NAME")
}

func malformed(found, hint string) error {
	return &fault.Error{Reason: keys.ErrUnsupported, Found: found, Hint: hint}
}

// source is read anew each time: a mounted secret changes beneath its path.
type source struct {
	o        Options
	paths    func() ([]string, error) // nil for a variable
	variable string
}

// Timed implements [keys.Source]. A file's time is that of its last copy.
func (source) Timed() bool { return false }

// Remote implements [keys.Source].
func (source) Remote() bool { return false }

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

// Files returns the files that the source reads: none for a variable, or a
// folder that cannot be listed.
func (s source) Files(ctx context.Context) []string {
	if s.paths == nil {
		return nil
	}
	paths, _ := readfile.Within(ctx, s.paths)
	return paths
}

func (s source) texts(ctx context.Context) ([]secret.Text, error) {
	if s.paths == nil {
		return s.o.read(s.variable)
	}
	paths, err := readfile.Within(ctx, s.paths)
	if err != nil {
		return nil, readError(err)
	}
	return readAll(ctx, paths)
}

// read returns the value of a variable.
func (o Options) read(variable string) ([]secret.Text, error) {
	text, _ := o.Getenv(variable)
	if strings.TrimSpace(text) == "" {
		return nil, &fault.Error{Reason: keys.ErrMissing, Found: "a variable that is not set", Hint: "set it to the key"}
	}
	return []secret.Text{secret.New(text)}, nil
}

// maxText is how long a key file is, in bytes.
const maxText = 64 << 10

func readAll(ctx context.Context, paths []string) ([]secret.Text, error) {
	list := make([]secret.Text, 0, len(paths))
	for _, path := range paths {
		text, err := readfile.Regular(ctx, path, maxText)
		if errors.Is(err, readfile.ErrNotRegular) || len(text) > maxText {
			return nil, &fault.Error{Reason: keys.ErrTooLarge, Found: "no regular file of at most 64 KiB", Hint: "name the file of one key"}
		}
		if err != nil {
			return nil, readError(err)
		}
		list = append(list, secret.New(string(text)))
	}
	return list, nil
}

// filesIn returns the files of a folder, in the order of their names. What
// begins with a dot is how Kubernetes swaps a mounted secret.
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

// readError says why a file could not be read, in our words. That it is gone says
// something of the key; anything else says nothing.
func readError(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &fault.Error{Reason: keys.ErrMissing, Found: "there is no such file", Hint: "correct the path, or put the key there"}
	case errors.Is(err, fs.ErrPermission):
		return &fault.Error{Reason: keys.ErrMissing, Found: "the file may not be read by this user", Hint: "permit it, or run the worker as its owner"}
	}
	return keys.Unavailable("the file cannot be read", "look at the disk")
}
