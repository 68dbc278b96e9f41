package transform

import (
	"slices"
	"sort"

	"github.com/quarterhour/quarterhour/schemas"
)

// StateShare is what one agent state adds to one interval of its agent.
type StateShare struct {
	Identity [2]uint64 // of the state, see StateIdentity
	From, To int64     // it holds in [From, To) of the interval, milliseconds since 1970
	Ms       int64     // what of that is the agent's own time; the rest went to a state that goes before this one
	State    schemas.State
	Reason   string
}

// StateIdentity tells states of one shard apart: those of one identity are revisions of one state.
func StateIdentity(a *schemas.AgentState) [2]uint64 {
	return identity(digest{}.add(a.Source), a)
}

// StateShares takes the row of an agent in the interval that starts at an instant apart, by state, in order of time. The
// shares sum to the shard's partial of the row.
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
	w := &f.sweeping
	w.active = append(w.active[:0], w.holdings...)
	shares := make([]StateShare, len(w.active))
	edges := []int64{start, end}
	for i, h := range w.active {
		a := f.states.at(h.n)
		shares[i] = StateShare{Identity: a.id, From: h.from, To: h.to, State: a.state, Reason: f.words.texts[a.reason]}
		edges = append(edges, h.from, h.to)
	}
	slices.Sort(edges)
	for i := 1; i < len(edges); i++ {
		if h, ok := w.winner(edges[i-1]); ok && edges[i-1] < edges[i] {
			at := slices.IndexFunc(w.active, func(o holding) bool { return o.n == h.n })
			shares[at].Ms += edges[i] - edges[i-1]
		}
	}
	sort.SliceStable(shares, func(i, j int) bool { return shares[i].From < shares[j].From })
	return shares
}
