package expression

import (
	"strings"

	"github.com/expr-lang/expr/ast"
)

func (c *Compiler) unary(n *ast.UnaryNode) (node, error) {
	switch n.Operator {
	case "not", "!":
		v, err := c.condition(n.Node)
		inner := v.eval
		return node{eval: func(e *Env) Value { return BoolOf(!inner(e).True()) }, kind: Bool, constant: v.constant, column: -1}, err
	case "+", "-":
		v, err := c.node(n.Node)
		if err != nil {
			return v, err
		}
		if v.kind == Text || v.kind == Bool || v.kind == Instant {
			return v, c.fail(n, "%s of %s", n.Operator, v.kind)
		}
		inner := v.eval
		if n.Operator == "-" {
			inner = func(e *Env) Value { return negate(e, v.eval(e)) }
		}
		return node{eval: inner, kind: v.kind, constant: v.constant, column: -1}, nil
	}
	return c.fallback(n)
}

func (c *Compiler) binary(n *ast.BinaryNode) (node, error) {
	switch n.Operator {
	case "and", "&&", "or", "||":
		return c.logic(n)
	case "+":
		return c.add(n)
	case "==", "!=", "<", "<=", ">", ">=":
		return c.comparison(n)
	case "in":
		return c.membership(n)
	case "-", "*", "/", "%", "??", "contains", "startsWith", "endsWith":
		return c.pair(n)
	}
	return c.fallback(n)
}

func (c *Compiler) operands(n *ast.BinaryNode) (a, b node, err error) {
	if a, err = c.node(n.Left); err == nil {
		b, err = c.node(n.Right)
	}
	return a, b, err
}

func (c *Compiler) logic(n *ast.BinaryNode) (node, error) {
	a, err := c.condition(n.Left)
	if err != nil {
		return a, err
	}
	b, err := c.condition(n.Right)
	if err != nil {
		return b, err
	}
	l, r := a.eval, b.eval
	f := func(e *Env) Value { return BoolOf(l(e).True() && r(e).True()) }
	if n.Operator == "or" || n.Operator == "||" {
		f = func(e *Env) Value { return BoolOf(l(e).True() || r(e).True()) }
	}
	return node{eval: f, kind: Bool, constant: a.constant && b.constant, column: -1}, nil
}

// pair compiles an operator that looks at two values when it runs.
func (c *Compiler) pair(n *ast.BinaryNode) (node, error) {
	a, b, err := c.operands(n)
	if err != nil {
		return a, err
	}
	kind, ok := resultOf(n.Operator, a.kind, b.kind)
	if !ok {
		return a, c.fail(n, "%s %s %s: not possible", a.kind, n.Operator, b.kind)
	}
	l, r := a.eval, b.eval
	var f eval
	switch n.Operator {
	case "-":
		f = func(e *Env) Value { return subtract(e, l(e), r(e)) }
	case "*":
		f = func(e *Env) Value { return multiply(e, l(e), r(e)) }
	case "/":
		f = func(e *Env) Value { return divide(e, l(e), r(e)) }
	case "%":
		f = func(e *Env) Value { return remainder(e, l(e), r(e)) }
	case "??":
		f = func(e *Env) Value {
			if v := l(e); v.Kind != Nil {
				return v
			}
			return r(e)
		}
	case "contains":
		f = textTest(l, r, strings.Contains)
	case "startsWith":
		f = textTest(l, r, strings.HasPrefix)
	case "endsWith":
		f = textTest(l, r, strings.HasSuffix)
	}
	return node{eval: f, kind: kind, constant: a.constant && b.constant, column: -1}, nil
}

// textTest is a test of two texts: false where one is absent.
func textTest(l, r eval, test func(a, b string) bool) eval {
	return func(e *Env) Value {
		a, b := l(e), r(e)
		if a.Kind == Nil || b.Kind == Nil {
			return BoolOf(false)
		}
		if a.Kind != Text || b.Kind != Text {
			return e.fail("%s and %s: both must be text", a.quoted(), b.quoted())
		}
		return BoolOf(test(a.text, b.text))
	}
}

// membership is `x in ["a", "b"]`; anything else than a list of constants is the fallback's.
func (c *Compiler) membership(n *ast.BinaryNode) (node, error) {
	list, ok := n.Right.(*ast.ArrayNode)
	if !ok {
		return c.fallback(n)
	}
	x, err := c.node(n.Left)
	if err != nil {
		return x, err
	}
	members := make([]Value, len(list.Nodes))
	for i, m := range list.Nodes {
		member, err := c.node(m)
		if err != nil {
			return member, err
		}
		if !member.constant {
			return c.fallback(n)
		}
		if !comparable(x.kind, member.kind) {
			return x, c.fail(m, "%s is %s, and %s is %s: they are never equal", n.Left.String(), x.kind, m.String(), member.kind)
		}
		members[i] = member.eval(nil)
	}
	inner := x.eval
	return node{eval: func(e *Env) Value {
		v := inner(e)
		for _, m := range members {
			if equal(v, m) {
				return BoolOf(true)
			}
		}
		return BoolOf(false)
	}, kind: Bool, constant: x.constant, column: -1}, nil
}
