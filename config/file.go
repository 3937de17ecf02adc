package config

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"conductor-jwt/internal/nearest"
	"conductor-jwt/internal/readfile"
	"conductor-jwt/internal/yamlfile"
)

// maxValue is the length of a file that holds a value, in bytes.
const maxValue = 64 << 10

// addFile reads the configuration file, where one is named. It is a mapping of
// setting names to scalars, or to lists where the setting is one. Names must be
// known and must not repeat.
func (vs values) addFile(src Sources, table []Setting, wrong *problems) {
	named := vs[settingConfig]
	if named.text == "" {
		return
	}
	text, err := src.ReadFile(named.text)
	if err != nil {
		wrong.add(settingConfig, named.at, "%s; name a file that can be read", readfile.Reason(err))
		return
	}
	f := file{path: named.text, table: table, values: values{}, wrong: wrong}
	f.read(text)
	for name, v := range f.values {
		vs.add(name, v)
	}
}

// readValueFile reads the file that holds a setting's value, without the byte order
// mark and the one newline at the end that editors write.
func readValueFile(s Setting, path string, readFile func(path string) ([]byte, error)) (text, fault string) {
	what := "value"
	if s.Secret {
		what = "secret"
	}
	raw, err := readFile(path)
	raw = bytes.TrimPrefix(raw, []byte(readfile.ByteOrderMark))
	switch {
	case err != nil:
		return "", readfile.Reason(err) + "; name a file that holds the " + what
	case len(raw) > maxValue:
		return "", "the file is over 64 KiB; name a file that holds the " + what + " alone"
	case len(bytes.TrimSpace(raw)) == 0:
		return "", "the file is empty; write the " + what + " into it"
	case !utf8.Valid(raw):
		return "", "the file is not UTF-8 text; write it as UTF-8"
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(raw), "\n"), "\r"), ""
}

// file is a configuration file that is being read.
type file struct {
	path   string
	table  []Setting
	values values
	wrong  *problems
}

// origin is a line of the file; 0 is the whole file.
func (f *file) origin(line int) Origin {
	if line == 0 {
		return Origin{FromFile, f.path}
	}
	return Origin{FromFile, fmt.Sprintf("%s:%d", f.path, line)}
}

func (f *file) fault(n ast.Node, format string, args ...any) {
	line, _ := yamlfile.Position(n)
	f.wrong.add("", f.origin(line), format, args...)
}

func (f *file) read(text []byte) {
	const empty = "the file holds no setting; write one, or do not name the file"
	body, fault := yamlfile.Parse(text)
	if fault != nil {
		f.wrong.add("", f.origin(fault.Line), "%s", fault.Text)
		return
	}
	if body == nil {
		f.wrong.add("", f.origin(0), empty)
		return
	}
	mapping, ok := body.(*ast.MappingNode)
	if !ok {
		f.fault(body, "the file is %s; write a mapping of setting names to values", yamlfile.Kind(body))
		return
	}
	if len(mapping.Values) == 0 {
		f.fault(body, empty)
	}
	for _, entry := range mapping.Values {
		f.readEntry(entry)
	}
}

func (f *file) readEntry(entry *ast.MappingValueNode) {
	name := entry.Key.GetToken().Value
	s, ok := f.find(name)
	if !ok {
		f.unknown(entry.Key, name)
		return
	}
	line, _ := yamlfile.Position(entry.Key)
	at := f.origin(line)
	if first, ok := f.values[s.Name]; ok {
		f.wrong.add(s.Name, at, "the setting is set already at %s; keep one", first.at.Where)
		return
	}
	v, fault := readValue(s, entry.Value)
	if fault != "" {
		f.wrong.add(s.Name, at, "%s", fault)
		return
	}
	v.at = at
	if s.HasFile && name == s.NameFile() {
		v = value{path: v.text, at: at}
	}
	f.values[s.Name] = v
}

