package rows

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
)

// reserved fields are filled in by the runtime.
var reserved = []string{"tenant", "source"}

// Mapping turns the columns of a row into a fact, which it holds until the next row. Not safe for concurrent use.
type Mapping struct {
	Env      expression.Env // of the row; Reader.Read fills it, Run empties it
	as       string
	contact  schemas.Contact
	state    schemas.AgentState
	shift    schemas.Shift
	worker   schemas.Worker
	record   *expression.Record
	compiler expression.Compiler
	where    *expression.Program
	fields   []*expression.Assignment
	stateID  bool  // a column says what tells states apart, or shifts
	revision bool  // a column says what the revision is
	active   bool  // a column says whether a worker is there
	used     []int // slots of the columns that expressions read
	problems []mappingProblem
}

// mappingProblem is what is wrong with the expression of one option.
type mappingProblem struct {
	path string
	err  *expression.Error
}

// NewMapping compiles the expressions of the options. Err says whether it is of use.
func NewMapping(o *Options, columns expression.Columns, zone *time.Location) *Mapping {
	m := &Mapping{as: o.As}
	switch o.As {
	case "contact":
		m.record = expression.Bind(&m.contact)
	case "shift":
		m.record = expression.Bind(&m.shift)
	case "worker":
		m.record = expression.Bind(&m.worker)
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
			m.revision = m.revision || f.Name == "revision"
			m.active = m.active || f.Name == "active"
		}
	}
	for i := range m.record.Fields {
		m.record.Fields[i].Clear()
	}
	m.used = used.used
	m.Env.Values = make([]expression.Value, used.slots)
	return m
}

func (m *Mapping) check(path string, err error) bool {
	var e *expression.Error
	if errors.As(err, &e) {
		m.problems = append(m.problems, mappingProblem{path, e})
	}
	return err == nil
}

// Err is everything wrong with the mapping.
func (m *Mapping) Err() error {
	var list []spec.Problem
	for _, p := range m.problems {
		list = append(list, p.err.Problem())
	}
	return spec.Err(spec.Sort(list))
}

// sameNames maps columns to the fields of the same names.
func (m *Mapping) sameNames(columns expression.Columns) (list spec.Exprs) {
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

// Run maps the row whose values stand in the environment. It says whether the row passes where.
func (m *Mapping) Run() (bool, *Error) {
	if m.where != nil {
		keep, err := m.where.Eval(&m.Env)
		if err != nil {
			return false, &Error{"expression", m.where.Explain(err)}
		}
		if !keep.True() {
			return false, nil
		}
	}
	for _, f := range m.fields {
		if err := f.Run(&m.Env); err != nil {
			return false, &Error{"expression", f.Explain(err)}
		}
	}
	return true, m.identify()
}

var (
	errNoInteraction = errors.New("field interaction_id is empty: the row cannot be told from others")
	errNoAgent       = errors.New("field agent_id is empty: the row cannot be told from others")
	errNoStart       = errors.New("field started_at is absent: the state cannot be placed")
	errNoWorker      = errors.New("field worker_id is empty: the row cannot be told from others")
	errNoShift       = errors.New("field starts_at or ends_at is absent: the shift cannot be placed")
)

// identify checks that the fact has an identity.
func (m *Mapping) identify() *Error {
	switch m.as {
	case "contact":
		if m.contact.InteractionID == "" {
			return &Error{"no_identity", errNoInteraction}
		}
		return nil
	case "shift":
		return m.identifyShift()
	case "worker":
		return m.identifyWorker()
	}
	switch s := &m.state; {
	case s.AgentID == "":
		return &Error{"no_identity", errNoAgent}
	case s.StartedAt == schemas.Null:
		return &Error{"no_identity", errNoStart}
	case s.StateID == "" || !m.stateID: // start and sequence tell the states of one agent apart
		s.StateID = strconv.FormatInt(s.StartedAt, 10) + "." + strconv.FormatInt(s.Sequence, 10)
	}
	return nil
}

func (m *Mapping) identifyShift() *Error {
	switch s := &m.shift; {
	case s.AgentID == "":
		return &Error{"no_identity", errNoAgent}
	case s.StartsAt == schemas.Null || s.EndsAt == schemas.Null:
		return &Error{"no_identity", errNoShift}
	case s.ShiftID == "" || !m.stateID: // start and activity tell the shifts of one agent apart
		s.ShiftID = strconv.FormatInt(s.StartsAt, 10) + "." + s.Activity
	}
	return nil
}

func (m *Mapping) identifyWorker() *Error {
	w := &m.worker
	if w.WorkerID == "" {
		return &Error{"no_identity", errNoWorker}
	}
	w.Email, w.Tag = strings.ToLower(strings.TrimSpace(w.Email)), strings.ToLower(strings.TrimSpace(w.Tag))
	if !m.active {
		w.Active = true
	}
	return nil
}

// Taker is who facts are handed to.
type Taker interface {
	Contact(ctx context.Context, c *schemas.Contact) error
	AgentState(ctx context.Context, a *schemas.AgentState) error
	Shift(ctx context.Context, s *schemas.Shift) error
	Worker(ctx context.Context, w *schemas.Worker) error
}

// Hand gives the fact of the last row to somebody who copies it.
func (m *Mapping) Hand(ctx context.Context, to Taker) error {
	switch m.as {
	case "contact":
		return to.Contact(ctx, &m.contact)
	case "shift":
		return to.Shift(ctx, &m.shift)
	case "worker":
		return to.Worker(ctx, &m.worker)
	}
	return to.AgentState(ctx, &m.state)
}

// Revise gives the fact of the last row a revision where the row has none.
func (m *Mapping) Revise(next func() int64) {
	at := &m.state.Revision
	switch m.as {
	case "contact":
		at = &m.contact.Revision
	case "shift":
		at = &m.shift.Revision
	case "worker":
		at = &m.worker.Revision
	}
	if *at == 0 || !m.revision { // it may be the last row's
		*at = next()
	}
}

// Used are the slots of the columns that the expressions read.
func (m *Mapping) Used() []int { return m.used }

// Begins is the fact's first instant, by which it belongs to a day; Null where it has none.
func (m *Mapping) Begins() int64 {
	switch m.as {
	case "worker":
		return schemas.Null
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

// Latest is the fact's last instant, or Null.
func (m *Mapping) Latest() int64 {
	switch m.as {
	case "worker":
		return schemas.Null
	case "shift":
		return max(m.shift.StartsAt, m.shift.EndsAt) // Null is less than any instant
	case "agent_state":
		return max(m.state.StartedAt, m.state.EndedAt)
	}
	c := &m.contact
	return max(c.OfferedAt, c.AnsweredAt, c.EndedAt, c.WrapEndedAt)
}
