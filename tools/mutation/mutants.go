package main

import (
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// mutant is one change of one file: the bytes from start to end become text.
type mutant struct {
	path       string // absolute
	file       string // relative to the root of the module
	line       int
	function   string
	before     string // the changed lines, on one line
	after      string
	start, end int
	text       string
}

// key identifies a mutant in the file of equivalents. It has no line number, so that it stays valid when other lines change.
func (m mutant) key() string {
	return fmt.Sprintf("%s: %s: %s → %s", m.file, m.function, m.before, m.after)
}

func (m mutant) source() ([]byte, error) {
	src, err := os.ReadFile(m.path)
	if err != nil {
		return nil, err
	}
	return slices.Concat(src[:m.start], []byte(m.text), src[m.end:]), nil
}

// packageMutants returns every mutant of pkg's files, tests excluded, in the order of the source.
func packageMutants(ctx context.Context, pkg string) ([]mutant, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-json=Dir,GoFiles", pkg).Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w", pkg, err)
	}
	var listed struct {
		Dir     string
		GoFiles []string
	}
	if err := json.Unmarshal(out, &listed); err != nil {
		return nil, err
	}
	root, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	var all []mutant
	for _, name := range listed.GoFiles {
		found, err := fileMutants(root, filepath.Join(listed.Dir, name))
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// finder collects the mutants of one file.
type finder struct {
	path, file string
	src        []byte
	fset       *token.FileSet
	function   string
	seen       map[string]bool
	found      []mutant
}

func fileMutants(root, path string) ([]mutant, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	file, err := filepath.Rel(root, path)
	if err != nil {
		return nil, err
	}
	f := &finder{path: path, file: file, src: src, fset: token.NewFileSet(), seen: map[string]bool{}}
	parsed, err := parser.ParseFile(f.fset, path, src, 0)
	if err != nil {
		return nil, err
	}
	for _, decl := range parsed.Decls {
		f.function = declName(decl)
		ast.PreorderStack(decl, nil, func(n ast.Node, stack []ast.Node) bool {
			f.visit(n, stack)
			return true
		})
	}
	return f.found, nil
}

func declName(decl ast.Decl) string {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		return d.Name.Name
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			if v, ok := spec.(*ast.ValueSpec); ok {
				return v.Names[0].Name
			}
		}
	}
	return "-"
}

func (f *finder) offset(p token.Pos) int { return f.fset.Position(p).Offset }

func (f *finder) textOf(n ast.Node) string { return string(f.src[f.offset(n.Pos()):f.offset(n.End())]) }

func (f *finder) replace(n ast.Node, text string) { f.add(n.Pos(), n.End(), text) }

func (f *finder) add(from, to token.Pos, text string) {
	m := mutant{path: f.path, file: f.file, line: f.fset.Position(from).Line, function: f.function, start: f.offset(from), end: f.offset(to), text: text}
	id := fmt.Sprint(m.start, m.end, text)
	if f.seen[id] {
		return
	}
	f.seen[id] = true
	lineStart := strings.LastIndexByte(string(f.src[:m.start]), '\n') + 1
	lineEnd := m.end + strings.IndexByte(string(f.src[m.end:])+"\n", '\n')
	m.before = oneLine(string(f.src[lineStart:lineEnd]))
	m.after = oneLine(string(f.src[lineStart:m.start]) + text + string(f.src[m.end:lineEnd]))
	if m.after == "" {
		m.after = "(dropped)"
	}
	f.found = append(f.found, m)
}

// oneLine joins and truncates lines, because the key of a mutant is one line.
func oneLine(s string) string {
	r := []rune(strings.Join(strings.Fields(s), " "))
	if len(r) > 200 {
		return string(r[:200]) + "…"
	}
	return string(r)
}

