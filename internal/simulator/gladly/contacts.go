package gladly

// live tells what became of a conversation: its contacts one after the other, then its end.
func (p *past) live(v *conversation) {
	first, last := v.sessions[0], v.sessions[len(v.sessions)-1]
	v.created = first.created
	v.closed = last.ended
	for _, s := range v.sessions {
		v.closed = max(v.closed, s.wrapped)
	}
	v.closed += 1 + roll(v.id, "close", 20*second)
	customer := &initiator{ID: v.customer, Type: "CUSTOMER"}
	of := func(at int64, by *initiator, kind string, c content, about ...string) {
		c.ConversationID, c.CustomerID = v.id, v.customer
		p.add(kind, at, by, c, about...)
	}
	in := &situation{Assignee: &assignee{InboxID: first.inbox.ID}}
	of(v.created, customer, "CONVERSATION/CREATED", content{Context: in})
	for _, s := range v.sessions {
		p.contact(s)
	}
	topic := p.slug("topic", first.inbox.ID)
	by := &initiator{ID: last.agent, Type: "AGENT"}
	if last.agent == "" {
		by = &initiator{Type: "SYSTEM"}
	}
	at := &situation{Assignee: &assignee{last.inbox.ID, last.agent}}
	of(v.closed, by, "CONVERSATION/TOPIC_ADDED", content{TopicID: topic, Context: at})
	of(v.closed, nil, "CONVERSATION_STATUS/UPDATED", content{})
	of(v.closed, by, "CONVERSATION/CLOSED", content{Context: at})
	if roll(v.id, "reopen", 20) == 0 {
		v.reopened = v.closed + 10*minute
		of(v.reopened, customer, "CONVERSATION/REOPENED", content{Context: at})
		of(v.reopened+2*minute, by, "CONVERSATION/CLOSED", content{Context: at}, "again")
	}
}

// contact tells one contact: offered, accepted or declined and accepted, messages, the end.
func (p *past) contact(s *session) {
	v := s.conversation
	customer, system := &initiator{ID: v.customer, Type: "CUSTOMER"}, &initiator{Type: "SYSTEM"}
	waiting := &situation{Assignee: &assignee{InboxID: s.inbox.ID}}
	of := func(at int64, by *initiator, kind string, c content, about ...string) {
		c.ConversationID, c.CustomerID, c.ContactID, c.Channel = v.id, v.customer, s.id, channel(s.inbox.Channel)
		if c.Context == nil {
			c.Context = waiting
		}
		p.add(kind, at, by, c, about...)
	}
	if s.first == s {
		of(s.created, customer, "CONTACT/STARTED", content{EntryPoint: "help." + s.inbox.Name})
		of(s.created, customer, "CONTACT/MESSAGE_RECEIVED", content{MessageID: p.slug("in", s.id)})
	}
	if s.answered < 0 {
		status, reason := fate(s)
		of(s.ended, customer, "CONTACT/ENDED", content{Status: status, Reason: reason})
		return
	}
	agent := &initiator{ID: s.agent, Type: "AGENT"}
	offer := s.offered + (s.answered-s.offered)/2
	of(offer, system, "CONTACT/OFFERED", content{AgentID: s.agent})
	if roll(s.id, "declined", 12) == 0 {
		of(offer+1, agent, "CONTACT/OFFER_REJECTED", content{AgentID: s.agent, Reason: []string{"DECLINED", "MISSED", "DEVICE ERROR"}[roll(s.id, "why", 3)]})
		of(offer+2, system, "CONTACT/OFFERED", content{AgentID: s.agent}, "again")
	}
	of(s.answered, agent, "CONTACT/OFFER_ACCEPTED", content{AgentID: s.agent})
	p.add("CONVERSATION_ASSIGNEE/UPDATED", s.answered, system, content{
		ConversationID: v.id, CustomerID: v.customer, Reason: "CONTACT_OFFERED", Assignee: &assignee{s.inbox.ID, s.agent}, Context: waiting,
	}, s.id)
	handled := &situation{Assignee: &assignee{s.inbox.ID, s.agent}}
	of(s.replied(), agent, "CONTACT/MESSAGE_SENT", content{AgentID: s.agent, MessageID: p.slug("out", s.id), Context: handled})
	of(s.replied(), agent, "CONTACT/FULFILLED", content{FulfilledType: "RESPONDED", Context: handled})
	if roll(s.id, "focus", 8) == 0 { // which says nothing about whether the agent is there
		focus := content{AgentID: s.agent, Context: &situation{AvailableFor: &[]string{}}}
		p.add("AGENT_AVAILABILITY/FOCUS_ENTERED", s.answered, agent, focus, s.id)
		p.add("AGENT_AVAILABILITY/FOCUS_EXITED", s.ended, agent, focus, s.id)
	}
	status, reason := fate(s)
	if s.outcome == "transferred" {
		to := handled
		for i, o := range v.sessions {
			if o == s && i+1 < len(v.sessions) {
				to = &situation{Assignee: &assignee{InboxID: v.sessions[i+1].inbox.ID}}
			}
		}
		of(s.ended, agent, "CONTACT/TRANSFERRED", content{TransferType: "COLD", Reason: "MANUAL", Assignee: to.Assignee, Context: handled})
	}
	if s.next == nil {
		of(s.ended, agent, "CONTACT/ENDED", content{Status: status, Reason: reason, Context: handled})
	}
}

// fate is how Gladly says that a contact ended.
func fate(s *session) (status, reason string) {
	switch {
	case s.outcome == "transferred":
		return "ANSWERED", "STARTED_NEW"
	case s.answered >= 0:
		return "ANSWERED", "AGENT_ENDED"
	case s.outcome == "overflowed":
		return "UNANSWERED", "STARTED_NEW"
	}
	return "ABANDONED", "CUSTOMER_ABANDONED"
}

// replied is when the agent's first message left.
func (s *session) replied() int64 { return s.answered + min(s.ended-s.answered, 21*second) }

// merge gives the customer a second profile whose conversation, in which nothing was said, is merged into this one.
func (p *past) merge(into *conversation) {
	v := &conversation{
		id: p.slug("merged", into.id), customer: p.slug("twin", into.customer), created: into.created + 1, merged: into.id,
		mergedAt: into.created + minute,
	}
	p.conversations = append(p.conversations, v)
	in := &situation{Assignee: &assignee{InboxID: into.sessions[0].inbox.ID}}
	p.add("CONVERSATION/CREATED", v.created, &initiator{ID: v.customer, Type: "CUSTOMER"}, content{ConversationID: v.id, CustomerID: v.customer, Context: in})
	p.add("CUSTOMER/MERGED", v.mergedAt, &initiator{Type: "SYSTEM"}, content{
		DestinationCustomerID: into.customer, DestinationConversationID: into.id, SourceCustomerID: v.customer, SourceConversationID: v.id,
	}, v.id)
}
