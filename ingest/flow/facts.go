package flow

import (
	"context"
	"fmt"

	"github.com/cespare/xxhash/v2"

	"github.com/quarterhour/quarterhour/schemas"
)

// The kinds of fact, as Flow.Facts and marks name them.
const (
	contactFact  = "contact"
	stateFact    = "agent_state"
	shiftFact    = "shift"
	workerFact   = "worker"
	intervalFact = "interval"
)

// describer takes facts apart. Its memory is used again for every fact.
type describer struct {
	subject subject
	buffer  []byte
	contact *schemas.Encoder[schemas.Contact]
	state   *schemas.Encoder[schemas.AgentState]
	shift   *schemas.Encoder[schemas.Shift]
	worker  *schemas.Encoder[schemas.Worker]
	queue   *schemas.Encoder[schemas.QueueInterval]
	both    *schemas.Encoder[schemas.AgentQueueInterval]
	agent   *schemas.Encoder[schemas.AgentInterval]
}

func newDescriber() *describer {
	return &describer{
		contact: schemas.NewEncoder[schemas.Contact](), state: schemas.NewEncoder[schemas.AgentState](),
		shift: schemas.NewEncoder[schemas.Shift](), worker: schemas.NewEncoder[schemas.Worker](),
		queue: schemas.NewEncoder[schemas.QueueInterval](), both: schemas.NewEncoder[schemas.AgentQueueInterval](),
		agent: schemas.NewEncoder[schemas.AgentInterval](),
	}
}

// describe fills the subject from a fact. What the log adds to a fact, and its revision, is no part of its content.
func (d *describer) describe(fact any) (*subject, error) {
	s := &d.subject
	*s = subject{fact: fact, identity: s.identity[:0], at: schemas.Null}
	switch f := fact.(type) {
	case *schemas.Contact:
		s.kind, s.at, s.revision, s.retract = contactFact, first(f.OfferedAt, f.AnsweredAt, f.EndedAt), &f.Revision, f.Retracted
		s.name("c", f.InteractionID, f.Segment)
		content(d, d.contact, f, &f.Tenant, &f.Source)
	case *schemas.AgentState:
		s.kind, s.at, s.revision, s.retract = stateFact, f.StartedAt, &f.Revision, f.Retracted
		s.name("a", f.AgentID, f.StateID)
		if f.StateID == "" {
			s.extra = f.StartedAt ^ f.Sequence<<48
		}
		content(d, d.state, f, &f.Tenant, &f.Source)
	case *schemas.Shift:
		s.kind, s.at, s.revision, s.retract = shiftFact, f.StartsAt, &f.Revision, f.Retracted
		s.name("s", f.ShiftID, f.AgentID)
		content(d, d.shift, f, &f.Tenant, &f.Source)
	case *schemas.Worker:
		s.kind, s.revision, s.retract = workerFact, &f.Revision, f.Retracted
		s.name("w", f.WorkerID, "")
		content(d, d.worker, f, &f.Tenant, &f.Source)
	case *schemas.QueueInterval:
		s.kind, s.at, s.revision, s.retract = intervalFact, f.IntervalStart, &f.Revision, f.Facts == 0
		s.name("q", f.QueueID, f.Channel)
		s.extra = f.IntervalStart
		row(d, d.queue, f, &f.Tenant, &f.IntervalSeconds, &f.Final)
	case *schemas.AgentQueueInterval:
		s.kind, s.at, s.revision, s.retract = intervalFact, f.IntervalStart, &f.Revision, f.Facts == 0
		s.name("b", f.AgentID, f.QueueID)
		s.name("", f.Channel, "")
		s.extra = f.IntervalStart
		row(d, d.both, f, &f.Tenant, &f.IntervalSeconds, &f.Final)
	case *schemas.AgentInterval:
		s.kind, s.at, s.revision, s.retract = intervalFact, f.IntervalStart, &f.Revision, f.Facts == 0
		s.name("i", f.AgentID, "")
		s.extra = f.IntervalStart
		row(d, d.agent, f, &f.Tenant, &f.IntervalSeconds, &f.Final)
	default:
		return nil, fmt.Errorf("a %T is no fact", fact)
	}
	return s, nil
}

// name adds parts of the identity. The prefix tells records of one kind apart.
func (s *subject) name(prefix, a, b string) {
	s.identity = append(s.identity, prefix...)
	s.identity = append(append(s.identity, a...), 0)
	s.identity = append(append(s.identity, b...), 0)
}

func content[T schemas.Record](d *describer, e *schemas.Encoder[T], f *T, tenant, source *string) {
	s := &d.subject
	t, from, revision := *tenant, *source, *s.revision
	*tenant, *source, *s.revision = "", "", 0
	d.buffer = e.Append(d.buffer[:0], f)
	*tenant, *source, *s.revision = t, from, revision
	s.content = printOf(xxhash.Sum64(d.buffer))
}

func row[T schemas.Record](d *describer, e *schemas.Encoder[T], f *T, tenant *string, seconds *int32, final *bool) {
	s := &d.subject
	t, n, last, revision := *tenant, *seconds, *final, *s.revision
	*tenant, *seconds, *final, *s.revision = "", 0, false, 0
	d.buffer = e.Append(d.buffer[:0], f)
	*tenant, *seconds, *final, *s.revision = t, n, last, revision
	s.content = printOf(xxhash.Sum64(d.buffer))
}

// write hands a fact to the log.
func (n *run) write(ctx context.Context, fact any) error {
	switch f := fact.(type) {
	case *schemas.Contact:
		return n.out.Contact(ctx, f)
	case *schemas.AgentState:
		return n.out.AgentState(ctx, f)
	case *schemas.Shift:
		return n.out.Shift(ctx, f)
	case *schemas.Worker:
		return n.out.Worker(ctx, f)
	case *schemas.QueueInterval:
		return n.out.QueueInterval(ctx, f)
	case *schemas.AgentQueueInterval:
		return n.out.AgentQueueInterval(ctx, f)
	case *schemas.AgentInterval:
		return n.out.AgentInterval(ctx, f)
	}
	return fmt.Errorf("a %T is no fact", fact)
}
