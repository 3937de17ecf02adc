package task

import (
	"bytes"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/printable"
)

// maxLevels is how deep an input may be.
const maxLevels = jsonobj.DefaultLevels

// inputData is what a message calls the whole input.
const inputData = "inputData"

// inputValues are the inputs of one task, read strictly.
type inputValues struct {
	table     []inputSpec
	values    map[string]jsonobj.Value // known inputs that are not blank
	delivered map[string]jsonobj.Value // known inputs, blank ones included
	unknown   []string                 // names that are not known, in the order of the input
	templates templates

	// The parameters that are secrets at the provider. They are in neither of the
	// above.
	sealed  []string
	secrets []jsonobj.Member // those that are given
}

// has reports whether an input is given and not blank.
func (v *inputValues) has(name string) bool {
	_, ok := v.values[name]
	return ok
}

// readInputs reads the inputs of a task, and refuses what no input may have.
func readInputs(table []inputSpec, t api.Task) (*inputValues, error) {
	if t.External {
		return nil, refuse(errPayloadExternal, inputData, "the task's input lies in external payload storage, where secrets are not resolved",
			"pass less data into the task: the server moves inputs that are too large")
	}
	members, err := readMembers(table, t.Input.Reveal())
	if err != nil {
		return nil, err
	}
	v := &inputValues{table: table, values: map[string]jsonobj.Value{}, delivered: map[string]jsonobj.Value{}, templates: readTemplates(table, t)}
	for _, m := range members {
		if deliveredLiterally(m.Value) {
			return nil, refuse(errSecretUnresolved, shown(m.Name), "the text "+secretMark+"…} was delivered instead of the secret",
				"look in the server's log: its secrets may be off, or the server is too old to have them")
		}
	}
	for _, m := range members {
		if err := v.add(m); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// add reads one member. A blank is dropped before its name is looked at.
func (v *inputValues) add(m jsonobj.Member) error {
	in, known := find(v.table, m.Name)
	if !known {
		if !jsonobj.Blank(m.Value) {
			v.unknown = append(v.unknown, m.Name)
		}
		return nil
	}
	if len(m.Value) > in.bytes {
		return tooLarge(in.Name, fmt.Sprintf("this has %d bytes of JSON", len(m.Value)), fmt.Sprintf("shorten it to %d bytes", in.bytes))
	}
	value, err := parseValue(m.Value, maxLevels)
	if err != nil {
		return jsonFault(in.Name, err)
	}
	v.delivered[in.Name] = value
	if jsonobj.Blank(value.Raw) || in.zero && isZero(value) {
		return nil
	}
	if !strings.ContainsRune(in.kinds, rune(value.Kind)) {
		return invalid(in.Name, "this is "+describe(value), "write "+articled(plain(in.Type)))
	}
	v.values[in.Name] = value
	return nil
}

// articled writes the type of an input with its article, where it has one.
func articled(kind string) string {
	switch word, _, _ := strings.Cut(kind, " "); strings.TrimSuffix(word, ",") {
	case "object":
		return "an " + kind
	case "string", "list":
		return "a " + kind
	}
	return kind
}

// describe names a value by its type and length, never by what it holds.
func describe(n jsonobj.Value) string {
	switch n.Kind {
	case jsontext.KindString:
		return "a string of " + printable.Count(utf8.RuneCountInString(n.Text), "character")
	case jsontext.KindBeginArray:
		return "an array of " + printable.Count(len(n.Items), "element")
	case jsontext.KindBeginObject:
		return "an object of " + printable.Count(len(n.Items), "member")
	}
	return jsonobj.TypePhrase(n.Kind)
}

// deliveredLiterally reports whether a string in the value, at any depth and
// however it is escaped, holds a secret's expression. Only an escape \u can write
// a character of it in another way (RFC 8259 §7).
func deliveredLiterally(raw jsontext.Value) bool {
	if !bytes.Contains(raw, []byte(`\u`)) {
		return bytes.Contains(raw, []byte(secretMark))
	}
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	for {
		token, err := d.ReadToken()
		if err != nil {
			return false
		}
		if token.Kind() == jsontext.KindString && strings.Contains(token.String(), secretMark) {
			return true
		}
	}
}

func find(table []inputSpec, name string) (inputSpec, bool) {
	if i := rank(table, name); i < len(table) {
		return table[i], true
	}
	return inputSpec{}, false
}

// rank is an input's place in the table; unknown names come after all.
func rank(table []inputSpec, name string) int {
	if i := slices.IndexFunc(table, func(in inputSpec) bool { return in.Name == name }); i >= 0 {
		return i
	}
	return len(table)
}

// readMembers reads the input's outermost level, which checks all of it.
func readMembers(table []inputSpec, raw jsontext.Value) ([]jsonobj.Member, error) {
	if len(raw) > maxInput {
		return nil, tooLarge(inputData, fmt.Sprintf("this has %d bytes", len(raw)), fmt.Sprintf("pass at most %d bytes into the task", maxInput))
	}
	kind := raw.Kind()
	switch kind {
	case jsontext.KindNull:
		return nil, nil
	case jsontext.KindInvalid, jsontext.KindBeginObject:
	default:
		return nil, invalid(inputData, "this is "+jsonobj.TypePhrase(kind), "pass the inputs as one JSON object")
	}
	if len(raw) == 0 {
		return nil, nil
	}
	members, err := jsonobj.ParseMembers(raw, jsonobj.Limits{Bytes: maxInput, Levels: jsonobj.MaxLevels})
	if err != nil {
		return nil, inputFault(table, err)
	}
	if len(members) > maxInputs {
		return nil, tooLarge(inputData, "there are "+printable.Count(len(members), "input"), fmt.Sprintf("pass at most %d", maxInputs))
	}
	// The server's order is that of a hash map. Which of several faults is
	// reported must not depend on it.
	slices.SortStableFunc(members, func(a, b jsonobj.Member) int { return rank(table, a.Name) - rank(table, b.Name) })
	return members, nil
}

// parseObject reads an object as large and as deep as the server takes it.
func parseObject(raw jsontext.Value) (jsonobj.Object, error) {
	return jsonobj.Parse(raw, jsonobj.Limits{Bytes: len(raw), Levels: jsonobj.MaxLevels})
}

// parseValue reads a value of an input or of a template.
func parseValue(raw jsontext.Value, levels int) (jsonobj.Value, error) {
	return jsonobj.ParseValue(raw, jsonobj.Limits{Bytes: maxInput, Levels: levels})
}

// inputFault says in which input the JSON is at fault.
func inputFault(table []inputSpec, err error) error {
	name := inputData
	if at, ok := errors.AsType[*jsonobj.Position](err); ok && at.Member != "" {
		name = at.Member
	}
	if !errors.Is(err, jsonobj.ErrDuplicate) && !errors.Is(err, jsonobj.ErrTooDeep) {
		// In a broken text, what stands where a name does may be a value.
		if _, known := find(table, name); !known {
			name = inputData
		}
	}
	return jsonFault(shown(name), err)
}

// jsonFault says what is wrong with the JSON of an input.
func jsonFault(field string, err error) error {
	switch {
	case errors.Is(err, jsonobj.ErrTooDeep):
		return tooLarge(field, fmt.Sprintf("this has more than %d levels of JSON", maxLevels), "nest it less deeply")
	case errors.Is(err, jsonobj.ErrTooMany):
		return tooLarge(field, fmt.Sprintf("this has more than %d JSON values", jsonobj.DefaultValues), "pass fewer")
	case errors.Is(err, jsonobj.ErrDuplicate):
		return invalid(field, "a JSON member appears twice", "write it once")
	case errors.Is(err, jsonobj.ErrEncoding):
		return invalid(field, "this is not valid UTF-8", "encode it as UTF-8")
	}
	return invalid(field, "this is not strict JSON: it has a syntax error or a lone surrogate", "write it as RFC 8259 has it")
}
