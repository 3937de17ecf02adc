package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestUnusedNamesAreListed(t *testing.T) {
	root := t.TempDir()
	for path, text := range map[string]string{
		"go.mod":  "module conductor-jwt\n\ngo 1.27\n",
		"main.go": "package main\n\nimport \"conductor-jwt/a\"\n\nfunc main() { println(a.Used(a.Struct{}).String()) }\n",
		"a/a.go": `package a

import "errors"

type Struct struct{ Set, Unset int }

type Result int

const (
	One Result = iota
	Two
)

var ErrOne = errors.New("one")

func (Result) String() string { return "" }
func (Result) Nowhere()       {}

func Used(Struct) Result { return One }
func OwnTest()           {}
func OtherTest()         {}
`,
		"a/a_test.go":    "package a_test\n\nimport \"conductor-jwt/a\"\n\nfunc init() { a.OwnTest() }\n",
		"test/b_test.go": "package b\n\nimport \"conductor-jwt/a\"\n\nfunc init() { a.OtherTest(); _ = a.Struct{Set: 1} }\n",
	} {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		list options
		want []string
	}{
		{options{}, []string{"func (a.Result).Nowhere()", "func a.OwnTest()"}},
		{options{strict: true}, []string{"func (a.Result).Nowhere()", "func a.OtherTest()", "func a.OwnTest()"}},
		{options{fields: true}, []string{"field Unset int", "func (a.Result).Nowhere()", "func a.OwnTest()"}},
	} {
		lines, err := unusedIn(root, c.list)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, line := range lines {
			_, text, _ := strings.Cut(line, ": ")
			got = append(got, text)
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v: got %q, want %q", c.list, got, c.want)
		}
	}
}
