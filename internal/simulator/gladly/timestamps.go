package gladly

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator/centre"
)

func (s *Server) chosenQueues() (ids []string) {
	for _, q := range s.centre.Queues(centre.Gladly) {
		ids = append(ids, q.ID)
	}
	return ids
}

func (s *Server) inboxName(id string) string {
	for _, q := range s.centre.Queues(centre.Gladly) {
		if q.ID == id {
			return q.Name
		}
	}
	return ""
}

// told are the events of a report: those of the wanted kinds that reports know of by now.
func (s *Server) told(ask *reportRequest, now time.Time, prefixes ...string) []*event {
	return s.recorded(ask.from, ask.to, now, func(e *event) bool {
		return e.recorded <= now.UnixMilli()-s.latency(e.id) && slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(e.kind, p) })
	})
}

// stampOf is when an event was recorded, as reports have it.
func (s *Server) stampOf(e *event) string { return s.cell(e.recorded) }

func (s *Server) agentTimestamps(ask *reportRequest, now time.Time) [][]string {
	rows := [][]string{{"Timestamp", "Occurred At", "Agent", "Agent ID", "Type", "Available For", "Away Reason", "Active Reason"}}
	for _, e := range s.told(ask, now, "AGENT_") {
		c := e.content
		occurred := c.OccurredAt
		if at, err := time.Parse(time.RFC3339Nano, occurred); err == nil {
			occurred = s.cell(at.UnixMilli())
		}
		available := ""
		if c.AvailableFor != nil {
			if available = "[" + strings.Join(*c.AvailableFor, ", ") + "]"; len(*c.AvailableFor) == 0 {
				available = "[ ]"
			}
		}
		rows = append(rows, []string{s.stampOf(e), occurred, s.name(c.AgentID), c.AgentID, e.kind, available, named(c.AwayReason), named(c.ActiveReason)})
	}
	return rows
}

func named(r *reason) string {
	if r == nil {
		return ""
	}
	return r.Name
}

// agentDurations has a row for every stretch away or active that began in the days asked for and has ended.
func (s *Server) agentDurations(ask *reportRequest, now time.Time) [][]string {
	rows := [][]string{{"Agent ID", "Agent", "Start time", "End time", "Duration (mins)", "Type", "Context"}}
	for _, p := range s.days(ask.from, ask.to) {
		d := s.centre.Day(centre.Gladly, s.centre.DayOf(time.UnixMilli(p.midnight)))
		if d == nil {
			continue
		}
		for _, a := range d.Agents {
			states := known(a, s.options)
			for i, st := range states {
				if i+1 == len(states) || st.State == "logged_out" {
					continue
				}
				from, to := p.midnight+st.At, p.midnight+states[i+1].At
				if from < ask.from.UnixMilli() || from >= ask.to.UnixMilli() || to > now.UnixMilli()-s.latency(a.ID) {
					continue
				}
				kind, context := "ACTIVE", "Available"
				if st.State == "not_ready" {
					if kind, context = "AWAY", st.Reason; context == "idle" {
						context = "IDLE"
					}
				}
				rows = append(rows, []string{a.ID, a.Name, s.cell(from), s.cell(to), strconv.FormatFloat(float64(to-from)/60_000, 'f', -1, 64), kind, context})
			}
		}
	}
	return rows
}

func (s *Server) contactTimestamps(ask *reportRequest, now time.Time) [][]string {
	rows := [][]string{{
		"Timestamp", "Event Type", "Contact ID", "Conversation ID", "Customer ID", "Channel", "Initiator Type", "Initiator ID", "Initiator Agent Name",
		"Assigned Inbox ID", "Assigned Inbox Name", "Assigned Agent ID", "Assigned Agent Name",
	}}
	for _, e := range s.told(ask, now, "CONTACT/") {
		c := e.content
		row := []string{s.stampOf(e), e.kind, c.ContactID, c.ConversationID, c.CustomerID, c.Channel}
		rows = append(rows, append(append(row, s.initiated(e)...), s.assigned(c.Context.assigned())...))
	}
	return rows
}

func (c *situation) assigned() *assignee {
	if c == nil {
		return nil
	}
	return c.Assignee
}

func (s *Server) initiated(e *event) []string {
	if e.initiator == nil {
		return []string{"", "", ""}
	}
	return []string{e.initiator.Type, e.initiator.ID, s.name(e.initiator.ID)}
}

func (s *Server) assigned(a *assignee) []string {
	if a == nil {
		return []string{"", "", "", ""}
	}
	return []string{a.InboxID, s.inboxName(a.InboxID), a.AgentID, s.name(a.AgentID)}
}

func (s *Server) conversationTimestamps(ask *reportRequest, now time.Time) [][]string {
	rows := [][]string{{
		"Timezone Filter", "Timestamp", "Event Type", "Conversation ID", "Customer ID", "Initiator Type", "Initiator ID", "Initiator Agent Name",
		"Assigned Inbox ID", "Assigned Inbox Name", "Assigned Agent ID", "Assigned Agent Name", "Topic ID", "Topic Name", "Newly Assigned Inbox ID",
		"Newly Assigned Inbox Name", "Newly Assigned Agent ID", "Newly Assigned Agent Name", "Assignment Update Reason", "Merged Customer ID",
		"Merged Conversation ID",
	}}
	for _, e := range s.told(ask, now, "CONVERSATION", "CUSTOMER/MERGED") {
		c := e.content
		row := []string{ask.zone.String(), s.stampOf(e), e.kind, c.ConversationID, c.CustomerID}
		if c.SourceConversationID != "" {
			row[3], row[4] = c.DestinationConversationID, c.DestinationCustomerID
		}
		row = append(append(row, s.initiated(e)...), s.assigned(c.Context.assigned())...)
		topic := ""
		if c.TopicID != "" {
			topic = "Topic"
		}
		row = append(row, c.TopicID, topic)
		rows = append(rows, append(append(row, s.assigned(c.Assignee)...), c.Reason, c.SourceCustomerID, c.SourceConversationID))
	}
	return rows
}
