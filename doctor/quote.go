package doctor

import (
	"strings"

	"conductor-jwt/internal/printable"
)

// maxName is how much of a name that the server gave is shown.
const maxName = 128

// quote shows a name as it would be written, if it is a plain one, and
// otherwise within quotes, with what a terminal would obey escaped.
func quote(name string) string {
	if short := plain(name); short == name && name != "" {
		return name
	}
	return `"` + printable.ASCII(name, maxName) + `"`
}

// argument is a name behind a command that will be copied into a shell: one that
// a shell, or the command, might obey is left out.
func argument(name string) string {
	if name == "" || plain(name) != name || strings.HasPrefix(name, "-") {
		return ""
	}
	return " " + name
}

// plain is what of a name may stand in a command.
func plain(name string) string {
	if len(name) > maxName {
		name = name[:maxName]
	}
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-:/", r) {
			return r
		}
		return -1
	}, name)
}
