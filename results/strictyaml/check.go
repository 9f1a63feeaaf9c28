// What is refused before the parser recurses into it.

package strictyaml

import (
	"bytes"
	"cmp"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/token"
)

// checkText finds what the lexer would report badly, the first alone: what
// follows is likely of the same kind.
func (doc *Document) checkText(text []byte) {
	switch {
	case len(text) > doc.kind.Bytes:
		doc.Add(1, "the file is larger than %d MB: split it, or check that it is %s", doc.kind.Bytes>>20, doc.kind.Name)
		return
	case len(bytes.TrimSpace(text)) == 0:
		doc.Add(1, "the file is empty: %s", doc.kind.Begin)
		return
	}
	line := 0
	for row := range strings.Lines(string(text)) {
		if line++; doc.checkRow(row, line) > 0 {
			return
		}
	}
}

// checkRow gives how many mistakes there are.
func (doc *Document) checkRow(row string, line int) int {
	indent := row[:len(row)-len(strings.TrimLeft(row, " \t"))]
	switch {
	case !utf8.ValidString(row):
		doc.Add(line, "not UTF-8 text: save the file as UTF-8")
	case strings.Contains(indent, "\t") && strings.TrimSpace(row) != "":
		doc.Add(line, "indented by a tab: YAML takes only spaces")
	case len(indent) > doc.kind.Indent:
		doc.Add(line, "indented by more than %d spaces: %s is not that deep", doc.kind.Indent, doc.kind.Name)
	}
	return doc.Count()
}

// checkTokens refuses what is nested too deeply, and what these files have no
// use for.
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
		default:
			doc.checkToken(tokens, i)
		}
		if depth > doc.kind.Depth || onLine > 2*doc.kind.Depth {
			doc.Add(line, "nested too deeply: %s is %s", doc.kind.Name, doc.kind.Shape)
		}
		if doc.Count() > 0 {
			return
		}
	}
}

func (doc *Document) checkToken(tokens token.Tokens, i int) {
	t := tokens[i]
	line := t.Position.Line
	switch t.Type {
	case token.DocumentHeaderType:
		if i > 0 && t.Prev.Type != token.CommentType {
			doc.Add(line, "a second document: %s is one, %s", doc.kind.Name, cmp.Or(doc.kind.Join, "join them"))
		}
	case token.TagType:
		doc.Add(line, "%s: tags are not read, remove it", Quote(t.Value))
	case token.DirectiveType:
		doc.Add(line, "directives are not read: remove the line")
	case token.MergeKeyType:
		doc.Add(line, "merge keys are not read: %s", cmp.Or(doc.kind.Share, "write it out"))
	case token.MappingKeyType:
		doc.Add(line, "a key with `?`: write `key: value`")
	case token.AnchorType, token.AliasType:
		doc.checkAnchor(tokens, i)
	}
}

func (doc *Document) checkAnchor(tokens token.Tokens, i int) {
	line := tokens[i].Position.Line
	switch {
	case doc.kind.Values == 0:
		doc.Add(line, "%s: anchors and aliases are not read in %s: write it out", Quote(tokens[i].Value), doc.kind.Name)
	case tokens[i].Type == token.AnchorType && i > 1 && tokens[i-2].Type == token.AnchorType:
		doc.Add(line, "two anchors for one value: keep one")
	}
}
