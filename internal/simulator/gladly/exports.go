package gladly

import (
	"slices"
	"time"
)

// conversationExport has a row for every conversation that was created in the days asked for.
func (s *Server) conversationExport(ask *reportRequest, now time.Time) [][]string {
	rows := [][]string{{
		"Created At", "Conversation ID", "Customer ID", "Conversation Link", "Status", "Assigned Agent ID - Current", "Assigned Agent Name - Current",
		"Inbox ID - Current", "Inbox Name - Current", "First Closed At", "Last Closed At", "Initiator Type - Created",
	}}
	for _, p := range s.days(ask.from, ask.to) {
		for _, v := range p.conversations {
			at := now.UnixMilli() - s.latency(v.id)
			if v.created > at || v.created < ask.from.UnixMilli() || v.created >= ask.to.UnixMilli() {
				continue
			}
			c := s.conversationAt(v, at)
			first := ""
			switch {
			case v.merged != "" && v.mergedAt <= at:
				c.Status = "MERGED"
			case c.Status != "CLOSED":
				c.Status = "OPEN"
			}
			if v.closed > 0 && v.closed <= at {
				first = s.cell(v.closed)
			}
			rows = append(rows, []string{
				s.cell(v.created), v.id, v.customer, "https://example.gladly.test/conversation/" + v.id, c.Status, c.AgentID, s.name(c.AgentID), c.InboxID,
				s.inboxName(c.InboxID), first, c.ClosedAt, "CUSTOMER",
			})
		}
	}
	return rows
}

// contactExport has a row for every contact that was queued in the stretch asked for.
func (s *Server) contactExport(ask *reportRequest, now time.Time) [][]string {
	rows := [][]string{{"Queued At", "Customer ID", "Conversation ID", "Contact ID", "Link", "Channel", "Direction", "Contact Initiator", "Entry Point", "Final IVR Selection"}}
	for _, p := range s.days(ask.from, ask.to) {
		for _, e := range p.sessions {
			if e.first != e || e.offered > now.UnixMilli()-s.latency(e.id) || e.offered < ask.from.UnixMilli() || e.offered >= ask.to.UnixMilli() {
				continue
			}
			if f := ask.Filters.Inboxes; len(f) > 0 && !slices.Contains(f, e.inbox.ID) {
				continue
			}
			v := e.conversation
			rows = append(rows, []string{
				s.cell(e.offered), v.customer, v.id, e.id, "https://example.gladly.test/conversation/" + v.id, channel(e.inbox.Channel), "INBOUND", "CUSTOMER",
				"help." + e.inbox.Name, "",
			})
		}
	}
	return rows
}
