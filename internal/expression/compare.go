package expression

import (
	"cmp"

	"github.com/expr-lang/expr/ast"
)

// comparable says whether values of two kinds can be equal.
func comparable(a, b Kind) bool {
	if a == Any || b == Any || a == Nil || b == Nil || a == b {
		return true
	}
	return (a == Int || a == Float) && (b == Int || b == Float)
}

func equal(a, b Value) bool {
	switch {
	case a.Kind == b.Kind && a.Kind != Float:
		return a.num == b.num && a.text == b.text
	case numbers(a, b):
		return a.float() == b.float()
	}
	return false
}

func (c *Compiler) comparison(n *ast.BinaryNode) (node, error) {
	a, b, err := c.operands(n)
	if err != nil {
		return a, err
	}
	if !comparable(a.kind, b.kind) {
		advice := ""
		if (a.kind == Text) != (b.kind == Text) {
			advice = "; convert with int(), float(), time() or duration(), or put the value in quotes"
		}
		return a, c.fail(n, "%s is %s, and %s is %s: they cannot be compared%s", n.Left.String(), a.kind, n.Right.String(), b.kind, advice)
	}
	result := node{kind: Bool, constant: a.constant && b.constant, column: -1}
	l, r := a.eval, b.eval
	switch op := n.Operator; op {
	case "==", "!=":
		same := op == "=="
		switch {
		case b.constant && b.kind == Nil:
			result.eval = func(e *Env) Value { return BoolOf((l(e).Kind == Nil) == same) }
		case b.constant && b.kind == Text:
			text := b.eval(nil).text
			result.eval = func(e *Env) Value { v := l(e); return BoolOf((v.Kind == Text && v.text == text) == same) }
		default:
			result.eval = func(e *Env) Value { return BoolOf(equal(l(e), r(e)) == same) }
		}
	default:
		result.eval = func(e *Env) Value { return order(e, op, l(e), r(e)) }
	}
	return result, nil
}

// order is < <= > >=: false where a side is absent.
func order(e *Env, operator string, a, b Value) Value {
	if absent(a, b) {
		return BoolOf(false)
	}
	var sign int
	switch {
	case a.Kind == Text && b.Kind == Text:
		sign = cmp.Compare(a.text, b.text)
	case a.Kind == b.Kind && a.Kind != Float:
		sign = cmp.Compare(a.num, b.num)
	case numbers(a, b):
		sign = cmp.Compare(a.float(), b.float())
	default:
		return mismatch(e, operator, a, b)
	}
	switch operator {
	case "<":
		return BoolOf(sign < 0)
	case "<=":
		return BoolOf(sign <= 0)
	case ">":
		return BoolOf(sign > 0)
	default:
		return BoolOf(sign >= 0)
	}
}
