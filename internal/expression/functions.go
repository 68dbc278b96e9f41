package expression

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"

	"github.com/quarterhour/quarterhour/internal/spec"
)

// function is one that runs without expr-lang's machine.
type function struct {
	usage    string
	min, max int
	kind     Kind
	make     func(c *Compiler, args []node) (eval, error)
}

var functions map[string]function

func init() {
	functions = map[string]function{
		"time":     {`time(text) or time(text, "2006-01-02 15:04:05")`, 1, 2, Instant, makeTime},
		"date":     {`date(text) or date(text, "2006-01-02")`, 1, 2, Instant, makeDate},
		"after":    {"after(instant, earlier)", 2, 2, Instant, makeAfter},
		"duration": {"duration(text)", 1, 1, Duration, one(toDuration)},
		"seconds":  {"seconds(number)", 1, 1, Duration, one(scaled(Duration, 1000))},
		"millis":   {"millis(number)", 1, 1, Duration, one(scaled(Duration, 1))},
		"unix":     {"unix(seconds)", 1, 1, Instant, one(scaled(Instant, 1000))},
		"unix_ms":  {"unix_ms(milliseconds)", 1, 1, Instant, one(scaled(Instant, 1))},
		"int":      {"int(value)", 1, 1, Int, one(toInt)},
		"float":    {"float(value)", 1, 1, Float, one(toFloat)},
		"string":   {"string(value)", 1, 1, Text, one(toText)},
		"lower":    {"lower(text)", 1, 1, Text, one(onText("lower", strings.ToLower))},
		"upper":    {"upper(text)", 1, 1, Text, one(onText("upper", strings.ToUpper))},
		"trim":     {"trim(text)", 1, 1, Text, one(onText("trim", strings.TrimSpace))},
	}
}

// impure functions of expr-lang would make a fact depend on when it was read.
var impure = []string{"now"}

func functionNames() []string {
	names := slices.Concat(slices.Collect(maps.Keys(functions)), builtin.Names)
	names = slices.DeleteFunc(names, func(s string) bool { return slices.Contains(impure, s) })
	slices.Sort(names)
	return slices.Compact(names)
}

func (c *Compiler) isFunction(name string) bool { return slices.Contains(functionNames(), name) }

// call compiles a call by name.
func (c *Compiler) call(n ast.Node, name string, arguments []ast.Node) (node, error) {
	f, ok := functions[name]
	if !ok {
		if !c.isFunction(name) {
			return node{}, c.fail(n, "unknown function %q%s", name, spec.Suggest(name, functionNames()))
		}
		return c.fallback(n)
	}
	if len(arguments) < f.min || len(arguments) > f.max {
		if _, theirs := builtin.Index[name]; theirs && len(arguments) > f.max {
			return c.fallback(n)
		}
		return node{}, c.fail(n, "%s takes another number of arguments: write %s", name, f.usage)
	}
	args, fixed := make([]node, len(arguments)), true
	for i, a := range arguments {
		var err error
		if args[i], err = c.node(a); err != nil {
			return node{}, err
		}
		fixed = fixed && args[i].constant
	}
	run, err := f.make(c, args)
	if err != nil {
		return node{}, c.fail(n, "%v", err)
	}
	result := node{eval: run, kind: f.kind, constant: fixed, column: -1}
	if fixed {
		e := &Env{}
		if v := run(e); e.err != nil {
			return node{}, c.fail(n, "%v", e.err)
		} else {
			return constant(v), nil
		}
	}
	return result, nil
}

// one makes a function of one argument; of nil it is nil.
func one(f func(e *Env, v Value) Value) func(*Compiler, []node) (eval, error) {
	return func(_ *Compiler, args []node) (eval, error) {
		inner := args[0].eval
		return func(e *Env) Value {
			v := inner(e)
			if v.Kind == Nil {
				return v
			}
			return f(e, v)
		}, nil
	}
}

func onText(name string, f func(string) string) func(*Env, Value) Value {
	return func(e *Env, v Value) Value {
		if v.Kind != Text {
			return e.fail("%s of %s: it is %s, not text", name, v.quoted(), v.Kind)
		}
		return TextOf(f(v.text))
	}
}

func toInt(e *Env, v Value) Value {
	switch v.Kind {
	case Int:
		return v
	case Float:
		if f := v.float(); f > -1<<63 && f < 1<<63 {
			return IntOf(int64(f))
		}
	case Text:
		if n, err := strconv.ParseInt(strings.TrimSpace(v.text), 10, 64); err == nil {
			return IntOf(n)
		}
	}
	return e.fail("int of %s: not a whole number", v.quoted())
}

func toFloat(e *Env, v Value) Value {
	switch v.Kind {
	case Int, Float:
		return FloatOf(v.float())
	case Text:
		if f, err := strconv.ParseFloat(strings.TrimSpace(v.text), 64); err == nil && f-f == 0 {
			return FloatOf(f)
		}
	}
	return e.fail("float of %s: not a number", v.quoted())
}

func toText(e *Env, v Value) Value {
	if v.Kind == Text {
		return v
	}
	if v.Kind == Int {
		from := len(e.scratch)
		e.scratch = strconv.AppendInt(e.scratch, v.num, 10)
		return TextOf(alias(e.scratch[from:]))
	}
	return TextOf(v.String())
}

// scaled makes an instant or a duration from a number, or a text that is one.
func scaled(kind Kind, factor int64) func(*Env, Value) Value {
	return func(e *Env, v Value) Value {
		if v.Kind == Text {
			if n, err := strconv.ParseInt(v.text, 10, 64); err == nil {
				v = IntOf(n)
			} else if v = toFloat(e, v); v.Kind == Nil {
				return v
			}
		}
		v = multiply(e, v, IntOf(factor))
		switch v.Kind {
		case Int:
			return Value{Kind: kind, num: v.num}
		case Float:
			return rounded(e, kind, v.float())
		case Nil:
			return v
		}
		return e.fail("%s is %s, not a number", v.quoted(), v.Kind)
	}
}
