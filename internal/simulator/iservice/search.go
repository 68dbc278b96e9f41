package iservice

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator/centre"
)

// interaction is a message as it shows at an instant; nil where it does not.
func (s *Server) interaction(c *call, m *message) map[string]any {
	now := c.now.UnixMilli()
	if m.shows > now || m.gone <= now {
		return nil
	}
	date := func(ms int64) string { return time.UnixMilli(ms).In(c.zone).Format(s.options.DateFormat) }
	v := map[string]any{
		"id": strconv.Itoa(m.id), "threadID": strconv.Itoa(m.thread), "type": m.kind, "date": date(m.date), "dateResolved": "", "status": s.status(m, now),
		"tags": []string{}, "subject": fmt.Sprintf("Message %d [#%d]", m.thread, m.thread), "subjectBare": fmt.Sprintf("Message %d", m.thread),
		"customerID": strconv.Itoa(m.thread + 7), "customerName": "A Customer", "fromAddress": "customer@mail.test", "topicID": "", "topicName": "", "segmentID": "2",
		"parentID": "", "agentID": "", "agentName": "", "caseProperties": []any{map[string]string{"name": "priority", "value": "normal"}},
	}
	if m.parent != 0 {
		v["parentID"] = strconv.Itoa(m.parent)
	}
	if m.resolution <= now {
		v["dateResolved"] = date(m.resolved)
	}
	if n := m.topicAt(now); n >= 0 {
		q := s.centre.Queues(centre.IService)[n]
		v["topicID"], v["topicName"] = q.ID, s.long(n, q.Name)
	}
	if m.agent != nil {
		v["agentID"], v["agentName"], v["fromAddress"] = m.agent.ID, m.agent.Name, s.address(m.agent.ID)
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
		var any_ []condition
		for _, f := range members {
			field, _ := f.(map[string]any)
			one := condition{}
			one.field, _ = field["fieldID"].(string)
			one.text, _ = field["searchString"].(string)
			one.where, _ = field["where"].(string)
			any_ = append(any_, one)
		}
		groups = append(groups, any_)
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
	found := []map[string]any{}
	for _, p := range s.days(from, to) {
		for _, m := range p.messages {
			if m.date < from.UnixMilli() || m.date >= to.UnixMilli() {
				continue
			}
			if v := s.interaction(c, m); v != nil && matches(v, groups) {
				found = append(found, v)
			}
		}
	}
	total := len(found)
	first := min((page-1)*size, total)
	a := answer{"interactions": found[first:min(first+size, total)], "total": strconv.Itoa(total), "pageNum": page, "perPage": strconv.Itoa(size)}
	return a, nil
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
func matches(v map[string]any, groups [][]condition) bool {
	for _, group := range groups {
		if !slices.ContainsFunc(group, func(f condition) bool {
			if f.field == "dateFrom" || f.field == "dateTo" {
				return true
			}
			text, _ := v[f.field].(string)
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
		}) && len(group) > 0 {
			return false
		}
	}
	return true
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
	if m != nil {
		if v := s.interaction(c, m); v != nil {
			v["bodyPlain"], v["bodyHtml"], v["note"], v["interactionProperties"] = "Hello", "<p>Hello</p>", "", []any{}
			return answer{"details": v}, nil
		}
	}
	return nil, []string{"Interaction not found."}
}

// history is a whole thread.
func (s *Server) history(c *call) (answer, []string) {
	p, root := s.find(c, "threadID")
	if root == nil || s.interaction(c, root) == nil {
		return nil, []string{"Thread not found."}
	}
	list := []map[string]any{}
	for _, m := range p.messages {
		if m.thread != root.thread {
			continue
		}
		if v := s.interaction(c, m); v != nil {
			list = append(list, v)
		}
	}
	return answer{"interactions": list}, nil
}
