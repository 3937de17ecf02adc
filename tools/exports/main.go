// Exports lists the exported names of the product's packages that no other package
// uses. A package's own tests do not count as users; those of other packages do,
// unless -strict is set.
//
// It looks at functions, types, variables, constants and methods, in both
// editions. These count as used: a type that the type of a used name mentions,
// the constants of a used type, errors and types of errors, the methods of a type
// that is not exported, and a method whose name is that of an interface's. With
// -fields it lists the fields of structs, too, many of which are legitimate.
package main

import (
	"flag"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

func main() {
	var o options
	flag.BoolVar(&o.fields, "fields", false, "also list fields")
	flag.BoolVar(&o.strict, "strict", false, "also list names that only tests use")
	flag.Parse()
	unused, err := unusedIn(".", o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(2)
	}
	for _, line := range unused {
		fmt.Println(line)
	}
	if len(unused) > 0 {
		fmt.Fprintln(os.Stderr, "error: no other package of the product uses these names; unexport or delete them")
		os.Exit(1)
	}
}

// options select what is listed.
type options struct{ fields, strict bool }

// module collects the names of both editions. Each edition, and each test that
// recompiles a package, has its own objects for the same source, so objects are
// identified by name.
type module struct {
	root       string
	fset       *token.FileSet
	interfaces map[string]bool   // names of methods of interfaces
	declared   map[string]string // exported names, with their position and type
	used       map[string]bool   // names that another package uses
}

// unusedIn returns the unused names of the module in a folder, with positions.
func unusedIn(folder string, list options) ([]string, error) {
	root, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	m := module{root: root, interfaces: map[string]bool{}, declared: map[string]string{}, used: map[string]bool{}}
	for _, cgo := range []string{"0", "1"} {
		m.fset = token.NewFileSet()
		all, err := packages.Load(&packages.Config{
			Mode: packages.LoadSyntax, Dir: root, Env: append(os.Environ(), "CGO_ENABLED="+cgo), Fset: m.fset,
			Tests: !list.strict && cgo == "1", // they take most of the time, and hardly differ
		}, "./...")
		if err != nil {
			return nil, err
		}
		if packages.PrintErrors(all) > 0 {
			return nil, fmt.Errorf("%s does not compile with CGO_ENABLED=%s", root, cgo)
		}
		if list.strict {
			all = slices.DeleteFunc(all, func(p *packages.Package) bool { return !product(p) })
		}
		m.add(all, list.fields)
	}
	var unused []string
	for name, text := range m.declared {
		if !m.used[name] && !strings.Contains(text, "_test.go:") {
			unused = append(unused, text)
		}
	}
	slices.Sort(unused)
	return unused, nil
}

// name returns a name that is unique in the module.
func (m *module) name(o types.Object) string {
	owner := ""
	switch o := o.(type) {
	case *types.Func:
		if recv := o.Signature().Recv(); recv != nil {
			owner = types.TypeString(recv.Type(), nil) + "."
		}
	case *types.Var:
		if o.IsField() {
			owner = m.at(o) + " " // the same name may be in several structs
		}
	}
	return o.Pkg().Path() + "." + strings.TrimPrefix(owner, "*") + o.Name()
}

// at returns the file and line of an object's declaration.
func (m *module) at(o types.Object) string {
	position := m.fset.Position(o.Pos())
	path, err := filepath.Rel(m.root, position.Filename)
	if err != nil {
		path = position.Filename
	}
	return fmt.Sprintf("%s:%d", path, position.Line)
}

// add adds what the packages of one edition declare and use.
func (m *module) add(ours []*packages.Package, fields bool) {
	seen := map[*types.Package]bool{}
	for _, p := range ours {
		m.addInterfaces(p, seen)
	}
	var exported []types.Object
	for _, p := range ours {
		if product(p) {
			exported = append(exported, m.exported(p, fields)...)
		}
		for _, o := range p.TypesInfo.Uses {
			if o.Pkg() != nil && o.Pkg().Path() != strings.TrimSuffix(p.PkgPath, "_test") {
				m.used[m.name(origin(o))] = true
			}
		}
	}
	for _, o := range exported {
		text := types.ObjectString(o, (*types.Package).Name)
		if _, isType := o.(*types.TypeName); isType {
			text = "type " + o.Pkg().Name() + "." + o.Name()
		}
		m.declared[m.name(o)] = m.at(o) + ": " + text
	}
	for more := true; more; {
		more = false
		for _, o := range exported {
			if !m.used[m.name(o)] {
				continue
			}
			for _, t := range mentioned(o.Type()) {
				if t.Pkg() == nil {
					continue // error, comparable
				}
				if name := m.name(t); !m.used[name] {
					m.used[name], more = true, true
				}
			}
		}
	}
	failure := types.Universe.Lookup("error").Type()
	for _, o := range exported {
		named, ok := o.Type().(*types.Named)
		_, constant := o.(*types.Const)
		_, variable := o.(*types.Var)
		_, isType := o.(*types.TypeName)
		if constant && ok && m.used[m.name(named.Obj())] || variable && types.Identical(o.Type(), failure) ||
			isType && types.Implements(types.NewPointer(o.Type()), failure.Underlying().(*types.Interface)) {
			m.used[m.name(o)] = true
		}
	}
}

// mentioned returns the named types in the exported parts of a type.
func mentioned(t types.Type) []*types.TypeName {
	var out []*types.TypeName
	var walk func(t types.Type, deep bool)
	walk = func(t types.Type, deep bool) {
		switch t := t.(type) {
		case *types.Named:
			out = append(out, t.Obj())
			for a := range t.TypeArgs().Types() {
				walk(a, false)
			}
			if deep {
				walk(t.Underlying(), false)
			}
		case *types.Alias:
			out = append(out, t.Obj())
		case *types.Pointer:
			walk(t.Elem(), deep)
		case *types.Slice:
			walk(t.Elem(), deep)
		case *types.Array:
			walk(t.Elem(), deep)
		case *types.Chan:
			walk(t.Elem(), deep)
		case *types.Map:
			walk(t.Key(), deep)
			walk(t.Elem(), deep)
		case *types.Signature:
			for v := range t.Params().Variables() {
				walk(v.Type(), deep)
			}
			for v := range t.Results().Variables() {
				walk(v.Type(), deep)
			}
		case *types.Struct:
			for f := range t.Fields() {
				if f.Exported() {
					walk(f.Type(), false)
				}
			}
		case *types.Interface:
			for f := range t.Methods() {
				walk(f.Type(), false)
			}
		}
	}
	walk(t, true)
	return out
}

// exported returns a package's exported names.
func (m *module) exported(p *packages.Package, fields bool) []types.Object {
	if p.Name == "main" {
		return nil
	}
	var out []types.Object
	for _, text := range p.Types.Scope().Names() {
		o := p.Types.Scope().Lookup(text)
		if o.Exported() {
			out = append(out, o)
		}
		t, isType := o.(*types.TypeName)
		if !isType || t.IsAlias() {
			continue
		}
		named, ok := t.Type().(*types.Named)
		if !ok || !o.Exported() {
			continue
		}
		for method := range named.Methods() {
			if method.Exported() && !m.interfaces[method.Name()] {
				out = append(out, method)
			}
		}
		if s, ok := named.Underlying().(*types.Struct); ok && fields {
			for i := range s.NumFields() {
				if f := s.Field(i); f.Exported() && !f.Embedded() && s.Tag(i) == "" {
					out = append(out, f)
				}
			}
		}
	}
	return out
}

// addInterfaces adds the method names of the interfaces that a package and its
// imports declare, and of interface literals.
func (m *module) addInterfaces(p *packages.Package, seen map[*types.Package]bool) {
	add := func(t types.Type) {
		if i, ok := t.Underlying().(*types.Interface); ok {
			for method := range i.Methods() {
				m.interfaces[method.Name()] = true
			}
		}
	}
	for e, t := range p.TypesInfo.Types {
		if _, ok := e.(*ast.InterfaceType); ok {
			add(t.Type)
		}
	}
	var walk func(*types.Package)
	walk = func(p *types.Package) {
		if seen[p] {
			return
		}
		seen[p] = true
		for _, text := range p.Scope().Names() {
			if t, ok := p.Scope().Lookup(text).(*types.TypeName); ok {
				add(t.Type())
			}
		}
		for _, imported := range p.Imports() {
			walk(imported)
		}
	}
	walk(p.Types)
	for _, name := range []string{"Is", "As", "Unwrap"} { // package errors uses these through interface literals
		m.interfaces[name] = true
	}
}

// product reports whether a package belongs to the product, not to tests or tools.
func product(p *packages.Package) bool {
	for _, folder := range []string{"/test", "/internal/demo"} {
		if path := "conductor-jwt" + folder; p.PkgPath == path || strings.HasPrefix(p.PkgPath, path+"/") {
			return false
		}
	}
	return !strings.HasSuffix(p.PkgPath, "_test") && !strings.HasSuffix(p.PkgPath, ".test")
}

// origin returns the generic object of an instantiated one.
func origin(o types.Object) types.Object {
	switch o := o.(type) {
	case *types.Func:
		return o.Origin()
	case *types.Var:
		return o.Origin()
	}
	return o
}
