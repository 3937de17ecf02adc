package cli

import (
	"strings"
	"testing"
)

// A name from a key set or a token can neither end a line, nor speak to a
// terminal, nor be read as another one.
func TestANameFromOutsideIsShownAsItReads(t *testing.T) {
	for _, text := range []string{"\n", "\r", "\x1b[31m", "\x7f", "\u009b", "\u202e", "\u2066", "\u200b", "\u2028", "\ufeff", "\u00ad"} {
		if got := shown("a" + text + "b"); strings.Contains(got, text) || !strings.HasPrefix(got, "a?") {
			t.Errorf("%q is shown as %q", text, got)
		}
	}
	if got := shown("Grüße é 😀.pem"); got != "Grüße é 😀.pem" {
		t.Errorf("%q", got)
	}
}
