package gladly

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/quarterhour/quarterhour/schemas"
)

// session is a row of the work-session report: one contact and one agent, or none. Times are milliseconds UTC, Null where absent.
type session struct {
	contact, agent, queue, id                   string
	channel, status                             string
	outbound                                    bool
	created, routed, accepted, replied, endedAt int64
	handle, after                               int64 // durations
}

const workSessions = "work-session-events"

// sessionColumns are those without which a row says nothing.
var sessionColumns = []string{"contact_session_id", "contact_session_created_at", "agent_id", "agent_accepted_at", "contact_session_ended_at", "status"}

// session reads the row at hand, in parts of its text. The problem is "" or what is wrong, with the column.
func (o *Options) session(t *table) (s session, problem string) {
	s = session{
		contact: t.cell("contact_session_id"), agent: t.cell("agent_id"), id: t.cell("id"), channel: channelName(t.cell("channel")),
		status: strings.ToUpper(t.cell("status")), outbound: strings.EqualFold(t.cell("direction"), "OUTBOUND"), queue: t.cell(o.Queue),
	}
	if s.queue == "" {
		s.queue = t.cell("inbox_id")
	}
	if s.contact == "" {
		return s, `has no "contact_session_id"`
	}
	for _, c := range []struct {
		column string
		into   *int64
	}{
		{"contact_session_created_at", &s.created}, {"contact_session_routed_at", &s.routed}, {"agent_accepted_at", &s.accepted},
		{"sla_fulfilled_at", &s.replied}, {"contact_session_ended_at", &s.endedAt},
	} {
		var ok bool
		if *c.into, ok = instant([]byte(t.cell(c.column))); !ok {
			return s, "has " + strconv.Quote(t.cell(c.column)) + " as " + strconv.Quote(c.column) + ", which is no instant"
		}
	}
	if s.created == schemas.Null && s.routed == schemas.Null {
		return s, `has no "contact_session_created_at"`
	}
	handle := "work_session_handle_time_sec"
	if !t.has(handle) {
		handle = "work_session_handle_time" // its name in 2021
	}
	for _, c := range []struct {
		column string
		into   *int64
	}{{handle, &s.handle}, {"work_session_after_contact_time_sec", &s.after}} {
		var ok bool
		if *c.into, ok = duration(t.cell(c.column)); !ok {
			return s, "has " + strconv.Quote(t.cell(c.column)) + " as " + strconv.Quote(c.column) + ", which is no number of seconds"
		}
	}
	return s, ""
}

