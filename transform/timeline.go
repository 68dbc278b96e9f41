package transform

import (
	"math"
	"slices"
	"sort"

	"github.com/quarterhour/quarterhour/schemas"
)

// timeline is one agent: the states in order of time, and the stretches that changed since the last emit.
//
// A state holds until the first of: its own end; the next state of the same source and channel, or of the same source and no
// channel, which is about all channels; the longest session; and, where nothing has followed it yet, the source's mark. States
// of other channels and other sources hold beside it.
type timeline struct {
	agent   uint32   // symbol
	name    uint32   // a pair that keeps the symbol in use
	order   []uint32 // states
	dirty   []stretch
	longest int64 // no state with an end of its own is longer

	shifts       []uint32 // in order of time
	longestShift int64
}

// stretch is [from, to) in milliseconds.
type stretch struct{ from, to int64 }

// place puts a state into its timeline.
func (f *agentFold) place(n uint32, s *agentState) {
	t := f.timelines.at(s.agent)
	if s.state == stateShift {
		f.placeShift(n, s, t)
		return
	}
	at := len(t.order)
	if at > 0 && f.before(f.states.at(t.order[at-1]), s) > 0 {
		at = f.position(t.order, s)
	}
	t.order = slices.Insert(t.order, at, n)
	if s.ended != schemas.Null {
		t.longest = max(t.longest, s.ended-s.started)
	}
	f.touch(s.agent, t, at)
}

// unplace takes a state out of its timeline.
func (f *agentFold) unplace(n uint32, s *agentState) {
	t := f.timelines.at(s.agent)
	if s.state == stateShift {
		at := f.position(t.shifts, s)
		t.shifts = slices.Delete(t.shifts, at, at+1)
		f.soil(s.agent, t, stretch{s.started, s.ended})
		return
	}
	at := f.position(t.order, s)
	f.touch(s.agent, t, at)
	t.order = slices.Delete(t.order, at, at+1)
}

// position is where a state is, or belongs, in the order.
func (f *agentFold) position(order []uint32, s *agentState) int {
	return sort.Search(len(order), func(i int) bool { return f.before(f.states.at(order[i]), s) >= 0 })
}

// cuts says whether a later state ends an earlier one.
func (f *agentFold) cuts(later, earlier *agentState) bool {
	return later.source == earlier.source && (later.channel == earlier.channel || later.channel == f.noChannel)
}

// until is when the state at a place in the order ceases to hold, with the source's mark given; skip is a place to look past.
func (f *agentFold) until(t *timeline, at, skip int, mark int64) int64 {
	s := f.states.at(t.order[at])
	end := max(s.ended, s.started)
	if s.ended == schemas.Null {
		end = s.started + f.set.maxSession
	}
	for i := at + 1; i < len(t.order); i++ {
		o := f.states.at(t.order[i])
		if o.started >= end {
			break
		}
		if i != skip && f.cuts(o, s) {
			return o.started
		}
	}
	if s.ended == schemas.Null {
		return max(s.started, min(end, mark))
	}
	return end
}

// touch marks the stretch that differs with and without the state at a place: its own, and what others gain or lose by it.
func (f *agentFold) touch(n uint32, t *timeline, at int) {
	s := f.states.at(t.order[at])
	mark := f.sources.all[s.source].mark
	change := stretch{s.started, f.until(t, at, -1, mark)}
	reach := s.started - max(f.set.maxSession, t.longest)
	for i := at - 1; i >= 0; i-- {
		o := f.states.at(t.order[i])
		if o.started < reach {
			break
		}
		if o.source != s.source {
			continue
		}
		if f.cuts(s, o) {
			with, without := f.until(t, i, -1, mark), f.until(t, i, at, mark)
			if with != without {
				change.from, change.to = min(change.from, with, without), max(change.to, with, without)
			}
		}
		if o.channel == f.noChannel || o.channel == s.channel && s.channel != f.noChannel {
			break // what came before it ended with it
		}
	}
	f.soil(n, t, change)
}

// soil notes a changed stretch, from the horizon on.
func (f *agentFold) soil(n uint32, t *timeline, s stretch) {
	s.from = max(s.from, f.horizon)
	if s.from >= s.to {
		return
	}
	if k := len(t.dirty); k > 0 {
		if last := &t.dirty[k-1]; s.from <= last.to && s.to >= last.from {
			last.from, last.to = min(last.from, s.from), max(last.to, s.to)
			return
		}
	} else {
		f.dirty = append(f.dirty, n)
	}
	t.dirty = append(t.dirty, s)
}

// advance lets the states of a source that nothing has followed hold on to a new mark.
func (f *agentFold) advance(source uint16, mark int64) {
	old := f.sources.all[source].mark
	f.timelines.each(func(n uint32, t *timeline) {
		for i := len(t.order) - 1; i >= 0; i-- {
			s := f.states.at(t.order[i])
			if old != schemas.Null && s.started+f.set.maxSession <= old {
				break
			}
			if s.source != source {
				continue
			}
			if s.ended == schemas.Null && s.state != schemas.StateLoggedOut {
				f.soil(n, t, stretch{f.until(t, i, -1, old), f.until(t, i, -1, mark)})
			}
			if s.channel == f.noChannel && old != schemas.Null && s.started <= old {
				break // what came before it had ended by the old mark
			}
		}
	})
}

func (f *agentFold) clean() {
	for _, n := range f.dirty {
		t := f.timelines.at(n)
		t.dirty = t.dirty[:0]
	}
	f.dirty = f.dirty[:0]
}

// tidy sorts the changed stretches of a timeline, widens them to whole intervals and joins those that touch.
func (f *agentFold) tidy(t *timeline) {
	slices.SortFunc(t.dirty, func(a, b stretch) int { return int(min(max(a.from-b.from, math.MinInt32), math.MaxInt32)) })
	out := t.dirty[:0]
	for _, s := range t.dirty {
		s.from = f.set.grid.Start(s.from)
		if start, end := f.set.grid.Bounds(s.to); start != s.to {
			s.to = end
		}
		if k := len(out); k > 0 && s.from <= out[k-1].to {
			out[k-1].to = max(out[k-1].to, s.to)
			continue
		}
		out = append(out, s)
	}
	t.dirty = out
}
