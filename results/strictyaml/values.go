// Values as a reader asks for them: fields of a mapping, items of a list, text.

package strictyaml

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// maxText bounds a single value, in bytes.
const maxText = 4096

// Field is a key of a mapping with its value.
type Field struct {
	Line  int // of the key
	Value ast.Node
}

// Fields reads a mapping; its keys must be known where any are named. what names
// it in a message.
func (doc *Document) Fields(n ast.Node, what string, known ...string) map[string]Field {
	m, ok := doc.resolve(n).(ast.MapNode)
	if !ok {
		doc.Add(LineOf(n), "%s must be a mapping: give it as `key: value` lines%s", what, withKeys(known))
		return nil
	}
	fields := map[string]Field{}
	for it := m.MapRange(); it.Next(); {
		key := it.Key().GetToken().Value
		f := Field{LineOf(it.Key()), it.Value()}
		first, again := fields[key]
		switch {
		case again:
			doc.Add(f.Line, "%s has %s twice, first in line %d: keep one", what, Quote(key), first.Line)
		case len(known) > 0 && !slices.Contains(known, key):
			doc.Add(f.Line, "unknown key %s in %s: %s", Quote(key), what, Suggest(key, known))
		default:
			fields[key] = f
		}
	}
	return fields
}

func withKeys(known []string) string {
	if len(known) == 0 {
		return ""
	}
	return " with the keys " + strings.Join(known, ", ")
}

// List reads a list; ok if it is one. mend is how to write it.
func (doc *Document) List(n ast.Node, what, mend string) (nodes []ast.Node, ok bool) {
	list, ok := doc.resolve(n).(*ast.SequenceNode)
	if !ok {
		doc.Add(LineOf(n), "%s must be a list: %s", what, mend)
		return nil, false
	}
	return list.Values, true
}

// Items reads a list; a field that is not there is an empty one.
func (doc *Document) Items(f Field, what string) []ast.Node {
	if f.Value == nil {
		return nil
	}
	nodes, _ := doc.List(f.Value, what, "[one, two], or lines that begin with a hyphen")
	return nodes
}

// Scalar reads a single value as it was written, so that a name may be 1.10 or
// no. It may be "".
func (doc *Document) Scalar(n ast.Node, what string) (s string, ok bool) {
	return doc.text(n, what, func(block string) string { return block })
}

// Text reads a text, which may stand on many lines and must not be empty; ""
// after a mistake.
func (doc *Document) Text(n ast.Node, what string) string {
	s, ok := doc.text(n, what, oneLine)
	if ok && s == "" {
		doc.empty(n, what)
	}
	return s
}

func oneLine(block string) string {
	return strings.TrimSpace(strings.ReplaceAll(block, "\n", " "))
}

// text reads a single value; of one that is a block of lines, what block makes
// of them.
func (doc *Document) text(n ast.Node, what string, block func(string) string) (string, bool) {
	switch v := doc.resolve(n).(type) {
	case *ast.StringNode:
		return doc.plain(n, v.Value, what)
	case *ast.LiteralNode:
		return doc.plain(n, block(v.Value.Value), what)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return doc.plain(n, v.GetToken().Value, what)
	case *ast.NullNode:
		doc.empty(n, what)
	default:
		doc.Add(LineOf(n), "%s must be text: write one value, in quotes if it holds any of %s", what, special)
	}
	return "", false
}

func (doc *Document) empty(n ast.Node, what string) {
	doc.Add(LineOf(n), "%s is empty: give it a value or remove it", what)
}

// plain refuses what would write to a terminal when it is printed, and too much.
func (doc *Document) plain(n ast.Node, s, what string) (string, bool) {
	if len(s) > maxText || !Printable(s) {
		doc.Add(LineOf(n), "%s %s holds a control character, or too much text: write it on one line", what, Quote(s))
		return "", false
	}
	return s, true
}
