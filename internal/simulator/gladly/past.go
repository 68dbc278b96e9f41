package gladly

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/quarterhour/quarterhour/internal/simulator"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
)

const (
	second = int64(1000)
	minute = 60 * second
	hour   = 60 * minute
)

// past is one day of the company in Gladly's words.
type past struct {
	midnight      int64 // milliseconds since 1970
	events        []*event
	visible       []*event // the same by the instant at which they show
	sessions      []*session
	conversations []*conversation // by creation
	byID          map[string]*conversation
	slug          func(words ...string) string
}

// session is one contact session: a visit to one inbox. Instants are milliseconds since 1970, -1 is none.
type session struct {
	id, work                          string // ids of the contact session and of the work session
	conversation                      *conversation
	inbox                             simulator.Queue
	agent                             string
	outcome                           string
	created                           int64 // up to 2 s before it is offered
	offered, answered, ended, wrapped int64
	first                             *session // of the contact session, itself where it is one contact's only one
	next                              *session // the same contact with another agent
}

// last is the session in which a contact ends.
func (s *session) last() *session {
	for s.next != nil {
		s = s.next
	}
	return s
}

// conversation is what a customer wanted, over all contacts about it.
type conversation struct {
	id, customer string
	sessions     []*session
	created      int64
	closed       int64
	reopened     int64  // 0: never; closed again two minutes later
	merged       string // into which conversation; only those have no sessions
	mergedAt     int64
}

// channels are Gladly's names.
var channels = map[string]string{"chat": "CHAT", "sms": "SMS", "email": "EMAIL", "voice": "PHONE_CALL", "whatsapp": "WHATSAPP"}

func channel(name string) string {
	if c, ok := channels[name]; ok {
		return c
	}
	return strings.ToUpper(name)
}

// chronicle tells a day in Gladly's words.
func chronicle(c *centre.Centre, d *simulator.Day, o Options) *past {
	p := &past{midnight: d.Date.UnixMilli(), byID: map[string]*conversation{}, slug: c.Slug}
	for _, a := range d.Agents {
		p.agent(a, d.Queues, o)
	}
	byInteraction := map[string]*conversation{}
	for _, c := range d.Contacts {
		if c.Queue < 0 {
			continue // Gladly has no direct contacts
		}
		v := byInteraction[c.Interaction]
		if v == nil {
			name := c.Interaction
			v = &conversation{id: p.slug("conversation", name), customer: p.slug("customer", name)}
			byInteraction[c.Interaction] = v
			p.conversations = append(p.conversations, v)
		}
		v.sessions = append(v.sessions, p.session(d, c, v, o))
	}
	for i, v := range p.conversations {
		p.live(v)
		if o.Merges > 0 && i%o.Merges == o.Merges-1 {
			p.merge(v)
		}
	}
	for _, v := range p.conversations {
		p.byID[v.id] = v
	}
	p.novelties(o)
	slices.SortFunc(p.events, func(a, b *event) int { return cmp.Or(cmp.Compare(a.recorded, b.recorded), strings.Compare(a.id, b.id)) })
	p.visible = slices.Clone(p.events)
	slices.SortStableFunc(p.visible, func(a, b *event) int { return cmp.Compare(a.visible, b.visible) })
	return p
}

func (p *past) session(d *simulator.Day, c *simulator.Contact, v *conversation, o Options) *session {
	at := func(ms int64) int64 {
		if ms < 0 {
			return -1
		}
		return p.midnight + ms
	}
	s := &session{
		id: p.slug("contact", v.id, fmt.Sprint(c.Segment)), work: p.slug("work", v.id, fmt.Sprint(c.Segment)), conversation: v, inbox: d.Queues[c.Queue], outcome: c.Outcome,
		offered: at(c.Offered), answered: at(c.Answered), ended: at(c.Ended), wrapped: at(c.WrapEnd),
	}
	if c.Agent != nil {
		s.agent = c.Agent.ID
	}
	s.wrapped = max(s.wrapped, s.ended)
	if s.created = s.offered; len(v.sessions) == 0 {
		s.created -= roll(s.id, "route", 2*second)
	}
	p.sessions = append(p.sessions, s)
	s.first = s
	if n := len(v.sessions); n > 0 && !o.Apart {
		s.follow(v.sessions[n-1])
	}
	return s
}

