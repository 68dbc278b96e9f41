package gladly

import (
	"cmp"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/schemas"
)

// step is what an event does to a contact. In one instant they happen in this order.
type step uint8

const (
	stepNone step = iota
	stepStarted
	stepAccepted
	stepTransferred
	stepEnded
)

var steps = map[string]step{
	"CONTACT/STARTED": stepStarted, "CONTACT/OFFER_ACCEPTED": stepAccepted, "CONTACT/TRANSFERRED": stepTransferred, "CONTACT/ENDED": stepEnded,
}

// told is an event of a contact, as far as it matters.
type tale struct {
	at, recorded          int64
	step                  step
	agent, queue, channel string
	status                string
	outbound              bool
}

func (t *tale) compare(u *tale) int {
	return cmp.Or(cmp.Compare(t.at, u.at), cmp.Compare(t.step, u.step), cmp.Compare(t.recorded, u.recorded), cmp.Compare(t.agent, u.agent),
		cmp.Compare(t.queue, u.queue), cmp.Compare(t.status, u.status))
}

// taleOf takes from an event what matters. ok is false for events that change nothing.
func taleOf(e *event, words interner) (t tale, ok bool) {
	s := steps[string(e.kind)]
	if s == stepNone {
		return t, false
	}
	t = tale{
		at: e.at(), recorded: e.timestamp, step: s, agent: words.word(string(e.agentID)), queue: words.word(string(e.context.inboxID)),
		channel: words.word(channelName(string(e.channel))), status: words.word(strings.ToUpper(string(e.status))),
	}
	switch s {
	case stepStarted:
		// Events do not tell the direction: an agent who starts a contact reaches out.
		if t.outbound = string(e.initiator) == "AGENT"; t.outbound && t.agent == "" {
			t.agent = words.word(string(e.initiatorID))
		}
	case stepTransferred:
		t.agent, t.queue = words.word(string(e.assignee.agentID)), words.word(string(e.assignee.inboxID))
	}
	return t, true
}

// add puts a tale into its place in time, and reports whether it is new.
func add(tales []tale, t tale) ([]tale, bool) {
	at, found := slices.BinarySearchFunc(tales, t, func(a, b tale) int { return a.compare(&b) })
	if found {
		return tales, false
	}
	return slices.Insert(tales, at, t), true
}

// inOrder puts tales into the order in which they must have happened. Events of contacts often say only when they were recorded, which
// may be later than that of what came after: a contact starts first, ends last, and nothing happens after what follows it.
func inOrder(tales []tale) []tale {
	rank := func(t tale) int {
		switch t.step {
		case stepStarted:
			return 0
		case stepEnded:
			return 2
		}
		return 1
	}
	slices.SortStableFunc(tales, func(a, b tale) int { return rank(a) - rank(b) })
	for i := len(tales) - 2; i >= 0; i-- {
		tales[i].at = min(tales[i].at, tales[i+1].at)
	}
	return tales
}

// foldTales makes segments of the events of one contact. A contact whose start is not known has none: the report will tell.
func foldTales(tales []tale) []part {
	var parts []part
	tales = inOrder(tales)
	waiting := func(t *tale) part {
		return part{
			queue: t.queue, channel: t.channel, outbound: t.outbound, offered: t.at, answered: schemas.Null, ended: schemas.Null,
			talk: schemas.Null, wrap: schemas.Null,
		}
	}
	open := func() *part {
		if n := len(parts); n > 0 && parts[n-1].ended == schemas.Null {
			return &parts[n-1]
		}
		return nil
	}
	accept := func(t *tale) {
		p := open()
		switch {
		case p == nil:
			return // before the start, or after the end
		case p.agent != "" && p.agent != t.agent:
			p.ended, p.outcome = t.at, schemas.OutcomeTransferred
			next := waiting(t)
			next.queue, next.channel, next.outbound = cmp.Or(t.queue, p.queue), p.channel, p.outbound
			parts = append(parts, next)
			p = &parts[len(parts)-1]
		case p.agent != "":
			return
		}
		p.agent, p.answered, p.queue = t.agent, t.at, cmp.Or(p.queue, t.queue)
	}
	for i := range tales {
		t := &tales[i]
		p := open()
		switch t.step {
		case stepStarted:
			if parts != nil {
				continue
			}
			first := waiting(t)
			if t.outbound {
				first.agent, first.answered = t.agent, t.at
			}
			parts = append(parts, first)
		case stepAccepted:
			accept(t)
		case stepTransferred:
			if p == nil {
				continue
			}
			p.ended, p.outcome = t.at, schemas.OutcomeTransferred
			if p.answered == schemas.Null {
				p.outcome = schemas.OutcomeOverflowed
			}
			next := waiting(t)
			next.queue, next.channel, next.outbound = cmp.Or(t.queue, p.queue), cmp.Or(t.channel, p.channel), p.outbound
			parts = append(parts, next)
		case stepEnded:
			if p == nil {
				continue
			}
			if n := len(parts); n > 1 && p.answered == schemas.Null && t.status == "ANSWERED" {
				parts = parts[:n-1] // it went on as another contact
				continue
			}
			p.ended = t.at
			p.close(t.status)
		}
	}
	return named(parts)
}

// named gives segments their names, as the report has them: one for each agent, and one for nobody.
func named(parts []part) []part {
	var list []part
	for _, p := range parts {
		p.segment = p.agent
		at := slices.IndexFunc(list, func(q part) bool { return q.segment == p.segment })
		switch {
		case at < 0:
			list = append(list, p)
		case p.agent == "":
			list[at] = p
		default: // back with an agent who had it before: the report has one row
			list[at].ended, list[at].outcome = p.ended, p.outcome
		}
	}
	return list
}
