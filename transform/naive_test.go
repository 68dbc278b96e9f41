package transform_test

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// naive computes the tables straight from a set of facts and marks, from the design alone. It shares no code with the engine and
// does not care for speed. Rows are maps by readable key; cells are numbers, names among them as text; zeros are left out.
type naive struct {
	o     transform.Options
	marks map[string]int64 // by fact and source
	rows  tables
}

type tables map[string]map[string]any

const null = schemas.Null

// The rules by measure, or by row and measure where rows differ; ended_at where none is said. Profile wfm-messaging changes some.
var (
	acd = map[string]string{"offered": "offered_at", "answered": "answered_at", "answered_in_sl": "answered_at", "wait_ms": "answered_at", "max_wait_ms": "left_at",
		"direct_out": "offered_at", "completed": "wrap_ended_at", "talk_ms": "split", "hold_ms": "split", "wrap_ms": "split"}
	messaging = map[string]string{"queue.answered": "ended_at", "queue.answered_in_sl": "ended_at", "queue.wait_ms": "ended_at", "queue.max_wait_ms": "ended_at",
		"queue.talk_ms": "ended_at", "queue.hold_ms": "ended_at", "queue.wrap_ms": "ended_at", "agent_queue.talk_ms": "ended_at", "agent_queue.hold_ms": "ended_at",
		"agent_queue.wrap_ms": "ended_at", "agent.login_ms": "to_interval_end"}
	partOf = map[string][]string{"talk_ms": {"contact_ms", "handle_ms"}, "hold_ms": {"contact_ms", "handle_ms"}, "wrap_ms": {"handle_ms"}}
)

func (n *naive) rule(row, measure string) string {
	for _, name := range append([]string{row + "." + measure, measure}, partOf[measure]...) {
		if rule, ok := n.o.Attribution[name]; ok {
			return rule
		}
	}
	if rule, ok := messaging[row+"."+measure]; ok && n.o.Profile == transform.ProfileMessaging {
		return rule
	}
	return cmp.Or(acd[measure], "ended_at")
}

// tablesOf are the tables of facts, of which the newest revision of each identity counts.
func tablesOf(o transform.Options, marks map[string]int64, facts []any) tables {
	n := naive{o, marks, tables{}}
	newest, agents := map[string]any{}, map[string][]any{}
	for _, f := range facts {
		if was, ok := newest[identity(f)]; n.valid(f) && (!ok || content(f) > content(was)) {
			newest[identity(f)] = f
		}
	}
	for _, f := range newest {
		if c, ok := f.(*schemas.Contact); field(f, "Retracted").Bool() {
			continue
		} else if ok {
			c, _ := n.repaired(*c)
			n.contact(c)
		} else {
			agents[owner(f)] = append(agents[owner(f)], f)
		}
	}
	for agent, facts := range agents {
		n.agent(agent, facts)
	}
	return n.rows
}

// accepted plays the log of a shard: the facts that the late policy does not hold back, since they change no row that their
// source has made final. What a contact adds depends on its own revisions, an agent's rows on all facts of the agent.
func accepted(o transform.Options, log []any) (facts []any) {
	marks := map[string]int64{}
	for _, r := range log {
		if m, ok := r.(*schemas.Mark); ok {
			marks[m.Fact+" "+m.Source] = max(marks[m.Fact+" "+m.Source], m.CompleteThrough)
			continue
		}
		own := slices.DeleteFunc(slices.Clone(facts), func(f any) bool { return owner(f) != owner(r) })
		was, is, kind := tablesOf(o, marks, own), tablesOf(o, marks, append(own, r)), strings.Fields(identity(r))[0]
		final := marks[kind+" "+field(r, "Source").String()] - o.Grace.Milliseconds()
		for _, t := range []tables{was, is} {
			maps.DeleteFunc(t, func(key string, _ map[string]any) bool { return (&naive{o: o}).endOf(key) > final })
		}
		if o.Late != transform.LateSide && o.Late != transform.LateDrop || reflect.DeepEqual(was, is) {
			facts = append(facts, r)
		}
	}
	return facts
}

func field(f any, name string) reflect.Value { return reflect.ValueOf(f).Elem().FieldByName(name) }

func owner(f any) string {
	if _, ok := f.(*schemas.Contact); ok {
		return identity(f)
	}
	return field(f, "AgentID").String()
}