// follow makes a session the continuation of the one before it, where two agents had one contact.
func (s *session) follow(before *session) {
	if before.answered < 0 || s.answered < 0 {
		return
	}
	for e := before.first; e != nil; e = e.next {
		if e.agent == s.agent {
			return
		}
	}
	s.id, s.created, s.first, before.next = before.id, before.created, before.first, s
}

// add records an event of the instant: a little later, and now and then much later; the stream shows it at most 15 s after that.
func (p *past) add(kind string, at int64, by *initiator, c content, about ...string) {
	words := append([]string{kind, strconv.FormatInt(at, 10), c.AgentID, c.ContactID, c.ConversationID}, about...)
	e := &event{id: p.slug(words...), kind: kind, initiator: by, content: c}
	e.recorded = at + 3 + roll(e.id, "lag", 200)
	if roll(e.id, "late", 15) == 0 {
		e.recorded = at + 1 + roll(e.id, "lag", 12*second)
	}
	e.visible = e.recorded + roll(e.id, "show", 2*second)
	if roll(e.id, "slow", 6) == 0 {
		e.visible = e.recorded + roll(e.id, "show", 15*second)
	}
	if roll(e.id, "precise", 5) == 0 {
		e.nanos = roll(e.id, "nanos", 1_000_000)
	}
	p.events = append(p.events, e)
}

// roll is a number below n that looks like chance and is the same for the same id, which depends on the centre's seed.
func roll(id, what string, n int64) int64 {
	if n <= 0 {
		return 0
	}
	sum := sha256.Sum256([]byte(what + id))
	return int64(binary.BigEndian.Uint64(sum[:8])>>1) % n
}

// all is every kind of work that the inboxes need, as availability names it.
func all(inboxes []simulator.Queue) []string {
	var kinds []string
	for _, q := range inboxes {
		kind := "MESSAGING"
		switch q.Channel {
		case "email":
			kind = "MAIL"
		case "voice":
			kind = "VOICE"
		}
		if !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	return kinds
}

// agent tells what Gladly sees of an agent: in and out, away and back. It knows no state "on a contact": who is on one is as
// available as who waits for one.
func (p *past) agent(a *simulator.Agent, inboxes []simulator.Queue, o Options) {
	self := &initiator{ID: a.ID, Type: "AGENT"}
	ready, none := all(inboxes), []string{}
	tell := func(kind string, at int64, c content) {
		c.AgentID, c.OccurredAt = a.ID, stamp(at)
		p.add(kind, at, self, c)
	}
	for _, s := range statuses(a, o) {
		at := p.midnight + s.At
		switch s.status {
		case in:
			tell("AGENT_STATUS/LOGGED_IN", at, content{ActiveReason: &reason{p.slug("active"), "Available"}})
			tell("AGENT_AVAILABILITY/UPDATED", at, content{AvailableFor: &ready})
		case away:
			tell("AGENT_STATUS/WENT_AWAY", at, content{AwayReason: p.why(s.Reason)})
			tell("AGENT_AVAILABILITY/UPDATED", at, content{AvailableFor: &none})
		case back:
			tell("AGENT_STATUS/RETURNED_FROM_AWAY", at, content{AwayAt: stamp(p.midnight + s.since), AwayReason: p.why(s.Reason)})
			tell("AGENT_AVAILABILITY/UPDATED", at, content{AvailableFor: &ready})
			if roll(a.ID, "active", 4) == 0 {
				tell("AGENT_STATUS/CHANGED_ACTIVE_REASON", at+20*second, content{ActiveReason: &reason{p.slug("project"), "Project"}})
			}
		case out: // without a return from away, where the agent was away
			tell("AGENT_STATUS/LOGGED_OUT", at, content{})
			tell("AGENT_AVAILABILITY/UPDATED", at, content{AvailableFor: &none})
		}
	}
}

func (p *past) why(name string) *reason {
	if name == "" {
		return nil // away by itself, for want of any movement
	}
	return &reason{p.slug("away", name), name}
}

// novelties puts events among the others that no client of today knows.
func (p *past) novelties(o Options) {
	if o.Novelties <= 0 {
		return
	}
	for i, e := range slices.Clone(p.events) {
		if i%o.Novelties != 0 {
			continue
		}
		e.content.Novelty = &novelty{Depth: []int{1, 2}, More: map[string]any{"shape": "cube"}}
		p.add(e.entity()+"/HOLOGRAM_PROJECTED", e.recorded, &initiator{Type: "GALAXY"}, content{AgentID: e.content.AgentID, Reason: "UNHEARD_OF"}, e.id)
	}
}
