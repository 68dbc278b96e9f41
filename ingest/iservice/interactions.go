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

// Interactions is the stream of the same name.
type Interactions struct {
	Every   time.Duration     `cfg:"every" default:"5m" help:"how often to search"`
	Back    time.Duration     `cfg:"back" default:"168h" help:"how far back the first search begins, and any later one can go"`
	Overlap time.Duration     `cfg:"overlap" default:"24h" help:"how much of what is complete is searched again, for corrections and what was withdrawn"`
	Lag     time.Duration     `cfg:"lag" default:"1m" help:"how much later than its date a message may be found"`
	Longest time.Duration     `cfg:"longest" default:"24h" help:"the longest stretch of one search while catching up"`
	Call    string            `cfg:"call" default:"webapp-api-mqsearch?api=search" help:"form and endpoint of the search"`
	Records string            `cfg:"records" default:"interactions|results" help:"path of the list in the answer; others may follow after |"`
	From    string            `cfg:"from_field" default:"dateFrom" help:"fieldID of the date that messages are not older than"`
	To      string            `cfg:"to_field" default:"dateTo" help:"fieldID of the date that messages are older than"`
	Dates   string            `cfg:"date_format" default:"2006-01-02 15:04:05" help:"how the search's dates are written: rfc3339, unix, unix_ms or a layout as Go writes it"`
	Where   string            `cfg:"where" default:"entire" enum:"anywhere|start|end|entire" help:"how the search compares the dates"`
	Sort    string            `cfg:"sort" default:"date" help:"order of the results; pages need one that does not change"`
	Filters map[string]string `cfg:"filters" help:"further conditions of the search: what is looked for, by fieldID"`
	Thread  Thread            `cfg:"thread" help:"how the other messages of a thread are found"`
	Recheck time.Duration     `cfg:"recheck" default:"1h" help:"how often an open question is looked at that no message tells about; 0s: never"`
	Fields  Fields            `cfg:"fields" help:"paths of what is read of a message; others may follow after |"`
	Types   Types             `cfg:"types" help:"what the types of messages mean; others are passed over"`
	// Resolved are the states of a question that mean that it is done with.
	Resolved []string `cfg:"resolved" help:"statuses of a question that is done with; Resolved and Closed if left out"`
}

// Thread says how to ask for a whole thread.
type Thread struct {
	Call    string `cfg:"call" default:"webapp-api-History?api=details" help:"form and endpoint"`
	ID      string `cfg:"id_field" default:"threadID" help:"name of the request's field with the thread's id"`
	Records string `cfg:"records" default:"interactions|history|results" help:"path of the list in the answer"`
}

// Fields are the paths of what is read of a message.
type Fields struct {
	ID        string `cfg:"id" default:"id" help:"its id"`
	Thread    string `cfg:"thread" default:"threadID" help:"id of the thread's first message"`
	Question  string `cfg:"question" default:"parentID|inReplyTo" help:"id of the question that it answers; the last one before it in the thread if empty"`
	Type      string `cfg:"type" default:"type" help:"its type"`
	Date      string `cfg:"date" default:"date" help:"when it arrived, or was sent"`
	Created   string `cfg:"created" default:"createdDate|created|dateCreated" help:"when the agent created the answer; its date if empty"`
	Resolved  string `cfg:"resolved" default:"resolvedDate|resolved|dateResolved" help:"when it was resolved; the answer's date if empty and the status says that it is"`
	Status    string `cfg:"status" default:"status" help:"its status"`
	Topic     string `cfg:"topic" default:"topicID" help:"id of the topic"`
	TopicName string `cfg:"topic_name" default:"topicName|topic" help:"name of the topic; by the stream topics if empty"`
	Agent     string `cfg:"agent" default:"agentID|interactionProperties.agentID" help:"contact id of the agent"`
	AgentName string `cfg:"agent_name" default:"agentName|fromName" help:"name of the agent"`
}

// Types are the types of messages by what they mean, in any case.
type Types struct {
	Questions []string `cfg:"questions" help:"questions of customers; Customer Question, Customer Email and Ticket if left out"`
	Answers   []string `cfg:"answers" help:"answers of agents; Agent Response and Agent Answer if left out"`
	Emails    []string `cfg:"emails" help:"e-mails that agents began; Agent Email if left out"`
	Notes     []string `cfg:"notes" help:"notes; Agent Note, Private Note, Public Note and Resolve Note if left out"`
}