func identity(f any) string {
	switch f := f.(type) {
	case *schemas.Contact:
		return fmt.Sprintf("contact %s|%s|%s", f.Source, f.InteractionID, f.Segment)
	case *schemas.Shift:
		return fmt.Sprintf("shift %s|%s|%s", f.Source, f.AgentID, cmp.Or(f.ShiftID, fmt.Sprint("at ", f.StartsAt)))
	}
	s := f.(*schemas.AgentState)
	return fmt.Sprintf("agent_state %s|%s|%s", s.Source, s.AgentID, cmp.Or(s.StateID, fmt.Sprint("at ", s.StartedAt, " ", s.Sequence)))
}

// content orders facts of one identity as text: by revision, then field by field as the schema has them.
func content(f any) (text string) {
	for i := -1; i < reflect.ValueOf(f).Elem().NumField(); i++ {
		x := field(f, "Revision")
		if i >= 0 {
			x = reflect.ValueOf(f).Elem().Field(i)
		}
		switch {
		case x.CanInt():
			text += fmt.Sprintf("%020d", uint64(x.Int())^1<<63)
		case x.CanUint():
			text += fmt.Sprintf("%03d", x.Uint())
		default:
			text += fmt.Sprint(x, "\x00")
		}
	}
	return text
}

func (n *naive) valid(f any) bool {
	switch f := f.(type) {
	case *schemas.Contact:
		_, ok := n.repaired(*f)
		return ok || f.Retracted
	case *schemas.AgentState:
		return f.Retracted || f.EndedAt == null || f.EndedAt >= f.StartedAt-n.o.ClockSkew.Milliseconds()
	}
	return field(f, "Retracted").Bool() || field(f, "EndsAt").Int() >= field(f, "StartsAt").Int()
}

