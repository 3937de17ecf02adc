package task

import (
	"bytes"
	"encoding/json/jsontext"
	"errors"
	"slices"
	"unicode/utf8"
)

// The JSON kinds, as jsontext has them.
const (
	kindNull    = jsontext.Kind('n')
	kindFalse   = jsontext.Kind('f')
	kindTrue    = jsontext.Kind('t')
	kindString  = jsontext.Kind('"')
	kindNumber  = jsontext.Kind('0')
	kindObject  = jsontext.Kind('{')
	kindArray   = jsontext.Kind('[')
	kindEndBrac = jsontext.Kind('}')
	kindEndBrak = jsontext.Kind(']')
)

// Bounds of a value that is taken apart. A template may be as deep as the
// server takes it; an input's own bound is that of its row in the table.
const (
	maxLevels = 32
	maxNodes  = 1 << 15
)

var (
	errTooDeep  = errors.New("too many levels")
	errTooMany  = errors.New("too many values")
	errNotJSON  = errors.New("not strict json")
	errTwice    = errors.New("duplicate member")
	errEncoding = errors.New("not utf-8")
)

// node is a JSON value: strings unescaped, numbers in the digits in which
// they came, members in their order.
type node struct {
	kind    jsontext.Kind
	raw     jsontext.Value // as it came; only of what parseNode returned itself
	text    string         // of a string: its characters; of a number: its digits
	items   []node         // of an array
	members []member       // of an object
}

type member struct {
	name  string
	value node
}

// parseNode reads one JSON value strictly: no duplicate members (RFC 7515
// §4, RFC 7519 §4), no invalid UTF-8, no lone surrogates, at any depth.
func parseNode(raw jsontext.Value, levels int) (node, error) {
	return parseNodes(raw, levels, maxNodes)
}

// parseNodes is [parseNode] for at most so many values.
func parseNodes(raw jsontext.Value, levels, nodes int) (node, error) {
	if text, ok := bareString(raw); ok {
		return node{kind: kindString, text: text, raw: raw}, nil
	}
	p := parser{dec: jsontext.NewDecoder(bytes.NewBuffer(raw)), nodes: nodes}
	n, err := p.value(levels)
	if err != nil {
		return node{}, err
	}
	n.raw = raw
	return n, nil
}

// bareString is the content of a JSON string in which nothing is escaped (RFC
// 8259 §7), as nearly all inputs are: a decoder costs more than such a text.
func bareString(raw jsontext.Value) (string, bool) {
	if len(raw) < 2 || raw[0] != '"' || raw[len(raw)-1] != '"' {
		return "", false
	}
	inside := raw[1 : len(raw)-1]
	for _, c := range inside {
		if c < ' ' || c == '"' || c == '\\' {
			return "", false
		}
	}
	return string(inside), utf8.Valid(inside)
}

type parser struct {
	dec   *jsontext.Decoder
	nodes int // that may still be read
}

func (p *parser) value(levels int) (node, error) {
	if p.nodes--; p.nodes < 0 {
		return node{}, errTooMany
	}
	token, err := p.dec.ReadToken()
	if err != nil {
		return node{}, jsonFault(err)
	}
	n := node{kind: token.Kind()}
	switch n.kind {
	case kindString, kindNumber:
		n.text = token.String()
	case kindArray, kindObject:
		if levels == 0 {
			return node{}, errTooDeep
		}
		err = p.inside(&n, levels-1)
	}
	return n, err
}

// inside reads what an array or an object holds, and its end.
func (p *parser) inside(n *node, levels int) error {
	for {
		switch p.dec.PeekKind() {
		case kindEndBrac, kindEndBrak:
			_, err := p.dec.ReadToken()
			return jsonFault(err)
		}
		var name string
		if n.kind == kindObject {
			token, err := p.dec.ReadToken()
			if err != nil {
				return jsonFault(err)
			}
			name = token.String()
		}
		value, err := p.value(levels)
		if err != nil {
			return err
		}
		if n.kind == kindArray {
			n.items = append(n.items, value)
			continue
		}
		n.members = append(n.members, member{name, value})
	}
}

// jsonFault replaces jsontext's error, which quotes what it could not read.
func jsonFault(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jsontext.ErrDuplicateName):
		return errTwice
	}
	return errNotJSON
}

// get gives an object's member.
func (n node) get(name string) (node, bool) {
	for _, m := range n.members {
		if m.name == name {
			return m.value, true
		}
	}
	return node{}, false
}

// same reports whether two values are equal: numbers by their digits, members
// in any order.
func same(a, b node) bool {
	if a.kind != b.kind || a.text != b.text || len(a.members) != len(b.members) {
		return false
	}
	others := b.byName()
	for _, m := range a.members {
		if other, ok := others[m.name]; !ok || !same(m.value, other) {
			return false
		}
	}
	return slices.EqualFunc(a.items, b.items, same)
}

// defines reports whether an input has this template anywhere in a workflow's
// tasks, where it may be that of a task of the given queue: not in a task of
// another kind, whose inputs can have the same names, such as the headers of an
// HTTP task.
func (n node) defines(queue, input string, template node) bool {
	foreign := n.isForeignTask(queue)
	for _, m := range n.members {
		if foreign && (m.name == "inputParameters" || m.name == "taskDefinition") {
			continue
		}
		if m.name == input && same(m.value, template) || m.value.defines(queue, input, template) {
			return true
		}
	}
	return slices.ContainsFunc(n.items, func(item node) bool { return item.defines(queue, input, template) })
}

// isForeignTask reports whether n is a task of a definition that never becomes
// one of the given queue. A DYNAMIC task may become any, and a dynamic fork may
// have the inputs of its tasks in its own.
func (n node) isForeignTask(queue string) bool {
	kind, ok := n.get("type")
	if !ok || kind.kind != kindString {
		return false
	}
	if kind.text == "SIMPLE" { // which is queued under its name
		name, _ := n.get("name")
		return name.text != queue
	}
	return kind.text != queue && kind.text != "DYNAMIC" && kind.text != "FORK_JOIN_DYNAMIC"
}

// byName gives an object's members for many look-ups.
func (n node) byName() map[string]node {
	values := make(map[string]node, len(n.members))
	for _, m := range n.members {
		values[m.name] = m.value
	}
	return values
}

// walk calls visit with every text in the value, in its order: strings,
// numbers and member names, at every depth.
func (n node) walk(visit func(text string)) {
	switch n.kind {
	case kindString, kindNumber:
		visit(n.text)
	}
	for _, item := range n.items {
		item.walk(visit)
	}
	for _, m := range n.members {
		visit(m.name)
		m.value.walk(visit)
	}
}

// blank reports whether the value says nothing: null, "" or [].
func (n node) blank() bool {
	switch n.kind {
	case kindNull:
		return true
	case kindString:
		return n.text == ""
	case kindArray:
		return len(n.items) == 0
	}
	return false
}

// describe names a value by its type and length, never by what it holds.
func (n node) describe() string {
	switch n.kind {
	case kindString:
		return "a string of " + count(utf8.RuneCountInString(n.text), "character")
	case kindArray:
		return "an array of " + count(len(n.items), "element")
	case kindObject:
		return "an object of " + count(len(n.members), "member")
	}
	return typeName(n.kind)
}

func typeName(kind jsontext.Kind) string {
	switch kind {
	case kindNull:
		return "null"
	case kindTrue, kindFalse:
		return "a boolean"
	case kindString:
		return "a string"
	case kindNumber:
		return "a number"
	case kindArray:
		return "an array"
	case kindObject:
		return "an object"
	}
	return "nothing"
}
