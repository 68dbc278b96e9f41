package transform_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// naive computes the tables straight from facts and marks, from the design alone. It shares no code with the engine and does not
// care for speed. Rows are maps by readable key; cells are numbers, names among them as text; zeros are left out.
type naive struct {
	o     transform.Options
	marks map[string]int64 // by fact and source
	rows  tables
}

type tables map[string]map[string]any

const null = schemas.Null

// The rules by measure, where they are not ended_at; and those that profile wfm-messaging changes, by row and measure.
var acd = map[string]string{"offered": "offered_at", "answered": "answered_at", "answered_in_sl": "answered_at", "wait_ms": "answered_at", "max_wait_ms": "left_at",
	"direct_out": "offered_at", "completed": "wrap_ended_at", "talk_ms": "split", "hold_ms": "split", "wrap_ms": "split"}

const messaging = " queue.answered queue.answered_in_sl queue.wait_ms queue.max_wait_ms queue.talk_ms queue.hold_ms queue.wrap_ms agent_queue.talk_ms agent_queue.hold_ms agent_queue.wrap_ms "

func (n *naive) rule(row, measure string) string {
	wholes := map[string]string{"talk_ms": "contact_ms handle_ms", "hold_ms": "contact_ms handle_ms", "wrap_ms": "handle_ms"}[measure]
	for _, name := range strings.Fields(row + "." + measure + " " + measure + " " + wholes) {
		if rule, ok := n.o.Attribution[name]; ok {
			return rule
		}
	}
	if n.o.Profile == transform.ProfileMessaging && strings.Contains(messaging, " "+row+"."+measure+" ") {
		return "ended_at"
	}
	if n.o.Profile == transform.ProfileMessaging && measure == "login_ms" {
		return "to_interval_end"
	}
	return cmp.Or(acd[measure], "ended_at")
}

func tablesOf(o transform.Options, marks map[string]int64, facts []any) tables {
	n, agents := naive{o, marks, tables{}}, map[string][]any{}
	for _, f := range newest(slices.DeleteFunc(slices.Clone(facts), func(f any) bool { return !n.valid(f) })) {
		if c, ok := f.(*schemas.Contact); ok {
			c, _ := n.repaired(*c)
			n.contact(c)
		} else {
			_, _, _, agent := about(f)
			agents[agent] = append(agents[agent], f)
		}
	}
	for agent, facts := range agents {
		n.agent(agent, facts)
	}
	return n.rows
}

func (n *naive) valid(f any) bool {
	switch f := f.(type) {
	case *schemas.Contact:
		_, ok := n.repaired(*f)
		return ok || f.Retracted
	case *schemas.AgentState:
		return f.Retracted || f.EndedAt == null || f.EndedAt >= f.StartedAt-n.o.ClockSkew.Milliseconds()
	}
	return f.(*schemas.Shift).Retracted || f.(*schemas.Shift).EndsAt >= f.(*schemas.Shift).StartsAt
}

// repaired fills in what is absent, and moves instants within the clock skew to the one that they must follow.
func (n *naive) repaired(c schemas.Contact) (_ schemas.Contact, ok bool) {
	if c.EndedAt == null {
		c.EndedAt = c.WrapEndedAt
	}
	if c.OfferedAt == null {
		if c.OfferedAt = c.AnsweredAt; c.AnsweredAt == null {
			c.OfferedAt = c.EndedAt
		}
	}
	ok = c.OfferedAt != null && (c.TalkMs == null || c.TalkMs >= 0)
	for before, at := c.OfferedAt, []*int64{&c.AnsweredAt, &c.EndedAt, &c.WrapEndedAt}; len(at) > 0; at = at[1:] {
		if *at[0] != null {
			ok = ok && *at[0] >= before-n.o.ClockSkew.Milliseconds()
			*at[0] = max(*at[0], before)
			before = *at[0]
		}
	}
	return c, ok
}

