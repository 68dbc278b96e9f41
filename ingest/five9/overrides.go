package five9

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/internal/spec"
)

// overrides are the expressions of the option fields: each replaces one field of the fact that the mapping made. They see the fact's
// fields by their names, and the report's columns as row["TALK TIME"], as text; a cell that is empty or [None] is absent.
type overrides struct {
	record *expression.Record
	fields []*expression.Assignment
	env    expression.Env
	cells  []int // columns that the expressions read
}

// reserved fields are filled in by the runtime, or tell facts apart.
var reserved = []string{"tenant", "source", "revision", "retracted", "segment", "state_id", "sequence"}

func newOverrides(record any, fields spec.Exprs, header []string, zone *time.Location) (*overrides, error) {
	o := &overrides{record: expression.Bind(record)}
	compiler := expression.Compiler{Columns: &factAndRow{record: o.record, header: header, used: &o.cells}, Zone: zone}
	var problems []spec.Problem
	for _, f := range fields {
		a, err := compiler.Assign(o.record, f, reserved...)
		var e *expression.Error
		if errors.As(err, &e) {
			problems = append(problems, e.Problem())
		}
		o.fields = append(o.fields, a)
	}
	o.env.Values = make([]expression.Value, len(o.record.Fields)+len(header))
	return o, spec.Err(spec.Sort(problems))
}

// run replaces the fields.
func (o *overrides) run(cells []string) *rowError {
	if len(o.fields) == 0 {
		return nil
	}
	o.env.Renew()
	o.record.Load(&o.env)
	for _, i := range o.cells {
		v := expression.Value{}
		if s := strings.TrimSpace(cells[i]); s != "" && !isNone(s) {
			v = expression.TextOf(s)
		}
		o.env.Values[len(o.record.Fields)+i] = v
	}
	for _, f := range o.fields {
		if err := f.Run(&o.env); err != nil {
			return bad("expression", "%v", f.Explain(err))
		}
	}
	return nil
}

// factAndRow are the names that expressions may use.
type factAndRow struct {
	record *expression.Record
	header []string
	used   *[]int
}

func (f *factAndRow) Column(path []string) (int, expression.Kind, bool) {
	if slot, kind, ok := f.record.Column(path); ok {
		return slot, kind, true
	}
	if len(path) != 1 {
		return 0, expression.Nil, false
	}
	i := slices.IndexFunc(f.header, func(h string) bool { return strings.EqualFold(h, path[0]) })
	if i < 0 {
		return 0, expression.Nil, false
	}
	if !slices.Contains(*f.used, i) {
		*f.used = append(*f.used, i)
	}
	return len(f.record.Fields) + i, expression.Text, true
}

func (f *factAndRow) Names() []string { return append(f.record.Names(), f.header...) }

// anyRow takes every name that is no field for a column: before a report has been seen, its columns are not known.
type anyRow struct {
	record *expression.Record
	expression.Open
}

func (a *anyRow) Column(path []string) (int, expression.Kind, bool) {
	if slot, kind, ok := a.record.Column(path); ok {
		return slot, kind, true
	}
	slot, kind, ok := a.Open.Column(path)
	return len(a.record.Fields) + slot, kind, ok
}

// checkFields compiles expressions before any report has been seen.
func checkFields(record any, fields spec.Exprs, problem func(path, message string)) {
	bound := expression.Bind(record)
	compiler := expression.Compiler{Columns: &anyRow{record: bound}, Zone: time.UTC}
	for _, f := range fields {
		var e *expression.Error
		if _, err := compiler.Assign(bound, f, reserved...); errors.As(err, &e) {
			problem("fields."+f.Name, e.Message)
		}
	}
}
