// Package strictyaml reads small YAML files that people write and review:
// mappings, lists and text, each value with its line. What they do not need
// (anchors, tags, merge keys) is refused, and depth is bounded. It gives values
// no meaning: its callers do, and tell mistakes by file and line.
package strictyaml

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	// MaxBytes bounds a file.
	MaxBytes = 1 << 20
	// The parser recurses, and its cost is quadratic in depth; these files are
	// four levels deep.
	maxDepth  = 16
	maxIndent = 128
)

// Kind is what a file is said to be in messages.
type Kind struct {
	Name  string // "a profile"
	Begin string // "begin with `version: 1` and `extends:`"
	Shape string // "rules with a few keys each"
}

// Document is a parsed file, and the mistakes that its reader finds in it.
type Document struct {
	Mistakes
	Root ast.Node
	kind Kind
}

// Parse reads the one document of text; name stands before the line in errors.
func Parse(text []byte, name string, kind Kind) (*Document, error) {
	doc := &Document{Mistakes: Mistakes{File: name}, kind: kind}
	if doc.checkText(text); doc.Count() > 0 {
		return nil, doc.Err()
	}
	tokens := lexer.Tokenize(strings.TrimPrefix(string(text), "\ufeff"))
	if doc.checkTokens(tokens); doc.Count() > 0 {
		return nil, doc.Err()
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, doc.syntax(err)
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		doc.Add(1, "the file is empty: %s", kind.Begin)
		return nil, doc.Err()
	}
	doc.Root = file.Docs[0].Body
	return doc, nil
}

// checkText finds what the lexer would report badly.
func (doc *Document) checkText(text []byte) {
	if len(text) > MaxBytes {
		doc.Add(1, "longer than 1 MB: not %s", doc.kind.Name)
		return
	}
	line := 0
	for row := range strings.Lines(string(text)) {
		line++
		indent := row[:len(row)-len(strings.TrimLeft(row, " \t"))]
		switch {
		case !utf8.ValidString(row):
			doc.Add(line, "not UTF-8 text: save the file as UTF-8")
		case strings.Contains(indent, "\t") && strings.TrimSpace(row) != "":
			doc.Add(line, "indented by a tab: YAML takes only spaces")
		case len(indent) > maxIndent:
			doc.Add(line, "indented by more than %d spaces: %s is not that deep", maxIndent, doc.kind.Name)
		default:
			continue
		}
		return
	}
}

// checkTokens refuses what these files have no use for, before the parser recurses
// into it.
func (doc *Document) checkTokens(tokens token.Tokens) {
	depth, line, onLine := 0, 0, 0
	for i, t := range tokens {
		if t.Position.Line != line {
			line, onLine = t.Position.Line, 0
		}
		if depth == 0 {
			onLine++
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.DocumentHeaderType:
			if i > 0 && t.Prev.Type != token.CommentType {
				doc.Add(line, "a second document: %s is one", doc.kind.Name)
			}
		case token.TagType, token.DirectiveType, token.MergeKeyType, token.MappingKeyType, token.AnchorType, token.AliasType:
			doc.Add(line, "%s: tags, anchors, merge keys and directives are not read: write it out", Quote(t.Value))
		}
		if depth > maxDepth || onLine > 2*maxDepth {
			doc.Add(line, "nested too deeply: %s is %s", doc.kind.Name, doc.kind.Shape)
		}
		if doc.Count() > 0 {
			return
		}
	}
}

// syntax puts the parser's complaint into our form.
func (doc *Document) syntax(err error) error {
	var e yaml.Error
	if !errors.As(err, &e) || e.GetToken() == nil {
		return fmt.Errorf("%s: not YAML: %w", doc.File, err)
	}
	doc.Add(e.GetToken().Position.Line, "not YAML: %s: check the indentation, and quote values that hold any of : [ ] { } , # & *", e.GetMessage())
	return doc.Err()
}

// Field is a key of a mapping with its value.
type Field struct {
	Line  int
	Value ast.Node
}

// Fields reads a mapping; its keys must be known where any are named.
func (doc *Document) Fields(n ast.Node, what string, known ...string) map[string]Field {
	m, ok := n.(ast.MapNode)
	if !ok {
		doc.Add(LineOf(n), "%s must be a mapping of `key: value` lines", what)
		return nil
	}
	fields := map[string]Field{}
	for it := m.MapRange(); it.Next(); {
		key := it.Key().GetToken().Value
		f := Field{LineOf(it.Key()), it.Value()}
		_, again := fields[key]
		switch {
		case again:
			doc.Add(f.Line, "%s has %s twice: keep one", what, Quote(key))
		case len(known) > 0 && !slices.Contains(known, key):
			doc.Add(f.Line, "unknown key %s in %s: %s", Quote(key), what, Suggest(key, known))
		default:
			fields[key] = f
		}
	}
	return fields
}

// Items reads a list; a field that is not there is an empty one.
func (doc *Document) Items(f Field, what string) []ast.Node {
	if f.Value == nil {
		return nil
	}
	list, ok := f.Value.(*ast.SequenceNode)
	if !ok {
		doc.Add(f.Line, "%s must be a list: [one, two], or lines that begin with a hyphen", what)
		return nil
	}
	return list.Values
}

// Text reads a scalar as it was written; "" after a mistake.
func (doc *Document) Text(n ast.Node, what string) string {
	var s string
	switch v := n.(type) {
	case *ast.StringNode:
		s = v.Value
	case *ast.LiteralNode:
		s = strings.TrimSpace(strings.ReplaceAll(v.Value.Value, "\n", " "))
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		s = v.GetToken().Value
	default:
		doc.Add(LineOf(n), "%s must be text: write one value, in quotes if it holds any of : [ ] { } , # & *", what)
		return ""
	}
	if s == "" || len(s) > 4096 || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		doc.Add(LineOf(n), "%s %s is empty, too long, or holds a control character", what, Quote(s))
		return ""
	}
	return s
}

// LineOf is the line in which a value begins.
func LineOf(n ast.Node) int {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		n = m.Values[0].Key
	}
	if n == nil || n.GetToken() == nil {
		return 1
	}
	return n.GetToken().Position.Line
}