// interval is [start, end) of an instant, by the wall clock.
func (n *naive) interval(ms int64) (start, end int64) {
	_, ahead := time.UnixMilli(ms).In(n.o.Zone).Zone()
	size, local := n.o.Interval.Milliseconds(), ms+int64(ahead)*1000
	return ms - local%size, ms - local%size + size
}

func (n *naive) startOf(key string) (start int64) {
	fmt.Sscan(strings.Fields(key)[1], &start)
	return start
}

func (n *naive) endOf(key string) int64 {
	_, end := n.interval(n.startOf(key))
	return end
}

// add adds to a cell of the row of an interval; the longest wait, and what is known or not, do not add up.
func (n *naive) add(kind string, ms int64, ids, measure string, v int64) {
	start, _ := n.interval(ms)
	key := fmt.Sprintf("%s %d %s", kind, start, ids)
	if n.rows[key] == nil {
		n.rows[key] = map[string]any{}
	}
	was, _ := n.rows[key][measure].(int64)
	if v += was; measure == "max_wait_ms" || strings.HasSuffix(measure, " known") {
		v = max(v-was, was)
	}
	if n.rows[key][measure] = v; v == 0 {
		delete(n.rows[key], measure)
	}
}

// fact notes that a fact contributes to a row, and names it: the greatest name stays.
func (n *naive) fact(kind string, ms int64, ids, agentName, queueName string) {
	n.add(kind, ms, ids, "facts", 1)
	start, _ := n.interval(ms)
	row := n.rows[fmt.Sprintf("%s %d %s", kind, start, ids)]
	for column, name := range map[string]string{"agent_name": agentName, "queue_name": queueName} {
		if was, _ := row[column].(string); name > was {
			row[column] = name
		}
	}
}

// spread calls for every interval with what of a total, spread evenly over [from, to), lies in it, in milliseconds that add up.
func (n *naive) spread(total, from, to int64, each func(at, v int64)) {
	for at, before := from, int64(0); at <= to; {
		_, end := n.interval(at)
		through := total * (min(end, to) - from) / max(to-from, 1)
		if end > to || end == to && to > from {
			through = total
		}
		each(at, through-before)
		at, before = end, through
	}
}

