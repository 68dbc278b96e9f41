package transform

import (
	"cmp"
	"slices"

	"github.com/quarterhour/quarterhour/schemas"
)

// StateShare is what one agent state, or one shift, adds to one interval of its agent.
type StateShare struct {
	Identity [2]uint64 // of the fact, see StateIdentity and ShiftIdentity
	From, To int64     // it holds in [From, To) of the interval, milliseconds since 1970
	Ms       int64     // what of that is the agent's own time; the rest went to a state that goes before this one
	Login    int64     // logged in; Ms, save where the profile has that count from the first state to the interval's end
	State    schemas.State
	Reason   string

	Shift               bool  // it is a shift
	Scheduled, Adherent int64 // of a shift: the time for which no other shift goes before it, and what of that the agent worked so
}

// StateIdentity tells states of one shard apart: facts of one identity are revisions of one state.
func StateIdentity(a *schemas.AgentState) [2]uint64 {
	return identity(digest{}.add(a.Source), a)
}

// ShiftIdentity is StateIdentity for shifts.
func ShiftIdentity(s *schemas.Shift) [2]uint64 {
	a := asState(s)
	return identity(digest{}.add(shiftSource+a.Source), &a)
}

// StateShares takes the row of an agent in the interval that starts at an instant apart, by fact, in order of time. The shares
// sum to the shard's partial of the row.
func (s *Shard) StateShares(agentID string, start int64) []StateShare {
	if s.agents == nil {
		return nil
	}
	f := s.agents
	sym := f.names.ids.find(agentID)
	if sym == 0 {
		return nil
	}
	n := f.timelines.find(sym)
	if n == 0 {
		return nil
	}
	start, end := f.set.grid.Bounds(start)
	f.collect(f.timelines.at(n), stretch{start, end})
	f.collectShifts(f.timelines.at(n), stretch{start, end})
	w := &f.sweeping
	w.active, w.at = append(w.active[:0], w.holdings...), append(w.at[:0], w.shifts...)
	shares, edges := make(map[uint32]*StateShare), []int64{start, end}
	for _, h := range slices.Concat(w.active, w.at) {
		a := f.states.at(h.n)
		shares[h.n] = &StateShare{Identity: a.id, From: h.from, To: h.to, State: a.state, Reason: f.words.texts[a.reason], Shift: a.state == stateShift}
		edges = append(edges, h.from, h.to)
	}
	slices.Sort(edges)
	for i := 1; i < len(edges); i++ {
		ms := edges[i] - edges[i-1]
		h, works := w.winner(edges[i-1])
		if works {
			shares[h.n].Ms += ms
		}
		if shift, ok := w.planned(edges[i-1]); ok {
			shares[shift.n].Scheduled += ms
			if works && fits(h.state, f.words.texts[f.states.at(shift.n).reason]) {
				shares[shift.n].Adherent += ms
			}
		}
	}
	all := make([]StateShare, 0, len(shares))
	for i, h := range slices.Concat(w.active, w.at) {
		share := shares[h.n]
		if share.Login = share.Ms; f.set.rules[loginMs] == ToEnd {
			if share.Login = 0; i == 0 && !share.Shift {
				share.Login = end - h.from
			}
		}
		all = append(all, *share)
	}
	slices.SortStableFunc(all, func(a, b StateShare) int { return cmp.Compare(a.From, b.From) })
	return all
}