// repaired fills in what is absent, and moves instants within the clock skew to the one that they must follow.
func (n *naive) repaired(c schemas.Contact) (schemas.Contact, bool) {
	if c.EndedAt == null {
		c.EndedAt = c.WrapEndedAt
	}
	for _, at := range []int64{c.AnsweredAt, c.EndedAt} {
		if c.OfferedAt == null {
			c.OfferedAt = at
		}
	}
	before, ok := c.OfferedAt, c.OfferedAt != null && (c.TalkMs == null || c.TalkMs >= 0)
	for _, at := range []*int64{&c.AnsweredAt, &c.EndedAt, &c.WrapEndedAt} {
		if *at != null {
			ok = ok && *at >= before-n.o.ClockSkew.Milliseconds()
			*at = max(*at, before)
			before = *at
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

func (n *naive) endOf(key string) int64 {
	var kind string
	var start int64
	fmt.Sscan(key, &kind, &start)
	_, end := n.interval(start)
	return end
}

func (n *naive) add(key, measure string, v int64) {
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

func (n *naive) named(key, column, name string) {
	if was, _ := n.rows[key][column].(string); name > was {
		n.rows[key][column] = name
	}
}

func (n *naive) contact(c schemas.Contact) {
	open, answered := c.EndedAt == null, c.AnsweredAt != null
	end, wrap, hold := c.EndedAt, int64(0), max(c.HoldMs, 0)
	if open {
		end, hold = max(c.OfferedAt, c.AnsweredAt, n.marks["contact "+c.Source]), 0
	}
	at := map[string]int64{"offered_at": c.OfferedAt, "answered_at": c.AnsweredAt, "ended_at": c.EndedAt, "left_at": c.EndedAt, "wrap_ended_at": null}
	left, length, wrapEnd, wrapKnown := end, end-c.AnsweredAt, end, answered && (c.WrapMs != null || c.WrapEndedAt != null)
	if answered {
		left, at["left_at"] = c.AnsweredAt, c.AnsweredAt
	}
	if wrapKnown && !open {
		wrap = max(c.WrapMs, 0)
		if wrapEnd += wrap; c.WrapEndedAt != null {
			wrapEnd = c.WrapEndedAt
		}
		if at["wrap_ended_at"] = wrapEnd; c.WrapMs == null {
			wrap = wrapEnd - end
		}
	}
	talking := max(length, hold)
	if !open && c.TalkMs != null {
		talking = c.TalkMs + hold
	}
	wait, level, short := left-c.OfferedAt, n.o.ServiceLevel, n.o.ShortAbandon
	if q, ok := n.o.Queues[c.QueueID]; ok {
		level, short = cmp.Or(q.ServiceLevel, level), cmp.Or(q.ShortAbandon, short)
	}
	inbound := c.Direction == schemas.DirectionInbound || c.Direction == schemas.DirectionCallback
	lost := !answered && !open && !slices.Contains([]schemas.Outcome{schemas.OutcomeOverflowed, schemas.OutcomeTransferred, schemas.OutcomeVoicemail}, c.Outcome)
	ids, m := map[string]string{"agent_queue": c.AgentID + " " + c.QueueID + " " + c.Channel, "queue": c.QueueID + " " + c.Channel}, naive{n.o, n.marks, tables{}}
	put := func(row, measure string, ms, v int64) {
		if from, _ := n.interval(ms); row == "queue" && inbound && c.QueueID != "" || row == "agent_queue" && c.AgentID != "" {
			m.add(fmt.Sprintf("%s %d %s", row, from, ids[row]), measure, v)
		}
	}
	count := func(row, measure string, v int64, when bool) {
		if ms := at[n.rule(row, measure)]; when && ms != null {
			put(row, measure, ms, v)
		}
	}
	span := func(row, measure string, total, from, to int64) {
		if n.rule(row, measure) != "split" {
			count(row, measure, total, !open)
			return
		}
		for at := from; at <= to; {
			low, high := n.interval(at)
			put(row, measure, at, spread(total, from, to, low, high))
			at = high
		}
	}
	for measure, when := range map[string]bool{
		"offered": true, "answered": answered, "answered_in_sl": answered && wait <= level.Milliseconds(), "abandoned": lost, "overflowed": !open && c.Outcome == schemas.OutcomeOverflowed,
		"abandoned_in_sl": lost && wait <= level.Milliseconds(), "short_abandoned": lost && wait < short.Milliseconds(), "transferred_out": !open && c.Outcome == schemas.OutcomeTransferred,
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
		if answered {
			span(row, "talk_ms", talking, c.AnsweredAt, end)
			span(row, "talk_ms", -hold, c.AnsweredAt, end)
			span(row, "hold_ms", hold, c.AnsweredAt, end)
			span(row, "wrap_ms", wrap, end, wrapEnd)
		}
	}
	for at := c.AnsweredAt; answered && at < end; _, at = n.interval(at) {
		low, high := n.interval(at)
		put("agent_queue", "clock", at, spread(length, c.AnsweredAt, end, low, high))
	}
	for key, row := range m.rows {
		if len(row) > 0 { // the fact contributes to the row
			n.merge(key, row, c, wrapKnown)
		}
	}
}

// merge adds what a contact adds to a row of a queue, or of an agent and a queue, and then to the agent's.
func (n *naive) merge(key string, row map[string]any, c schemas.Contact, wrapKnown bool) {
	of := func(measure string) int64 { v, _ := row[measure].(int64); return v }
	for measure := range row {
		if measure != "clock" {
			n.add(key, measure, of(measure))
		}
	}
	n.add(key, "contact_ms", of("talk_ms")+of("hold_ms"))
	n.add(key, "handle_ms", of("talk_ms")+of("hold_ms")+of("wrap_ms"))
	n.add(key, "facts", 1)
	n.named(key, "queue_name", c.QueueName)
	if f := strings.Fields(key); f[0] == "agent_queue" {
		agent := "agent " + f[1] + " " + c.AgentID
		for measure, v := range map[string]int64{"concurrency_ms": of("clock"), "direct_out": of("direct_out"), "facts": 1} {
			n.add(agent, measure, v)
		}
		n.named(key, "agent_name", c.AgentName)
		n.named(agent, "agent_name", c.AgentName)
		if wrapKnown {
			n.add(key, "wrap known", 1)
		}
	}
}

// spread is what of a total, spread evenly over [from, to), lies in [low, high), in whole milliseconds that add up.
func spread(total, from, to, low, high int64) int64 {
	through := func(at int64) int64 {
		if at >= to && at > from {
			return total
		}
		return total * (max(at, from) - from) / max(to-from, 1)
	}
	return through(high) - through(low)
}
