package gladly

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"
)

var workSessionColumns = []string{
	"id", "contact_session_id", "contact_session_created_at", "customer_id", "conversation_id", "inbox_id", "channel", "direction", "agent_accepted_at",
	"contact_session_routed_at", "agent_id", "sla_fulfilled_at", "contact_session_ended_at", "status", "within_sla", "work_session_handle_time_sec",
	"work_session_after_contact_time_sec", "work_session_unknown_time_sec", "accepted_inbox_id",
}

// workSessions reports the contacts whose end, or else creation, lies between two minutes, the last one included.
func (s *Server) workSessions(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		StartAtTime string `json:"startAtTime"`
		EndAtTime   string `json:"endAtTime"`
	}
	if !read(w, r, &ask) {
		return
	}
	from, ok := toMinute(w, "startAtTime", ask.StartAtTime)
	if !ok {
		return
	}
	to, ok := toMinute(w, "endAtTime", ask.EndAtTime)
	if !ok {
		return
	}
	if to.Before(from) {
		invalid(w, "startAtTime", "invalid", "endAtTime must occur after startAtTime")
		return
	}
	s.csv(w, r, "work-session-events", func(now time.Time) [][]string { return s.workSessionRows(from, to.Add(time.Minute), now) })
}

// toMinute reads a time as "2026-03-02T16:00Z" or with an offset.
func toMinute(w http.ResponseWriter, attr, text string) (time.Time, bool) {
	if text == "" {
		invalid(w, attr, "blank", attr+" must be present")
		return time.Time{}, false
	}
	t, err := time.Parse("2006-01-02T15:04Z07:00", text)
	if err != nil {
		invalid(w, attr, "invalid", attr+" must be formatted as YYYY-mm-ddThh:mmZ")
	}
	return t, err == nil
}

func read(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(into); err != nil {
		invalid(w, "body", "invalid", "body must be JSON")
		return false
	}
	return true
}

// workSessionRows are in no order that a client could rely on.
func (s *Server) workSessionRows(from, to, now time.Time) [][]string {
	rows := [][]string{workSessionColumns}
	for _, p := range s.days(from, to) {
		for _, e := range p.sessions {
			at := now.UnixMilli() - s.latency(e.id)
			anchor, begun := e.created, e.created
			if end := e.last().ended; end <= at {
				anchor = end
			}
			if e.first != e {
				begun = e.answered // a row for each agent who had the contact
			}
			if begun <= at && anchor >= from.UnixMilli() && anchor < to.UnixMilli() {
				rows = append(rows, s.workSession(e, at))
			}
		}
	}
	slices.SortStableFunc(rows[1:], func(a, b []string) int { return int(roll(a[1], "order", 3) - roll(b[1], "order", 3)) })
	return rows
}

// latency is how late reports know of something, milliseconds.
func (s *Server) latency(id string) int64 {
	most := s.options.ReportLatency.Milliseconds()
	return most/6 + roll(id, "latency", most-most/6)
}

// workSession is a contact as it was known at an instant.
func (s *Server) workSession(e *session, at int64) []string {
	v := e.conversation
	row := []string{
		"", e.id, s.cell(e.created), v.customer, v.id, e.inbox.ID, channel(e.inbox.Channel), "INBOUND", "", "", "", "", "", "", "", "", "", "", "",
	}
	if e.offered <= at {
		row[9] = s.cell(e.offered)
	}
	if e.answered >= 0 && e.answered <= at {
		row[8], row[10], row[18] = s.cell(e.answered), e.agent, e.inbox.ID
		if e.replied() <= at {
			row[11] = s.cell(e.replied())
		}
	}
	last := e.last()
	if last.ended > at {
		return row
	}
	row[0], row[12] = e.work, s.cell(last.ended)
	row[13], _ = fate(last)
	if e.answered >= 0 {
		row[14] = strconv.FormatBool(e.replied()-e.offered <= minute)
		row[15], row[16], row[17] = seconds(e.ended-e.answered), seconds(min(at, e.wrapped)-e.ended), "0"
	}
	return row
}

// seconds writes milliseconds as seconds, with a fraction where there is one.
func seconds(ms int64) string { return strconv.FormatFloat(float64(ms)/1000, 'f', -1, 64) }

// cell is an instant as reports have it.
func (s *Server) cell(ms int64) string {
	if s.options.Spaced {
		return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05.000")
	}
	return millis(ms)
}
