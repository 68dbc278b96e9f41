package expression

import (
	"fmt"

	"github.com/expr-lang/expr/ast"

	"github.com/quarterhour/quarterhour/internal/spec"
)

// rowName is the whole row: row["vru+line"] is a column whose name is no identifier.
const rowName = "row"

// path reads a chain of members that starts at the row or at a column: row["a b"], a.b, a["b"].c.
func (c *Compiler) path(n ast.Node) ([]string, bool) {
	switch n := n.(type) {
	case *ast.ChainNode:
		return c.path(n.Node)
	case *ast.IdentifierNode:
		for _, b := range c.scope {
			if b.name == n.Value {
				return nil, false
			}
		}
		if n.Value == rowName {
			return nil, true
		}
		return []string{n.Value}, true
	case *ast.MemberNode:
		name, ok := n.Property.(*ast.StringNode)
		if !ok || n.Method {
			return nil, false
		}
		path, ok := c.path(n.Node)
		return append(path, name.Value), ok
	}
	return nil, false
}

// column compiles a reference to a column.
func (c *Compiler) column(n ast.Node, path []string) (node, error) {
	slot, kind, ok := c.Columns.Column(path)
	if !ok {
		return node{}, c.unknown(n, path)
	}
	return node{eval: func(e *Env) Value { return e.Values[slot] }, kind: kind, column: slot}, nil
}

func (c *Compiler) unknown(n ast.Node, path []string) error {
	name := ""
	for i, p := range path {
		if i > 0 {
			name += "."
		}
		name += p
	}
	if c.isFunction(name) {
		return c.fail(n, "%s is a function: call it as %s(...)", name, name)
	}
	names := c.Columns.Names()
	if len(path) == 1 {
		for _, b := range c.scope {
			names = append(names[:len(names):len(names)], b.name)
		}
	}
	near, advice := spec.Nearest(name, names), spec.Suggest(name, names)
	if near != "" && !isIdentifier(near) {
		advice = fmt.Sprintf(": did you mean row[%q]?", near)
	}
	err := errorAt(c.source, n.Location().From, "expression %q: unknown column %q%s", c.source.Source, name, advice)
	err.Unknown, err.Nearest = name, near
	return err
}

func isIdentifier(s string) bool {
	for i, r := range s {
		if r != '_' && r != '$' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}
