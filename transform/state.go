package transform

import (
	"cmp"

	"github.com/quarterhour/quarterhour/schemas"
)

// agentState is a retained agent state or shift with its whole content, 72 bytes.
type agentState struct {
	id                       digest
	revision                 int64
	started, ended, sequence int64  // as the source gave them
	agent                    uint32 // the timeline
	name                     uint32 // pair
	channel, reason, source  uint16
	state                    schemas.State
	retracted                bool
}

// compare orders a retained state and a fact of the same identity: by revision, then by content in the schema's order.
func (f *agentFold) compare(s *agentState, n *schemas.AgentState) int {
	return cmp.Or(
		cmp.Compare(s.revision, n.Revision), cmp.Compare(f.names.text(s.name), n.AgentName), compareBool(s.retracted, n.Retracted),
		cmp.Compare(s.started, n.StartedAt), cmp.Compare(s.ended, n.EndedAt), cmp.Compare(s.sequence, n.Sequence),
		cmp.Compare(s.state, n.State), cmp.Compare(f.words.texts[s.reason], n.Reason), cmp.Compare(f.words.texts[s.channel], n.Channel))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// before orders the states of one agent in time. States of the same instant are ordered by their sequence, and where that is
// equal too by content, so that the order never depends on which came first.
func (f *agentFold) before(a, b *agentState) int {
	return cmp.Or(
		cmp.Compare(a.started, b.started), cmp.Compare(a.sequence, b.sequence), cmp.Compare(a.state, b.state),
		cmp.Compare(f.words.texts[a.reason], f.words.texts[b.reason]), cmp.Compare(f.words.texts[a.channel], f.words.texts[b.channel]),
		cmp.Compare(a.ended, b.ended), cmp.Compare(f.names.text(a.name), f.names.text(b.name)),
		cmp.Compare(a.id[0], b.id[0]), cmp.Compare(a.id[1], b.id[1]))
}

// checkAgentFact rejects a state or a shift whose times cannot be.
func checkAgentFact(a *schemas.AgentState, skew, arrived int64) (moved bool, r Result) {
	if a.State == stateShift {
		return false, checkShift(a, arrived)
	}
	return checkState(a, skew, arrived)
}

// checkState rejects a state whose times cannot be; moved says that its end was moved forward to its start.
func checkState(a *schemas.AgentState, skew, arrived int64) (moved bool, r Result) {
	if a.StartedAt == schemas.Null {
		return false, rejected(ReasonNoTime, "started_at", 0)
	}
	if r = checkInstant("started_at", a.StartedAt, arrived); r.Outcome != Applied {
		return false, r
	}
	if r = checkInstant("ended_at", a.EndedAt, arrived); r.Outcome != Applied || a.EndedAt == schemas.Null {
		return false, r
	}
	switch length := a.EndedAt - a.StartedAt; {
	case length < -skew:
		return false, Result{Outcome: Rejected, Reason: ReasonBackwards, field: "ended_at", other: "started_at", a: a.EndedAt, b: a.StartedAt}
	case length > maxContactSpanMs:
		return false, Result{Outcome: Rejected, Reason: ReasonTooLong, field: "the state", a: length, b: maxContactSpanMs}
	default:
		return length < 0, r
	}
}
