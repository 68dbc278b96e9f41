package expression

import (
	"fmt"
	"slices"

	"github.com/quarterhour/quarterhour/internal/spec"
)

// Assignment sets one field of a record to the value of an expression.
type Assignment struct {
	field    *Field
	program  *Program
	compiler *Compiler
}

// Assign compiles an assignment to a field of r. reserved are fields that somebody else fills. A constant that does not fit the field is
// an error here, not for each row.
func (c *Compiler) Assign(r *Record, a spec.NamedExpr, reserved ...string) (*Assignment, error) {
	f := r.Field(a.Name)
	if f == nil || slices.Contains(reserved, a.Name) {
		names := slices.DeleteFunc(r.Names(), func(s string) bool { return slices.Contains(reserved, s) })
		if f != nil {
			return nil, &Error{At: a.At, Message: fmt.Sprintf("field %q is filled in by the pipeline: leave it out", a.Name)}
		}
		near := spec.Suggest(a.Name, names)
		if near == "" {
			near = ": known are " + fmt.Sprint(names)
		}
		return nil, &Error{At: a.At, Message: fmt.Sprintf("unknown field %q%s", a.Name, near), Unknown: a.Name, Nearest: spec.Nearest(a.Name, names)}
	}
	p, err := c.Compile(a.Expr)
	if err != nil {
		return nil, err
	}
	if !f.Accepts(p.Kind) {
		return nil, errorAt(a.Expr, 0, "expression %q is %s, and field %s is %s", a.Expr.Source, p.Kind, f.Name, f.kind())
	}
	result := &Assignment{field: f, program: p, compiler: c}
	if p.Constant {
		e := &Env{}
		if err := result.Run(e); err != nil {
			return nil, errorAt(a.Expr, 0, "expression %q: %v", a.Expr.Source, err)
		}
		f.Clear()
	}
	return result, nil
}

// kind is what the field holds, for messages.
func (f *Field) kind() string {
	if f.Symbols != nil {
		return fmt.Sprintf("one of %v", f.Symbols)
	}
	return f.Kind.String()
}

// Run evaluates the expression and stores the value.
func (a *Assignment) Run(e *Env) error {
	v, err := a.program.Eval(e)
	if err != nil {
		return err
	}
	return a.field.Set(e, v, a.compiler.Zone)
}

// Field is the name of the field.
func (a *Assignment) Field() string { return a.field.Name }

// Explain adds field and expression to an error of Run.
func (a *Assignment) Explain(err error) error {
	return fmt.Errorf("field %s: expression %q: %w", a.field.Name, a.program.source, err)
}
