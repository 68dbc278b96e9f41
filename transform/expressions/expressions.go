package expressions

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
)

// Program is the compiled stages of a pipeline. Safe for concurrent use. A nil Program does nothing.
type Program struct {
	contact    *kind[schemas.Contact]
	agentState *kind[schemas.AgentState]
}

// Compile compiles stages in their order; zone is that of times written without an offset. The error lists every problem
// (*spec.Invalid).
func Compile(zone *time.Location, stages ...Stage) (*Program, error) {
	p := &Program{
		contact:    &kind[schemas.Contact]{zone: zone, identity: []string{"interaction_id", "segment", "revision"}},
		agentState: &kind[schemas.AgentState]{zone: zone, identity: []string{"agent_id", "state_id", "revision"}},
	}
	contact, state := p.contact.bind(), p.agentState.bind()
	var problems []spec.Problem
	for i, s := range stages {
		for _, s := range parts(i, s) {
			inContact, errContact := contact.add(s)
			inState, errState := state.add(s)
			if !inContact && !inState {
				problems = append(problems, problem(errContact, errState))
			}
			if inContact {
				p.contact.parts = append(p.contact.parts, s)
			}
			if inState {
				p.agentState.parts = append(p.agentState.parts, s)
			}
		}
	}
	if len(problems) > 0 {
		return nil, spec.Err(spec.Sort(problems))
	}
	return p, nil
}

// part is a filter, or one assignment of a set stage.
type part struct {
	filter *spec.Expr
	set    spec.NamedExpr
	stage  int // all parts of a stage see the fact as it was before the stage
}

func parts(stage int, s Stage) (list []part) {
	if s.Set == nil {
		return []part{{filter: &s.Filter, stage: stage}}
	}
	for _, a := range s.Set {
		list = append(list, part{set: a, stage: stage})
	}
	return list
}

// problem is what to tell of a part that fits no kind of fact: an error that is not just a name of the other kind, else one that knows the
// right name.
func problem(errs ...error) spec.Problem {
	var chosen *expression.Error
	for _, err := range errs {
		var e *expression.Error
		if !errors.As(err, &e) {
			continue
		}
		better := chosen == nil || chosen.Unknown != "" && (e.Unknown == "" || e.Nearest != "" && chosen.Nearest == "")
		if better {
			chosen = e
		}
	}
	return chosen.Problem()
}

// Contact applies the stages to a contact. After an error the fact is not to be used. Texts that were set are its own.
func (p *Program) Contact(c *schemas.Contact) error {
	if p == nil || p.contact.parts == nil {
		return nil
	}
	return p.contact.run(c, &c.Retracted)
}

// AgentState applies the stages to an agent state.
func (p *Program) AgentState(a *schemas.AgentState) error {
	if p == nil || p.agentState.parts == nil {
		return nil
	}
	return p.agentState.run(a, &a.Retracted)
}

// kind holds the stages for one kind of fact, compiled once for each concurrent caller.
type kind[T any] struct {
	zone     *time.Location
	identity []string // fields that say which fact it is, and its revision
	parts    []part

	mu   sync.Mutex
	idle []*bound[T]
}

func (k *kind[T]) run(fact *T, retracted *bool) error {
	b := k.take()
	b.record = *fact
	refused, err := b.run()
	*fact = b.record
	if refused {
		*retracted = true
	}
	k.mu.Lock()
	k.idle = append(k.idle, b)
	k.mu.Unlock()
	return err
}

func (k *kind[T]) take() *bound[T] {
	k.mu.Lock()
	if n := len(k.idle); n > 0 {
		b := k.idle[n-1]
		k.idle = k.idle[:n-1]
		k.mu.Unlock()
		return b
	}
	k.mu.Unlock()
	b := k.bind()
	for _, part := range k.parts {
		_, _ = b.add(part) // it has been compiled before
	}
	return b
}

func (k *kind[T]) bind() *bound[T] {
	b := &bound[T]{identity: k.identity}
	b.fields = expression.Bind(&b.record)
	b.compiler = expression.Compiler{Columns: b.fields, Zone: k.zone}
	return b
}

// bound is the stages compiled against one record in memory, which one caller uses at a time.
type bound[T any] struct {
	record   T
	identity []string
	fields   *expression.Record
	compiler expression.Compiler
	env      expression.Env
	steps    []step
}

type step struct {
	filter   *expression.Program
	set      *expression.Assignment
	stage    int
	identity bool
}

// reserved fields are the runtime's.
var reserved = []string{"tenant", "source"}

// add compiles a part, if the fact has the fields it names.
func (b *bound[T]) add(p part) (bool, error) {
	s, err := step{stage: p.stage}, error(nil)
	if p.filter != nil {
		s.filter, err = b.compiler.Condition(*p.filter)
	} else {
		s.set, err = b.compiler.Assign(b.fields, p.set, reserved...)
		s.identity = slices.Contains(b.identity, p.set.Name)
	}
	if err != nil {
		return false, err
	}
	b.steps = append(b.steps, s)
	return true, nil
}

// run applies the steps. Of a fact that was refused only what tells it apart is still set: it must meet the fact it takes back.
func (b *bound[T]) run() (refused bool, err error) {
	b.env.Renew()
	for i, s := range b.steps {
		if i == 0 || s.stage != b.steps[i-1].stage {
			b.fields.Load(&b.env)
		}
		if s.filter != nil {
			keep, err := s.filter.Eval(&b.env)
			if err != nil {
				return refused, s.filter.Explain(err)
			}
			refused = refused || !keep.True()
		} else if !refused || s.identity {
			if err := s.set.Run(&b.env); err != nil {
				return refused, s.set.Explain(err)
			}
		}
	}
	return refused, nil
}
