package transform

import (
	"math"
	"slices"

	"github.com/quarterhour/quarterhour/schemas"
)

// agentFold is the state of a shard of agent states and shifts. It keeps no rows: what an agent's states say about an interval is computed
// when it is emitted, for the stretches of time that changed.
type agentFold struct {
	names     *names
	set       *settings
	sources   *sources
	words     words // channels and reasons
	noChannel uint16
	states    table[agentState, digest]
	timelines table[timeline, uint32]
	dated     map[uint32]int64 // of retractions without a start: when they came
	dirty     []uint32         // timelines with changes
	horizon   int64
	counts    *Counts
	sweeping  sweeping
	saving    *saving // a snapshot under way, or nil
}

func newAgentFold(set *settings, s *sources, counts *Counts) *agentFold {
	f := &agentFold{names: newNames(func(string) (int64, int64) { return 0, 0 }), set: set, sources: s, horizon: math.MinInt64, counts: counts}
	f.noChannel, _ = f.words.number("")
	f.states.hash = func(d digest) uint64 { return d[0] }
	f.states.key = func(s *agentState) digest { return s.id }
	f.timelines.hash = func(sym uint32) uint64 { return scramble(uint64(sym)) }
	f.timelines.key = func(t *timeline) uint32 { return t.agent }
	return f
}

// identity is the digest of a state's identity. States without an id are told apart by start and sequence.
func identity(seed digest, a *schemas.AgentState) digest {
	d := seed.add(a.AgentID).add(a.StateID)
	if a.StateID == "" {
		d = d.addInt(a.StartedAt).addInt(a.Sequence)
	}
	return d
}

// fold takes one revision of a state, or of a shift in the form of one, see asState.
func (f *agentFold) fold(a *schemas.AgentState, arrived int64) Result {
	if a.AgentID == "" {
		return rejected(ReasonNoIdentity, "agent_id", 0)
	}
	moved := false
	if !a.Retracted {
		var r Result
		if moved, r = checkAgentFact(a, f.set.skew, arrived); r.Outcome != Applied {
			return r
		}
	} else if a.StateID == "" && a.StartedAt == schemas.Null {
		return rejected(ReasonNoIdentity, idField(a), 0)
	}
	source, ok := f.sources.find(a.Source, a.State == stateShift)
	if !ok {
		return rejected(ReasonTooManyWords, "source", 0)
	}
	src := &f.sources.all[source]
	id := identity(src.seed, a)
	n := f.states.find(id)
	if n != 0 {
		switch d := f.compare(f.states.at(n), a); {
		case d > 0:
			return Result{Outcome: Superseded}
		case d == 0:
			return Result{Outcome: Duplicate}
		}
	} else if last := f.lastOf(a.State, a.StartedAt, a.EndedAt); last != schemas.Null && last < f.horizon {
		return Result{Outcome: TooLate, Reason: ReasonRetention, a: last, b: f.horizon}
	}
	channel, ok := f.words.number(a.Channel)
	reason, also := f.words.number(a.Reason)
	if !ok || !also {
		return rejected(ReasonTooManyWords, "reason or channel", 0)
	}
	s := agentState{
		id: id, revision: a.Revision, started: a.StartedAt, ended: a.EndedAt, sequence: a.Sequence,
		channel: channel, reason: reason, source: uint16(source), state: a.State, retracted: a.Retracted,
	}
	came := max(arrived, src.mark, f.horizon)
	if f.set.Late == LateSide || f.set.Late == LateDrop {
		if r := f.applyUnlessLate(n, &s, a, came, src.mark); r.Outcome != Applied {
			return r
		}
	} else {
		f.apply(n, &s, a, came)
	}
	if moved {
		f.counts.Skewed++
	}
	return Result{}
}

// lastOf is the latest instant at which a state matters: while it holds, or while it may be what ended the one before it.
func (f *agentFold) lastOf(state schemas.State, started, ended int64) int64 {
	if started == schemas.Null || state == stateShift {
		return max(started, ended)
	}
	return max(started+f.set.maxSession, ended)
}

// apply puts a revision in place of the one before, if any, and returns its number.
func (f *agentFold) apply(n uint32, s *agentState, a *schemas.AgentState, came int64) uint32 {
	s.name = f.names.use(a.AgentID, a.AgentName)
	s.agent = f.timelineOf(s.name)
	if n != 0 {
		f.displace(n)
		*f.states.at(n) = *s
	} else {
		n = f.states.add()
		*f.states.at(n) = *s
		f.states.enter(n)
	}
	if !s.retracted {
		f.place(n, f.states.at(n))
	} else if s.started == schemas.Null {
		f.date(n, came)
	}
	return n
}

// displace removes everything that follows from a state, but for its place in the table.
func (f *agentFold) displace(n uint32) {
	f.saving.before(n)
	s := f.states.at(n)
	if !s.retracted {
		f.unplace(n, s)
	}
	f.names.release(s.name)
	delete(f.dated, n)
}

// date notes when a retraction came that has no instants of its own.
func (f *agentFold) date(n uint32, came int64) {
	if f.dated == nil {
		f.dated = map[uint32]int64{}
	}
	f.dated[n] = came
}

// timelineOf is the timeline of the agent that a pair names.
func (f *agentFold) timelineOf(pair uint32) uint32 {
	sym := f.names.sym(pair)
	n := f.timelines.find(sym)
	if n == 0 {
		n = f.timelines.add()
		t := f.timelines.at(n)
		t.agent, t.name = sym, pair
		f.names.retain(pair) // the timeline holds the agent's id
		f.timelines.enter(n)
	}
	return n
}

// sweep frees states that no interval from the horizon on can depend on. A state stays while an earlier one of its agent does,
// since it may be what ends that one.
func (f *agentFold) sweep() {
	f.states.each(func(n uint32, s *agentState) {
		if !s.retracted {
			return
		}
		last := f.lastOf(s.state, s.started, s.ended)
		if came, ok := f.dated[n]; ok {
			last = came
		}
		if last < f.horizon {
			f.free(n)
		}
	})
	f.timelines.each(func(n uint32, t *timeline) {
		needed := f.horizon // what changed is still to be emitted, even before the horizon
		for _, s := range t.dirty {
			needed = min(needed, f.set.grid.Start(s.from))
		}
		k := 0
		for ; k < len(t.order); k++ {
			s := f.states.at(t.order[k])
			if f.lastOf(s.state, s.started, s.ended) >= needed {
				break
			}
			f.free(t.order[k])
		}
		if k > 0 {
			t.order = slices.Clone(t.order[k:])
		}
		t.shifts = slices.DeleteFunc(t.shifts, func(n uint32) bool {
			past := f.states.at(n).ended < needed
			if past {
				f.free(n)
			}
			return past
		})
		if len(t.order)+len(t.shifts)+len(t.dirty) == 0 {
			f.names.release(t.name)
			f.timelines.remove(n)
		}
	})
}

func (f *agentFold) free(n uint32) {
	f.saving.before(n)
	delete(f.dated, n)
	f.names.release(f.states.at(n).name)
	f.states.remove(n)
}
