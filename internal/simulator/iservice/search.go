package iservice

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator/centre"
)

// there says whether a message is there at an instant.
func (m *message) there(now int64) bool { return m.shows <= now && m.gone > now }

// text is a field of a message that can be searched.
func (s *Server) text(c *call, m *message, field string) string {
	now := c.now.UnixMilli()
	switch field {
	case "id":
		return strconv.Itoa(m.id)
	case "threadID":
		return strconv.Itoa(m.thread)
	case "type":
		return m.kind
	case "status":
		return s.status(m, now)
	case "segmentID":
		return "2"
	case "customerID":
		return strconv.Itoa(m.thread + 7)
	case "subject":
		return fmt.Sprintf("Message %d [#%d]", m.thread, m.thread)
	case "topicID", "topicName":
		n := m.topicAt(now)
		if n < 0 {
			return ""
		}
		q := s.centre.Queues(centre.IService)[n]
		if field == "topicName" {
			return s.long(n, q.Name)
		}
		return q.ID
	case "fromAddress":
		if m.agent == nil {
			return "customer@mail.test"
		}
		return s.address(m.agent.ID)
	}
	switch {
	case m.agent == nil:
		return ""
	case field == "agentName":
		return m.agent.Name
	}
	return m.agent.ID
}

// interaction is a message as it shows.
func (s *Server) interaction(c *call, m *message) map[string]any {
	date := func(ms int64) string { return time.UnixMilli(ms).In(c.zone).Format(s.options.DateFormat) }
	v := map[string]any{
		"date": date(m.date), "dateResolved": "", "tags": []string{}, "subjectBare": fmt.Sprintf("Message %d", m.thread), "customerName": "A Customer",
		"parentID": "", "caseProperties": []any{map[string]string{"name": "priority", "value": "normal"}},
	}
	for _, field := range searchable {
		v[field] = s.text(c, m, field)
	}
	if m.parent != 0 {
		v["parentID"] = strconv.Itoa(m.parent)
	}
	if m.resolution <= c.now.UnixMilli() {
		v["dateResolved"] = date(m.resolved)
	}
	return v
}

// status is that of a message of its type.
func (s *Server) status(m *message, now int64) string {
	switch {
	case m.direct():
		return "Sent"
	case m.resolution <= now:
		return "Resolved"
	case !m.question():
		return "Draft"
	case m.answer != nil && m.answer.shows <= now:
		return "Queued"
	}
	return "Unassigned"
}

// address is the first of an agent's login list.
func (s *Server) address(id string) string {
	for _, a := range s.centre.Accounts(centre.IService) {
		if a.ID == id {
			return a.Email
		}
	}
	return ""
}

// condition is a field of a search.
type condition struct{ field, text, where string }

// conditions reads the groups of a search.
func (c *call) conditions() (groups [][]condition) {
	fields, _ := c.body["fields"].(map[string]any)
	list, _ := fields["groups"].([]any)
	for _, g := range list {
		group, _ := g.(map[string]any)
		members, _ := group["fields"].([]any)
		var either []condition
		for _, f := range members {
			field, _ := f.(map[string]any)
			one := condition{}
			one.field, _ = field["fieldID"].(string)
			one.text, _ = field["searchString"].(string)
			one.where, _ = field["where"].(string)
			either = append(either, one)
		}
		groups = append(groups, either)
	}
	return groups
}

// searchable are the texts of an interaction that can be searched.
var searchable = []string{"id", "threadID", "type", "status", "topicID", "topicName", "segmentID", "agentID", "agentName", "customerID", "fromAddress", "subject"}

// check finds what is wrong with a search, and the stretch of dates that it is about.
func (s *Server) check(c *call, groups [][]condition) (from, to time.Time, errors []string) {
	from, to = s.centre.From, c.now
	for _, group := range groups {
		for _, f := range group {
			switch {
			case f.field == "dateFrom" || f.field == "dateTo":
				t, err := s.date(f.text, c.zone)
				if err != nil {
					errors = append(errors, fmt.Sprintf("Invalid date: %s", f.text))
				} else if f.field == "dateFrom" {
					from = t
				} else {
					to = t
				}
			case !slices.Contains(searchable, f.field):
				errors = append(errors, fmt.Sprintf("Unknown search field: %s", f.field))
			}
			if !slices.Contains([]string{"", "anywhere", "start", "end", "entire"}, f.where) {
				errors = append(errors, fmt.Sprintf("Invalid value of where: %s", f.where))
			}
		}
	}
	return from, to, errors
}

