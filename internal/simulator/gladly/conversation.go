package gladly

import (
	"net/http"
	"time"
)

// millis is an instant with exactly three digits of fraction, as records have it.
func millis(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }

// find looks a conversation up among those that have begun: on the days told before, then on all days, the newest first.
func (s *Server) find(id string, now time.Time) *conversation {
	s.mu.Lock()
	told, ok := s.dayOf[id]
	s.mu.Unlock()
	last := min(s.centre.DayOf(now), s.centre.Days-1)
	if ok {
		last = told
	}
	for n := last; n >= 0; n-- {
		if p := s.day(n); p != nil {
			if v := p.byID[id]; v != nil && v.created <= now.UnixMilli() {
				return v
			}
		}
		if ok {
			break
		}
	}
	return nil
}

// conversationRecord is GET /conversations/{id}. It says nothing of the channel.
type conversationRecord struct {
	ID         string              `json:"id"`
	CustomerID string              `json:"customerId"`
	TopicIDs   []string            `json:"topicIds"`
	Attributes []map[string]string `json:"customAttributes"`
	CreatedAt  string              `json:"createdAt"`
	ClosedAt   string              `json:"closedAt,omitempty"`
	AgentID    string              `json:"agentId,omitempty"`
	InboxID    string              `json:"inboxId,omitempty"`
	Status     string              `json:"status"`
}

// wanted is the conversation that a request asks for; where there is none, or it was merged, the answer has been given.
func (s *Server) wanted(w http.ResponseWriter, r *http.Request, rest string) (*conversation, int64) {
	now := s.watch.Now()
	v := s.find(r.PathValue("id"), now)
	switch {
	case v == nil:
		absent(w, "conversation")
		return nil, 0
	case v.merged != "" && v.mergedAt <= now.UnixMilli():
		s.moved(w, "/conversations/"+v.merged+rest)
		return nil, 0
	}
	return v, now.UnixMilli()
}

func (s *Server) moved(w http.ResponseWriter, to string) {
	w.Header().Set("Location", s.options.Host+"/api/v1"+to)
	refuse(w, http.StatusMovedPermanently, problem{"id", "moved", "customer was merged into another"})
}

func (s *Server) conversation(w http.ResponseWriter, r *http.Request) {
	if v, now := s.wanted(w, r, ""); v != nil {
		respond(w, http.StatusOK, s.conversationAt(v, now))
	}
}

func (v *conversation) closedAt(now int64) bool {
	if v.reopened > 0 && v.reopened <= now && now < v.reopened+2*minute {
		return false
	}
	return v.closed > 0 && v.closed <= now
}

func (s *Server) conversationAt(v *conversation, now int64) conversationRecord {
	c := conversationRecord{ID: v.id, CustomerID: v.customer, TopicIDs: []string{}, Attributes: []map[string]string{}, CreatedAt: millis(v.created), Status: "OPEN"}
	for _, e := range v.sessions {
		if e.created <= now {
			c.InboxID, c.AgentID = e.inbox.ID, ""
		}
		if e.answered >= 0 && e.answered <= now {
			if c.AgentID = e.agent; e.replied() <= now {
				c.Status = "WAITING"
			}
		}
	}
	if v.closedAt(now) {
		c.Status, c.ClosedAt, c.TopicIDs = "CLOSED", millis(v.closed), []string{s.centre.Slug("topic", v.sessions[0].inbox.ID)}
		if v.reopened > 0 && v.reopened <= now {
			c.ClosedAt = millis(v.reopened + 2*minute)
		}
	}
	return c
}

// item is one entry of a conversation's history.
type item struct {
	ID             string         `json:"id"`
	ConversationID string         `json:"conversationId"`
	CustomerID     string         `json:"customerId"`
	Timestamp      string         `json:"timestamp"`
	Initiator      initiator      `json:"initiator"`
	Content        map[string]any `json:"content"`
}

var itemTypes = map[string]string{"chat": "CHAT_MESSAGE", "sms": "SMS", "email": "EMAIL", "voice": "PHONE_CALL", "whatsapp": "WHATSAPP"}

func (s *Server) items(w http.ResponseWriter, r *http.Request) {
	v, now := s.wanted(w, r, "/items")
	if v == nil {
		return
	}
	list := []item{}
	add := func(at int64, by initiator, kind string, content map[string]any) {
		if at <= now {
			content["type"] = kind
			list = append(list, item{s.centre.Slug("item", v.id, kind, millis(at)), v.id, v.customer, millis(at), by, content})
		}
	}
	customer := initiator{v.customer, "CUSTOMER"}
	add(v.created, customer, "CUSTOMER_ACTIVITY", map[string]any{"title": "Visited the help page"})
	for _, e := range v.sessions {
		kind := itemTypes[e.inbox.Channel]
		add(e.created, customer, kind, map[string]any{"sessionId": e.id, "content": "Hello"})
		if e.answered >= 0 {
			add(e.replied(), initiator{e.agent, "AGENT"}, kind, map[string]any{"sessionId": e.id, "content": "How can I help you?"})
		}
	}
	if v.closed > 0 {
		add(v.closed, initiator{Type: "SYSTEM"}, "CONVERSATION_STATUS_CHANGE", map[string]any{"status": "CLOSED"})
	}
	respond(w, http.StatusOK, list)
}

// customer answers with the customer, or with where a merge moved them.
func (s *Server) customer(w http.ResponseWriter, r *http.Request) {
	id, now := r.PathValue("id"), s.watch.Now()
	for n := min(s.centre.DayOf(now), s.centre.Days-1); n >= 0; n-- {
		p := s.day(n)
		if p == nil {
			continue
		}
		for _, v := range p.conversations {
			switch {
			case v.customer != id || v.created > now.UnixMilli():
			case v.merged != "" && v.mergedAt <= now.UnixMilli():
				s.moved(w, "/customers/"+p.byID[v.merged].customer)
				return
			default:
				respond(w, http.StatusOK, map[string]any{"id": id, "name": "Customer", "createdAt": millis(v.created), "updatedAt": millis(v.created)})
				return
			}
		}
	}
	absent(w, "customer")
}
