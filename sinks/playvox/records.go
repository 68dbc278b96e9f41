package playvox

import (
	"context"
	"errors"
	nethttp "net/http"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// batch is records on their way to one path.
type batch struct{ write, remove [][]byte }

// add takes a record. One that its source took back goes as the options say.
func (s *sink) add(b *batch, line []byte, retracted bool) {
	switch {
	case !retracted || s.o.Retracted == "zero":
		b.write = append(b.write, line)
	case s.o.Retracted == "delete":
		b.remove = append(b.remove, line)
	}
}

func (s *sink) post(ctx context.Context, path string, b *batch) error {
	if err := s.write(ctx, nethttp.MethodPost, path, b.write); err != nil {
		return err
	}
	return s.write(ctx, nethttp.MethodDelete, path, b.remove)
}

// sendContacts sends contacts, and what agents handled of them.
func (s *sink) sendContacts(ctx context.Context, items []delivery.Item, refused *delivery.Refused) error {
	var contacts, sessions batch
	for n := range items {
		i := &items[n]
		v, err := s.contact(i.Contact, i.Key)
		if err != nil {
			refuse(refused, n, err)
			continue
		}
		if v.AgentID != "" {
			u, ok, err := s.person(ctx, i, n, v.Source, v.AgentID, refused)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			v.UserEmail, v.UserID = u.email, u.id
		}
		if err := s.addContact(&contacts, &sessions, v); err != nil {
			refuse(refused, n, err)
		}
	}
	if s.o.Contacts != nil {
		if err := s.post(ctx, s.o.Contacts.Path, &contacts); err != nil {
			return err
		}
	}
	if s.o.Sessions != nil {
		return s.post(ctx, s.o.Sessions.Path, &sessions)
	}
	return nil
}

func (s *sink) addContact(contacts, sessions *batch, v contactView) error {
	contact, err := s.contacts.line(v)
	if err != nil {
		return err
	}
	if v.AgentID == "" || v.AnsweredAt == schemas.Null {
		s.add(contacts, contact, v.Retracted)
		return nil
	}
	if v.StartedAt = v.AnsweredAt; v.FinishedAt != schemas.Null {
		v.FinishedAt = max(v.FinishedAt, v.StartedAt)
	}
	if v.Retracted {
		v.FinishedAt = v.StartedAt
	}
	session, err := s.sessions.line(v)
	if err != nil {
		return err
	}
	s.add(contacts, contact, v.Retracted)
	s.add(sessions, session, v.Retracted)
	return nil
}

// contact is the view of a contact. It begins when it was offered and is over when everything about it is.
func (s *sink) contact(c *schemas.Contact, key string) (contactView, error) {
	v := contactView{
		Key: key, Tenant: c.Tenant, Source: c.Source, Alias: s.alias(c.Source), AgentID: c.AgentID, AgentName: c.AgentName, InteractionID: c.InteractionID,
		Segment: c.Segment, Channel: c.Channel, Direction: c.Direction.String(), QueueID: c.QueueID, QueueName: c.QueueName, Outcome: c.Outcome.String(),
		OfferedAt: c.OfferedAt, AnsweredAt: c.AnsweredAt, EndedAt: c.EndedAt, WrapEndedAt: c.WrapEndedAt, TalkMs: c.TalkMs, HoldMs: c.HoldMs, WrapMs: c.WrapMs,
		Retracted: c.Retracted, StartedAt: first(c.OfferedAt, c.AnsweredAt, c.EndedAt), FinishedAt: c.WrapEndedAt,
	}
	if v.FinishedAt == schemas.Null && c.EndedAt != schemas.Null {
		if v.FinishedAt = c.EndedAt; c.WrapMs != schemas.Null {
			v.FinishedAt += c.WrapMs
		}
	}
	if v.StartedAt == schemas.Null {
		return v, errors.New("field \"offered_at\" is absent, and so are answered_at and ended_at: it is not known when the contact was")
	}
	if v.Retracted {
		v.FinishedAt = v.StartedAt
	}
	return v, nil
}

func first(list ...int64) int64 {
	for _, at := range list {
		if at != schemas.Null {
			return at
		}
	}
	return schemas.Null
}

// sendWorkers sends the ids that sources know people by.
func (s *sink) sendWorkers(ctx context.Context, items []delivery.Item, refused *delivery.Refused) error {
	var b batch
	for n := range items {
		i := &items[n]
		w := i.Worker
		agent := w.AgentID
		if agent == "" {
			agent = w.WorkerID
		}
		u, reason, detail, err := s.people.findWorker(ctx, w, agent)
		if err != nil {
			return err
		}
		if reason != "" {
			refused.Items = append(refused.Items, s.held.judge(s, i, n, reason, detail))
			continue
		}
		s.held.release(i.Key)
		line, err := s.identifiers.line(identifierView{
			Key: i.Key, Tenant: w.Tenant, Source: w.Source, System: w.System, Alias: s.alias(w.Source), UserEmail: u.email, UserID: u.id, WorkerID: w.WorkerID,
			AgentID: agent, Name: w.Name, Active: w.Active && !w.Retracted, Retracted: w.Retracted,
		})
		if err != nil {
			refuse(refused, n, err)
			continue
		}
		s.add(&b, line, w.Retracted)
	}
	return s.post(ctx, s.o.Identifiers.Path, &b)
}
