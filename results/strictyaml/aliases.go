// Anchors and aliases: what stands for what, and how much it comes to.

package strictyaml

import "github.com/goccy/go-yaml/ast"

// collector notes what anchors stand for.
type collector struct{ doc *Document }

// Visit notes one.
func (c collector) Visit(n ast.Node) ast.Visitor {
	a, ok := n.(*ast.AnchorNode)
	if !ok {
		return c
	}
	name := a.Name.GetToken().Value
	if c.doc.anchors[name] == nil {
		c.doc.anchors[name] = a.Value
	} else {
		c.doc.Add(LineOf(n), "anchor %s is defined twice: rename one", Quote(name))
	}
	return c
}

// resolve gives the value that an anchor or alias stands for, and counts it.
func (doc *Document) resolve(n ast.Node) ast.Node {
	doc.values++
	for range doc.kind.Depth {
		switch v := n.(type) {
		case *ast.AnchorNode:
			n = v.Value
		case *ast.AliasNode:
			name := v.Value.GetToken().Value
			target := doc.anchors[name]
			if target == nil {
				doc.Add(LineOf(v), "alias %s has no anchor: define &%s before it", Quote(name), name)
			}
			n = target
		default:
			return n
		}
	}
	return nil
}

// TooMany reports, once as a mistake, that aliases have blown the file up. Who
// reads lists of lists where there may be aliases asks at each item.
func (doc *Document) TooMany() bool {
	most := doc.kind.Values
	if most == 0 {
		return false
	}
	if doc.values == most+1 {
		doc.values++
		doc.Add(1, "more than %d values once its aliases are expanded: write fewer", most)
	}
	return doc.values > most
}
