package iservice

import (
	"cmp"
	"encoding/json"

	"fmt"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/schemas"
)

// messageKind is what a message means.
type messageKind uint8

const (
	passedOver messageKind = iota
	question
	answer
	email
	note
)

// message is one interaction of the vendor. Instants are milliseconds; schemas.Null where absent.
type message struct {
	id, thread, question     string
	kind                     messageKind
	date, created, resolved  int64
	status, topic, topicName string
	agent, agentName         string
	raw                      json.RawMessage
}

var (
	defaultQuestions = []string{"Customer Question", "Customer Email", "Ticket"}
	defaultAnswers   = []string{"Agent Response", "Agent Answer"}
	defaultEmails    = []string{"Agent Email"}
	defaultNotes     = []string{"Agent Note", "Private Note", "Public Note", "Resolve Note"}
	defaultResolved  = []string{"Resolved", "Closed"}
)

func among(word string, list, otherwise []string) bool {
	if list == nil {
		list = otherwise
	}
	return slices.ContainsFunc(list, func(w string) bool { return strings.EqualFold(w, word) })
}

func (t *Types) kindOf(word string) messageKind {
	switch {
	case among(word, t.Questions, defaultQuestions):
		return question
	case among(word, t.Answers, defaultAnswers):
		return answer
	case among(word, t.Emails, defaultEmails):
		return email
	case among(word, t.Notes, defaultNotes):
		return note
	}
	return passedOver
}

// message reads a record.
func (g *searching) message(raw json.RawMessage) (*message, *fault) {
	r, err := parseRecord(raw)
	if err != nil {
		return nil, &fault{"json", err}
	}
	f := &g.o.Fields
	m := &message{
		id: r.text(f.ID), question: r.text(f.Question), kind: g.o.Types.kindOf(r.text(f.Type)), status: r.text(f.Status),
		topic: r.text(f.Topic), topicName: r.text(f.TopicName), agent: r.text(f.Agent), agentName: r.text(f.AgentName), raw: raw,
	}
	m.thread = cmp.Or(r.text(f.Thread), m.id)
	if m.kind == passedOver {
		return m, nil
	}
	if m.id == "" {
		return nil, &fault{"no_identity", fmt.Errorf("field %q is empty: the message cannot be told from others", f.ID)}
	}
	for _, at := range []struct {
		path string
		into *int64
	}{{f.Date, &m.date}, {f.Created, &m.created}, {f.Resolved, &m.resolved}} {
		*at.into = schemas.Null
		if text := r.text(at.path); text != "" {
			if *at.into, err = g.dates.parse(text); err != nil {
				return nil, &fault{"time", fmt.Errorf("field %q: %w", at.path, err)}
			}
		}
	}
	if m.date == schemas.Null {
		return nil, &fault{"no_time", fmt.Errorf("field %q is empty: the message cannot be placed", f.Date)}
	}
	if m.created == schemas.Null {
		m.created = m.date
	}
	if (m.kind == email || m.kind == note || m.kind == answer) && m.agent == "" {
		return nil, &fault{"no_agent", fmt.Errorf("field %q is empty: it is not known whose message it is", f.Agent)}
	}
	return m, nil
}

// thread is the messages of a thread that are known.
type thread struct {
	id  string
	all []*message
}

// put adds a message, in the place of an earlier copy.
func (t *thread) put(m *message) {
	if i := slices.IndexFunc(t.all, func(o *message) bool { return o.id == m.id }); i >= 0 {
		t.all[i] = m
		return
	}
	t.all = append(t.all, m)
}

// lacking says whether messages are missing that the search may not have found: the question of an answer, or everything.
func (t *thread) lacking() bool {
	if len(t.all) == 0 {
		return true
	}
	for _, m := range t.all {
		if m.kind == answer && t.questionOf(m) == nil {
			return true
		}
	}
	return false
}

// questionOf is the question that an answer is about: the one it names, else the last one before it.
func (t *thread) questionOf(a *message) (found *message) {
	for _, m := range t.all {
		switch {
		case m.kind != question:
		case a.question != "" && m.id == a.question:
			return m
		case m.date <= a.created && (found == nil || m.date > found.date || m.date == found.date && m.id > found.id):
			found = m
		}
	}
	if a.question != "" && found != nil && found.id != a.question && !t.knows(a.question) {
		return nil // the one it names may be in the thread, and was not found
	}
	return found
}

func (t *thread) knows(id string) bool {
	return slices.ContainsFunc(t.all, func(m *message) bool { return m.id == id })
}

// contacts are what the messages mean. lost are answers without a question.
func (t *thread) contacts(o *Interactions, channel string) (contacts []schemas.Contact, lost []*message) {
	slices.SortFunc(t.all, func(a, b *message) int { return cmp.Or(cmp.Compare(a.created, b.created), cmp.Compare(a.id, b.id)) })
	answers := map[*message][]*message{}
	for _, m := range t.all {
		if m.kind == answer {
			q := t.questionOf(m)
			if q == nil && len(t.all) > 0 {
				q = t.anyQuestion()
			}
			if q == nil {
				lost = append(lost, m)
				continue
			}
			answers[q] = append(answers[q], m)
		}
	}
	for _, m := range t.all {
		c := schemas.Contact{
			InteractionID: t.id, Segment: m.id, Channel: channel, QueueID: cmp.Or(m.topic, m.topicName), QueueName: m.topicName,
			OfferedAt: m.date, AnsweredAt: schemas.Null, EndedAt: schemas.Null, WrapEndedAt: schemas.Null,
			TalkMs: schemas.Null, HoldMs: schemas.Null, WrapMs: schemas.Null,
		}
		switch m.kind {
		case question:
			m.answered(&c, o, answers[m])
		case email, note:
			c.Direction, c.AgentID, c.AgentName, c.Outcome = schemas.DirectionOutbound, m.agent, m.agentName, schemas.OutcomeHandled
			if m.kind == note {
				c.Direction = schemas.DirectionInternal
			}
			c.EndedAt = m.date
		default:
			continue
		}
		contacts = append(contacts, c)
	}
	return contacts, lost
}

// anyQuestion is the thread's first question: clocks that differ may put an answer before it.
func (t *thread) anyQuestion() *message {
	for _, m := range t.all {
		if m.kind == question {
			return m
		}
	}
	return nil
}

// answered fills in what the answers say, in order of their creation: the first is the answer, and the resolution ends it.
func (m *message) answered(c *schemas.Contact, o *Interactions, answers []*message) {
	done := among(m.status, o.Resolved, defaultResolved)
	c.EndedAt = m.resolved
	for i, a := range answers {
		if i == 0 {
			c.AgentID, c.AgentName, c.AnsweredAt = a.agent, a.agentName, a.created
		}
		c.EndedAt = max(c.EndedAt, a.resolved)
		done = done || among(a.status, o.Resolved, defaultResolved)
	}
	if c.EndedAt == schemas.Null && done {
		if c.EndedAt = m.date; len(answers) > 0 {
			c.EndedAt = answers[len(answers)-1].date
		}
	}
	if c.AnsweredAt != schemas.Null && c.EndedAt != schemas.Null {
		c.Outcome = schemas.OutcomeHandled
	} else if c.EndedAt != schemas.Null {
		c.Outcome = schemas.OutcomeAbandoned
	}
}
