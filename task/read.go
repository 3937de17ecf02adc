package task

import (
	"bytes"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/jsonobj"
)

// inputData is what a message calls the whole input.
const inputData = "inputData"

// given is a task's input once its JSON is known to be sound.
type given struct {
	table     []Input         // the inputs that there are
	values    map[string]node // the known inputs that are not blank
	delivered map[string]node // and all known ones, the blank ones too
	unknown   []string        // names that are not known, in the order of the input
	templates templates
	// vouched says that the key has to be the secret that its template names
	// (inline: secrets-only).
	vouched bool
	// named are the inputs in which the templates name secrets to be signed.
	named []string
}

// has reports whether an input says something.
func (g *given) has(name string) bool {
	_, ok := g.values[name]
	return ok
}

// readInput reads a task's input strictly, removes blanks, and refuses what
// no input may have.
func readInput(table []Input, d api.Task) (*given, error) {
	if d.External {
		return nil, refuse(ErrPayloadExternal, inputData, "the task's input lies in external payload storage, where secrets are not resolved",
			"pass less data into the task: the server moves inputs that are too large")
	}
	members, err := readMembers(table, d.Input.Reveal())
	if err != nil {
		return nil, err
	}
	g := &given{table: table, values: map[string]node{}, delivered: map[string]node{}, templates: readTemplates(table, d)}
	for _, m := range members {
		if deliveredLiterally(m.raw) {
			return nil, refuse(ErrSecretUnresolved, shown(m.name), "the text "+secretMark+"…} was delivered instead of the secret",
				"look in the server's log: its secrets may be off, or the server is too old to have them")
		}
	}
	for _, m := range members {
		if err := g.add(m); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// rawMember is a member whose value has not been taken apart.
type rawMember struct {
	name string
	raw  jsontext.Value
}

// add sorts in one member. A blank is dropped before its name is looked at.
func (g *given) add(m rawMember) error {
	in, known := find(g.table, m.name)
	if !known {
		if !blankText(m.raw) {
			g.unknown = append(g.unknown, m.name)
		}
		return nil
	}
	if len(m.raw) > in.bytes {
		return tooLarge(in.Name, fmt.Sprintf("a json text of %d bytes", len(m.raw)), fmt.Sprintf("shorten it to %d bytes", in.bytes))
	}
	value, err := parseNode(m.raw, maxLevels)
	if err != nil {
		return nodeFault(in.Name, err)
	}
	g.delivered[in.Name] = value
	if value.blank() || in.zero && isZero(value) {
		return nil
	}
	if !strings.ContainsRune(in.kinds, rune(value.kind)) {
		return invalid(in.Name, value.describe(), "write it as "+plain(in.Type))
	}
	g.values[in.Name] = value
	return nil
}

// deliveredLiterally reports whether a string in the value, at any depth and
// however it is escaped, holds a secret's expression.
func deliveredLiterally(raw jsontext.Value) bool {
	if !bytes.ContainsRune(raw, '\\') {
		return bytes.Contains(raw, []byte(secretMark))
	}
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	for {
		token, err := d.ReadToken()
		if err != nil {
			return false
		}
		if token.Kind() == kindString && strings.Contains(token.String(), secretMark) {
			return true
		}
	}
}

// blankText reports whether a JSON text is null, "" or [].
func blankText(raw jsontext.Value) bool {
	switch raw.Kind() {
	case kindNull:
		return true
	case kindString:
		return len(raw) == len(`""`)
	case kindArray:
		return len(bytes.TrimSpace(raw[1:len(raw)-1])) == 0
	}
	return false
}

func find(table []Input, name string) (Input, bool) {
	if i := rank(table, name); i < len(table) {
		return table[i], true
	}
	return Input{}, false
}

// rank is an input's place in the table; unknown names come after all.
func rank(table []Input, name string) int {
	if i := slices.IndexFunc(table, func(in Input) bool { return in.Name == name }); i >= 0 {
		return i
	}
	return len(table)
}

// readMembers takes the input apart at its outermost level. The decoder has
// then read all of it: no duplicate members, no invalid UTF-8 and no lone
// surrogates at any depth.
func readMembers(table []Input, raw jsontext.Value) ([]rawMember, error) {
	if len(raw) > maxInput {
		return nil, tooLarge(inputData, fmt.Sprintf("%d bytes", len(raw)), fmt.Sprintf("pass at most %d bytes into the task", maxInput))
	}
	if kind := raw.Kind(); len(raw) == 0 || kind == kindNull {
		return nil, nil
	}
	members, err := readObject(raw)
	switch {
	case errors.Is(err, errNotObject):
		return nil, invalid(inputData, typeName(raw.Kind()), "pass the inputs as one json object")
	case err != nil:
		return nil, inputFault(table, raw, err)
	case len(members) > maxInputs:
		return nil, tooLarge(inputData, count(len(members), "input"), fmt.Sprintf("pass at most %d", maxInputs))
	}
	// The server's order is that of a hash map. Which of several faults is told
	// must not depend on it.
	slices.SortStableFunc(members, func(a, b rawMember) int { return rank(table, a.name) - rank(table, b.name) })
	return members, nil
}

var errNotObject = errors.New("not a json object")

// readObject cuts one JSON object into its members, whose values are parts of
// raw; the error is errNotObject or jsontext's.
func readObject(raw jsontext.Value) ([]rawMember, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(raw)) // which is read where it lies
	token, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	if token.Kind() != kindObject {
		return nil, errNotObject
	}
	var members []rawMember
	for d.PeekKind() != kindEndBrac {
		token, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		m := rawMember{name: token.String()} // the token is gone after the next read
		value, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		end := d.InputOffset()
		m.raw = raw[end-int64(len(value)) : end : end]
		members = append(members, m)
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errAfter
	}
	return members, nil
}

var errAfter = errors.New("text after the json object")

// inputFault says what is wrong with the input's JSON without a word of it.
func inputFault(table []Input, raw []byte, err error) error {
	name := inputAt(err)
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return nodeFault(shown(name), errTwice)
	case jsonobj.Levels(raw) > maxDecoderLevels:
		return nodeFault(shown(name), errTooDeep)
	}
	// In a broken text, what stands where a name does may be a value.
	if _, known := find(table, name); !known {
		name = inputData
	}
	if !utf8.Valid(raw) {
		return nodeFault(name, errEncoding)
	}
	return nodeFault(name, errNotJSON)
}

// inputAt gives the name of the input at which the decoder stopped.
func inputAt(err error) string {
	if at, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		for name := range at.JSONPointer.Tokens() {
			return name
		}
	}
	return inputData
}

// maxDecoderLevels is where jsontext itself stops.
const maxDecoderLevels = 10_000

func nodeFault(field string, err error) error {
	switch {
	case errors.Is(err, errTooDeep):
		return tooLarge(field, fmt.Sprintf("json of more than %d levels", maxLevels), "nest it less deeply")
	case errors.Is(err, errTooMany):
		return tooLarge(field, fmt.Sprintf("json of more than %d values", maxNodes), "pass fewer")
	case errors.Is(err, errTwice):
		return invalid(field, "a json member that appears twice", "write it once")
	case errors.Is(err, errEncoding):
		return invalid(field, "text that is not valid utf-8", "encode it as utf-8")
	}
	return invalid(field, "json that cannot be read strictly: a syntax error or a lone surrogate", "write it as rfc 8259 has it")
}
