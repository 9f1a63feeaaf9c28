// YAML as a small, plain language: one document of mappings, lists and text.
// What the inventory does not need (tags, merge keys, directives) is refused,
// nesting and aliases are bounded, and every value knows its line.

package inventory

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	maxBytes = 16 << 20
	// The parser recurses and its cost is quadratic in depth; an inventory is
	// five levels deep.
	maxDepth  = 32
	maxIndent = 256
	// maxValues bounds what aliases may blow a file up to.
	maxValues = 4 << 20
)

// document is a parsed file: its root and what its aliases stand for.
type document struct {
	mistakes
	root    ast.Node
	anchors map[string]ast.Node
	values  int
}

// parse reads the one document of text. The error is a mistake with its line.
func parse(text []byte, name string) (*document, error) {
	doc := &document{mistakes: mistakes{file: name}, anchors: map[string]ast.Node{}}
	doc.checkText(text)
	if len(doc.list) > 0 {
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
	if doc.root = body(file); doc.root == nil {
		doc.add(1, "the file is empty: begin with `version: 1` and `services:`")
		return nil, doc.err()
	}
	ast.Walk(doc, doc.root)
	return doc, nil
}

func body(file *ast.File) ast.Node {
	if len(file.Docs) == 0 {
		return nil
	}
	return file.Docs[0].Body
}

// checkText finds what the lexer would report badly.
func (doc *document) checkText(text []byte) {
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
			doc.add(line, "indented by more than %d spaces: an inventory is not that deep", maxIndent)
		default:
			continue
		}
		return // what follows is likely of the same kind
	}
}

// checkTokens refuses what an inventory has no use for, before the parser
// recurses into it.
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
				doc.add(line, "a second document: an inventory is one, join them under one `services:`")
			}
		case token.TagType:
			doc.add(line, "%s: tags are not read, remove it", quote(t.Value))
		case token.DirectiveType:
			doc.add(line, "directives are not read: remove the line")
		case token.MergeKeyType:
			doc.add(line, "merge keys are not read: say it once on the service, its paths inherit it")
		case token.MappingKeyType:
			doc.add(line, "a key with `?`: write `key: value`")
		case token.AnchorType:
			if i > 1 && tokens[i-2].Type == token.AnchorType {
				doc.add(line, "two anchors for one value: keep one")
			}
		}
		if depth > maxDepth || onLine > 2*maxDepth {
			doc.add(line, "nested too deeply: an inventory is services, paths and lists of names")
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
	doc.add(e.GetToken().Position.Line,
		"not YAML: %s: check the indentation, and quote values that hold any of : [ ] { } , # & *", e.GetMessage())
	return doc.err()
}

// Visit collects anchors.
func (doc *document) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok {
		if name := a.Name.GetToken().Value; doc.anchors[name] == nil {
			doc.anchors[name] = a.Value
		} else {
			doc.add(lineOf(n), "anchor %s is defined twice: rename one", quote(name))
		}
	}
	return doc
}

// resolve gives the value that an anchor or alias stands for, and counts it.
func (doc *document) resolve(n ast.Node) ast.Node {
	doc.values++
	for range maxDepth {
		switch v := n.(type) {
		case *ast.AnchorNode:
			n = v.Value
		case *ast.AliasNode:
			name := v.Value.GetToken().Value
			target := doc.anchors[name]
			if target == nil {
				doc.add(lineOf(v), "alias %s has no anchor: define &%s before it", quote(name), name)
			}
			n = target
		default:
			return n
		}
	}
	return nil
}

// tooMany reports, once, that aliases have blown the file up.
func (doc *document) tooMany() bool {
	if doc.values == maxValues+1 {
		doc.values++
		doc.add(1, "more than %d values once its aliases are expanded: write fewer", maxValues)
	}
	return doc.values > maxValues
}

// field is a key of a mapping with its value.
type field struct {
	line  int // of the key
	value ast.Node
}

// fields reads a mapping whose keys are known. what names it in a message.
func (doc *document) fields(n ast.Node, what string, known ...string) map[string]field {
	m, ok := doc.resolve(n).(ast.MapNode)
	if !ok {
		doc.add(lineOf(n), "%s must be a mapping: give it as `key: value` lines with the keys %s", what, strings.Join(known, ", "))
		return nil
	}
	fields := map[string]field{}
	for it := m.MapRange(); it.Next(); {
		key := it.Key().GetToken().Value
		f := field{lineOf(it.Key()), it.Value()}
		first, again := fields[key]
		switch {
		case again:
			doc.add(f.line, "%s has %s twice, first in line %d: keep one", what, quote(key), first.line)
		case !slices.Contains(known, key):
			doc.add(f.line, "unknown key %s in %s: %s", quote(key), what, suggest(key, known))
		default:
			fields[key] = f
		}
	}
	return fields
}

// items reads a list; ok if it is one.
func (doc *document) items(n ast.Node, what, mend string) (nodes []ast.Node, ok bool) {
	list, ok := doc.resolve(n).(*ast.SequenceNode)
	if !ok {
		doc.add(lineOf(n), "%s must be a list: %s", what, mend)
		return nil, false
	}
	return list.Values, true
}

// text reads a scalar as it was written, so that a name may be 1.10 or no.
func (doc *document) text(n ast.Node, what string) (string, bool) {
	var s string
	switch v := doc.resolve(n).(type) {
	case *ast.StringNode:
		s = v.Value
	case *ast.LiteralNode:
		s = v.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		s = v.GetToken().Value
	case *ast.NullNode:
		doc.add(lineOf(n), "%s is empty: give it a value or remove it", what)
		return "", false
	default:
		doc.add(lineOf(n), "%s must be text: write one value, in quotes if it holds any of : [ ] { } , # & *", what)
		return "", false
	}
	if len(s) > 4096 || !printable(s) {
		doc.add(lineOf(n), "%s %s holds a control character, or too much text: write it on one line", what, quote(s))
		return "", false
	}
	return s, true
}

func lineOf(n ast.Node) int {
	// A block mapping's own token is its first colon, which with an unusual
	// layout stands below its first key.
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		n = m.Values[0].Key
	}
	if n == nil || n.GetToken() == nil {
		return 1
	}
	return n.GetToken().Position.Line
}

// suggest names the known word that s is most likely meant to be, else all.
func suggest(s string, known []string) string {
	for _, k := range known {
		if near(strings.ToLower(s), k) {
			return fmt.Sprintf("did you mean %q?", k)
		}
	}
	if more := len(known) - maxMistakes; more > 0 {
		return fmt.Sprintf("it can be %s, or %d more", strings.Join(known[:maxMistakes], ", "), more)
	}
	return "it can be " + strings.Join(known, ", ")
}

// near reports whether at most two letters differ (one in a short word), by
// Levenshtein's distance.
func near(a, b string) bool {
	if len(a) > 2*len(b)+2 {
		return false
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)] <= min(2, len(b)/3)
}
