package task

import "strings"

// secretMark begins the one expression that the server resolves when a task
// is polled, in whatever text it finds it. Its pattern is exact: no white
// space, no nesting.
const secretMark = "${workflow.secrets." //nolint:gosec // a secret's expression, not a secret

// segment is a piece of a template's string: an expression ${…}, or the text
// between two of them.
type segment struct {
	text       string
	expression bool
}

// segments cuts a template as the server does: an expression ends at the
// brace that closes its own, and $${ is a ${ that is not one.
func segments(template string) []segment {
	var list []segment
	from := 0
	for i := 0; i < len(template); {
		end := expressionEnd(template, i)
		if end < 0 {
			i++
			continue
		}
		if from < i {
			list = append(list, segment{text: plainText(template[from:i])})
		}
		list = append(list, segment{text: template[i:end], expression: true})
		i, from = end, end
	}
	if from < len(template) {
		list = append(list, segment{text: plainText(template[from:])})
	}
	return list
}

func plainText(s string) string { return strings.ReplaceAll(s, "$${", "${") }

// expressionEnd gives the end of the expression that begins at i; -1 where
// none does.
func expressionEnd(template string, i int) int {
	if !strings.HasPrefix(template[i:], "${") || i > 0 && template[i-1] == '$' {
		return -1
	}
	depth := 0
	for j := i + 1; j < len(template); j++ {
		switch template[j] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return j + 1
			}
		}
	}
	return -1
}

// hasExpression reports whether any string of a template holds an expression.
func hasExpression(template node) bool {
	found := false
	template.walk(func(text string) {
		for _, s := range segments(text) {
			found = found || s.expression
		}
	})
	return found
}

// secretReferences gives every ${workflow.secrets.…} in the strings of a
// value, at any depth, with how often it stands there.
func secretReferences(n node) map[string]int {
	references := map[string]int{}
	n.walk(func(text string) {
		for {
			at := strings.Index(text, secretMark)
			if at < 0 {
				return
			}
			text = text[at:]
			end := strings.IndexByte(text, '}') + 1
			if end == 0 {
				end = len(text)
			}
			references[text[:end]]++
			text = text[end:]
		}
	})
	return references
}

// maxExpressionShown is how long an expression a message may hold.
const maxExpressionShown = 128

// quotable reports whether a message may hold the template: it is exactly one
// ${…} in printable ASCII, so it holds no value and disturbs no terminal.
func quotable(template string) bool {
	list := segments(template)
	if len(list) != 1 || !list[0].expression || len(template) > maxExpressionShown {
		return false
	}
	return strings.IndexFunc(template, func(r rune) bool { return r < '!' || r > '~' }) < 0
}
