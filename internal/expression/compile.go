package expression

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"

	"github.com/quarterhour/quarterhour/internal/spec"
)

// Compiler compiles the expressions of one component, which share columns, zone and Let names. Not safe for concurrent use.
type Compiler struct {
	Columns Columns
	Zone    *time.Location // of instants written without an offset

	lets     []binding
	slots    int // of locals
	source   spec.Expr
	scope    []binding         // names in force within one expression
	compiled map[ast.Node]node // parts of the expression that the fallback has taken
}

// binding is a name for a value computed at most once per row.
type binding struct {
	name string
	kind Kind
	slot int
	eval eval
}

// eval computes one node. An error goes to the environment, and nil comes back.
type eval func(*Env) Value

// Program is one compiled expression. Safe for concurrent use, each caller with an Env of its own.
type Program struct {
	Kind     Kind // of its value when it is not nil
	Constant bool // the same for every row
	eval     eval
	column   int // slot, where the whole expression is one column; else -1
	source   string
}

// node is a compiled part of an expression.
type node struct {
	eval     eval
	kind     Kind
	constant bool
	column   int // slot of a plain column, else -1
}

// Compile compiles an expression. The error is an *Error.
func (c *Compiler) Compile(e spec.Expr) (*Program, error) {
	n, err := c.compile(e)
	if err != nil {
		return nil, err
	}
	return n.program(e), nil
}

// Condition compiles an expression that is true or false.
func (c *Compiler) Condition(e spec.Expr) (*Program, error) {
	n, err := c.compile(e)
	if err == nil {
		n, err = c.truth(e, n)
	}
	if err != nil {
		return nil, err
	}
	return n.program(e), nil
}

// truth makes sure that a value is true, false or absent.
func (c *Compiler) truth(e spec.Expr, v node) (node, error) {
	switch v.kind {
	case Bool, Nil:
		return v, nil
	case Any:
		inner := v.eval
		return node{kind: Bool, column: -1, eval: func(e *Env) Value {
			r := inner(e)
			if r.Kind != Bool && r.Kind != Nil {
				return e.fail("%s is %s, not true or false", r.quoted(), r.Kind)
			}
			return r
		}}, nil
	}
	return v, errorAt(e, 0, "expression %q is %s, where true or false is needed", e.Source, v.kind)
}

func (n node) program(e spec.Expr) *Program {
	return &Program{Kind: n.kind, Constant: n.constant, eval: n.eval, column: n.column, source: e.Source}
}

// Explain adds the expression to an error of Eval.
func (p *Program) Explain(err error) error { return fmt.Errorf("expression %q: %w", p.source, err) }

func (c *Compiler) compile(e spec.Expr) (n node, err error) {
	if strings.TrimSpace(e.Source) == "" {
		return node{}, errorAt(e, 0, "the expression is empty: write nil for no value")
	}
	tree, err := parser.Parse(e.Source)
	if err != nil {
		var at *file.Error
		if errors.As(err, &at) {
			return node{}, errorAt(e, at.From, "expression %q: %s", e.Source, plain(at.Message))
		}
		return node{}, errorAt(e, 0, "expression %q: %v", e.Source, err)
	}
	c.source, c.scope, c.compiled = e, c.lets, make(map[ast.Node]node)
	if n, err = c.node(tree.Node); err != nil {
		return node{}, err
	}
	return n, nil
}

// plain says what the parser says in words that are not the parser's.
func plain(message string) string {
	if message == "unexpected token EOF" {
		return "it ends too early: a value or a closing bracket is missing"
	}
	return message
}

// Let gives a name to an expression, for those compiled after it. It is evaluated at most once per row, when first used.
func (c *Compiler) Let(name string, e spec.Expr) error {
	if !isIdentifier(name) || name == rowName {
		return errorAt(e, 0, "%q cannot be the name of an expression: use letters, digits and _, and not %q", name, rowName)
	}
	n, err := c.compile(e)
	if err == nil {
		c.lets = append(c.lets[:len(c.lets):len(c.lets)], c.bind(name, n))
	}
	return err
}

func (c *Compiler) bind(name string, n node) binding {
	slot := c.slots
	c.slots++
	b := binding{name: name, kind: n.kind, slot: slot}
	b.eval = func(e *Env) Value {
		for len(e.locals) <= slot {
			e.locals = append(e.locals, Value{Kind: unset})
		}
		if v := e.locals[slot]; v.Kind != unset {
			return v
		}
		v := n.eval(e)
		e.locals[slot] = v
		return v
	}
	return b
}

