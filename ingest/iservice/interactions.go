package iservice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/schemas"
)

// search is the request for the messages of a stretch of time.
func (o *Interactions) search(c calendar, from, to time.Time) map[string]any {
	group := func(id, text, where string) map[string]any {
		return map[string]any{"fields": []any{map[string]any{"fieldID": id, "searchString": text, "where": where}}}
	}
	groups := []any{group(o.From, c.format(from, o.Dates), o.Where), group(o.To, c.format(to, o.Dates), o.Where)}
	var more []string
	for id := range o.Filters {
		more = append(more, id)
	}
	slices.Sort(more)
	for _, id := range more {
		groups = append(groups, group(id, o.Filters[id], "anywhere"))
	}
	return map[string]any{"fields": map[string]any{"groups": groups}, "sort": o.Sort, "__TZO__": c.tzo()}
}

// searching is one read of the interactions.
type searching struct {
	*source
	o       *Interactions
	read    *flow.Read
	dates   calendar
	threads map[string]*thread
	order   []string
	known   openThreads
}

func (s *source) readInteractions(ctx context.Context, r *flow.Read) error {
	o := s.o.Streams.Interactions
	from := r.From.Truncate(time.Second)
	g := &searching{source: s, o: o, read: r, dates: s.o.calendarAt(from), threads: map[string]*thread{}}
	if len(r.State) > 0 {
		_ = json.Unmarshal(r.State, &g.known) // what cannot be read is found again, or forgotten
	}
	if g.known.Open == nil {
		g.known.Open = map[string]openThread{}
	}
	n := int64(0)
	to := r.To.Add(time.Second - 1).Truncate(time.Second) // dates have no fractions
	err := s.pages(ctx, o.Call, o.Records, o.search(g.dates, from, to), r, func(raw json.RawMessage) error {
		if n++; n%1000 == 0 {
			r.Progress(n, 0, "messages")
		}
		return g.take(ctx, o.Call, int(n-1), raw)
	})
	if err != nil {
		return err
	}
	if err := g.recheck(); err != nil {
		return err
	}
	for _, id := range g.order {
		if err := g.tell(ctx, g.threads[id]); err != nil {
			return err
		}
	}
	g.forget()
	r.State, err = json.Marshal(g.known)
	return err
}

// take puts a message into its thread.
func (g *searching) take(ctx context.Context, call string, n int, raw json.RawMessage) error {
	m, f := g.message(raw)
	if f != nil {
		return g.reject(ctx, g.read, "contact", f, call, n, raw)
	}
	if m.kind == passedOver {
		return nil
	}
	t := g.threads[m.thread]
	if t == nil {
		t = &thread{id: m.thread}
		g.threads[m.thread] = t
		g.order = append(g.order, m.thread)
	}
	t.put(m)
	return nil
}

// tell hands over the contacts of a thread. Where the search did not find the questions of its answers, the whole thread is asked for.
func (g *searching) tell(ctx context.Context, t *thread) error {
	whole := t.lacking()
	if whole {
		err := g.complete(ctx, t)
		var said *Failure
		switch {
		case errors.As(err, &said) && said.Class == Missing && len(t.all) == 0:
			return g.deleted(ctx, t.id)
		case errors.As(err, &said) && said.Class == Missing:
			whole = false
		case err != nil:
			return err
		}
	}
	contacts, lost := t.contacts(g.o, g.source.o.Channel)
	for _, m := range lost {
		if m.date >= g.read.Through.UnixMilli() {
			continue // its question may still be on its way
		}
		f := &fault{"no_question", fmt.Errorf("the answer's question is not in thread %q", t.id)}
		if err := g.reject(ctx, g.read, "contact", f, g.o.Call, 0, m.raw); err != nil {
			return err
		}
	}
	open := map[string]int64{}
	for i := range contacts {
		c := &contacts[i]
		if c.QueueName == "" && c.QueueID != "" {
			name, err := g.topic(ctx, c.QueueID)
			if err != nil {
				return err
			}
			c.QueueName = name
		}
		if c.Direction == schemas.DirectionInbound && c.EndedAt == schemas.Null {
			open[c.Segment] = c.OfferedAt
		}
		if err := g.read.Contact(ctx, c); err != nil {
			return err
		}
	}
	return g.note(ctx, t, whole, open)
}

// complete asks for all messages of a thread.
func (g *searching) complete(ctx context.Context, t *thread) error {
	o := &g.o.Thread
	answer, err := g.call(ctx, o.Call, map[string]any{o.ID: t.id, "__TZO__": g.dates.tzo()}, g.read)
	if err != nil {
		return fmt.Errorf("thread %q: %w", t.id, err)
	}
	found, err := records(answer, o.Records)
	if err != nil {
		return fmt.Errorf("%s: %w", o.Call, err)
	}
	for n, raw := range found {
		m, f := g.message(raw)
		if f != nil {
			if err := g.reject(ctx, g.read, "contact", f, o.Call, n, raw); err != nil {
				return err
			}
			continue
		}
		if m.kind != passedOver && m.thread == t.id {
			t.put(m)
			g.known.Found = true
		}
	}
	return nil
}
