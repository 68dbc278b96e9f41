package file

import (
	"errors"
	"strconv"
	"time"

	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
)

// required are the fields without which a row is no fact.
var required = map[string][]string{
	"contact":     {"interaction_id"},
	"agent_state": {"agent_id", "started_at"},
	"shift":       {"agent_id", "starts_at", "ends_at"},
}

// reserved fields are filled in by the runtime.
var reserved = []string{"tenant", "source"}

// mapping turns the columns of a row into a fact, which it holds until the next row. Not safe for concurrent use.
type mapping struct {
	as       string
	contact  schemas.Contact
	state    schemas.AgentState
	shift    schemas.Shift
	record   *expression.Record
	compiler expression.Compiler
	where    *expression.Program
	fields   []*expression.Assignment
	env      expression.Env
	stateID  bool  // a column says what tells states apart, or shifts
	used     []int // slots of the columns that expressions read
	problems []mappingProblem
}

// mappingProblem is what is wrong with the expression of one option.
type mappingProblem struct {
	path string
	err  *expression.Error
}

func newMapping(o *Options, columns expression.Columns, zone *time.Location) *mapping {
	m := &mapping{as: o.As}
	switch o.As {
	case "contact":
		m.record = expression.Bind(&m.contact)
	case "shift":
		m.record = expression.Bind(&m.shift)
	default:
		m.record = expression.Bind(&m.state)
	}
	used := &usedColumns{Columns: columns}
	m.compiler = expression.Compiler{Columns: used, Zone: zone}
	for _, l := range o.Let {
		m.check("let."+l.Name, m.compiler.Let(l.Name, l.Expr))
	}
	if o.Where.Source != "" {
		var err error
		m.where, err = m.compiler.Condition(o.Where)
		m.check("where", err)
	}
	fields := o.Fields
	if fields == nil {
		fields = m.sameNames(columns)
	}
	for _, f := range fields {
		a, err := m.compiler.Assign(m.record, f, reserved...)
		if m.check("fields."+f.Name, err) {
			m.fields = append(m.fields, a)
			m.stateID = m.stateID || f.Name == "state_id" || f.Name == "shift_id"
		}
	}
	for i := range m.record.Fields {
		m.record.Fields[i].Clear()
	}
	m.used = used.used
	m.env.Values = make([]expression.Value, used.slots)
	return m
}

func (m *mapping) check(path string, err error) bool {
	var e *expression.Error
	if errors.As(err, &e) {
		m.problems = append(m.problems, mappingProblem{path, e})
	}
	return err == nil
}

// err is everything wrong with the mapping.
func (m *mapping) err() error {
	var list []spec.Problem
	for _, p := range m.problems {
		list = append(list, p.err.Problem())
	}
	return spec.Err(spec.Sort(list))
}

// sameNames maps columns to the fields of the same names.
func (m *mapping) sameNames(columns expression.Columns) (list spec.Exprs) {
	for _, f := range m.record.Fields {
		if _, _, ok := columns.Column([]string{f.Name}); ok && f.Name != "tenant" && f.Name != "source" {
			list = append(list, spec.NamedExpr{Name: f.Name, Expr: spec.Expr{Source: f.Name}})
		}
	}
	return list
}

// usedColumns notes how many slots the expressions need.
type usedColumns struct {
	expression.Columns
	slots int
	used  []int
}

func (u *usedColumns) Column(path []string) (int, expression.Kind, bool) {
	slot, kind, ok := u.Columns.Column(path)
	if ok {
		u.slots = max(u.slots, slot+1)
		u.used = append(u.used, slot)
	}
	return slot, kind, ok
}

// rowError is what is wrong with one row.
type rowError struct {
	reason string // short, the same as in the metrics
	err    error
}

func (e *rowError) Error() string { return e.err.Error() }

// run maps the row whose values stand in the environment. It says whether the row passes where.
func (m *mapping) run() (bool, *rowError) {
	if m.where != nil {
		keep, err := m.where.Eval(&m.env)
		if err != nil {
			return false, &rowError{"expression", m.where.Explain(err)}
		}
		if !keep.True() {
			return false, nil
		}
	}
	for _, f := range m.fields {
		if err := f.Run(&m.env); err != nil {
			return false, &rowError{"expression", f.Explain(err)}
		}
	}
	return true, m.identify()
}

var (
	errNoInteraction = errors.New("field interaction_id is empty: the row cannot be told from others")
	errNoAgent       = errors.New("field agent_id is empty: the row cannot be told from others")
	errNoStart       = errors.New("field started_at is absent: the state cannot be placed")
	errNoShift       = errors.New("field starts_at or ends_at is absent: the shift cannot be placed")
)

// identify checks that the fact has an identity.
func (m *mapping) identify() *rowError {
	switch m.as {
	case "contact":
		if m.contact.InteractionID == "" {
			return &rowError{"no_identity", errNoInteraction}
		}
		return nil
	case "shift":
		return m.identifyShift()
	}
	switch s := &m.state; {
	case s.AgentID == "":
		return &rowError{"no_identity", errNoAgent}
	case s.StartedAt == schemas.Null:
		return &rowError{"no_identity", errNoStart}
	case s.StateID == "" || !m.stateID: // start and sequence tell the states of one agent apart
		s.StateID = strconv.FormatInt(s.StartedAt, 10) + "." + strconv.FormatInt(s.Sequence, 10)
	}
	return nil
}

func (m *mapping) identifyShift() *rowError {
	switch s := &m.shift; {
	case s.AgentID == "":
		return &rowError{"no_identity", errNoAgent}
	case s.StartsAt == schemas.Null || s.EndsAt == schemas.Null:
		return &rowError{"no_identity", errNoShift}
	case s.ShiftID == "" || !m.stateID: // start and activity tell the shifts of one agent apart
		s.ShiftID = strconv.FormatInt(s.StartsAt, 10) + "." + s.Activity
	}
	return nil
}

// begins is the fact's first instant, by which it belongs to a day.
func (m *mapping) begins() int64 {
	switch m.as {
	case "shift":
		return m.shift.StartsAt
	case "agent_state":
		return m.state.StartedAt
	}
	c := &m.contact
	for _, at := range [...]int64{c.OfferedAt, c.AnsweredAt, c.EndedAt} {
		if at != schemas.Null {
			return at
		}
	}
	return schemas.Null
}

// latest is the fact's last instant.
func (m *mapping) latest() int64 {
	switch m.as {
	case "shift":
		return max(m.shift.StartsAt, m.shift.EndsAt) // Null is less than any instant
	case "agent_state":
		return max(m.state.StartedAt, m.state.EndedAt)
	}
	c := &m.contact
	return max(c.OfferedAt, c.AnsweredAt, c.EndedAt, c.WrapEndedAt)
}
