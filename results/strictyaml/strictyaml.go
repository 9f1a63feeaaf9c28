// Package strictyaml reads the YAML files that people write and review:
// inventories, profiles, waivers. They are one document of mappings, lists and
// text, each value with its line. What they do not need (tags, merge keys,
// directives) is refused; size, nesting and aliases are bounded. It gives values
// no meaning: its callers do, and tell mistakes by file and line.
package strictyaml

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
)

// Kind is what a file is said to be in messages, and how large it may be.
type Kind struct {
	Name  string // "a profile"
	Begin string // "begin with `version: 1` and `extends:`"
	Shape string // "rules with a few keys each"
	Join  string // how two documents are made one; "" for: join them
	Share string // what to do in place of merge keys; "" for: write it out
	// AsFound is of its Mistakes.
	AsFound bool
	Limits
}

// Limits bound a file. The zero value is for a short one that needs no aliases.
type Limits struct {
	Bytes int // 0 for 1 MB
	// Depth is 16 where it is 0. The parser recurses, and its cost is quadratic
	// in depth.
	Depth  int
	Indent int // spaces; 0 for 128
	// Values is how many aliases may blow the file up to; at 0 there are none.
	Values int
}

func (l Limits) orDefaults() Limits {
	return Limits{cmp.Or(l.Bytes, 1<<20), cmp.Or(l.Depth, 16), cmp.Or(l.Indent, 128), l.Values}
}

// Document is a parsed file, and the mistakes that its reader finds in it.
type Document struct {
	Mistakes
	Root    ast.Node
	kind    Kind
	anchors map[string]ast.Node
	values  int
}

// Read reads the one document of r; name stands before the line in errors.
func Read(r io.Reader, name string, kind Kind) (*Document, error) {
	kind.Limits = kind.orDefaults()
	text, err := io.ReadAll(io.LimitReader(r, int64(kind.Bytes)+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s as %s: %w", name, kind.Name, err)
	}
	doc := &Document{Mistakes: Mistakes{File: name, AsFound: kind.AsFound}, kind: kind, anchors: map[string]ast.Node{}}
	if err := doc.parse(text); err != nil {
		return nil, err
	}
	return doc, nil
}

func (doc *Document) parse(text []byte) error {
	if doc.checkText(text); doc.Count() > 0 {
		return doc.Err()
	}
	tokens := lexer.Tokenize(string(bytes.TrimPrefix(text, []byte("\ufeff"))))
	if doc.checkTokens(tokens); doc.Count() > 0 {
		return doc.Err()
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return doc.syntax(err)
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		doc.Add(1, "the file is empty: %s", doc.kind.Begin)
		return doc.Err()
	}
	doc.Root = file.Docs[0].Body
	ast.Walk(collector{doc}, doc.Root)
	return nil
}

// syntax puts the parser's complaint into our form.
func (doc *Document) syntax(err error) error {
	var e yaml.Error
	if !errors.As(err, &e) || e.GetToken() == nil {
		return fmt.Errorf("%s: not YAML: %w", doc.File, err)
	}
	doc.Add(e.GetToken().Position.Line, "not YAML: %s: check the indentation, and quote values that hold any of %s", e.GetMessage(), special)
	return doc.Err()
}

// special are the characters that mean something to YAML outside of quotes.
const special = ": [ ] { } , # & *"

// LineOf is the line in which a value begins.
func LineOf(n ast.Node) int {
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
