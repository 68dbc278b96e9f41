package transform_test

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// naive computes the tables straight from the set of facts and marks, from the design alone. It shares no code with the engine,
// and does not care for speed: a row is a map of measures, and every fact is looked at for every interval.
type naive struct {
	o     transform.Options
	marks map[string]int64 // by fact and source
	rows  tables
}

// tables are rows by readable key; cells are numbers, names among them as text.
type tables map[string]map[string]any

func (n *naive) add(key, measure string, v int64) {
	if v == 0 {
		return
	}
	if n.rows[key] == nil {
		n.rows[key] = map[string]any{}
	}
	was, _ := n.rows[key][measure].(int64)
	if measure == "max_wait_ms" {
		n.rows[key][measure] = max(was, v)
		return
	}
	n.rows[key][measure] = was + v
}

func (n *naive) name(key, field, name string) {
	if row := n.rows[key]; row != nil && name != "" {
		was, _ := row[field].(string)
		row[field] = max(was, name)
	}
}

// greater orders facts of one identity: by revision, then field by field as the schema has them.
func greater[T any](a, b T) bool {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	if d := cmp.Compare(x.FieldByName("Revision").Int(), y.FieldByName("Revision").Int()); d != 0 {
		return d > 0
	}
	for i := range x.NumField() {
		d := 0
		switch f, g := x.Field(i), y.Field(i); f.Kind() {
		case reflect.String:
			d = cmp.Compare(f.String(), g.String())
		case reflect.Int64:
			d = cmp.Compare(f.Int(), g.Int())
		case reflect.Uint8:
			d = cmp.Compare(f.Uint(), g.Uint())
		case reflect.Bool:
			d = cmp.Compare(fmt.Sprint(f.Bool()), fmt.Sprint(g.Bool()))
		}
		if d != 0 {
			return d > 0
		}
	}
	return false
}

func winners[T any](facts []T, identity func(T) string) []T {
	best := map[string]T{}
	for _, f := range facts {
		if b, ok := best[identity(f)]; !ok || greater(f, b) {
			best[identity(f)] = f
		}
	}
	return slices.Collect(maps.Values(best))
}

func null(ms int64) bool { return ms == schemas.Null }

// forward moves an instant within the skew to the one it must follow; ok is false beyond.
func (n *naive) forward(at *int64, before int64) bool {
	if null(*at) || *at >= before {
		return true
	}
	ok := before-*at <= n.o.ClockSkew.Milliseconds()
	*at = before
	return ok
}

func (n *naive) contacts(facts []schemas.Contact) {
	valid := slices.DeleteFunc(slices.Clone(facts), func(c schemas.Contact) bool {
		_, ok := n.repaired(c)
		return !ok && !c.Retracted
	})
	for _, c := range winners(valid, func(c schemas.Contact) string { return c.Source + "|" + c.InteractionID + "|" + c.Segment }) {
		if !c.Retracted {
			c, _ = n.repaired(c)
			n.contact(c)
		}
	}
}

func (n *naive) repaired(c schemas.Contact) (schemas.Contact, bool) {
	if null(c.EndedAt) {
		c.EndedAt = c.WrapEndedAt
	}
	for _, at := range []int64{c.AnsweredAt, c.EndedAt} {
		if null(c.OfferedAt) {
			c.OfferedAt = at
		}
	}
	ok := !null(c.OfferedAt)
	ok = n.forward(&c.AnsweredAt, c.OfferedAt) && ok
	ok = n.forward(&c.EndedAt, max(c.OfferedAt, c.AnsweredAt)) && ok
	ok = n.forward(&c.WrapEndedAt, max(c.EndedAt, c.AnsweredAt)) && ok
	for _, ms := range []int64{c.TalkMs, c.HoldMs, c.WrapMs} {
		ok = ok && (null(ms) || ms >= 0)
	}
	return c, ok
}

// interval is [start, end) of an instant, by the wall clock.
func (n *naive) interval(ms int64) (start, end int64) {
	_, ahead := time.UnixMilli(ms).In(n.o.Zone).Zone()
	size, local := n.o.Interval.Milliseconds(), ms+int64(ahead)*1000
	start = ms - (local%size+size)%size
	return start, start + size
}

