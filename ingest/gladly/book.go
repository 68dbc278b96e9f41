package gladly

import (
	"context"
	"slices"
	"sync"

	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/schemas"
)

// book brings together what events and reports say of a contact. Both name it by the same id, and its segments by the agent, so that
// one contact is counted once:
//
//   - once the report says that a contact has ended, the report alone counts;
//   - before that the events tell what the report does not know yet, about an hour of it, and the report what the events left out;
//   - a contact that began before the report is complete and is not in it does not exist, whatever the events say.
//
// It keeps contacts that events told of lately. Facts are handed over with the lock held, so that a later one is later in the log too.
type book struct {
	mu       sync.Mutex
	options  *Options
	names    *directory
	words    interner
	contacts map[string]*talk
	talks    map[string][]string // contacts by conversation
	reported int64               // the report is complete through here; Null where there is none so far
	from     int64               // and from here
}

// talk is what is known of one contact.
type talk struct {
	conversation string
	tales        []tale
	rows         []session // of the report, as it was read last
	read         int64     // number of that read
	given        []string  // segments that were handed over
	closed       int64     // when the conversation was closed, Null where it is open or nobody asked
	touched      int64     // by the newest tale
}

func newBook(o *Options, names *directory) *book {
	return &book{options: o, names: names, words: interner{}, contacts: map[string]*talk{}, talks: map[string][]string{}, reported: schemas.Null, from: schemas.Null}
}

// event takes an event in and hands over what follows from it.
func (b *book) event(ctx context.Context, r *flow.Read, e *event) (problem string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, ok := taleOf(e, b.words)
	if !ok {
		return "", nil
	}
	if len(e.contactID) == 0 {
		return `has no "contactId"`, nil
	}
	if t.step == stepAccepted && t.agent == "" {
		return `has no "agentId"`, nil
	}
	id := string(e.contactID)
	k := b.contacts[id]
	if k == nil {
		k = &talk{conversation: string(e.conversationID), closed: schemas.Null}
		b.contacts[id] = k
		b.talks[k.conversation] = append(b.talks[k.conversation], id)
	}
	var fresh bool
	if k.tales, fresh = add(k.tales, t); !fresh {
		return "", nil
	}
	k.touched = max(k.touched, t.at, t.recorded)
	return "", b.hand(ctx, r, id, k)
}

// knows says whether an event was taken in already.
func (b *book) knows(e *event) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.contacts[string(e.contactID)]
	return k != nil && slices.ContainsFunc(k.tales, func(t tale) bool { return t.recorded == e.timestamp && t.step == steps[string(e.kind)] })
}

// open says that no event has ended the contact.
func (k *talk) open() bool {
	return !slices.ContainsFunc(k.tales, func(t tale) bool { return t.step == stepEnded })
}

// waits says whether a contact of the conversation is open.
func (b *book) waits(conversation string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.talks[conversation], func(id string) bool { return b.contacts[id].open() })
}

// close ends the open contacts of a conversation at an instant, or opens them again at Null.
func (b *book) close(ctx context.Context, r *flow.Read, conversation string, at int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range b.talks[conversation] {
		k := b.contacts[id]
		if k.closed == at || !k.open() {
			continue
		}
		k.closed = at
		if err := b.hand(ctx, r, id, k); err != nil {
			return err
		}
	}
	return nil
}

// settled says whether the report has the last word on a contact.
func settled(rows []session) bool {
	return slices.ContainsFunc(rows, func(s session) bool { return s.endedAt != schemas.Null })
}

// parts are the segments of a contact by all that is known.
func (b *book) parts(k *talk) []part {
	if settled(k.rows) {
		return b.options.parts(slices.Clone(k.rows))
	}
	tales := slices.Clone(k.tales)
	if k.closed != schemas.Null {
		tales, _ = add(tales, tale{at: k.closed, recorded: k.closed, step: stepEnded, status: "ANSWERED"})
	}
	if len(k.rows) == 0 {
		if started := startOf(tales); b.reported != schemas.Null && started >= b.from && started < b.reported {
			return nil
		}
		return foldTales(tales)
	}
	return foldTales(b.merged(tales, k.rows))
}

