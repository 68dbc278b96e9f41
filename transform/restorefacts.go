package transform

import (
	"math"
	"slices"

	"github.com/quarterhour/quarterhour/schemas"
)

// contact1 reads a contact and counts it, as far as its source's mark goes.
func (r *restoring) contact1(in *fields) error {
	f := r.shard.contacts
	id := digest{in.u64(), in.u64()}
	c := contact{id: id, revision: in.varint(), flags: uint16(in.number(savedFlags + 1)), stream: uint16(in.number(len(f.streams)))}
	c.queue, c.agent = r.pair(in), r.pair(in)
	c.base = r.last + in.varint()
	r.last = c.base
	var t times
	if c.flags&flagWide == 0 {
		for i := range c.short {
			c.short[i] = uint32(in.number(math.MaxUint32))
		}
		t = c.unpack()
	} else {
		t = times{in.i64(), in.i64(), in.i64(), in.i64(), in.i64(), in.i64(), in.i64()}
	}
	if in.short || c.flags&^savedFlags != 0 {
		return damaged("a contact has a field that cannot be")
	}
	n := f.contacts.add()
	*f.contacts.at(n) = c
	f.contacts.enter(n)
	if c.flags&flagWide != 0 {
		if f.wideOnes == nil {
			f.wideOnes = map[uint32]times{}
		}
		f.wideOnes[n] = t
	}
	if c.retracted() {
		return nil
	}
	if _, _, result := checkContact(t, f.set.skew, 0); result.Outcome != Applied || t.latest() > gridTo.UnixMilli() {
		return damaged("a contact has times that cannot be")
	}
	return f.count1(n, t)
}

// maxOpenMs is how long a contact may have been open since the horizon: a longer one would make more rows than there can be.
const maxOpenMs = 10 * maxContactSpanMs

// count1 does what follows from a contact that is not retracted.
func (f *contactFold) count1(n uint32, t times) error {
	c := f.contacts.at(n)
	src := &f.sources.all[f.streams[c.stream].source]
	if t.ended == schemas.Null && t.wrapEnded == schemas.Null {
		if from := max(t.first(), f.horizon); src.mark > from && src.mark-from > maxOpenMs {
			return damaged("a contact is open for too long")
		}
		f.openAt[n] = len(src.open)
		src.open = append(src.open, n)
		c.flags |= flagOpen
	}
	f.contribute(n, src.mark, math.MinInt64, 1)
	return nil
}

// state1 reads an agent state. Its place in the timeline is found by arrange.
func (r *restoring) state1(in *fields) error {
	f := r.shard.agents
	id := digest{in.u64(), in.u64()}
	s := agentState{id: id, revision: in.varint()}
	flags := in.number(savedStateFlags + 1)
	s.state, s.retracted = schemas.State(flags&savedStateMask), flags&savedRetracted != 0
	s.started = r.last + in.varint()
	r.last = s.started
	if s.ended = schemas.Null; in.number(2) == 1 {
		s.ended = s.started + in.varint()
	}
	s.sequence, s.name = in.varint(), r.pair(in)
	s.channel, s.reason = uint16(in.number(len(f.words.texts))), uint16(in.number(len(f.words.texts)))
	s.source = uint16(in.number(len(f.sources.all)))
	came := int64(0)
	if flags&savedDated != 0 {
		came = in.i64()
	}
	if in.short || int(s.state) >= len(precedence) && s.state != stateShift && !s.retracted || f.sources.all[s.source].shifts != (s.state == stateShift) {
		return damaged("a state has a field that cannot be")
	}
	if !s.retracted {
		a := schemas.AgentState{State: s.state, StartedAt: s.started, EndedAt: s.ended}
		if _, result := checkAgentFact(&a, f.set.skew, 0); result.Outcome != Applied || max(s.started, s.ended) > gridTo.UnixMilli() {
			return damaged("a state has times that cannot be")
		}
	}
	s.agent = f.timelineOf(s.name)
	n := f.states.add()
	*f.states.at(n) = s
	f.states.enter(n)
	if flags&savedDated != 0 {
		f.date(n, came)
	}
	if s.retracted {
		return nil
	}
	t := f.timelines.at(s.agent)
	if s.state == stateShift {
		t.shifts = append(t.shifts, n)
		t.longestShift = max(t.longestShift, s.ended-s.started)
		return nil
	}
	t.order = append(t.order, n)
	if s.ended != schemas.Null {
		t.longest = max(t.longest, s.ended-s.started)
	}
	return nil
}

// arrange puts the states and shifts of every timeline in order.
func (f *agentFold) arrange() {
	f.timelines.each(func(_ uint32, t *timeline) {
		order := func(a, b uint32) int { return f.before(f.states.at(a), f.states.at(b)) }
		for _, list := range [][]uint32{t.order, t.shifts} {
			if !slices.IsSortedFunc(list, order) {
				slices.SortFunc(list, order)
			}
		}
	})
}