// find returns the setting that has a name, or whose value is in a file of that
// name.
func (f *file) find(name string) (Setting, bool) {
	i := slices.IndexFunc(f.table, func(s Setting) bool {
		return s.inFile() && (name == s.Name || s.HasFile && name == s.NameFile())
	})
	if i < 0 {
		return Setting{}, false
	}
	return f.table[i], true
}

func (f *file) unknown(key ast.Node, name string) {
	var names []string
	for _, s := range f.table {
		if s.inFile() {
			names = append(names, s.Name)
		}
		if s.HasFile {
			names = append(names, s.NameFile())
		}
	}
	switch near := nearest.Of(name, names); {
	case near != "":
		f.fault(key, "unknown setting; did you mean %s?", near)
	case name == settingConfig:
		f.fault(key, "%s cannot be set in the file itself", name)
	default:
		f.fault(key, "unknown setting; `conductor-jwt config schema` lists them")
	}
}

// readValue reads a node as the text that a variable would hold. Null and empty
// text are errors: a policy or a max_ttl whose template had no value must not
// count as left out.
func readValue(s Setting, n ast.Node) (v value, fault string) {
	if list, ok := n.(*ast.SequenceNode); ok && s.Kind == List {
		return readList(list)
	}
	if on, ok := boolean(n); ok {
		return readBoolean(s, n, on)
	}
	text, ok := yamlfile.Text(n)
	switch _, null := n.(*ast.NullNode); {
	case null || ok && text == "":
		return value{}, "the setting has no value; write " + s.expected() + ", or remove the line"
	case !ok:
		return value{}, "the value is " + yamlfile.Kind(n) + "; write " + s.expected()
	}
	return value{text: text}, ""
}

// boolean reads a node that is a boolean to a reader of YAML 1.1
// (https://yaml.org/type/bool.html), such as Helm, or to one of YAML 1.2. A value
// in quotes is not one.
func boolean(n ast.Node) (on, ok bool) {
	if b, ok := n.(*ast.BoolNode); ok {
		return b.Value, true
	}
	text, ok := n.(*ast.StringNode)
	if !ok || text.GetToken().Type != token.StringType {
		return false, false
	}
	switch strings.ToLower(text.Value) {
	case "on", "yes":
		return true, true
	case Off, "no":
		return false, true
	}
	return false, false
}

// readBoolean reads a boolean: a YAML 1.1 tool that was given off writes false. A
// setting of another kind refuses one, because it may have been another text: such a
// tool also writes the text no as false.
func readBoolean(s Setting, n ast.Node, on bool) (v value, fault string) {
	switch _, written := n.(*ast.BoolNode); {
	case s.Kind == Switch:
		return value{text: strconv.FormatBool(on)}, ""
	case s.canBeOff() && !on:
		return value{text: Off}, ""
	case written || s.canBeOff():
		return value{}, "the value is a boolean, not " + s.expected() + "; write text in quotes"
	}
	text, _ := yamlfile.Text(n)
	return value{text: text}, ""
}

func readList(n *ast.SequenceNode) (v value, fault string) {
	v.list = []string{}
	for _, element := range n.Values {
		text, ok := yamlfile.Text(element)
		if !ok {
			return value{}, "the list holds " + yamlfile.Kind(element) + "; write a list of text"
		}
		v.list = append(v.list, text)
	}
	return v, ""
}

// expected names what the setting takes.
func (s Setting) expected() string {
	switch s.Kind {
	case Path:
		if s.Default == Off {
			return "off or the path of a file"
		}
		return "the path of a file"
	case URL, Proxy:
		return "a URL"
	case Address:
		return "an address or off"
	case Duration:
		return "a duration"
	case Count:
		return "a whole number"
	case Switch:
		return "true or false"
	case Choice:
		return "one of " + strings.Join(s.Choices, ", ")
	case List:
		return "a list of text"
	}
	return "text"
}
