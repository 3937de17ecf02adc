package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestOutputWithoutATerminalIsPlainLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := newScreen(&out, style{})
		s.step("starting")
		time.Sleep(1500 * time.Millisecond)
		s.done("started")
		s.idle()
		s.close()
		if got, want := out.String(), "   0.0s  starting\n   1.5s  ✓ started\n"; got != want {
			t.Errorf("output = %q, want %q", got, want)
		}
	})
}

func TestLongStepPrintsProgressLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := newScreen(&out, style{})
		s.step("fetching")
		time.Sleep(45 * time.Second)
		s.close()
		if got := strings.Count(out.String(), "… fetching"); got != 2 {
			t.Errorf("%d progress lines, want 2 in 45 s:\n%s", got, out.String())
		}
	})
}

func TestStatusLineIsErasedAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := newScreen(&out, style{colour: true, live: true})
		s.step("starting")
		time.Sleep(time.Second)
		s.done("started")
		s.close()
		if !strings.Contains(out.String(), "starting") || !strings.HasSuffix(out.String(), "\r\x1b[K") {
			t.Errorf("output = %q, want a status line that is erased at the end", out.String())
		}
	})
}

func TestColourDependsOnTheEnvironment(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for name, test := range map[string]struct {
		env  []string
		want style
	}{
		"a file has no colour":              {nil, style{}},
		"CLICOLOR_FORCE":                    {[]string{"CLICOLOR_FORCE=1"}, style{colour: true}},
		"NO_COLOR overrides CLICOLOR_FORCE": {[]string{"CLICOLOR_FORCE=1", "NO_COLOR=1"}, style{}},
		"CLICOLOR_FORCE=0 does not force":   {[]string{"CLICOLOR_FORCE=0"}, style{}},
		"an empty NO_COLOR is ignored":      {[]string{"CLICOLOR_FORCE=1", "NO_COLOR="}, style{colour: true}},
	} {
		if got := styleOf(test.env, file); got != test.want {
			t.Errorf("%s: style = %+v, want %+v", name, got, test.want)
		}
	}
}

func TestJoinedLinesAreTheToken(t *testing.T) {
	d := &demo{screen: &screen{}}
	token := strings.Repeat("a", 50) + "." + strings.Repeat("b", 120) + "." + strings.Repeat("c", 30)
	if got := strings.Join(d.coloured(token, 40), ""); got != token {
		t.Errorf("token = %q", got)
	}
	d.screen.colour = true
	lines := strings.Join(d.coloured(token, 40), "\n")
	for _, want := range []string{"\x1b[31maaa", "\x1b[34mbbb", "\x1b[32mccc"} {
		if !strings.Contains(lines, want) {
			t.Errorf("missing %q in %q", want, lines)
		}
	}
}
