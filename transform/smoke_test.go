package transform

import (
	"testing"

	"github.com/quarterhour/quarterhour/schemas"
)

type list struct {
	q  []schemas.QueueInterval
	aq []schemas.AgentQueueInterval
	a  []schemas.AgentInterval
	m  []schemas.ShardMark
}

func (l *list) Queue(r *schemas.QueueInterval) error           { l.q = append(l.q, *r); return nil }
func (l *list) AgentQueue(r *schemas.AgentQueueInterval) error { l.aq = append(l.aq, *r); return nil }
func (l *list) Agent(r *schemas.AgentInterval) error           { l.a = append(l.a, *r); return nil }
func (l *list) Mark(r *schemas.ShardMark) error                { l.m = append(l.m, *r); return nil }

func TestSmoke(t *testing.T) {
	s, err := NewShard("contact/0", Options{Tenant: "t"})
	if err != nil {
		t.Fatal(err)
	}
	base := int64(1_700_000_000_000) / 900000 * 900000
	c := schemas.Contact{Tenant: "t", Source: "s", InteractionID: "1", QueueID: "q", AgentID: "a", OfferedAt: base, AnsweredAt: base + 10000, EndedAt: base + 1000000, WrapEndedAt: schemas.Null, TalkMs: schemas.Null, HoldMs: schemas.Null, WrapMs: schemas.Null}
	if r := s.Contact(&c, 0); r.Outcome != Applied {
		t.Fatal(r)
	}
	if r := s.Contact(&c, 1); r.Outcome != Duplicate {
		t.Fatal(r)
	}
	var l list
	s.Emit(&l)
	t.Logf("%+v", l)
	s2, _ := NewShard("agent_state/0", Options{Tenant: "t"})
	a := schemas.AgentState{Tenant: "t", Source: "s", AgentID: "a", StartedAt: base, EndedAt: schemas.Null, State: schemas.StateAvailable}
	s2.State(&a, 0)
	a.StartedAt += 2000000
	a.State = schemas.StateLoggedOut
	s2.State(&a, 1)
	s2.Emit(&l)
	t.Logf("%+v", l.a)
}