// Eval evaluates the expression. Text may alias the row and the environment's scratch memory.
func (p *Program) Eval(e *Env) (Value, error) {
	if p.column >= 0 {
		return e.Values[p.column], nil
	}
	e.err = nil
	v := p.eval(e)
	return v, e.err
}

// fail is an error about a node.
func (c *Compiler) fail(n ast.Node, format string, args ...any) error {
	return errorAt(c.source, n.Location().From, "expression %q: "+format, append([]any{c.source.Source}, args...)...)
}

func constant(v Value) node {
	return node{eval: func(*Env) Value { return v }, kind: v.Kind, constant: true, column: -1}
}

// node compiles one node of the tree.
func (c *Compiler) node(n ast.Node) (node, error) {
	switch n := n.(type) {
	case *ast.NilNode:
		return constant(Value{}), nil
	case *ast.BoolNode:
		return constant(BoolOf(n.Value)), nil
	case *ast.IntegerNode:
		return constant(IntOf(int64(n.Value))), nil
	case *ast.FloatNode:
		return constant(FloatOf(n.Value)), nil
	case *ast.StringNode:
		return constant(TextOf(n.Value)), nil
	case *ast.IdentifierNode:
		return c.identifier(n)
	case *ast.UnaryNode:
		return c.unary(n)
	case *ast.BinaryNode:
		return c.binary(n)
	case *ast.ConditionalNode:
		return c.conditional(n)
	case *ast.CallNode:
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok {
			return c.call(n, callee.Value, n.Arguments)
		}
	case *ast.BuiltinNode:
		return c.call(n, n.Name, n.Arguments)
	case *ast.VariableDeclaratorNode:
		return c.declare(n)
	case *ast.MemberNode, *ast.ChainNode:
		if path, ok := c.path(n); ok {
			return c.column(n, path)
		}
		if lookup, ok := n.(*ast.MemberNode); ok {
			if table, ok := lookup.Node.(*ast.MapNode); ok {
				return c.lookup(lookup, table)
			}
		}
	}
	return c.fallback(n)
}

func (c *Compiler) identifier(n *ast.IdentifierNode) (node, error) {
	for i := len(c.scope) - 1; i >= 0; i-- {
		if b := c.scope[i]; b.name == n.Value {
			return node{eval: b.eval, kind: b.kind, column: -1}, nil
		}
	}
	return c.column(n, []string{n.Value})
}

// declare compiles `let name = value; rest`.
func (c *Compiler) declare(n *ast.VariableDeclaratorNode) (node, error) {
	value, err := c.node(n.Value)
	if err != nil {
		return node{}, err
	}
	outer := c.scope
	b := c.bind(n.Name, value)
	c.scope = append(c.scope[:len(c.scope):len(c.scope)], b)
	rest, err := c.node(n.Expr)
	c.scope = outer
	return rest, err
}

// conditional is cond ? a : b.
func (c *Compiler) conditional(n *ast.ConditionalNode) (node, error) {
	cond, err := c.condition(n.Cond)
	if err != nil {
		return node{}, err
	}
	a, err := c.node(n.Exp1)
	if err != nil {
		return node{}, err
	}
	b, err := c.node(n.Exp2)
	if err != nil {
		return node{}, err
	}
	test, yes, no := cond.eval, a.eval, b.eval
	return node{eval: func(e *Env) Value {
		if test(e).True() {
			return yes(e)
		}
		return no(e)
	}, kind: either(a.kind, b.kind), column: -1}, nil
}

// condition compiles a node that must be true or false.
func (c *Compiler) condition(n ast.Node) (node, error) {
	v, err := c.node(n)
	if err != nil {
		return v, err
	}
	if v.kind != Bool && v.kind != Nil && v.kind != Any {
		return v, c.fail(n, "%s is %s, where true or false is needed", n.String(), v.kind)
	}
	return c.truth(c.source, v)
}

// either is the kind of a value that comes from one of two places.
func either(a, b Kind) Kind {
	switch {
	case a == b || b == Nil:
		return a
	case a == Nil:
		return b
	case a == Int && b == Float || a == Float && b == Int:
		return Float
	default:
		return Any
	}
}