func (f *finder) visit(n ast.Node, stack []ast.Node) {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		f.binary(n)
	case *ast.IfStmt:
		f.negate(n.Cond)
	case *ast.ForStmt:
		f.negate(n.Cond)
	case *ast.CaseClause:
		f.caseClause(n, stack)
	case *ast.ExprStmt, *ast.IncDecStmt, *ast.DeferStmt:
		f.replace(n, "")
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			f.replace(n, "")
		}
	case *ast.BasicLit:
		if n.Kind == token.INT {
			f.replace(n, "("+n.Value+" + 1)")
		}
	case *ast.Ident:
		if other, ok := map[string]string{"true": "false", "false": "true"}[n.Name]; ok {
			f.replace(n, other)
		}
	case *ast.ReturnStmt:
		f.returns(n, stack)
	}
}

// swaps returns the operators that replace an operator: its negation, its boundary or its opposite.
func swaps(op token.Token) []token.Token {
	return map[token.Token][]token.Token{
		token.EQL: {token.NEQ}, token.NEQ: {token.EQL},
		token.LSS: {token.LEQ, token.GEQ}, token.GEQ: {token.GTR, token.LSS},
		token.GTR: {token.GEQ, token.LEQ}, token.LEQ: {token.LSS, token.GTR},
		token.LAND: {token.LOR}, token.LOR: {token.LAND},
		token.ADD: {token.SUB}, token.SUB: {token.ADD}, token.MUL: {token.QUO}, token.QUO: {token.MUL}, token.REM: {token.MUL},
		token.AND: {token.OR}, token.OR: {token.AND}, token.XOR: {token.AND}, token.SHL: {token.SHR}, token.SHR: {token.SHL},
	}[op]
}

func (f *finder) binary(n *ast.BinaryExpr) {
	for _, op := range swaps(n.Op) {
		f.add(n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), op.String())
	}
	if n.Op == token.LAND || n.Op == token.LOR {
		f.replace(n, f.textOf(n.X))
		f.replace(n, f.textOf(n.Y))
	}
}

// negate negates a condition. Comparisons are negated by their operator, in binary.
func (f *finder) negate(cond ast.Expr) {
	if cond == nil {
		return
	}
	if b, ok := cond.(*ast.BinaryExpr); ok && b.Op != token.LAND && b.Op != token.LOR {
		return
	}
	f.replace(cond, "!("+f.textOf(cond)+")")
}

// caseClause drops one of several values of a case, and negates the conditions of a switch without a tag.
func (f *finder) caseClause(n *ast.CaseClause, stack []ast.Node) {
	for i := range n.List {
		if len(n.List) == 1 {
			break
		}
		var rest []string
		for j, e := range n.List {
			if j != i {
				rest = append(rest, f.textOf(e))
			}
		}
		f.add(n.List[0].Pos(), n.List[len(n.List)-1].End(), strings.Join(rest, ", "))
	}
	if s, ok := stack[len(stack)-2].(*ast.SwitchStmt); ok && s.Tag == nil {
		for _, e := range n.List {
			f.negate(e)
		}
	}
}

// returns replaces each result by its zero value, and a bool by its opposite.
func (f *finder) returns(n *ast.ReturnStmt, stack []ast.Node) {
	types := f.resultTypes(stack)
	if len(types) != len(n.Results) {
		return
	}
	for i, e := range n.Results {
		switch text := f.textOf(e); {
		case text == "nil" || text == `""` || text == "0" || text == "true" || text == "false" || text == types[i]+"{}":
		case types[i] == "bool":
			f.replace(e, "!("+text+")")
		case types[i] == "error":
			f.replace(e, "nil")
		default:
			f.replace(e, "*new("+types[i]+")")
		}
	}
}

// resultTypes returns the types of the results of the innermost function, one for each result.
func (f *finder) resultTypes(stack []ast.Node) []string {
	for _, n := range slices.Backward(stack) {
		var t *ast.FuncType
		switch n := n.(type) {
		case *ast.FuncLit:
			t = n.Type
		case *ast.FuncDecl:
			t = n.Type
		default:
			continue
		}
		var types []string
		if t.Results == nil {
			return nil
		}
		for _, field := range t.Results.List {
			for range max(1, len(field.Names)) {
				types = append(types, f.textOf(field.Type))
			}
		}
		return types
	}
	return nil
}