func (n *naive) contact(c schemas.Contact) {
	mark, marked := n.marks["contact "+c.Source]
	open, answered := null(c.EndedAt), !null(c.AnsweredAt)
	end := c.EndedAt
	if open {
		end = max(c.OfferedAt, c.AnsweredAt)
		if marked {
			end = max(end, mark)
		}
	}
	left := end
	if answered {
		left = c.AnsweredAt
	}
	length, hold := end-c.AnsweredAt, int64(0)
	if !open && !null(c.HoldMs) {
		hold = c.HoldMs
	}
	talking := max(length, hold)
	if !open && !null(c.TalkMs) {
		talking = c.TalkMs + hold
	}
	wrap, wrapEnd := int64(0), end
	if !null(c.WrapMs) && !open {
		wrap, wrapEnd = c.WrapMs, end+c.WrapMs
	}
	if !null(c.WrapEndedAt) {
		wrapEnd = c.WrapEndedAt
		if null(c.WrapMs) {
			wrap = wrapEnd - end
		}
	}
	inbound := c.Direction == schemas.DirectionInbound || c.Direction == schemas.DirectionCallback
	for at := c.OfferedAt; at <= max(left, end, wrapEnd); {
		from, to := n.interval(at)
		queue := fmt.Sprintf("queue %d %s %s", from, c.QueueID, c.Channel)
		agentQueue := fmt.Sprintf("agent_queue %d %s %s %s", from, c.AgentID, c.QueueID, c.Channel)
		agent := fmt.Sprintf("agent %d %s", from, c.AgentID)
		measure := func(key, name string, v int64, rows bool) {
			if rows {
				n.add(key, name, v)
			}
		}
		within := func(ms int64) int64 {
			if ms >= from && ms < to {
				return 1
			}
			return 0
		}
		q, a := inbound && c.QueueID != "", c.AgentID != ""
		once := func(yes bool, ms int64) int64 {
			if !yes {
				return 0
			}
			return within(ms)
		}
		wait, level, short := left-c.OfferedAt, n.o.ServiceLevel.Milliseconds(), n.o.ShortAbandon.Milliseconds()
		lost := !answered && !open && c.Outcome != schemas.OutcomeOverflowed && c.Outcome != schemas.OutcomeTransferred && c.Outcome != schemas.OutcomeVoicemail
		before := map[string]string{queue: fmt.Sprint(n.rows[queue]), agentQueue: fmt.Sprint(n.rows[agentQueue]), agent: fmt.Sprint(n.rows[agent])}
		measure(queue, "offered", within(c.OfferedAt), q)
		measure(queue, "answered", once(answered, left), q)
		measure(queue, "answered_in_sl", once(answered && wait <= level, left), q)
		measure(queue, "abandoned", once(lost, left), q)
		measure(queue, "abandoned_in_sl", once(lost && wait <= level, left), q)
		measure(queue, "short_abandoned", once(lost && wait < short, left), q)
		measure(queue, "transferred_out", once(!open && c.Outcome == schemas.OutcomeTransferred, end), q)
		measure(queue, "overflowed", once(!open && c.Outcome == schemas.OutcomeOverflowed, end), q)
		measure(queue, "wait_ms", wait*once(answered, left), q)
		measure(queue, "abandon_wait_ms", wait*once(lost, left), q)
		measure(queue, "max_wait_ms", wait*once(answered || lost, left), q)
		if c.OfferedAt < to && to <= left {
			measure(queue, "backlog", 1, q)
		}
		measure(agentQueue, "answered", once(answered, left), a && inbound)
		measure(agentQueue, "completed", once(answered && inbound && !open && (!null(c.WrapMs) || !null(c.WrapEndedAt)), wrapEnd), a)
		measure(agentQueue, "direct_out", within(c.OfferedAt), a && !inbound)
		measure(agent, "direct_out", within(c.OfferedAt), a && !inbound)
		if answered {
			contact := spread(talking, c.AnsweredAt, end, from, to)
			held := spread(hold, c.AnsweredAt, end, from, to)
			wrapped := spread(wrap, end, wrapEnd, from, to)
			for name, v := range map[string]int64{"talk_ms": contact - held, "hold_ms": held, "wrap_ms": wrapped, "contact_ms": contact, "handle_ms": contact + wrapped} {
				measure(queue, name, v, q)
				measure(agentQueue, name, v, a)
			}
			measure(agent, "concurrency_ms", spread(length, c.AnsweredAt, end, from, to), a)
		}
		for _, key := range []string{agent, queue, agentQueue} { // the fact contributes to the rows that it changed
			was := before[key]
			clock := a && answered && spread(length, c.AnsweredAt, end, from, to) != 0 // or where its clock ran
			changed := n.rows[key] != nil && fmt.Sprint(n.rows[key]) != was
			if key == agent && a && (clock || n.rows[agentQueue] != nil && fmt.Sprint(n.rows[agentQueue]) != before[agentQueue]) {
				n.add(key, "facts", 1)
				n.name(key, "agent_name", c.AgentName)
			} else if key != agent && changed || key == agentQueue && clock || key == queue && q && once(answered || lost, left)*wait > 0 {
				n.add(key, "facts", 1)
				if key != agent {
					n.name(key, "queue_name", c.QueueName)
				}
				if key != queue {
					n.name(key, "agent_name", c.AgentName)
				}
				if key == agentQueue && answered && (!null(c.WrapMs) || !null(c.WrapEndedAt)) {
					n.rows[key]["wrap known"] = int64(1)
				}
			}
		}
		at = to
	}
}

// spread is what of a total, spread evenly over [from, to), lies in [low, high), in whole milliseconds that add up.
func spread(total, from, to, low, high int64) int64 {
	through := func(at int64) int64 {
		if at >= to && at > from {
			return total
		}
		if at <= from {
			return 0
		}
		return total * (at - from) / (to - from)
	}
	return through(high) - through(low)
}
