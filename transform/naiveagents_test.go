package transform_test

import (
	"cmp"
	"slices"

	"github.com/quarterhour/quarterhour/schemas"
)

// ends is when a state ceases to hold: at the first later state that is about the same, at its own end, or else, where nothing
// followed, at the mark, and never after the longest session.
func (n *naive) ends(states []*schemas.AgentState, i int) int64 {
	s := states[i]
	limit := max(s.StartedAt, s.EndedAt)
	if s.EndedAt == null {
		limit = s.StartedAt + n.o.MaxSession.Milliseconds()
	}
	for _, o := range states[i+1:] {
		if o.Source == s.Source && (o.Channel == "" || o.Channel == s.Channel) && o.StartedAt < limit {
			return o.StartedAt
		}
	}
	if s.EndedAt == null {
		return max(s.StartedAt, min(limit, n.marks["agent_state "+s.Source]))
	}
	return limit
}

// agent computes the rows of an agent: at every instant the time goes to the state of the highest rank, of equal ones to the one
// that began last; and of shifts, the one that began last says what is to be done.
func (n *naive) agent(agent string, facts []any) {
	var states []*schemas.AgentState
	var shifts []*schemas.Shift
	for _, f := range facts {
		if s, ok := f.(*schemas.Shift); ok {
			shifts = append(shifts, s)
		} else {
			states = append(states, f.(*schemas.AgentState))
		}
	}
	slices.SortFunc(shifts, func(a, b *schemas.Shift) int {
		return cmp.Or(cmp.Compare(a.StartsAt, b.StartsAt), cmp.Compare(a.Activity, b.Activity))
	})
	slices.SortFunc(states, func(a, b *schemas.AgentState) int {
		return cmp.Or(cmp.Compare(a.StartedAt, b.StartedAt), cmp.Compare(a.Sequence, b.Sequence), cmp.Compare(a.State, b.State),
			cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.EndedAt, b.EndedAt), cmp.Compare(a.AgentName, b.AgentName))
	})
	add := func(at int64, measure string, v int64) { n.add("agent", at, agent, measure, v) }
	var edges []int64
	holds := func(from, to int64, name, known string) {
		for at := from; at < to; _, at = n.interval(at) {
			_, end := n.interval(at)
			if n.fact("agent", at, agent, name, ""); known != "" {
				add(at, known, 1)
			}
			edges = append(edges, at, min(end, to))
		}
	}
	ends := make([]int64, len(states))
	for i, s := range states {
		if ends[i] = n.ends(states, i); s.State == schemas.StateLoggedOut {
			ends[i] = s.StartedAt
		}
		holds(s.StartedAt, ends[i], s.AgentName, "")
	}
	for _, s := range shifts {
		holds(s.StartsAt, s.EndsAt, "", "schedule known")
	}
	slices.Sort(edges)
	login, rank := map[int64]int64{}, []int{0, 2, 4, 3, 1} // logged_out, available, on_contact, wrap, not_ready
	for e := 1; e < len(edges); e++ {
		at, to, best := edges[e-1], edges[e], -1
		for i, s := range states {
			if s.StartedAt <= at && at < ends[i] && (best < 0 || rank[s.State] >= rank[states[best].State]) {
				best = i
			}
		}
		if best >= 0 && at < to {
			s := states[best]
			add(at, []string{"", "available_ms", "on_contact_ms", "wrap_ms", "not_ready_ms"}[s.State], to-at)
			if s.State == schemas.StateNotReady {
				add(at, "not ready: "+s.Reason, to-at)
			}
			start, end := n.interval(at)
			if login[start] += to - at; n.rule("agent", "login_ms") == "to_interval_end" {
				login[start] = max(end-at, login[start]-(to-at))
			}
		}
		for i := len(shifts) - 1; i >= 0; i-- {
			if s := shifts[i]; s.StartsAt <= at && at < s.EndsAt {
				add(at, "scheduled_ms", to-at)
				if best >= 0 && (s.Activity == "") == (states[best].State != schemas.StateNotReady) {
					add(at, "adherent_ms", to-at)
				}
				break
			}
		}
	}
	for at, ms := range login {
		add(at, "login_ms", ms)
	}
}
