package transform_test

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/quarterhour/quarterhour/schemas"
)

func (n *naive) states(facts []schemas.AgentState) {
	skew := n.o.ClockSkew.Milliseconds()
	valid := slices.DeleteFunc(slices.Clone(facts), func(s schemas.AgentState) bool {
		return !s.Retracted && !null(s.EndedAt) && s.EndedAt < s.StartedAt-skew
	})
	all := winners(valid, func(s schemas.AgentState) string {
		if s.StateID == "" {
			return fmt.Sprint(s.Source, s.AgentID, s.StartedAt, s.Sequence)
		}
		return s.Source + "|" + s.AgentID + "|" + s.StateID
	})
	agents := map[string][]schemas.AgentState{}
	for _, s := range all {
		if !s.Retracted {
			agents[s.AgentID] = append(agents[s.AgentID], s)
		}
	}
	for agent, states := range agents {
		slices.SortFunc(states, func(a, b schemas.AgentState) int {
			return cmp.Or(cmp.Compare(a.StartedAt, b.StartedAt), cmp.Compare(a.Sequence, b.Sequence), cmp.Compare(a.State, b.State),
				cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.EndedAt, b.EndedAt), cmp.Compare(a.AgentName, b.AgentName))
		})
		n.agent(agent, states)
	}
}

// ends is when a state ceases to hold: at the first later state that is about the same, at its own end, or else, where nothing
// followed, at the mark, and never after the longest session.
func (n *naive) ends(states []schemas.AgentState, i int) int64 {
	s := states[i]
	limit := max(s.StartedAt, s.EndedAt)
	if null(s.EndedAt) {
		limit = s.StartedAt + n.o.MaxSession.Milliseconds()
	}
	for _, o := range states[i+1:] {
		if o.Source == s.Source && (o.Channel == "" || o.Channel == s.Channel) && o.StartedAt < limit {
			return o.StartedAt
		}
	}
	if mark, ok := n.marks["agent_state "+s.Source]; null(s.EndedAt) && ok {
		return max(s.StartedAt, min(limit, mark))
	} else if null(s.EndedAt) {
		return s.StartedAt
	}
	return limit
}

func (n *naive) agent(agent string, states []schemas.AgentState) {
	var edges []int64
	ends := make([]int64, len(states))
	for i, s := range states {
		ends[i] = n.ends(states, i)
		if s.State == schemas.StateLoggedOut || ends[i] <= s.StartedAt {
			ends[i] = s.StartedAt
			continue
		}
		edges = append(edges, s.StartedAt, ends[i])
		for at := s.StartedAt; at < ends[i]; {
			from, to := n.interval(at)
			key := fmt.Sprintf("agent %d %s", from, agent)
			n.add(key, "facts", 1)
			n.name(key, "agent_name", s.AgentName)
			edges, at = append(edges, to), to
		}
	}
	slices.Sort(edges)
	rank := map[schemas.State]int{schemas.StateOnContact: 4, schemas.StateWrap: 3, schemas.StateAvailable: 2, schemas.StateNotReady: 1}
	measure := map[schemas.State]string{schemas.StateOnContact: "on_contact_ms", schemas.StateWrap: "wrap_ms", schemas.StateAvailable: "available_ms", schemas.StateNotReady: "not_ready_ms"}
	for e := 1; e < len(edges); e++ {
		at, to := edges[e-1], edges[e]
		best := -1
		for i, s := range states {
			if s.StartedAt <= at && at < ends[i] && (best < 0 || rank[s.State] >= rank[states[best].State]) {
				best = i
			}
		}
		if best < 0 {
			continue
		}
		from, _ := n.interval(at)
		key, s := fmt.Sprintf("agent %d %s", from, agent), states[best]
		n.add(key, "login_ms", to-at)
		n.add(key, measure[s.State], to-at)
		if s.State == schemas.StateNotReady {
			n.add(key, "not ready: "+s.Reason, to-at)
		}
	}
}
