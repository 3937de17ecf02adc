package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"conductor-jwt/internal/nearest"
	"conductor-jwt/internal/yamlfile"
)

// reader reads the nodes of a file and collects its problems.
type reader struct {
	maxTTL   time.Duration  // the worker's
	issuers  []issuerEntry  // in the order of the file
	profiles []profileEntry // in the order of the file
	problems []Problem
	field    string // that is read now, by its name in the file
}

// fields are the fields that a mapping may have, and what reads each.
type fields map[string]func(ast.Node)

func placeOf(n ast.Node) Place {
	line, column := yamlfile.Position(n)
	return Place{Line: line, Column: column}
}

func (r *reader) fault(n ast.Node, format string, args ...any) {
	r.faultAt(placeOf(n), format, args...)
}

// faultIn reports a problem of a field that was read before.
func (r *reader) faultIn(field string, at Place, format string, args ...any) {
	r.within(field, func() { r.faultAt(at, format, args...) })
}

// maxProblems bounds the problems of one error: a file that is not a policy may
// have one on each of 50,000 lines.
const maxProblems = 100

func (r *reader) faultAt(at Place, format string, args ...any) {
	if len(r.problems) == maxProblems {
		return
	}
	text := fmt.Sprintf(format, args...)
	if r.field != "" {
		text = r.field + ": " + text
	}
	r.problems = append(r.problems, Problem{Place: at, Text: text})
}

// entries returns the members of a mapping whose names are text and distinct,
// and reports the others.
func (r *reader) entries(n ast.Node, what string) []*ast.MappingValueNode {
	mapping, ok := n.(*ast.MappingNode)
	if !ok {
		r.fault(n, "this is %s; write %s as a mapping", yamlfile.Kind(n), what)
		return nil
	}
	var list []*ast.MappingValueNode
	seen := map[string]int{}
	for _, entry := range mapping.Values {
		name, ok := yamlfile.Text(entry.Key)
		if !ok || entry.Key.IsMergeKey() {
			r.fault(entry.Key, "this is %s; write a name", yamlfile.Kind(entry.Key))
			continue
		}
		if line, ok := seen[name]; ok {
			r.fault(entry.Key, "this is set already in line %d; keep one", line)
			continue
		}
		seen[name] = placeOf(entry.Key).Line
		list = append(list, entry)
	}
	return list
}

// object reads a mapping of known fields. Null is an error: a field that lost
// its lines, or whose template had no value, must not count as left out. It
// returns whether n is a mapping; nothing else can lack a field.
func (r *reader) object(n ast.Node, what string, table fields) bool {
	for _, entry := range r.entries(n, what) {
		name, _ := yamlfile.Text(entry.Key)
		read, ok := table[name]
		switch {
		case !ok:
			r.within("", func() { r.unknown(placeOf(entry.Key), name, "field of "+what, slices.Sorted(maps.Keys(table))) })
		case entry.Value.Type() == ast.NullType:
			r.within(name, func() { r.fault(entry.Key, "there is no value; write one, or remove the field") })
		default:
			r.within(name, func() { read(entry.Value) })
		}
	}
	_, ok := n.(*ast.MappingNode)
	return ok
}

// within names the field in every problem that read reports.
func (r *reader) within(field string, read func()) {
	outer := r.field
	r.field = field
	read()
	r.field = outer
}

// unknown reports a name that is none of names, with the one that was probably
// meant.
func (r *reader) unknown(at Place, name, what string, names []string) {
	switch near := nearest.Of(name, names); {
	case near != "":
		r.faultAt(at, "unknown %s; did you mean %s?", what, near)
	case len(names) == 0:
		r.faultAt(at, "unknown %s; none is defined", what)
	default:
		r.faultAt(at, "unknown %s; use one of %s", what, strings.Join(names, ", "))
	}
}

// maxText is the longest text in bytes.
const maxText = 4 << 10

// text reads text on one line.
func (r *reader) text(place *string) func(ast.Node) {
	return func(n ast.Node) {
		text, ok := yamlfile.Text(n)
		switch {
		case !ok:
			r.fault(n, "this is %s; write text", yamlfile.Kind(n))
		case text == "":
			r.fault(n, "this is empty; write text, or remove the field")
		case len(text) > maxText:
			r.fault(n, "this has %d bytes; write at most %d", len(text), maxText)
		case strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f }):
			r.fault(n, "this has a control character; write text on one line, without one")
		default:
			*place = text
		}
	}
}

// texts reads a list of distinct texts; one text is a list of one.
func (r *reader) texts(place *[]string) func(ast.Node) {
	return func(n ast.Node) {
		r.eachText(n, func(_ ast.Node, text string) { *place = append(*place, text) })
	}
}

// eachText reads a list of distinct texts, or one text, and passes each on.
func (r *reader) eachText(n ast.Node, read func(element ast.Node, text string)) {
	elements := []ast.Node{n}
	if list, ok := n.(*ast.SequenceNode); ok {
		elements = list.Values
		if len(elements) == 0 {
			r.fault(n, "the list is empty; name at least one, or remove the field")
		}
	}
	seen := map[string]bool{}
	for _, element := range elements {
		var text string
		r.text(&text)(element)
		switch {
		case text == "":
		case seen[text]:
			r.fault(element, "this is named twice in the list; keep one")
		default:
			seen[text] = true
			read(element, text)
		}
	}
}

// elements returns the nodes of a list.
func (r *reader) elements(n ast.Node, what string) []ast.Node {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		r.fault(n, "this is %s; write a list of %s", yamlfile.Kind(n), what)
		return nil
	}
	return list.Values
}

func (r *reader) boolean(place *bool) func(ast.Node) {
	return func(n ast.Node) {
		b, ok := n.(*ast.BoolNode)
		if !ok {
			r.fault(n, "this is %s; write true or false", yamlfile.Kind(n))
			return
		}
		*place = b.Value
	}
}

func (r *reader) choice(place *string, choices ...string) func(ast.Node) {
	return func(n ast.Node) {
		var text string
		if r.text(&text)(n); text == "" {
			return
		}
		if !slices.Contains(choices, text) {
			r.unknown(placeOf(n), text, "choice", choices)
			return
		}
		*place = text
	}
}

// duration reads a positive duration of whole seconds, in Go's syntax.
func (r *reader) duration(place *time.Duration) func(ast.Node) {
	return func(n ast.Node) {
		text, ok := yamlfile.Text(n)
		d, err := time.ParseDuration(text)
		switch {
		case !ok || err != nil:
			r.fault(n, "this is not a duration; write one such as 30s, 15m or 24h")
		case d < time.Second || d%time.Second != 0:
			r.fault(n, "this is not a positive number of whole seconds; write one such as 30s, 15m or 24h")
		default:
			*place = d
		}
	}
}

// instant reads a time in the form of RFC 3339.
func (r *reader) instant(place *time.Time) func(ast.Node) {
	return func(n ast.Node) {
		text, ok := yamlfile.Text(n)
		at, err := time.Parse(time.RFC3339, text)
		if !ok || err != nil {
			r.fault(n, "this is not a time; write one such as 2027-01-31T00:00:00Z")
			return
		}
		*place = at
	}
}

// short writes a duration without its empty parts: 5m, 24h.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// isEmpty reports whether a node is a mapping or list without entries.
func isEmpty(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.MappingNode:
		return len(n.Values) == 0
	case *ast.SequenceNode:
		return len(n.Values) == 0
	}
	return false
}
