package iservice

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/quarterhour/quarterhour/internal/simulator"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
)

const (
	second = int64(1000)
	minute = 60 * second
)

// never is later than any instant.
const never = int64(1) << 62

// The types of messages.
const (
	customerEmail = "Customer Email"
	ticket        = "Ticket"
	agentResponse = "Agent Response"
	agentEmail    = "Agent Email"
	privateNote   = "Private Note"
	publicNote    = "Public Note"
	resolveNote   = "Resolve Note"
)

var notes = []string{privateNote, publicNote, resolveNote}

// message is an interaction, as iService calls each of them. Instants are milliseconds since 1970, of whole seconds.
type message struct {
	id, thread, parent int
	root, to           *message // what thread and parent are the ids of; nil: itself, none
	kind               string
	date               int64
	resolved           int64 // never: not
	shows, resolution  int64 // when the message and its resolution show
	gone               int64 // when it is deleted
	topic, first       int   // number of the queue, -1: none; and the one in which it arrived
	moved              int64
	agent              *simulator.Agent // nil: the customer's
	answer             *message         // of a question
}

// topicAt is the topic at an instant.
func (m *message) topicAt(at int64) int {
	if at < m.moved {
		return m.first
	}
	return m.topic
}

// question says whether a message is a customer's.
func (m *message) question() bool { return m.agent == nil }

// direct says whether an agent began it.
func (m *message) direct() bool { return m.agent != nil && m.kind != agentResponse }

// post is a day of messages, by id.
type post struct {
	day      *simulator.Day
	messages []*message
}

func whole(ms int64) int64 { return ms - ms%second }

// deliver tells a day in messages.
func deliver(c *centre.Centre, n int, d *simulator.Day, o Options) *post {
	p := &post{day: d}
	threads := map[string]*message{}
	for _, v := range d.Contacts {
		if v.Queue >= 0 {
			p.question(c, v, threads, o)
		}
	}
	if !o.Steady {
		p.spam(c, o)
	}
	p.write(c, o)
	slices.SortStableFunc(p.messages, func(a, b *message) int { return cmp.Compare(a.date, b.date) })
	for i, m := range p.messages {
		m.id = 100_000*(n+1) + i + 1
	}
	for _, m := range p.messages { // ids are by date
		if m.thread = m.id; m.root != nil {
			m.thread = m.root.id
		}
		if m.to != nil {
			m.parent = m.to.id
		}
	}
	return p
}

func (p *post) add(c *centre.Centre, o Options, m *message, words ...string) *message {
	dice := c.Dice(append([]string{"iservice", m.kind, fmt.Sprint(m.date)}, words...)...)
	lag := o.Lag.Milliseconds() + 1
	if m.shows, m.resolution = m.date+dice.Int64N(lag), never; m.resolved != never {
		m.resolution = max(m.resolved+dice.Int64N(lag), m.shows)
	}
	if m.gone == 0 {
		m.gone = never
	}
	p.messages = append(p.messages, m)
	return m
}

// question tells a visit to a queue, and its answer.
func (p *post) question(c *centre.Centre, v *simulator.Contact, threads map[string]*message, o Options) {
	at := func(ms int64) int64 { return p.day.Date.UnixMilli() + whole(ms) }
	name := fmt.Sprintf("%s/%d", v.Interaction, v.Segment)
	dice := c.Dice("iservice", "question", name)
	q := &message{kind: customerEmail, date: at(v.Offered), resolved: at(v.Ended), topic: v.Queue, first: v.Queue, root: threads[v.Interaction]}
	if dice.IntN(5) == 0 {
		q.kind = ticket
	}
	if n := len(p.day.Queues); dice.IntN(25) == 0 && n > 1 && !o.Steady {
		q.first = (v.Queue + 1 + dice.IntN(n-1)) % n
		q.moved = q.date + dice.Int64N(30*minute)
	}
	if p.add(c, o, q, name); q.root == nil {
		threads[v.Interaction] = q
	}
	if v.Answered < 0 {
		return
	}
	a := &message{kind: agentResponse, date: at(v.Answered), resolved: q.resolved, topic: v.Queue, first: q.first, moved: q.moved, agent: v.Agent, root: q, to: q}
	if q.root != nil {
		a.root = q.root
	}
	p.add(c, o, a, name)
	a.resolution = max(a.resolution, q.resolution) // a question shows as resolved when its answer does
	q.resolution, q.answer = a.resolution, a
}

// spam puts questions among the others that disappear.
func (p *post) spam(c *centre.Centre, o Options) {
	for i, m := range slices.Clone(p.messages) {
		if dice := c.Dice("iservice", "spam", p.day.Prefix, fmt.Sprint(i)); m.question() && dice.IntN(20) == 0 {
			date := m.date + whole(dice.Int64N(minute))
			p.add(c, o, &message{
				kind: customerEmail, date: date, resolved: never, topic: m.topic, first: m.topic, gone: date + whole(5*minute+dice.Int64N(25*minute)),
			}, "spam", fmt.Sprint(i))
		}
	}
}

// write lets agents write e-mails, and notes in the threads that they answered.
func (p *post) write(c *centre.Centre, o Options) {
	for i, m := range slices.Clone(p.messages) {
		if m.kind != agentResponse {
			continue
		}
		dice := c.Dice("iservice", "write", p.day.Prefix, fmt.Sprint(i))
		switch dice.IntN(6) {
		case 0:
			p.add(c, o, &message{kind: agentEmail, date: m.date + whole(dice.Int64N(2*minute)), resolved: never, topic: -1, first: -1, agent: m.agent}, fmt.Sprint(i))
		case 1:
			p.add(c, o, &message{
				kind: notes[dice.IntN(len(notes))], date: m.date + whole(dice.Int64N(2*minute)), resolved: never, topic: m.topic, first: m.topic,
				agent: m.agent, root: m.root, to: m.to,
			}, fmt.Sprint(i))
		}
	}
}
