package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWithoutATerminalTheOutputIsPlainLines(t *testing.T) {
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

func TestLongStepGivesASignOfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := newScreen(&out, style{})
		s.step("fetching")
		time.Sleep(45 * time.Second)
		s.close()
		if got := strings.Count(out.String(), "… fetching"); got != 2 {
			t.Errorf("signs of life = %d, want 2 in 45 s:\n%s", got, out.String())
		}
	})
}

func TestStatusLineIsGoneAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := newScreen(&out, style{colour: true, live: true})
		s.step("starting")
		time.Sleep(time.Second)
		s.done("started")
		s.close()
		if !strings.Contains(out.String(), "starting") || !strings.HasSuffix(out.String(), "\r\x1b[K") {
			t.Errorf("output = %q, want a status line that is erased in the end", out.String())
		}
	})
}

func TestColourIsAskedFor(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for name, test := range map[string]struct {
		env  []string
		want style
	}{
		"a file has none":                {nil, style{}},
		"unless it is forced":            {[]string{"CLICOLOR_FORCE=1"}, style{colour: true}},
		"which NO_COLOR forbids":         {[]string{"CLICOLOR_FORCE=1", "NO_COLOR=1"}, style{}},
		"and 0 is not to force":          {[]string{"CLICOLOR_FORCE=0"}, style{}},
		"an empty NO_COLOR says nothing": {[]string{"CLICOLOR_FORCE=1", "NO_COLOR="}, style{colour: true}},
	} {
		if got := styleOf(test.env, file); got != test.want {
			t.Errorf("%s: style = %+v, want %+v", name, got, test.want)
		}
	}
}

func TestTokenIsWholeWhenItsLinesAreJoined(t *testing.T) {
	d := &demo{screen: &screen{}}
	token := strings.Repeat("a", 50) + "." + strings.Repeat("b", 120) + "." + strings.Repeat("c", 30)
	if got := strings.Join(d.coloured(token, 40), ""); got != token {
		t.Errorf("token = %q", got)
	}
	d.screen.colour = true
	lines := strings.Join(d.coloured(token, 40), "\n")
	for _, want := range []string{"\x1b[31maaa", "\x1b[34mbbb", "\x1b[32mccc"} {
		if !strings.Contains(lines, want) {
			t.Errorf("a part has not its colour: no %q in %q", want, lines)
		}
	}
}
