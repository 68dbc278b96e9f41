package five9

import (
	"sort"
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
)

type (
	day     = simulator.Day
	contact = simulator.Contact
)

// present is what an agent does now. The statistics know it at once, and rightly.
type present struct {
	account       *centre.Account
	state, reason string
	since         time.Time
}

// present looks up what an agent does. Somebody who was never there is logged out since the first day.
func (s *Server) present(a *centre.Account) *present {
	now := s.watch.Now()
	for n := s.centre.DayOf(now); n >= s.centre.DayOf(now)-1; n-- {
		list := s.rows.timeline(n, a.ID)
		i := sort.Search(len(list), func(i int) bool { return list[i].start.After(now) }) - 1
		if i >= 0 {
			p := &present{a, list[i].state, list[i].reason, list[i].start}
			if p.state == "Logout" {
				p.state = "Logged Out"
			}
			return p
		}
	}
	return &present{account: a, state: "Logged Out", since: s.centre.From}
}

// timeline gives an agent's states of a day, in order.
func (r *rows) timeline(n int, user string) []*state {
	r.mu.Lock()
	lines, ok := r.lines[n]
	r.mu.Unlock()
	if !ok {
		lines = map[string][]*state{}
		if d := r.centre.Day(centre.Five9, n); d != nil {
			contacts := byAgent(d)
			for _, a := range d.Agents {
				lines[a.ID] = r.statesOf(d, a, contacts[a])
			}
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.lines) > 2 {
			clear(r.lines)
		}
		r.lines[n] = lines
	}
	return lines[user]
}
