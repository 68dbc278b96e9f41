package gladly

import (
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
)

// Truth is what the interval tables must say of a source that reads this Gladly, for the rows that end at or before an instant. It
// is the centre's truth less what Gladly does not tell: an agent on a contact or in wrap-up is available; a contact that was
// passed on was answered, and transferred unless Options.Apart; one that overflowed was abandoned.
func (s *Server) Truth(r simulator.Rules, through time.Time) simulator.Truth {
	var t simulator.Truth
	for n := range s.centre.Days {
		if d, p := s.centre.Day(centre.Gladly, n), s.day(n); p != nil && d.Date.Before(through) {
			t.Add(p.told(d, s.options).Truth(r))
		}
	}
	t.Through(through, r.Interval)
	return t
}

// told is a day as Gladly tells it.
func (p *past) told(d *simulator.Day, o Options) *simulator.Day {
	day := &simulator.Day{Options: d.Options, Queues: d.Queues}
	agents := map[*simulator.Agent]*simulator.Agent{}
	for _, a := range d.Agents {
		agents[a] = &simulator.Agent{ID: a.ID, Name: a.Name, States: known(a, o)}
		day.Agents = append(day.Agents, agents[a])
	}
	for _, c := range d.Contacts {
		if c.Queue < 0 {
			continue
		}
		visit := *c
		if visit.Agent = agents[c.Agent]; c.Agent == nil {
			visit.Agent = nil
		}
		switch s := p.sessions[len(day.Contacts)]; {
		case s.next != nil:
			visit.Outcome = "transferred"
		case c.Answered >= 0:
			visit.Outcome = "handled"
		default:
			visit.Outcome = "abandoned"
		}
		day.Contacts = append(day.Contacts, &visit)
	}
	return day
}
