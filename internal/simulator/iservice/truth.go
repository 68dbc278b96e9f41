package iservice

import (
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
)

// Truth is what the interval tables must say, with profile wfm-messaging, of a source that reads the interactions of this iService, and
// the logins from its statistics: for the rows that end at or before an instant. It is computed from what happened, in whole seconds.
// There is no wrap-up, and of agents only the time logged in is known.
//
// With Options.Reported it is Reported.
func (s *Server) Truth(r simulator.Rules, through time.Time) simulator.Truth {
	if s.options.Reported {
		return s.Reported(r, through)
	}
	return s.happened(r, through)
}

func (s *Server) happened(r simulator.Rules, through time.Time) simulator.Truth {
	r.Messaging = true
	var t simulator.Truth
	for n := range s.centre.Days {
		if p := s.day(n); p != nil && p.day.Date.Before(through) {
			t.Add(s.told(p).Truth(r))
		}
	}
	t.Through(through, r.Interval)
	for key, row := range t.AgentQueues {
		if delete(row, "completed"); len(row) == 0 {
			delete(t.AgentQueues, key)
		} else if key.Queue == "" { // what agents begin themselves is e-mail too
			delete(t.AgentQueues, key)
			key.Channel = "email"
			t.AgentQueues[key] = row
		}
	}
	for _, row := range t.Agents {
		delete(row, "available_ms")
	}
	return t
}

// told is a day as iService tells it: in whole seconds, without wrap-up, and with what the agents wrote.
func (s *Server) told(p *post) *simulator.Day {
	day := &simulator.Day{Options: p.day.Options, Queues: p.day.Queues}
	agents := map[*simulator.Agent]*simulator.Agent{}
	for _, a := range p.day.Agents {
		from, to := hours(p.day.Date, a)
		midnight := p.day.Date.UnixMilli()
		agents[a] = &simulator.Agent{ID: a.ID, Name: a.Name}
		if to > from {
			agents[a].States = []simulator.State{{At: from - midnight, State: "available"}, {At: to - midnight, State: "logged_out"}}
			day.Agents = append(day.Agents, agents[a])
		}
	}
	for _, c := range p.day.Contacts {
		if c.Queue < 0 {
			continue
		}
		visit := *c
		visit.Offered, visit.Ended = whole(c.Offered), whole(c.Ended)
		visit.Outcome, visit.WrapEnd, visit.Hold = "abandoned", -1, 0
		if c.Answered >= 0 {
			visit.Answered, visit.WrapEnd, visit.Outcome, visit.Agent = whole(c.Answered), visit.Ended, "handled", agents[c.Agent]
		}
		day.Contacts = append(day.Contacts, &visit)
	}
	for _, m := range p.messages {
		if m.direct() {
			at := m.date - p.day.Date.UnixMilli()
			day.Contacts = append(day.Contacts, &simulator.Contact{
				Direction: "outbound", Outcome: "handled", Queue: m.topic, Agent: agents[m.agent], Offered: at, Answered: -1, Ended: at, WrapEnd: -1,
			})
		}
	}
	return day
}

// Reported is what the interval tables must say of a source that takes over the statistics of this iService: the same as Truth, as far
// as the three kinds of record go. completed is known of some agents.
func (s *Server) Reported(r simulator.Rules, through time.Time) simulator.Truth {
	t := s.happened(r, through)
	keep(t.Queues, "offered", "answered", "contact_ms")
	keep(t.AgentQueues, "answered", "contact_ms")
	keep(t.Agents, "login_ms", "direct_out")
	for n := range s.centre.Days {
		d := s.centre.Day(centre.IService, n)
		if d == nil {
			continue
		}
		for _, c := range d.Contacts {
			if c.Queue < 0 || c.Answered < 0 || !s.completes(c.Agent) {
				continue
			}
			end := d.Date.UnixMilli() + whole(c.Ended)
			q := d.Queues[c.Queue]
			if row := t.AgentQueues[simulator.AgentQueueKey{Start: (end - end%step) / 1000, Agent: c.Agent.ID, Queue: q.ID, Channel: q.Channel}]; row != nil {
				row["completed"]++
			}
		}
	}
	return t
}

// keep drops other measures, and rows without any left.
func keep[K comparable](rows map[K]map[string]int64, measures ...string) {
	for key, row := range rows {
		kept := map[string]int64{}
		for _, m := range measures {
			if row[m] != 0 {
				kept[m] = row[m]
			}
		}
		if rows[key] = kept; len(kept) == 0 {
			delete(rows, key)
		}
	}
}
