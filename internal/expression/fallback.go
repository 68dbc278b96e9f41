package expression

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/file"
)

// fallback compiles a node for expr-lang's own machine: correct for the whole language, some ten times slower.
func (c *Compiler) fallback(n ast.Node) (node, error) {
	original := n
	if compiled, ok := c.compiled[original]; ok {
		return compiled, nil
	}
	compiled, err := c.machine(n)
	if err == nil {
		c.compiled[original] = compiled // the tree has been changed
	}
	return compiled, err
}

func (c *Compiler) machine(n ast.Node) (node, error) {
	p := &patcher{c: c, paths: map[*ast.IdentifierNode][]string{}}
	ast.Walk(&n, p)
	env, inputs, err := p.resolve(&n)
	if err != nil {
		return node{}, err
	}
	options := []expr.Option{expr.Env(env)}
	for _, name := range impure {
		options = append(options, expr.DisableBuiltin(name))
	}
	for name, f := range functions {
		if _, theirs := builtin.Index[name]; !theirs || name == "date" || name == "duration" {
			options = append(options, expr.Function(name, c.boxed(f)))
		}
	}
	program, err := expr.Compile(n.String(), options...)
	if err != nil {
		var at *file.Error
		if errors.As(err, &at) {
			return node{}, c.fail(n, "%s", at.Message)
		}
		return node{}, c.fail(n, "%v", err)
	}
	location := c.Zone
	return node{kind: Any, column: -1, eval: func(e *Env) Value {
		if e.vars == nil {
			e.vars = make(map[string]any)
		}
		for _, in := range inputs {
			e.vars[in.name] = unbox(in.eval(e), location)
		}
		result, err := e.machine.Run(program, e.vars)
		if err != nil {
			var at *file.Error
			if errors.As(err, &at) {
				return e.fail("%s", at.Message)
			}
			return e.fail("%w", err)
		}
		v, err := box(result)
		if err != nil {
			return e.fail("%w", err)
		}
		return v
	}}, nil
}

// unbox gives a value to the machine.
func unbox(v Value, zone *time.Location) any {
	switch v.Kind {
	case Text:
		return strings.Clone(v.text)
	case Bool:
		return v.num != 0
	case Int:
		return int(v.num)
	case Float:
		return v.float()
	case Instant:
		return time.UnixMilli(v.num).In(zone)
	case Duration:
		return time.Duration(v.num) * time.Millisecond
	case JSON:
		var nested any
		if json.Unmarshal([]byte(v.text), &nested) == nil {
			return nested
		}
	}
	return nil
}

// box takes a value from the machine.
func box(v any) (Value, error) {
	switch v := v.(type) {
	case nil:
		return Value{}, nil
	case string:
		return TextOf(v), nil
	case bool:
		return BoolOf(v), nil
	case int:
		return IntOf(int64(v)), nil
	case int64:
		return IntOf(v), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return Value{}, fmt.Errorf("the result is %v", v)
		}
		return FloatOf(v), nil
	case time.Time:
		return InstantOf(v.UnixMilli()), nil
	case time.Duration:
		return DurationOf(v.Milliseconds()), nil
	}
	nested, err := json.Marshal(v)
	if err != nil {
		return Value{}, fmt.Errorf("the result is %T: an expression gives text, a number, true or false, an instant, a duration or a list", v)
	}
	return JSONOf(string(nested)), nil
}

// boxed makes one of our functions callable by the machine.
func (c *Compiler) boxed(f function) func(...any) (any, error) {
	location := c.Zone
	return func(params ...any) (any, error) {
		if len(params) < f.min || len(params) > f.max {
			return nil, fmt.Errorf("another number of arguments: write %s", f.usage)
		}
		inner := &Compiler{Zone: location}
		args := make([]node, len(params))
		for i, p := range params {
			v, err := box(p)
			if err != nil {
				return nil, err
			}
			args[i] = constant(v)
		}
		run, err := f.make(inner, args)
		if err != nil {
			return nil, err
		}
		e := &Env{}
		return unbox(run(e), location), e.err
	}
}
