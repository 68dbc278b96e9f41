package transform

import (
	"fmt"
	"math"
	"strings"

	"github.com/quarterhour/quarterhour/schemas"
)

// The kinds of fact, as a shard's name begins.
const (
	factContact    = "contact"
	factAgentState = "agent_state"
	factShift      = "shift" // in shards of agent states: both are partitioned by agent
)

// Emitter takes the partials of a shard. A record is only valid during the call.
type Emitter interface {
	Queue(*schemas.QueueInterval) error
	AgentQueue(*schemas.AgentQueueInterval) error
	Agent(*schemas.AgentInterval) error
	// Mark comes after every partial that it covers.
	Mark(*schemas.ShardMark) error
}

// Counts is a shard's bookkeeping: Read = Applied + Duplicate + Superseded + TooLate + Rejected.
type Counts struct {
	Read, Applied, Duplicate, Superseded, TooLate, Rejected int64 // facts
	Marks, MarksBackwards                                   int64
	Skewed                                                  int64 // instants moved forward within the clock skew
	Retained                                                int   // facts held
	Rows                                                    int   // rows held
}

// Shard is the state folded from one partition of a fact topic; shifts travel with the agent states. Not safe for concurrent use.
type Shard struct {
	name     string
	fact     string
	shiftsOf string // the name under which the shard's marks of shifts go
	set      *settings
	sources  sources
	contacts *contactFold
	agents   *agentFold
	counts   Counts
	next     int64 // offset behind the last record folded
	arrived  int64
	horizon  int64
	swept    int64
	out      scratch
}

// NewShard makes an empty shard. Its name is the kind of fact and the partition, as "contact/3".
func NewShard(name string, o Options) (*Shard, error) {
	set, err := o.settings()
	if err != nil {
		return nil, err
	}
	fact, partition, _ := strings.Cut(name, "/")
	s := &Shard{name: name, fact: fact, shiftsOf: factShift + "/" + partition, set: set, horizon: math.MinInt64, swept: math.MinInt64}
	switch fact {
	case factContact:
		s.contacts = newContactFold(set, &s.sources, &s.counts)
	case factAgentState:
		s.agents = newAgentFold(set, &s.sources, &s.counts)
	default:
		return nil, fmt.Errorf("shard %q: its name must begin with %q or %q", name, factContact+"/", factAgentState+"/")
	}
	return s, nil
}

// Arrived says when the next fact arrived, milliseconds since 1970: what lies more than a day after that is rejected.
func (s *Shard) Arrived(ms int64) { s.arrived = ms }

// Contact folds one revision of a contact that the log has at the offset. The record is not kept.
func (s *Shard) Contact(c *schemas.Contact, offset int64) Result {
	s.next = offset + 1
	if r, ok := s.refuse(c.Tenant, factContact); !ok {
		return s.count(r)
	}
	return s.count(s.contacts.fold(c, s.arrived))
}

// State folds one revision of an agent state that the log has at the offset. The record is not kept.
func (s *Shard) State(a *schemas.AgentState, offset int64) Result {
	s.next = offset + 1
	if r, ok := s.refuse(a.Tenant, factAgentState); !ok {
		return s.count(r)
	}
	return s.count(s.agents.fold(a, s.arrived))
}

// Shift folds one revision of a shift that the log has at the offset. The record is not kept.
func (s *Shard) Shift(sh *schemas.Shift, offset int64) Result {
	s.next = offset + 1
	if r, ok := s.refuse(sh.Tenant, factShift); !ok {
		return s.count(r)
	}
	a := asState(sh)
	return s.count(s.agents.fold(&a, s.arrived))
}

func (s *Shard) refuse(tenant, fact string) (Result, bool) {
	switch {
	case fact != s.fact && (fact != factShift || s.fact != factAgentState):
		return rejected(ReasonWrongFact, fact, 0), false
	case s.set.Tenant != "" && tenant != s.set.Tenant:
		return rejected(ReasonWrongTenant, "tenant", 0), false
	}
	return Result{}, true
}

func (s *Shard) count(r Result) Result {
	s.counts.Read++
	switch r.Outcome {
	case Applied:
		s.counts.Applied++
	case Duplicate:
		s.counts.Duplicate++
	case Superseded:
		s.counts.Superseded++
	case TooLate:
		s.counts.TooLate++
	default:
		s.counts.Rejected++
	}
	return r
}

// Mark folds a source's promise. A promise that goes backwards is superseded: the greater one stands.
func (s *Shard) Mark(m *schemas.Mark, offset int64) Result {
	s.next = offset + 1
	s.counts.Marks++
	if r, ok := s.refuse(m.Tenant, m.Fact); !ok {
		return r
	}
	n, ok := s.sources.find(m.Source, m.Fact == factShift)
	if !ok {
		return rejected(ReasonTooManyWords, "source", 0)
	}
	src := &s.sources.all[n]
	switch {
	case m.CompleteThrough == src.mark:
		return Result{Outcome: Duplicate}
	case m.CompleteThrough < src.mark:
		s.counts.MarksBackwards++
		return Result{Outcome: Superseded, Reason: ReasonMarkBackwards, a: m.CompleteThrough, b: src.mark}
	case m.CompleteThrough < earliest:
		return rejected(ReasonAncient, "complete_through", m.CompleteThrough)
	}
	if s.contacts != nil {
		s.contacts.advance(src, m.CompleteThrough)
	} else if !src.shifts {
		s.agents.advance(uint16(n), m.CompleteThrough)
	}
	src.mark = m.CompleteThrough
	s.retire()
	return Result{}
}

// markOf is what the shard says of a source's mark.
func (s *Shard) markOf(src *source) schemas.ShardMark {
	shard := s.name
	if src.shifts {
		shard = s.shiftsOf
	}
	return schemas.ShardMark{Tenant: s.set.Tenant, Shard: shard, Source: src.plain(), CompleteThrough: src.mark, Revision: s.next}
}

// sweepEvery is how far the horizon moves, in event time, before memory is freed: a sweep visits everything retained.
const sweepEvery = dayMs

// retire moves the horizon: intervals that end before the least mark less the retention are closed for good.
func (s *Shard) retire() {
	horizon := s.set.grid.Start(s.sources.least() - s.set.retention)
	if horizon <= s.horizon {
		return
	}
	s.horizon = horizon
	if s.contacts != nil {
		s.contacts.moveHorizon(horizon)
	} else {
		s.agents.horizon = horizon
	}
	switch {
	case s.swept == math.MinInt64:
		s.swept = horizon
	case horizon-s.swept < min(sweepEvery, s.set.retention/8):
	case s.contacts != nil:
		s.contacts.sweep()
		s.swept = horizon
	default:
		s.agents.sweep()
		s.swept = horizon
	}
}

// Counts is the bookkeeping so far.
func (s *Shard) Counts() Counts {
	c := s.counts
	if s.contacts != nil {
		c.Retained = s.contacts.contacts.len()
		c.Rows = s.contacts.queues.len() + s.contacts.agentQueues.len()
	} else {
		c.Retained = s.agents.states.len()
	}
	return c
}
