package five9

import (
	"fmt"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator"
)

// state is a state of an agent, from start to end.
type state struct {
	user, name, state, reason, skills string
	callID, callType                  string
	start, end                        time.Time
	lag                               time.Duration // how far behind the time goes that an open state is known to have lasted
	hides                             bool          // it is not shown while it is open and young
}

// young is how long an open state stays hidden at most.
const young = 30 * time.Minute

// stateNames are how the vendor calls the states of a day.
var stateNames = map[string]string{
	"available": "Ready", "not_ready": "Not Ready", "on_contact": "On Call", "wrap": "After Call Work", "logged_out": "Logout",
}

// states makes the rows of a day's state changes.
func (r *rows) states(day *simulator.Day) (rows []row) {
	contacts := byAgent(day)
	var skills []string
	for _, q := range day.Queues {
		skills = append(skills, q.Name)
	}
	for i, a := range day.Agents {
		hides := i%2 == 1 && r.faults != (Faults{})
		for n, s := range r.statesOf(day, a, contacts[a]) {
			s.hides = hides
			d := r.centre.Dice("five9", "state", day.Date.Format(time.DateOnly), a.ID, fmt.Sprint(n))
			if n == 0 {
				s.skills = strings.Join(skills, ", ")
			}
			appears := r.appears(d, s.start)
			s.lag = appears.Sub(s.start)
			rows = r.show(rows, d, s.row(), appears, s.wrong)
		}
	}
	return rows
}

// byAgent lists the calls of each agent.
func byAgent(day *simulator.Day) map[*simulator.Agent][]*simulator.Contact {
	of := map[*simulator.Agent][]*simulator.Contact{}
	for _, c := range day.Contacts {
		if q, _ := queueOf(day, c); q.Channel == "voice" && c.Agent != nil {
			of[c.Agent] = append(of[c.Agent], c)
		}
	}
	return of
}

func (s *state) row() row { return row{at: s.start.UnixMilli(), user: s.user, told: s} }

// statesOf lists an agent's states as the vendor has them: a login before the first, and every hold for itself.
func (r *rows) statesOf(day *simulator.Day, a *simulator.Agent, contacts []*simulator.Contact) (list []*state) {
	add := func(name, reason string, from, to int64) *state {
		s := &state{user: a.ID, name: a.Name, state: name, reason: reason, start: day.At(from), end: day.At(to)}
		list = append(list, s)
		return s
	}
	first := a.States[0].At
	add("Login", "", first, first)
	for i, s := range a.States {
		end := s.At
		if i+1 < len(a.States) {
			end = a.States[i+1].At
		}
		switch s.State {
		case "logged_out":
			add("Logout", "End of Shift", s.At, s.At)
		case "on_contact":
			from := s.At
			for _, c := range contacts {
				if c.Answered < s.At || c.Ended > end {
					continue
				}
				id, kind := r.centre.Number('3', 15, "call", c.Interaction), pick(c.Direction == "outbound", "Manual", "Inbound")
				if hold := held(c); hold[1] > hold[0] {
					for _, s := range []*state{add("On Call", "", from, hold[0]), add("On Hold", "", hold[0], hold[1])} {
						s.callID, s.callType = id, kind
					}
					from = hold[1]
				}
			}
			if from < end {
				add("On Call", "", from, end)
			}
		default:
			add(stateNames[s.State], s.Reason, s.At, end)
		}
	}
	return list
}

// held says when the contact was on hold: somewhere inside the conversation, in whole seconds. Nobody knows better.
func held(c *simulator.Contact) [2]int64 {
	const second = 1000
	rest := c.Ended - c.Answered - c.Hold
	if c.Hold < second || rest < 4*second {
		return [2]int64{}
	}
	from := c.Answered + rest/2/second*second
	return [2]int64{from, from + c.Hold}
}

// wrong is a copy with the reason or the TIMESTAMP wrong.
func (s *state) wrong() *row {
	w := *s
	switch {
	case s.state == "Not Ready" && s.start.Unix()%2 == 0:
		w.reason = "No Reason"
	case s.end.Sub(s.start) > 10*time.Second:
		w.start = s.start.Add(3 * time.Second)
	default:
		return nil
	}
	shown := w.row()
	return &shown
}

// known is how long the state is known to have lasted, and false where it is not shown.
func (s *state) known(sheet *sheet) (time.Duration, bool) {
	end, open := s.end, false
	for _, limit := range []time.Time{sheet.asOf.Add(-s.lag), sheet.end} {
		if limit.Before(end) {
			end, open = limit, true
		}
	}
	lasted := max(end.Sub(s.start), 0).Truncate(time.Second)
	return lasted, !open || !s.hides || lasted > young
}

// stateCells are what the columns say of a state.
var stateCells = map[string]func(*sheet, *state) cell{
	"AGENT":       func(h *sheet, s *state) cell { return cell{text: h.shown(s.user)} },
	"AGENT ID":    func(h *sheet, s *state) cell { return cell{text: h.numbers[s.user]} },
	"AGENT NAME":  func(h *sheet, s *state) cell { return cell{text: h.named(s.user, s.name)} },
	"AGENT GROUP": func(*sheet, *state) cell { return cell{text: "Support Agents"} },
	"DATE":        func(h *sheet, s *state) cell { return h.date(s.start) },
	"TIME":        func(h *sheet, s *state) cell { return h.time(s.start) },
	"HOUR":        func(h *sheet, s *state) cell { return h.clock(s.start, 60) },
	"TIMESTAMP":   func(h *sheet, s *state) cell { return h.timestamp(s.start) },
	"STATE":       func(_ *sheet, s *state) cell { return cell{text: s.state} },
	"REASON CODE": func(_ *sheet, s *state) cell { return cell{s.reason, s.reason == ""} },
	"AGENT STATE TIME": func(h *sheet, s *state) cell {
		known, _ := s.known(h)
		return length(known)
	},
	"SKILL AVAILABILITY": func(_ *sheet, s *state) cell { return cell{s.skills, s.skills == ""} },
	"CALL ID":            func(_ *sheet, s *state) cell { return cell{s.callID, s.callID == ""} },
	"CALL TYPE":          func(_ *sheet, s *state) cell { return cell{s.callType, s.callType == ""} },
}
