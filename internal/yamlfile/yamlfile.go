// Package yamlfile parses the YAML files that an operator writes, within
// bounds: the parser's memory grows with the square of the nesting.
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
	MaxBytes      = 1 << 20
	MaxDepth      = 64      // nested lists and mappings
	MaxSigns      = 100_000 // line breaks, and characters that YAML gives a meaning
	MaxReferences = 100     // anchors, aliases and tags
)

// File is a parsed file.
type File struct {
	Text string   // without a byte order mark
	Body ast.Node // of the one document; nil where it says nothing
}

// Fault is a mistake of the whole file. Line and Column count from 1; they are
// 0 where the mistake has no place. Text quotes nothing of the file.
type Fault struct {
	Line, Column int
	Text         string
}

// Parse parses a file of one document. Names may repeat: the parser's own
// message about it quotes the line, so the caller looks for them. With a fault,
// File has what could be read.
func Parse(text []byte) (File, *Fault) {
	text = bytes.TrimPrefix(text, []byte(readfile.ByteOrderMark))
	switch {
	case len(text) > MaxBytes:
		return File{}, &Fault{Text: "over 1 MiB"}
	case !utf8.Valid(text):
		return File{}, &Fault{Text: "not utf-8 text"}
	case countSigns(text) > MaxSigns:
		return File{}, &Fault{Text: fmt.Sprintf("more than %d lines, brackets and other signs", MaxSigns)}
	}
	f := File{Text: string(text)}
	tokens, fault := scan(f.Text)
	if fault != nil {
		return f, fault
	}
	parsed, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		var at *token.Token
		if e, ok := errors.AsType[*yaml.SyntaxError](err); ok {
			at = e.Token
		}
		return f, faultAt(at, invalid)
	}
	if len(parsed.Docs) > 0 {
		f.Body = said(parsed.Docs[0].Body)
	}
	return f, nil
}

// countSigns bounds how many tokens there are before the scanner makes the first
// one: it scans a whole file at once, and a token takes 280 bytes.
func countSigns(text []byte) int {
	signs := 0
	for _, c := range text {
		if strings.IndexByte("\r\n[]{},:-?&*!#|>'\"%@`", c) >= 0 {
			signs++
		}
	}
	return signs
}

// The parser's own message quotes the line.
const invalid = "not valid yaml from here on"

// said is nil for a document of comments alone, or of a lone null.
func said(body ast.Node) ast.Node {
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

// scan splits a text into tokens and ends with the first that is out of bounds.
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
			if fault := b.admit(t); fault != nil {
				return nil, fault
			}
		}
		if err != nil {
			return nil, &Fault{Text: invalid} // with no token to show for it
		}
	}
}

// bounds follows how deep the tokens nest, and that they are of one document.
type bounds struct {
	begun, ended bool  // the document
	flow         int   // open brackets
	block        []int // columns of the lists and mappings outside of brackets
	references   int
}

func (b *bounds) admit(t *token.Token) *Fault {
	if !b.oneDocument(t) {
		return faultAt(t, "a second document; keep one")
	}
	switch t.Type {
	case token.InvalidType:
		return faultAt(t, invalid)
	case token.DirectiveType:
		return faultAt(t, "a directive; remove the line")
	case token.SequenceStartType, token.MappingStartType:
		b.flow++
	case token.SequenceEndType, token.MappingEndType:
		b.flow = max(b.flow-1, 0)
	case token.SequenceEntryType, token.MappingKeyType:
		b.nest(t)
	case token.MappingValueType:
		b.nest(t.Prev) // the name, whose column is the mapping's
	case token.AnchorType, token.AliasType, token.TagType:
		b.references++
	}
	switch {
	case b.flow+len(b.block) > MaxDepth:
		return faultAt(t, "nested more than %d deep", MaxDepth)
	case b.references > MaxReferences:
		return faultAt(t, "more than %d anchors, aliases and tags; write the values out", MaxReferences)
	}
	return nil
}

// oneDocument reports whether a token is not of a second document. The parser
// drops one that follows an empty first.
func (b *bounds) oneDocument(t *token.Token) bool {
	switch {
	case t.Type == token.CommentType:
		return true
	case t.Type == token.DocumentEndType:
		b.ended = true
		return true
	case b.ended, b.begun && t.Type == token.DocumentHeaderType:
		return false
	}
	b.begun = true
	return true
}

// nest notes a list or mapping that stands at the token's column.
func (b *bounds) nest(t *token.Token) {
	if b.flow > 0 || t == nil || t.Position == nil {
		return
	}
	column := t.Position.Column
	for len(b.block) > 0 && b.block[len(b.block)-1] >= column {
		b.block = b.block[:len(b.block)-1]
	}
	b.block = append(b.block, column)
}
