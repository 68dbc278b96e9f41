package iservice

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
)

// step is the length of a step of the statistics.
const step = 15 * minute

// hours are when an agent is logged in: [from, to), milliseconds since 1970 of whole seconds.
func hours(midnight time.Time, a *simulator.Agent) (from, to int64) {
	if len(a.States) == 0 {
		return 0, 0
	}
	return midnight.UnixMilli() + whole(a.States[0].At), midnight.UnixMilli() + whole(a.States[len(a.States)-1].At)
}

// cell is a key of a record: a step with a topic, an agent, or both.
type cell struct {
	start int64
	topic int // -1: none
	agent *simulator.Agent
}

// sums are what a record counts.
type sums struct{ offered, answered, completed, seconds, login, direct int64 }

// table is the records of one kind.
type table map[cell]*sums

func (t table) at(ms int64, topic int, agent *simulator.Agent) *sums {
	key := cell{ms - ms%step, topic, agent} // zones are whole quarters of an hour ahead
	if t[key] == nil {
		t[key] = &sums{}
	}
	return t[key]
}

// steps reads the stretch that statistics are asked for.
func (s *Server) steps(c *call) (from, to time.Time, errors []string) {
	st := s.options.Statistics
	for _, p := range []struct {
		name string
		into *time.Time
	}{{st.From, &from}, {st.To, &to}} {
		text, _ := c.body[p.name].(string)
		if text == "" {
			text = c.r.URL.Query().Get(p.name)
		}
		t, err := s.date(text, c.zone)
		if err != nil {
			errors = append(errors, fmt.Sprintf("Invalid date: %s %q", p.name, text))
		}
		*p.into = t
	}
	if len(errors) == 0 && !to.After(from) {
		errors = append(errors, "Invalid dates: the end must be after the start.")
	}
	return from, to, errors
}

// lateness is how late the statistics know of a message.
func (s *Server) lateness(m *message) int64 {
	return s.centre.Dice("iservice", "statistics", fmt.Sprint(m.id)).Int64N(s.options.StatisticsLag.Milliseconds() + 1)
}

// known hands over the messages that the statistics of [from, to) may be about, and the instant by which they know each.
func (s *Server) known(from, to, now time.Time, each func(p *post, m *message, at int64)) {
	for _, p := range s.days(from.Add(-24*time.Hour), to) {
		for _, m := range p.messages {
			if at := now.UnixMilli() - s.lateness(m); m.shows <= at && m.gone > at {
				each(p, m, at)
			}
		}
	}
}

// count puts a message where the kinds of record have it: a question where it arrived, an answer for the topic and all its time where
// it was resolved, for the agent where it was created.
func count(queues, agents, logins table, m *message, at int64) {
	topic := m.topicAt(at)
	switch {
	case m.question():
		queues.at(m.date, topic, nil).offered++
	case m.direct():
		logins.at(m.date, -1, m.agent).direct++
	default:
		agents.at(m.date, topic, m.agent).answered++
		if m.resolution <= at {
			length := (m.resolved - m.date) / second
			q, a := queues.at(m.resolved, topic, nil), agents.at(m.resolved, topic, m.agent)
			q.answered, q.seconds = q.answered+1, q.seconds+length
			a.completed, a.seconds = a.completed+1, a.seconds+length
		}
	}
}

// tables are the records of all kinds as they are known now.
func (s *Server) tables(from, to, now time.Time) (queues, agents, logins table) {
	queues, agents, logins = table{}, table{}, table{}
	s.known(from, to, now, func(_ *post, m *message, at int64) { count(queues, agents, logins, m, at) })
	for _, p := range s.days(from, to) {
		for _, a := range p.day.Agents {
			s.presence(logins, p, a, now.UnixMilli())
		}
	}
	return queues, agents, logins
}

// presence adds the login time of an agent to the steps of a day: from the login to the end of the step, at most the step.
func (s *Server) presence(logins table, p *post, a *simulator.Agent, now int64) {
	in, out := hours(p.day.Date, a)
	for at := in; at < out && at <= now; at = at - at%step + step {
		logins.at(at, -1, a).login = (at - at%step + step - at) / second
	}
	if s.options.OddLogins && in <= now {
		logins.at(in-step, -1, a).login = -((in%step)/second + 1)
	}
}

// list makes records of the steps that begin in [from, to) and have begun, in order.
func (t table) list(from, to, now time.Time, record func(cell, *sums) map[string]any) answer {
	records := []map[string]any{}
	keys := slices.SortedFunc(maps.Keys(t), func(a, b cell) int {
		id := func(c cell) string {
			if c.agent == nil {
				return ""
			}
			return c.agent.ID
		}
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.topic, b.topic), cmp.Compare(id(a), id(b)))
	})
	for _, key := range keys {
		if key.start >= from.UnixMilli() && key.start < to.UnixMilli() && key.start <= now.UnixMilli() {
			r := record(key, t[key])
			r["intervalStartDateTime"] = time.UnixMilli(key.start).UTC().Format(time.RFC3339)
			records = append(records, r)
		}
	}
	return answer{"records": records}
}

func (s *Server) queueStatistics(c *call) (answer, []string) {
	from, to, errors := s.steps(c)
	if errors != nil {
		return nil, errors
	}
	queues, _, _ := s.tables(from, to, c.now)
	return queues.list(from, to, c.now, func(k cell, v *sums) map[string]any {
		return s.named(k, map[string]any{"offeredContacts": v.offered, "answeredContacts": v.answered, "contactTime": v.seconds})
	}), nil
}

func (s *Server) agentActivity(c *call) (answer, []string) {
	from, to, errors := s.steps(c)
	if errors != nil {
		return nil, errors
	}
	_, agents, _ := s.tables(from, to, c.now)
	return agents.list(from, to, c.now, func(k cell, v *sums) map[string]any {
		r := map[string]any{"answeredContacts": v.answered, "contactTime": v.seconds, "completedContacts": nil}
		if s.completes(k.agent) {
			r["completedContacts"] = v.completed
		}
		return s.named(k, r)
	}), nil
}

// completes says whether an agent's completed contacts are known: of most they are null.
func (s *Server) completes(a *simulator.Agent) bool {
	return s.centre.Dice("iservice", "completes", a.ID).IntN(3) == 0
}

func (s *Server) agentLogin(c *call) (answer, []string) {
	from, to, errors := s.steps(c)
	if errors != nil {
		return nil, errors
	}
	_, _, logins := s.tables(from, to, c.now)
	return logins.list(from, to, c.now, func(k cell, v *sums) map[string]any {
		return s.named(k, map[string]any{"loginTime": v.login, "directOutContacts": v.direct})
	}), nil
}

// named adds who and what a record is about. An agent's name is the first address of the login list.
func (s *Server) named(k cell, r map[string]any) map[string]any {
	if k.topic >= 0 {
		q := s.centre.Queues(centre.IService)[k.topic]
		r["queueId"], r["queueName"] = q.ID, s.long(k.topic, q.Name)
	}
	if k.agent != nil {
		r["agentId"], r["agentName"] = k.agent.ID, s.address(k.agent.ID)
	}
	return r
}