func startOf(tales []tale) int64 {
	for i := range tales {
		if tales[i].step == stepStarted {
			return tales[i].at
		}
	}
	return schemas.Null
}

// merged are the tales of a contact that is open by the report: start and acceptance as the report has them, and what came after.
func (b *book) merged(tales []tale, rows []session) []tale {
	var all []tale
	for i := range rows {
		s := &rows[i]
		if i == 0 {
			all, _ = add(all, tale{at: b.options.offered(s), recorded: s.created, step: stepStarted, queue: s.queue, channel: s.channel, outbound: s.outbound, agent: outboundAgent(s)})
		}
		if s.agent != "" && s.accepted != schemas.Null {
			all, _ = add(all, tale{at: s.accepted, recorded: s.accepted, step: stepAccepted, agent: s.agent, queue: s.queue, channel: s.channel})
		}
	}
	for _, t := range tales {
		known := t.step == stepStarted || t.step == stepAccepted && slices.ContainsFunc(rows, func(s session) bool { return s.agent == t.agent && s.accepted != schemas.Null })
		if !known {
			all, _ = add(all, t)
		}
	}
	return all
}

func outboundAgent(s *session) string {
	if s.outbound {
		return s.agent
	}
	return ""
}

// hand hands over the segments of a contact, and takes back those that are no more.
func (b *book) hand(ctx context.Context, r *flow.Read, id string, k *talk) error {
	parts := b.parts(k)
	for i := range parts {
		if err := r.Contact(ctx, b.fact(id, &parts[i])); err != nil {
			return err
		}
	}
	for _, segment := range k.given {
		if slices.ContainsFunc(parts, func(p part) bool { return p.segment == segment }) {
			continue
		}
		if err := r.Contact(ctx, retraction(id, segment, startOf(k.tales))); err != nil {
			return err
		}
	}
	k.given = k.given[:0]
	for i := range parts {
		k.given = append(k.given, parts[i].segment)
	}
	return nil
}

func (b *book) fact(id string, p *part) *schemas.Contact {
	c := &schemas.Contact{
		InteractionID: id, Segment: p.segment, Channel: p.channel, QueueID: p.queue, QueueName: b.names.queue(p.queue),
		AgentID: p.agent, AgentName: b.names.agent(p.agent), OfferedAt: p.offered, AnsweredAt: p.answered, EndedAt: p.ended,
		WrapEndedAt: schemas.Null, TalkMs: p.talk, HoldMs: schemas.Null, WrapMs: p.wrap, Outcome: p.outcome,
	}
	if p.outbound {
		c.Direction = schemas.DirectionOutbound
	}
	return c
}

func retraction(id, segment string, offered int64) *schemas.Contact {
	return &schemas.Contact{
		InteractionID: id, Segment: segment, Retracted: true, OfferedAt: offered, AnsweredAt: schemas.Null, EndedAt: schemas.Null,
		WrapEndedAt: schemas.Null, TalkMs: schemas.Null, HoldMs: schemas.Null, WrapMs: schemas.Null,
	}
}

// forget drops contacts of which nothing was heard since an instant; open ones, where no report tells of them, much later.
func (b *book) forget(before int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, k := range b.contacts {
		if k.touched >= before || b.reported == schemas.Null && k.open() && k.touched >= before-longestPending.Milliseconds() {
			continue
		}
		delete(b.contacts, id)
		others := slices.DeleteFunc(b.talks[k.conversation], func(c string) bool { return c == id })
		if len(others) == 0 {
			delete(b.talks, k.conversation)
		} else {
			b.talks[k.conversation] = others
		}
	}
}
