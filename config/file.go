package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"conductor-jwt/internal/nearest"
	"conductor-jwt/internal/readfile"
	"conductor-jwt/internal/yamlfile"
)

// maxSecret is how long a file that holds a secret is, in bytes.
const maxSecret = 64 << 10

// readFile reads the configuration file, where one is named: a mapping of
// setting names to scalars, and to lists where the setting is one. Names must
// be known and may not repeat.
func readFile(src Sources, table []Setting, wrong *problems) map[string]value {
	given := map[string]value{}
	path, at := filePath(src, table)
	if path == "" {
		return given
	}
	text, err := src.ReadFile(path)
	if err != nil {
		wrong.add(settingConfig, at, "%s; name a file that can be read", FileFault(err))
		return given
	}
	f := file{path: path, table: table, given: given, wrong: wrong}
	f.read(text)
	return given
}

func filePath(src Sources, table []Setting) (string, Origin) {
	for _, s := range table {
		if s.Name != settingConfig {
			continue
		}
		if path := src.Flags[s.Name]; path != "" {
			return path, Origin{FromFlag, "--" + s.Flag}
		}
		if path, _ := src.Getenv(s.Env); path != "" {
			return path, Origin{FromEnvironment, s.Env}
		}
	}
	return "", Origin{}
}

// FileFault says why a file could not be read, without its path: it may be
// the secret itself, set in the wrong variable.
func FileFault(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file"
	case errors.Is(err, fs.ErrPermission):
		return "the file may not be read by this user"
	}
	return "the file cannot be read"
}

// readSecret reads the file that holds a secret; a byte order mark in front and
// one newline at the end, as editors write them, are not part of it.
func readSecret(src Sources, s Setting, v value, wrong *problems) string {
	text, err := src.ReadFile(v.path)
	text = bytes.TrimPrefix(text, []byte(readfile.ByteOrderMark))
	switch {
	case err != nil:
		wrong.add(s.Name, v.at, "%s; name a file that holds the secret", FileFault(err))
	case len(text) > maxSecret:
		wrong.add(s.Name, v.at, "the file is over 64 KiB; name a file that holds the secret alone")
	case len(bytes.TrimSpace(text)) == 0:
		wrong.add(s.Name, v.at, "the file is empty; write the secret into it")
	case !utf8.Valid(text):
		wrong.add(s.Name, v.at, "the file is not utf-8 text; write it as utf-8")
	default:
		return strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	}
	return ""
}

// file is one configuration file on its way into given.
type file struct {
	path  string
	table []Setting
	given map[string]value
	wrong *problems
}

func (f *file) at(line int) Origin {
	if line == 0 {
		return Origin{FromFile, f.path}
	}
	return Origin{FromFile, fmt.Sprintf("%s:%d", f.path, line)}
}

func lineOf(t *token.Token) int {
	if t == nil || t.Position == nil {
		return 0
	}
	return t.Position.Line
}

func (f *file) fault(t *token.Token, format string, args ...any) {
	f.wrong.add("", f.at(lineOf(t)), format, args...)
}

const holdsNoSetting = "the file holds no setting; write one, or do not name the file"

func (f *file) read(text []byte) {
	parsed, fault := yamlfile.Parse(text)
	switch {
	case parsed.Body != nil:
		f.document(parsed.Body)
	case fault == nil:
		fault = &yamlfile.Fault{Text: holdsNoSetting}
	}
	if fault != nil {
		f.wrong.add("", f.at(fault.Line), "%s", fault.Text)
	}
}

func (f *file) document(body ast.Node) {
	switch body := body.(type) {
	case *ast.MappingNode:
		if len(body.Values) == 0 {
			f.fault(body.GetToken(), holdsNoSetting)
		}
		for _, entry := range body.Values {
			f.entry(entry)
		}
	default:
		f.fault(body.GetToken(), "%s where a mapping of setting names to values belongs", kindOf(body))
	}
}

func (f *file) entry(entry *ast.MappingValueNode) {
	key := entry.Key.GetToken()
	s, ok := f.setting(entry.Key)
	if !ok {
		return
	}
	at := f.at(lineOf(key))
	if had, ok := f.given[s.Name]; ok {
		f.wrong.add(s.Name, at, "set already at %s; keep one", had.at.Where)
		return
	}
	v, fault := scalarOf(s, entry.Value)
	if fault != "" {
		f.wrong.add(s.Name, at, "%s", fault)
		return
	}
	v.at = at
	if s.Secret && key.Value == s.NameFile() {
		v = value{path: v.text, at: at}
	}
	f.given[s.Name] = v
}

// setting finds the row that a key names.
func (f *file) setting(key ast.MapKeyNode) (Setting, bool) {
	t := key.GetToken()
	var names []string
	for _, s := range f.table {
		if !s.inFile() {
			continue
		}
		if t.Value == s.Name || s.Secret && t.Value == s.NameFile() {
			return s, true
		}
		names = append(names, s.Name)
		if s.Secret {
			names = append(names, s.NameFile())
		}
	}
	switch near := nearest.Of(t.Value, names); {
	case near != "":
		f.fault(t, "unknown setting; did you mean %s?", near)
	case slices.ContainsFunc(f.table, func(s Setting) bool { return s.Name == t.Value }):
		f.fault(t, "%s cannot be set in the file itself", t.Value)
	default:
		f.fault(t, "unknown setting; `conductor-jwt config schema` lists those there are")
	}
	return Setting{}, false
}

// scalarOf reads a node as the text that a variable would hold. Null and empty
// text are errors: a policy or a max_ttl whose template had no value must not
// count as left out.
func scalarOf(s Setting, n ast.Node) (value, string) {
	if list, ok := n.(*ast.SequenceNode); ok && s.Kind == List {
		v := value{list: []string{}}
		for _, element := range list.Values {
			text, ok := textOf(element)
			if !ok {
				return value{}, "a list of text is needed; it holds " + kindOf(element)
			}
			v.list = append(v.list, text)
		}
		return v, ""
	}
	if b, ok := n.(*ast.BoolNode); ok && !b.Value && s.canBeOff() {
		return value{text: off}, "" // what a tool of YAML 1.1 makes of the word
	}
	text, ok := textOf(n)
	switch _, null := n.(*ast.NullNode); {
	case null || ok && text == "":
		return value{}, "no value; write " + wanted(s) + ", or remove the line"
	case !ok:
		return value{}, kindOf(n) + " where " + wanted(s) + " belongs"
	}
	return value{text: text}, ""
}

func textOf(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func kindOf(n ast.Node) string {
	switch n.(type) {
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode:
		return "a mapping"
	case *ast.AliasNode, *ast.AnchorNode, *ast.MergeKeyNode:
		return "an anchor or alias"
	case *ast.TagNode:
		return "a tag"
	case *ast.NullNode:
		return "nothing"
	}
	return "text"
}

// wanted names what a setting takes.
func wanted(s Setting) string {
	return cmp.Or(map[Kind]string{
		Path: "the path of a file", URL: "a url", Proxy: "a url", Address: "an address",
		Duration: "a duration", Count: "a whole number", Switch: "true or false",
		Choice: "one of " + strings.Join(s.Choices, ", "), List: "a list of text",
	}[s.Kind], "text")
}
