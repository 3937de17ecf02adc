package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal returns both ends of a pseudo-terminal (pts(4)).
func terminal(t *testing.T) (slave, master *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = master.Close() })
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = slave.Close() })
	return slave, master
}

// onTerminal returns what show writes to a terminal.
func onTerminal(t *testing.T, env map[string]string, show func(Env)) string {
	t.Helper()
	slave, master := terminal(t)
	show(Env{
		Stdin: strings.NewReader(""), Stdout: &bytes.Buffer{}, Stderr: slave, Environ: func() []string { return nil },
		Getenv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	})
	buffer := make([]byte, 4096)
	n, err := master.Read(buffer)
	if err != nil {
		t.Fatal(err)
	}
	return string(buffer[:n])
}

func TestColourIsForATerminal(t *testing.T) {
	wrong := func(env Env) {
		env.Args = []string{"wroker"}
		Run(context.Background(), env)
	}
	if got := onTerminal(t, nil, wrong); !strings.Contains(got, "\x1b[31merror\x1b[0m: unknown command \"wroker\"") {
		t.Errorf("without colour: %q", got)
	}
	if got := onTerminal(t, map[string]string{"NO_COLOR": "1"}, wrong); !strings.HasPrefix(got, "error: unknown") {
		t.Errorf("NO_COLOR is not obeyed: %q", got)
	}
	if got := onTerminal(t, map[string]string{"TERM": "dumb"}, wrong); !strings.HasPrefix(got, "error: unknown") {
		t.Errorf("colour on a dumb terminal: %q", got)
	}
	for force, want := range map[string]string{"": "error: unknown", "0": "error: unknown", "1": "\x1b[31merror\x1b[0m: unknown"} {
		var b bytes.Buffer
		env := logEnv(&b)
		env.Args = []string{"wroker"}
		env.Getenv = func(name string) (string, bool) {
			if name != "CLICOLOR_FORCE" {
				return "", false
			}
			return force, true
		}
		Run(context.Background(), env)
		if !strings.HasPrefix(b.String(), want) {
			t.Errorf("in a file with CLICOLOR_FORCE=%s: %q", force, b.String())
		}
	}
}

func TestALogIsTextOnATerminal(t *testing.T) {
	for format, want := range map[string]string{"": "\x1b[36mINFO\x1b[0m", logText: "\x1b[36mINFO\x1b[0m", logJSON: `"msg":"said"`} {
		got := onTerminal(t, nil, func(env Env) { newLogger(env, "info", format).Info("said", "text", "a\x1bb") })
		if !strings.Contains(got, want) || strings.Contains(got, "a\x1b") {
			t.Errorf("%q: %q", format, got)
		}
	}
	plain := func(env Env) { newLogger(env, "info", "").Info("said") }
	if got := onTerminal(t, map[string]string{"NO_COLOR": "1"}, plain); strings.Contains(got, "\x1b") || !strings.Contains(got, "msg=said") {
		t.Errorf("NO_COLOR is not obeyed: %q", got)
	}
}

// converse runs the command on its own terminal, types a line at each prompt, and
// returns what the terminal shows.
func converse(t *testing.T, lines []string, args ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "conductor-jwt") // TestMain runs the command under this name
	if err := os.Symlink(self, name); err != nil {
		t.Fatal(err)
	}
	slave, master := terminal(t)
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stderr = slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 2}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = slave.Close()
	var seen strings.Builder
	buffer := make([]byte, 4096)
	for prompts := 0; ; {
		n, err := master.Read(buffer)
		seen.Write(buffer[:n])
		if asked := strings.Count(seen.String(), "Please enter the password"); asked > prompts && len(lines) > 0 && strings.HasSuffix(seen.String(), ": ") {
			prompts = asked
			if _, err := master.WriteString(lines[0] + "\n"); err != nil {
				t.Fatal(err)
			}
			lines = lines[1:]
		}
		if err != nil { // the command has closed its terminal
			break
		}
	}
	_ = cmd.Wait() // the text says how it ended
	return seen.String()
}

func TestAWrongPasswordThatIsTypedSaysSo(t *testing.T) {
	const encrypted = "../keys/testdata/keys/p256.pbes2-hmacWithSHA256.pem"
	for _, args := range [][]string{
		{"sign", "--key", encrypted, "--iss", "i", "--sub", "s", "--aud", "a", "--ttl", "5m"},
		{"key", "inspect", encrypted},
	} {
		got := converse(t, []string{"wrong", "still", "no"}, args...)
		if n := strings.Count(got, "Wrong password; try again."); n != 2 {
			t.Errorf("%s: told %d times:\n%s", args[0], n, got)
		}
		if !strings.Contains(got, "the password does not open "+encrypted+" (3 tries)") {
			t.Errorf("%s: %s", args[0], got)
		}
	}
}

func TestThePasswordOfANewKeyIsTypedTwice(t *testing.T) {
	for again, want := range map[string]string{"secret": "", "secrt": "the passwords differ"} {
		name := filepath.Join(t.TempDir(), "key.pem")
		got := converse(t, []string{"secret", again}, "key", "generate", name, "--encrypt")
		text, err := os.ReadFile(name)
		if want != "" {
			if !strings.Contains(got, want) || !os.IsNotExist(err) {
				t.Errorf("%v: %s", err, got)
			}
			continue
		}
		if !strings.HasPrefix(string(text), "-----BEGIN ENCRYPTED PRIVATE KEY-----") {
			t.Errorf("%v: %s", err, got)
		}
	}
}