func (s *Server) date(text string, zone *time.Location) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, s.options.DateFormat} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, nil
		}
	}
	return time.ParseInLocation(time.DateOnly, text, zone)
}

// search finds interactions by date and texts, the oldest first, and answers with a page of them.
func (s *Server) search(c *call) (answer, []string) {
	groups := c.conditions()
	from, to, errors := s.check(c, groups)
	page, size := whichPage(c.body["pageNum"], 1), whichPage(c.body["perPage"], 20)
	if page < 1 || size < 1 {
		errors = append(errors, "Invalid paging.")
	}
	if len(errors) > 0 {
		return nil, errors
	}
	total, shown := 0, []map[string]any{}
	for _, p := range s.days(from, to) {
		for _, m := range p.messages {
			if m.date < from.UnixMilli() || m.date >= to.UnixMilli() || !m.there(c.now.UnixMilli()) || !s.matches(c, m, groups) {
				continue
			}
			if total++; total > (page-1)*size && total <= page*size {
				shown = append(shown, s.interaction(c, m))
			}
		}
	}
	return answer{"interactions": shown, "total": strconv.Itoa(total), "pageNum": page, "perPage": strconv.Itoa(size)}, nil
}

// whichPage reads a number that may be a text or, for one, true.
func whichPage(v any, otherwise int) int {
	switch v := v.(type) {
	case float64:
		return int(v)
	case string:
		n, _ := strconv.Atoi(v)
		return n
	case bool:
		if v {
			return 1
		}
	}
	return otherwise
}

// matches says whether of each group one field holds; dates have been looked at.
func (s *Server) matches(c *call, m *message, groups [][]condition) bool {
	for _, group := range groups {
		if len(group) > 0 && !slices.ContainsFunc(group, func(f condition) bool {
			return f.field == "dateFrom" || f.field == "dateTo" || f.holds(s.text(c, m, f.field))
		}) {
			return false
		}
	}
	return true
}

// holds compares a text, in any case.
func (f condition) holds(text string) bool {
	text, want := strings.ToLower(text), strings.ToLower(f.text)
	switch f.where {
	case "start":
		return strings.HasPrefix(text, want)
	case "end":
		return strings.HasSuffix(text, want)
	case "entire":
		return text == want
	}
	return strings.Contains(text, want)
}

// find looks a message up by its id, which says the day.
func (s *Server) find(c *call, field string) (*post, *message) {
	text, _ := c.body[field].(string)
	id, err := strconv.Atoi(text)
	if err != nil {
		return nil, nil
	}
	p := s.day(id/100_000 - 1)
	if p == nil {
		return nil, nil
	}
	for _, m := range p.messages {
		if m.id == id {
			return p, m
		}
	}
	return nil, nil
}

func (s *Server) details(c *call) (answer, []string) {
	_, m := s.find(c, "interactionID")
	if m == nil || !m.there(c.now.UnixMilli()) {
		return nil, []string{"Interaction not found."}
	}
	v := s.interaction(c, m)
	v["bodyPlain"], v["bodyHtml"], v["note"], v["interactionProperties"] = "Hello", "<p>Hello</p>", "", []any{}
	return answer{"details": v}, nil
}

// history is a whole thread.
func (s *Server) history(c *call) (answer, []string) {
	p, root := s.find(c, "threadID")
	if root == nil || !root.there(c.now.UnixMilli()) {
		return nil, []string{"Thread not found."}
	}
	list := []map[string]any{}
	for _, m := range p.messages {
		if m.thread == root.thread && m.there(c.now.UnixMilli()) {
			list = append(list, s.interaction(c, m))
		}
	}
	return answer{"interactions": list}, nil
}