func (n *naive) contact(c schemas.Contact) {
	open, answered := c.EndedAt == null, c.AnsweredAt != null
	end, hold := c.EndedAt, max(c.HoldMs, 0)
	if open {
		end, hold = max(c.OfferedAt, c.AnsweredAt, n.marks["contact "+c.Source]), 0
	}
	at := map[string]int64{"offered_at": c.OfferedAt, "answered_at": c.AnsweredAt, "ended_at": c.EndedAt, "left_at": c.EndedAt, "wrap_ended_at": null}
	left, wrap, wrapEnd, wrapKnown := end, int64(0), end, answered && (c.WrapMs != null || c.WrapEndedAt != null)
	if answered {
		left, at["left_at"] = c.AnsweredAt, c.AnsweredAt
	}
	if wrapKnown && !open {
		wrapEnd = max(c.WrapEndedAt, end)
		if wrap = c.WrapMs; c.WrapMs == null {
			wrap = wrapEnd - end
		} else if c.WrapEndedAt == null {
			wrapEnd = end + wrap
		}
		at["wrap_ended_at"] = wrapEnd
	}
	talking := max(end-c.AnsweredAt, hold)
	if !open && c.TalkMs != null {
		talking = c.TalkMs + hold
	}
	limits := n.o.Queues[c.QueueID]
	wait, level, short := left-c.OfferedAt, cmp.Or(limits.ServiceLevel, n.o.ServiceLevel).Milliseconds(), cmp.Or(limits.ShortAbandon, n.o.ShortAbandon).Milliseconds()
	inbound, had := c.Direction == schemas.DirectionInbound || c.Direction == schemas.DirectionCallback, func(o schemas.Outcome) bool { return !open && c.Outcome == o }
	lost := !answered && !open && !had(schemas.OutcomeOverflowed) && !had(schemas.OutcomeTransferred) && !had(schemas.OutcomeVoicemail)
	adds := naive{n.o, n.marks, tables{}} // what this contact adds
	ids := map[string]string{"queue": c.QueueID + " " + c.Channel, "agent_queue": c.AgentID + " " + c.QueueID + " " + c.Channel}
	put := func(row, measure string, ms, v int64) {
		if row == "queue" && inbound && c.QueueID != "" || row == "agent_queue" && c.AgentID != "" {
			adds.add(row, ms, ids[row], measure, v)
		}
	}
	count := func(row, measure string, v int64, when bool) {
		if ms := at[n.rule(row, measure)]; when && ms != null {
			put(row, measure, ms, v)
		}
	}
	for measure, when := range map[string]bool{
		"offered": true, "answered": answered, "answered_in_sl": answered && wait <= level, "abandoned": lost, "abandoned_in_sl": lost && wait <= level,
		"short_abandoned": lost && wait < short, "transferred_out": had(schemas.OutcomeTransferred), "overflowed": had(schemas.OutcomeOverflowed),
	} {
		count("queue", measure, 1, when)
	}
	count("queue", "wait_ms", wait, answered)
	count("queue", "abandon_wait_ms", wait, lost)
	count("queue", "max_wait_ms", wait, answered || lost)
	count("agent_queue", "answered", 1, answered && inbound)
	count("agent_queue", "completed", 1, wrapKnown && inbound && !open)
	count("agent_queue", "direct_out", 1, !inbound)
	for from, to := n.interval(c.OfferedAt); to <= left; from, to = n.interval(to) {
		put("queue", "backlog", from, 1)
	}
	for row := range ids {
		span := func(measure string, total, from, to int64) {
			if n.rule(row, measure) == "split" {
				n.spread(total, from, to, func(at, v int64) { put(row, measure, at, v) })
			} else {
				count(row, measure, total, !open)
			}
		}
		if answered {
			span("talk_ms", talking, c.AnsweredAt, end)
			span("talk_ms", -hold, c.AnsweredAt, end)
			span("hold_ms", hold, c.AnsweredAt, end)
			span("wrap_ms", wrap, end, wrapEnd)
		}
	}
	if answered {
		n.spread(end-c.AnsweredAt, c.AnsweredAt, end, func(at, v int64) { put("agent_queue", "clock", at, v) })
	}
	for key, row := range adds.rows {
		if len(row) > 0 { // the contact contributes to the row
			n.merge(strings.Fields(key)[0], n.startOf(key), ids, row, c, wrapKnown)
		}
	}
}

// merge adds what a contact adds to a row of a queue, or of an agent and a queue, and then to the agent's.
func (n *naive) merge(kind string, start int64, ids map[string]string, row map[string]any, c schemas.Contact, wrapKnown bool) {
	of := func(measure string) int64 { v, _ := row[measure].(int64); return v }
	for measure := range row {
		if measure != "clock" {
			n.add(kind, start, ids[kind], measure, of(measure))
		}
	}
	n.add(kind, start, ids[kind], "contact_ms", of("talk_ms")+of("hold_ms"))
	n.add(kind, start, ids[kind], "handle_ms", of("talk_ms")+of("hold_ms")+of("wrap_ms"))
	if kind == "queue" {
		n.fact(kind, start, ids[kind], "", c.QueueName)
		return
	}
	n.fact(kind, start, ids[kind], c.AgentName, c.QueueName)
	n.fact("agent", start, c.AgentID, c.AgentName, "")
	n.add("agent", start, c.AgentID, "concurrency_ms", of("clock"))
	n.add("agent", start, c.AgentID, "direct_out", of("direct_out"))
	if wrapKnown {
		n.add(kind, start, ids[kind], "wrap known", 1)
	}
}
