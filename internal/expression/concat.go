package expression

import "github.com/expr-lang/expr/ast"

// concatParts bounds a flat concatenation; longer ones nest.
const concatParts = 8

// add is + on numbers, instants and durations, and the concatenation of texts.
func (c *Compiler) add(n *ast.BinaryNode) (node, error) {
	a, b, err := c.operands(n)
	if err != nil {
		return a, err
	}
	kind, ok := resultOf("+", a.kind, b.kind)
	if !ok {
		return a, c.fail(n, "%s is %s, and %s is %s: they cannot be added; convert with string(), int(), time() or duration()",
			n.Left.String(), a.kind, n.Right.String(), b.kind)
	}
	result := node{kind: kind, constant: a.constant && b.constant, column: -1}
	if kind == Text || kind == Any && (a.kind == Text || b.kind == Text) {
		if parts, err := c.parts(n, nil); err != nil || len(parts) <= concatParts {
			result.kind, result.eval = Text, concatenation(parts)
			return result, err
		}
	}
	l, r := a.eval, b.eval
	result.eval = func(e *Env) Value {
		x, y := l(e), r(e)
		if x.Kind == Text && y.Kind == Text {
			return e.join(x, y)
		}
		return plus(e, x, y)
	}
	return result, nil
}

// parts flattens a + b + c, so that each character is copied once. Only texts: what is Any is checked when it runs.
func (c *Compiler) parts(n ast.Node, list []eval) ([]eval, error) {
	if sum, ok := n.(*ast.BinaryNode); ok && sum.Operator == "+" {
		whole, err := c.node(sum.Left)
		if err != nil {
			return nil, err
		}
		if whole.kind == Text {
			if list, err = c.parts(sum.Left, list); err != nil {
				return nil, err
			}
		} else {
			list = append(list, whole.eval)
		}
		right, err := c.node(sum.Right)
		return append(list, right.eval), err
	}
	v, err := c.node(n)
	return append(list, v.eval), err
}

func concatenation(parts []eval) eval {
	return func(e *Env) Value {
		var values [concatParts]Value
		for i, p := range parts {
			values[i] = p(e)
			if values[i].Kind == Nil {
				return Value{}
			}
		}
		return e.join(values[:len(parts)]...)
	}
}

// join concatenates texts in the scratch memory.
func (e *Env) join(values ...Value) Value {
	from := len(e.scratch)
	for i, v := range values {
		if v.Kind != Text {
			return mismatch(e, "+", values[max(i-1, 0)], values[max(i, 1)])
		}
		e.scratch = append(e.scratch, v.text...)
	}
	return TextOf(alias(e.scratch[from:]))
}
