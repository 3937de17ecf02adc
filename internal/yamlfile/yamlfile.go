// Package yamlfile parses the YAML files that an operator writes. It bounds
// their size and nesting first, because the parser's memory grows with the
// square of the nesting.
package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/scanner"
	"github.com/goccy/go-yaml/token"

	"conductor-jwt/internal/readfile"
)

// The bounds of a file.
const (
	maxBytes      = 1 << 20
	maxDepth      = 64      // nested lists and mappings
	maxIndicators = 100_000 // line breaks, and characters that YAML gives a meaning (YAML 1.2 §5.3)
	maxReferences = 100     // anchors, aliases and tags
)

// Fault is why a file cannot be parsed. Line and Column count from 1, or are 0
// where the fault is the whole file's. Text quotes nothing of the file.
type Fault struct {
	Line, Column int
	Text         string
}

// Parse parses a file of one document and returns its body; nil where that is
// empty, or null. It does not refuse a mapping that repeats a name, because the
// parser's message would quote the line: the caller does.
func Parse(text []byte) (ast.Node, *Fault) {
	text = bytes.TrimPrefix(text, []byte(readfile.ByteOrderMark))
	switch {
	case len(text) > maxBytes:
		return nil, &Fault{Text: "the file is over 1 MiB"}
	case !utf8.Valid(text):
		return nil, &Fault{Text: "the file is not UTF-8 text"}
	case countIndicators(text) > maxIndicators:
		return nil, &Fault{Text: fmt.Sprintf("the file has more than %d lines, brackets and other signs", maxIndicators)}
	}
	tokens, fault := scan(string(text))
	if fault != nil {
		return nil, fault
	}
	parsed, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		var at *token.Token
		if e, ok := errors.AsType[*yaml.SyntaxError](err); ok {
			at = e.Token
		}
		return nil, faultAt(at, invalid)
	}
	if len(parsed.Docs) == 0 {
		return nil, nil
	}
	return content(parsed.Docs[0].Body), nil
}

// countIndicators returns an upper bound of a file's tokens. It runs before the
// scanner, which scans the whole file at once and takes 280 bytes for a token.
func countIndicators(text []byte) int {
	count := 0
	for _, c := range text {
		if strings.IndexByte("\r\n[]{},:-?&*!#|>'\"%@`", c) >= 0 {
			count++
		}
	}
	return count
}

// invalid stands for the parser's own message, which quotes the line.
const invalid = "this is not valid YAML from here on"

// content returns nil for a document that is null or holds only comments.
func content(body ast.Node) ast.Node {
	switch body.(type) {
	case *ast.NullNode, *ast.CommentGroupNode, *ast.CommentNode:
		return nil
	}
	return body
}

func faultAt(t *token.Token, format string, args ...any) *Fault {
	f := &Fault{Text: fmt.Sprintf(format, args...)}
	if t != nil && t.Position != nil {
		f.Line, f.Column = t.Position.Line, t.Position.Column
	}
	return f
}

// scan splits a text into tokens. It stops at the first that is out of bounds.
func scan(text string) (token.Tokens, *Fault) {
	var s scanner.Scanner
	s.Init(text)
	var tokens token.Tokens
	var b bounds
	for {
		next, err := s.Scan()
		if errors.Is(err, io.EOF) {
			return tokens, nil
		}
		for _, t := range next {
			tokens.Add(t)
			if fault := b.check(t); fault != nil {
				return nil, fault
			}
		}
		if err != nil {
			return nil, &Fault{Text: invalid}
		}
	}
}

// bounds counts what a file has so far, token by token.
type bounds struct {
	begun, ended bool  // the document
	flow         int   // open brackets
	block        []int // columns of the open lists and mappings outside of brackets
	references   int   // anchors, aliases and tags
}

func (b *bounds) check(t *token.Token) *Fault {
	if b.isSecondDocument(t) {
		return faultAt(t, "this is a second document; keep one")
	}
	switch t.Type {
	case token.InvalidType:
		return faultAt(t, invalid)
	case token.DirectiveType:
		return faultAt(t, "this is a directive; remove the line")
	case token.SequenceStartType, token.MappingStartType:
		b.flow++
	case token.SequenceEndType, token.MappingEndType:
		b.flow = max(b.flow-1, 0)
	case token.SequenceEntryType, token.MappingKeyType:
		b.open(t)
	case token.MappingValueType:
		b.open(t.Prev) // the name, whose column is the mapping's
	case token.AnchorType, token.AliasType, token.TagType:
		b.references++
	}
	switch {
	case b.flow+len(b.block) > maxDepth:
		return faultAt(t, "this is nested more than %d deep; nest it less", maxDepth)
	case b.references > maxReferences:
		return faultAt(t, "there are more than %d anchors, aliases and tags; write the values out", maxReferences)
	}
	return nil
}

// isSecondDocument reports whether a token begins a second document. The parser
// would silently drop one that follows an empty first.
func (b *bounds) isSecondDocument(t *token.Token) bool {
	switch {
	case t.Type == token.CommentType:
		return false
	case t.Type == token.DocumentEndType:
		b.ended = true
		return false
	case b.ended, b.begun && t.Type == token.DocumentHeaderType:
		return true
	}
	b.begun = true
	return false
}

// open records a list or mapping at the token's column. It closes those that are
// not further to the left.
func (b *bounds) open(t *token.Token) {
	if b.flow > 0 || t == nil || t.Position == nil {
		return
	}
	column := t.Position.Column
	for len(b.block) > 0 && b.block[len(b.block)-1] >= column {
		b.block = b.block[:len(b.block)-1]
	}
	b.block = append(b.block, column)
}

// Position returns the line and column of a node, counted from 1; 0 where the
// parser gives none.
func Position(n ast.Node) (line, column int) {
	t := n.GetToken()
	if t == nil || t.Position == nil {
		return 0, 0
	}
	return t.Position.Line, t.Position.Column
}

// Text returns a scalar as it is written, without quotes; false for null and for
// what is not a scalar.
func Text(n ast.Node) (string, bool) {
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

// Kind says in a message what a node is.
func Kind(n ast.Node) string {
	switch n.(type) {
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.AliasNode, *ast.AnchorNode, *ast.MergeKeyNode:
		return "an anchor or alias"
	case *ast.TagNode:
		return "a tag"
	case *ast.NullNode:
		return "no value"
	}
	return "text"
}
