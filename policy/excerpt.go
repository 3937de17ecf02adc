package policy

import (
	"fmt"
	"strings"
	"unicode"
)

// mostExcerpt is how much of a line is shown, in characters.
const mostExcerpt = 100

// excerpt shows a line of the file with … in place of every value, which may
// be a secret that stands in the wrong place, and a mark under the column.
func excerpt(line string, at Place) string {
	m := masker{text: []rune(line), mark: at.Column - 1, column: -1}
	m.run()
	if len(m.out) > mostExcerpt {
		m.out = append(m.out[:mostExcerpt-1], '…')
	}
	if m.column < 0 || m.column > len(m.out) {
		m.column = len(m.out)
	}
	margin := fmt.Sprintf("%4d | ", at.Line)
	return margin + string(m.out) + "\n" + strings.Repeat(" ", len(margin)-2) + "| " + strings.Repeat(" ", m.column) + "^"
}

// masker copies a line's structure: indentation, brackets, names of fields.
type masker struct {
	text []rune
	at   int
	out  []rune

	mark   int // the index in text to be marked
	column int // where that is in out
}

func (m *masker) run() {
	for m.at < len(m.text) {
		switch c := m.text[m.at]; {
		case c == '#' && (m.at == 0 || unicode.IsSpace(m.text[m.at-1])):
			return // a comment
		case strings.ContainsRune("{}[],: ", c):
			m.copy(c)
		case unicode.IsSpace(c):
			m.copy(' ')
		case c == '-' && (m.at+1 == len(m.text) || m.text[m.at+1] == ' '):
			m.copy(c)
		default:
			m.scalar()
		}
	}
}

func (m *masker) copy(c rune) {
	if m.at == m.mark {
		m.column = len(m.out)
	}
	m.out = append(m.out, c)
	m.at++
}

// scalar copies the name of a field, and masks anything else.
func (m *masker) scalar() {
	end := m.end()
	if m.mark >= m.at && m.mark < end {
		m.column = len(m.out)
	}
	text := m.text[m.at:end]
	m.at = end
	if end < len(m.text) && m.text[end] == ':' && isName(strings.Trim(string(text), `"'`)) {
		m.out = append(m.out, text...)
		return
	}
	m.out = append(m.out, '…')
}

// end finds where a scalar ends.
func (m *masker) end() int {
	if quote := m.text[m.at]; quote == '"' || quote == '\'' {
		for i := m.at + 1; i < len(m.text); i++ {
			switch {
			case m.text[i] == '\\' && quote == '"':
				i++
			case m.text[i] == quote:
				return i + 1
			}
		}
		return len(m.text)
	}
	for i := m.at; i < len(m.text); i++ {
		last := i+1 == len(m.text) || m.text[i+1] == ' '
		switch c := m.text[i]; {
		case strings.ContainsRune("]}", c), strings.ContainsRune(":,", c) && last,
			c == '#' && m.text[i-1] == ' ':
			return i
		}
	}
	return len(m.text)
}

// mostName is how long a name is that the file gives to a key or a profile.
const mostName = 64

// isName reports whether text may name a key or a profile: letters, digits,
// and . _ - in between.
func isName(text string) bool {
	if text == "" || len(text) > mostName || strings.ContainsAny(text[:1], "-.") {
		return false
	}
	return strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == ""
}
