package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal (pts(4)): what is written to it, and its
// other end.
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

// onTerminal is what show writes to a terminal.
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
	var b bytes.Buffer
	env := logEnv(&b)
	env.Args = []string{"wroker"}
	Run(context.Background(), env)
	if !strings.HasPrefix(b.String(), "error: unknown") {
		t.Errorf("colour in a file: %q", b.String())
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
