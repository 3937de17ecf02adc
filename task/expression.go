package task

import (
	"strings"

	"conductor-jwt/internal/jsonobj"
)

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
	end := 0
	for _, e := range expressions(template) {
		if end < e.from {
			list = append(list, segment{text: plainText(template[end:e.from])})
		}
		list = append(list, segment{text: template[e.from:e.to], expression: true})
		end = e.to
	}
	if end < len(template) {
		list = append(list, segment{text: plainText(template[end:])})
	}
	return list
}

func plainText(s string) string { return strings.ReplaceAll(s, "$${", "${") }

// span is a half-open range of a text's bytes.
type span struct{ from, to int }

// expressions finds the outermost ones in one pass: a template may be as long
// as the server takes it, and hold any number of braces that never close.
func expressions(template string) []span {
	var list []span
	var open []int // for each brace that is open, where its expression begins; -1 for none
	for i := range len(template) {
		switch template[i] {
		case '{':
			open = append(open, expressionStart(template, i))
		case '}':
			if len(open) == 0 {
				continue
			}
			from := open[len(open)-1]
			open = open[:len(open)-1]
			if from < 0 {
				continue
			}
			for len(list) > 0 && list[len(list)-1].from > from {
				list = list[:len(list)-1] // it stood within this one
			}
			list = append(list, span{from, i + 1})
		}
	}
	return list
}

// expressionStart returns the dollar before a brace, unless another one escapes
// it.
func expressionStart(template string, brace int) int {
	if brace == 0 || template[brace-1] != '$' || brace > 1 && template[brace-2] == '$' {
		return -1
	}
	return brace - 1
}

// hasExpression reports whether any string of a template holds an expression.
func hasExpression(template jsonobj.Value) bool {
	found := false
	template.Walk(func(text string) {
		for _, s := range segments(text) {
			found = found || s.expression
		}
	})
	return found
}

// secretReferences returns every ${workflow.secrets.…} in the strings of a
// value, at any depth, with how often it stands there.
func secretReferences(n jsonobj.Value) map[string]int {
	references := map[string]int{}
	n.Walk(func(text string) {
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
