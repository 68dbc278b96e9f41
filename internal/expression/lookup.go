package expression

import "github.com/expr-lang/expr/ast"

// lookup is {"a": 1, "b": 2}[key], the usual way to translate a source's codes: nil for a key that is not in the table.
func (c *Compiler) lookup(n *ast.MemberNode, table *ast.MapNode) (node, error) {
	values, kind := make(map[string]Value, len(table.Pairs)), Nil
	for _, p := range table.Pairs {
		pair, ok := p.(*ast.PairNode)
		if !ok {
			return c.fallback(n)
		}
		name, ok := pair.Key.(*ast.StringNode)
		if !ok {
			return c.fallback(n)
		}
		v, err := c.node(pair.Value)
		if err != nil {
			return v, err
		}
		if !v.constant {
			return c.fallback(n)
		}
		values[name.Value], kind = v.eval(nil), either(kind, v.kind)
	}
	key, err := c.node(n.Property)
	if err != nil {
		return key, err
	}
	if key.kind != Text && key.kind != Any && key.kind != Nil {
		return key, c.fail(n.Property, "%s is %s, and the table's names are text: convert with string()", n.Property.String(), key.kind)
	}
	inner := key.eval
	return node{kind: kind, column: -1, eval: func(e *Env) Value {
		k := inner(e)
		if k.Kind == Nil {
			return k
		}
		if k.Kind != Text {
			return e.fail("%s is %s, and the table's names are text: convert with string()", k.quoted(), k.Kind)
		}
		return values[k.text]
	}}, nil
}