// duration reads seconds, which may have a fraction, as milliseconds. A negative one is none.
func duration(text string) (int64, bool) {
	if text == "" {
		return schemas.Null, true
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(seconds) || seconds > 1e9 || seconds < -1e9 {
		return schemas.Null, false
	}
	if seconds < 0 {
		return schemas.Null, true
	}
	return int64(math.Round(seconds * 1000)), true
}

// channelName is a channel as facts name it: in lower case, and calls as "voice" like everybody's.
func channelName(channel string) string {
	if channel == "PHONE_CALL" {
		return "voice"
	}
	return strings.ToLower(channel)
}

// interner keeps one copy of texts that come again and again.
type interner map[string]string

// maxWords keeps an interner from growing without end.
const maxWords = 100_000

func (w interner) word(text string) string {
	if known, ok := w[text]; ok {
		return known
	}
	text = strings.Clone(text)
	if len(w) < maxWords {
		w[text] = text
	}
	return text
}

// part is one segment of a contact, before it becomes a fact.
type part struct {
	segment, agent, queue, channel string
	outbound                       bool
	offered, answered, ended       int64
	talk, wrap                     int64
	outcome                        schemas.Outcome
}

// offered is when the contact entered the queue, by the option.
func (o *Options) offered(s *session) int64 {
	first, second := s.created, s.routed
	if o.OfferedAt == "contact_session_routed_at" {
		first, second = second, first
	}
	if first == schemas.Null {
		return second
	}
	return first
}

// parts are the segments of one contact by its rows. The report has one row for each agent, in the order in which they accepted: where
// another accepted later, the contact was passed on, and its next segment was offered when this one ended.
func (o *Options) parts(rows []session) []part {
	rows = distinct(rows)
	list := make([]part, 0, len(rows))
	for i := range rows {
		s := &rows[i]
		p := part{
			segment: s.agent, agent: s.agent, queue: s.queue, channel: s.channel, outbound: s.outbound,
			offered: o.offered(s), answered: s.accepted, ended: s.endedAt, talk: s.handle, wrap: s.after,
		}
		if i > 0 {
			before := &list[i-1]
			if since := cmp.Or(nullAsZero(before.answered), before.offered); p.offered <= since { // the contact's, not the segment's
				p.offered = max(since, before.ended)
				if p.answered != schemas.Null {
					p.offered = min(p.offered, max(since, p.answered))
				}
			}
			if before.segment == p.segment {
				p.segment += "#" + strconv.Itoa(i)
			}
		}
		o.answer(&p, s)
		if i+1 < len(rows) {
			passedOn(&p, s, &rows[i+1])
		} else {
			p.close(s.status)
		}
		if p.ended == schemas.Null || p.answered == schemas.Null {
			p.talk, p.wrap = schemas.Null, schemas.Null
		}
		list = append(list, p)
	}
	return list
}

func nullAsZero(ms int64) int64 {
	if ms == schemas.Null {
		return 0
	}
	return ms
}

// answer finds when the agent answered, where the report leaves agent_accepted_at empty for a contact that it calls answered, or that
// the agent began.
func (o *Options) answer(p *part, s *session) {
	switch {
	case p.answered != schemas.Null || s.agent == "":
	case s.outbound:
		p.answered = p.offered
	case s.status != "ANSWERED":
	case s.replied != schemas.Null:
		p.answered = max(s.replied, p.offered)
	case s.endedAt != schemas.Null:
		p.answered = max(s.endedAt-nullAsZero(s.handle), p.offered)
	}
}

// passedOn ends a part that another agent continued.
func passedOn(p *part, s, next *session) {
	if p.answered == schemas.Null {
		p.outcome = schemas.OutcomeOverflowed
		if next.accepted != schemas.Null {
			p.ended = next.accepted
		}
		return
	}
	p.outcome = schemas.OutcomeTransferred
	switch {
	case s.handle != schemas.Null && (p.ended == schemas.Null || p.answered+s.handle < p.ended):
		p.ended = p.answered + s.handle
	case s.handle == schemas.Null && next.accepted != schemas.Null:
		p.ended = max(p.answered, next.accepted)
	}
}

// close says how the last part ended, if it did.
func (p *part) close(status string) {
	switch {
	case p.ended == schemas.Null:
	case p.answered != schemas.Null:
		p.outcome = schemas.OutcomeHandled
	case status == "ABANDONED":
		p.outcome = schemas.OutcomeAbandoned
	}
}

// distinct sorts rows by when they were accepted, those that were not last, and leaves one of rows that are the same work session: the
// id comes only when the contact has ended, so that the row that has it is the later one.
func distinct(rows []session) []session {
	slices.SortFunc(rows, func(a, b session) int {
		return cmp.Or(cmp.Compare(uint64(a.accepted), uint64(b.accepted)), cmp.Compare(a.agent, b.agent), cmp.Compare(b.id, a.id),
			cmp.Compare(b.endedAt, a.endedAt), cmp.Compare(b.handle, a.handle))
	})
	kept := rows[:0]
	for _, s := range rows {
		same := slices.ContainsFunc(kept, func(k session) bool { return k.agent == s.agent && (k.id == s.id || s.id == "" || k.id == "") })
		if !same {
			kept = append(kept, s)
		}
	}
	return kept
}
