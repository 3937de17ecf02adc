package child

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Getenv returns a variable of an environment in the form of [os.Environ]; the
// last assignment wins.
func Getenv(env []string, name string) string {
	value := ""
	for _, entry := range env {
		if key, v, ok := strings.Cut(entry, "="); ok && key == name {
			value = v
		}
	}
	return value
}

// Look finds a program on the PATH of env.
func Look(env []string, name string) (string, error) {
	for _, folder := range filepath.SplitList(Getenv(env, "PATH")) {
		if folder == "" {
			continue
		}
		if path, ok := Executable(filepath.Join(folder, name)); ok {
			return path, nil
		}
	}
	return "", ErrNotFound
}

// Executable reports whether a file can be run, and returns its name with the
// extension that Windows needs.
func Executable(path string) (string, bool) {
	endings := []string{""}
	if runtime.GOOS == "windows" {
		endings = []string{".exe", ".cmd", ".bat"}
	}
	for _, ending := range endings {
		info, err := os.Stat(path + ending)
		if err != nil || info.IsDir() {
			continue
		}
		if runtime.GOOS == "windows" || info.Mode()&0o111 != 0 {
			return path + ending, true
		}
	}
	return "", false
}
