// YAML as mappings, lists and text, each value with its line. What a profile
// does not need (anchors, tags, merge keys) is refused, and depth is bounded.

package profiles

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
	maxBytes = 1 << 20
	// The parser recurses, and its cost is quadratic in depth; a profile is four
	// levels deep.
	maxDepth  = 16
	maxIndent = 128
)

type document struct {
	mistakes
	root ast.Node
}

// parse reads the one document of text.
func parse(text []byte, name string) (*document, error) {
	doc := &document{mistakes: mistakes{file: name}}
	if doc.checkText(text); len(doc.list) > 0 {
		return nil, doc.err()
	}
	tokens := lexer.Tokenize(strings.TrimPrefix(string(text), "\ufeff"))
	if doc.checkTokens(tokens); len(doc.list) > 0 {
		return nil, doc.err()
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, doc.syntax(err)
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		doc.add(1, "the file is empty: begin with `version: 1` and `extends:`")
		return nil, doc.err()
	}
	doc.root = file.Docs[0].Body
	return doc, nil
}

// checkText finds what the lexer would report badly.
func (doc *document) checkText(text []byte) {
	if len(text) > maxBytes {
		doc.add(1, "longer than 1 MB: not a profile")
		return
	}
	line := 0
	for row := range strings.Lines(string(text)) {
		line++
		indent := row[:len(row)-len(strings.TrimLeft(row, " \t"))]
		switch {
		case !utf8.ValidString(row):
			doc.add(line, "not UTF-8 text: save the file as UTF-8")
		case strings.Contains(indent, "\t") && strings.TrimSpace(row) != "":
			doc.add(line, "indented by a tab: YAML takes only spaces")
		case len(indent) > maxIndent:
			doc.add(line, "indented by more than %d spaces: a profile is not that deep", maxIndent)
		default:
			continue
		}
		return
	}
}

// checkTokens refuses what a profile has no use for, before the parser recurses
// into it.
func (doc *document) checkTokens(tokens token.Tokens) {
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
				doc.add(line, "a second document: a profile is one")
			}
		case token.TagType, token.DirectiveType, token.MergeKeyType, token.MappingKeyType, token.AnchorType, token.AliasType:
			doc.add(line, "%s: tags, anchors, merge keys and directives are not read: write it out", quote(t.Value))
		}
		if depth > maxDepth || onLine > 2*maxDepth {
			doc.add(line, "nested too deeply: a profile is rules with a few keys each")
		}
		if len(doc.list) > 0 {
			return
		}
	}
}

// syntax puts the parser's complaint into our form.
func (doc *document) syntax(err error) error {
	var e yaml.Error
	if !errors.As(err, &e) || e.GetToken() == nil {
		return fmt.Errorf("%s: not YAML: %w", doc.file, err)
	}
	doc.add(e.GetToken().Position.Line, "not YAML: %s: check the indentation, and quote values that hold any of : [ ] { } , # & *", e.GetMessage())
	return doc.err()
}

// field is a key of a mapping with its value.
type field struct {
	line  int
	value ast.Node
}

// fields reads a mapping; its keys must be known where any are named.
func (doc *document) fields(n ast.Node, what string, known ...string) map[string]field {
	m, ok := n.(ast.MapNode)
	if !ok {
		doc.add(lineOf(n), "%s must be a mapping of `key: value` lines", what)
		return nil
	}
	fields := map[string]field{}
	for it := m.MapRange(); it.Next(); {
		key := it.Key().GetToken().Value
		f := field{lineOf(it.Key()), it.Value()}
		_, again := fields[key]
		switch {
		case again:
			doc.add(f.line, "%s has %s twice: keep one", what, quote(key))
		case len(known) > 0 && !slices.Contains(known, key):
			doc.add(f.line, "unknown key %s in %s: %s", quote(key), what, suggest(key, known))
		default:
			fields[key] = f
		}
	}
	return fields
}

// items reads a list; a field that is not there is an empty one.
func (doc *document) items(f field, what string) []ast.Node {
	if f.value == nil {
		return nil
	}
	list, ok := f.value.(*ast.SequenceNode)
	if !ok {
		doc.add(f.line, "%s must be a list: [one, two], or lines that begin with a hyphen", what)
		return nil
	}
	return list.Values
}

// text reads a scalar as it was written; "" after a mistake.
func (doc *document) text(n ast.Node, what string) string {
	var s string
	switch v := n.(type) {
	case *ast.StringNode:
		s = v.Value
	case *ast.LiteralNode:
		s = strings.TrimSpace(strings.ReplaceAll(v.Value.Value, "\n", " "))
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		s = v.GetToken().Value
	default:
		doc.add(lineOf(n), "%s must be text: write one value, in quotes if it holds any of : [ ] { } , # & *", what)
		return ""
	}
	if s == "" || len(s) > 4096 || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		doc.add(lineOf(n), "%s %s is empty, too long, or holds a control character", what, quote(s))
		return ""
	}
	return s
}

func lineOf(n ast.Node) int {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		n = m.Values[0].Key
	}
	if n == nil || n.GetToken() == nil {
		return 1
	}
	return n.GetToken().Position.Line
}