func (o *Interactions) validate(problem func(path, message string)) {
	path := func(name string) string { return "streams.interactions." + name }
	for name, d := range map[string]time.Duration{"overlap": o.Overlap, "lag": o.Lag, "recheck": o.Recheck} {
		if d < 0 {
			problem(path(name), "cannot be negative")
		}
	}
	if o.Back < o.Overlap {
		problem(path("back"), fmt.Sprintf("is %s, less than overlap", o.Back))
	}
	if o.Longest < time.Minute {
		problem(path("longest"), "must be at least 1m")
	}
	for name, p := range map[string]string{"fields.id": o.Fields.ID, "fields.type": o.Fields.Type, "fields.date": o.Fields.Date} {
		if p == "" {
			problem(path(name), "has no value: a message cannot do without")
		}
	}
}

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

// openThreads is what is remembered between two reads: the threads with open questions.
type openThreads struct {
	Open map[string]openThread `json:"open"`
	// Found says that a thread was asked for and found: only then a thread that is not there has been deleted, and not misnamed.
	Found bool `json:"found,omitempty"`
}

// openThread is when a thread was looked at last, and its open questions with when they arrived, milliseconds.
type openThread struct {
	Seen      int64            `json:"seen"`
	Questions map[string]int64 `json:"questions"`
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

// mostRechecks bounds the calls of one read.
const mostRechecks = 50

// recheck adds the threads of open questions that nothing was heard of for a while.
func (g *searching) recheck() error {
	if g.o.Recheck <= 0 {
		return nil
	}
	var due []string
	before := g.watch.Now().Add(-g.o.Recheck).UnixMilli()
	for id, open := range g.known.Open {
		if g.threads[id] == nil && open.Seen <= before {
			due = append(due, id)
		}
	}
	slices.SortFunc(due, func(a, b string) int { return int(g.known.Open[a].Seen - g.known.Open[b].Seen) })
	for _, id := range due[:min(len(due), mostRechecks)] {
		g.threads[id] = &thread{id: id}
		g.order = append(g.order, id)
	}
	return nil
}

// mostOpen bounds what is remembered: it is stored with every read.
const mostOpen = 5000

// forget drops open threads that are too old to be searched, and the oldest of too many.
func (g *searching) forget() {
	before := g.watch.Now().Add(-g.o.Back).UnixMilli()
	var all []int64
	for id, open := range g.known.Open {
		if open.latest() < before {
			delete(g.known.Open, id)
			continue
		}
		all = append(all, open.latest())
	}
	if len(all) <= mostOpen {
		return
	}
	slices.Sort(all)
	from := all[len(all)-mostOpen]
	g.deps.Log.Warn("too many open questions: the oldest are no longer looked at again", "open", len(all), "before", time.UnixMilli(from).UTC())
	for id, open := range g.known.Open {
		if open.latest() < from {
			delete(g.known.Open, id)
		}
	}
}

// latest is when the newest question of the thread arrived.
func (t openThread) latest() (at int64) {
	for _, q := range t.Questions {
		at = max(at, q)
	}
	return at
}

// tell hands over the contacts of a thread. Where the search did not find the questions of its answers, the whole thread is asked for.
func (g *searching) tell(ctx context.Context, t *thread) error {
	if t.lacking() {
		err := g.complete(ctx, t)
		var said *Failure
		switch {
		case errors.As(err, &said) && said.Class == Missing && len(t.all) == 0:
			return g.deleted(ctx, t.id)
		case errors.As(err, &said) && said.Class == Missing:
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
	delete(g.known.Open, t.id)
	if len(open) > 0 {
		g.known.Open[t.id] = openThread{Seen: g.watch.Now().UnixMilli(), Questions: open}
	}
	return nil
}

// deleted withdraws the open questions of a thread that is not there any more.
func (g *searching) deleted(ctx context.Context, id string) error {
	open := g.known.Open[id]
	delete(g.known.Open, id)
	if !g.known.Found {
		g.deps.Log.Warn("a thread with an open question is not found, nor was any other so far: check thread.call and thread.id_field", "thread", id)
		return nil
	}
	for segment, at := range open.Questions {
		c := &schemas.Contact{
			InteractionID: id, Segment: segment, Retracted: true, OfferedAt: at, AnsweredAt: schemas.Null, EndedAt: schemas.Null, WrapEndedAt: schemas.Null,
			TalkMs: schemas.Null, HoldMs: schemas.Null, WrapMs: schemas.Null,
		}
		if err := g.read.Contact(ctx, c); err != nil {
			return err
		}
	}
	return nil
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
