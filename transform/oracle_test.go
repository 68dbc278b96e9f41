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

// oracle works out the three tables of profile acd from the words of the design alone, in the dullest way: it goes through the
// intervals and asks of each fact what it adds there. It shares no code with the engine, nor with the naive model, and knows less
// than that one: no late policy but revise, no retention, no shifts, no settings by queue or by measure.
type oracle struct {
	o            transform.Options
	feeds        []transform.Feed
	marks, cells map[string]int64  // how far sources are complete, by kind of fact and source; cells, by row and column
	names        map[string]string // by row and column
	start, end   int64             // the interval that is asked about
}

// askOracle gives the cells, some of them 0, and the names, some of them empty, of records in any order.
func askOracle(o transform.Options, feeds []transform.Feed, records []any) (cells map[string]int64, names map[string]string) {
	r := oracle{o: o, feeds: feeds, marks: map[string]int64{}, cells: map[string]int64{}, names: map[string]string{}}
	contacts, states, agents := map[string]schemas.Contact{}, map[string]schemas.AgentState{}, map[string][]schemas.AgentState{}
	for _, record := range records {
		switch f := record.(type) {
		case *schemas.Mark:
			r.marks[f.Fact+" "+f.Source] = max(r.marks[f.Fact+" "+f.Source], f.CompleteThrough)
		case *schemas.Contact:
			_, possible := r.straightened(*f)
			keep(contacts, *f, possible || f.Retracted, f.Source, f.InteractionID, f.Segment)
		case *schemas.AgentState:
			possible := f.StartedAt-or(f.EndedAt, f.StartedAt) <= o.ClockSkew.Milliseconds()
			keep(states, *f, possible || f.Retracted, f.Source, f.AgentID, cmp.Or(f.StateID, fmt.Sprint(f.StartedAt, "#", f.Sequence)))
		}
	}
	maps.DeleteFunc(contacts, func(_ string, c schemas.Contact) bool { return c.Retracted })
	maps.DeleteFunc(states, func(_ string, s schemas.AgentState) bool { return s.Retracted })
	for _, c := range contacts {
		r.contact(c)
	}
	for _, s := range states {
		agents[s.AgentID] = append(agents[s.AgentID], s)
	}
	for _, states := range agents {
		r.agent(states)
	}
	return r.cells, r.names
}

// keep keeps the fact of an identity that has the greater revision, on a tie the greater content, field by field.
func keep[T any](newest map[string]T, fact T, possible bool, identity ...string) {
	id, number := fmt.Sprintf("%q", identity), reflect.TypeFor[float64]()
	a, b := reflect.ValueOf(fact), reflect.ValueOf(newest[id]) // b is empty, and less, where there is none
	order := cmp.Compare(a.FieldByName("Revision").Int(), b.FieldByName("Revision").Int())
	for i := 0; i < a.NumField() && order == 0; i++ {
		if x, y := a.Field(i), b.Field(i); x.CanConvert(number) {
			order = cmp.Compare(x.Convert(number).Float(), y.Convert(number).Float())
		} else { // text, or false before true
			order = cmp.Compare(fmt.Sprint(x), fmt.Sprint(y))
		}
	}
	if possible && order > 0 {
		newest[id] = fact
	}
}

func pick[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}

// or is v, or the other where v is absent.
func or(v, other int64) int64 { return pick(v == schemas.Null, other, v) }

// straightened fills in instants that are absent, and moves forward those slightly before the one that they must follow.
func (r *oracle) straightened(c schemas.Contact) (_ schemas.Contact, possible bool) {
	c.EndedAt = or(c.EndedAt, c.WrapEndedAt)
	c.OfferedAt = or(c.OfferedAt, or(c.AnsweredAt, c.EndedAt))
	last, possible := c.OfferedAt, c.OfferedAt != schemas.Null && or(c.TalkMs, 0) >= 0
	for _, at := range []*int64{&c.AnsweredAt, &c.EndedAt, &c.WrapEndedAt} {
		possible = possible && last-or(*at, last) <= r.o.ClockSkew.Milliseconds()
		last = max(last, or(*at, last))
		*at = pick(*at == schemas.Null, *at, last)
	}
	return c, possible
}

// over asks about every interval that has an instant of [from, to] in it. A zone's clock jumps by whole intervals.
func (r *oracle) over(from, to int64, ask func()) {
	size := r.o.Interval.Milliseconds()
	_, ahead := time.UnixMilli(from).In(r.o.Zone).Zone()
	for r.start = from - (from+int64(ahead)*1000)%size; r.start <= to && from <= to; r.start += size {
		r.end = r.start + size
		ask()
	}
}

// part is what of a total, spread evenly over [from, to), lies in the interval; a span of no length lies where it begins.
func (r *oracle) part(total, from, to int64) int64 {
	to = max(to, from+1)
	before := func(at int64) int64 { return total * (min(max(at, from), to) - from) / (to - from) }
	return before(r.end) - before(r.start)
}

// add adds cells to the interval's row. Rows of agents are fed by both kinds of fact, the others by contacts.
func (r *oracle) add(kind, ids string, facts int64, agentName, queueName string, cells map[string]int64) {
	row, final := fmt.Sprintf("%s %d %s: ", kind, r.start, ids), true
	for _, f := range r.feeds {
		final = final && (f.Fact != "contact" && kind != "agent" || r.marks[f.Fact+" "+f.Source] >= r.end+r.o.Grace.Milliseconds())
	}
	r.cells[row+"final"] = pick[int64](final, 1, 0)
	r.cells[row+"facts"] += facts
	r.names[row+"agent_name"] = max(r.names[row+"agent_name"], agentName)
	r.names[row+"queue_name"] = max(r.names[row+"queue_name"], queueName)
	for name, v := range cells {
		r.cells[row+name] = pick(name == "max_wait_ms" || name == "wrap known", max(r.cells[row+name], v), r.cells[row+name]+v)
	}
}

func (r *oracle) contact(c schemas.Contact) {
	c, _ = r.straightened(c)
	inbound := c.Direction == schemas.DirectionInbound || c.Direction == schemas.DirectionCallback
	ended, answered := c.EndedAt != schemas.Null, c.AnsweredAt != schemas.Null
	wrapKnown := answered && (c.WrapMs != schemas.Null || c.WrapEndedAt != schemas.Null)
	if !ended || !answered { // then what the source says of talk and wrap-up means nothing yet
		c.TalkMs, c.HoldMs, c.WrapMs, c.WrapEndedAt = schemas.Null, schemas.Null, schemas.Null, schemas.Null
	}
	end := or(c.EndedAt, max(c.OfferedAt, c.AnsweredAt, r.marks["contact "+c.Source]))
	left, hold, wrapEnd := or(c.AnsweredAt, end), or(c.HoldMs, 0), or(c.WrapEndedAt, end+or(c.WrapMs, 0)) // left the queue
	talk, wrap, wait := or(c.TalkMs, max(end-left-hold, 0)), or(c.WrapMs, wrapEnd-end), left-c.OfferedAt
	transferred, overflowed := ended && c.Outcome == schemas.OutcomeTransferred, ended && c.Outcome == schemas.OutcomeOverflowed
	lost := ended && !answered && !transferred && !overflowed && c.Outcome != schemas.OutcomeVoicemail
	inTime, short := wait <= r.o.ServiceLevel.Milliseconds(), wait < r.o.ShortAbandon.Milliseconds()
	r.over(c.OfferedAt, wrapEnd, func() {
		count := func(at int64, when bool) int64 { return pick[int64](when && r.start <= at && at < r.end, 1, 0) }
		contactMs, holdMs, wrapMs := r.part(talk+hold, left, end), r.part(hold, left, end), r.part(wrap, end, wrapEnd)
		clock, direct := r.part(end-left, left, end), count(c.OfferedAt, !inbound)
		queue := map[string]int64{
			"offered": count(c.OfferedAt, true), "answered": count(left, answered), "answered_in_sl": count(left, answered && inTime),
			"abandoned": count(end, lost), "abandoned_in_sl": count(end, lost && inTime), "short_abandoned": count(end, lost && short),
			"transferred_out": count(end, transferred), "overflowed": count(end, overflowed), "backlog": count(r.start, r.end <= left),
			"wait_ms": wait * count(left, answered), "abandon_wait_ms": wait * count(end, lost), "max_wait_ms": wait * count(left, answered || lost),
			"talk_ms": contactMs - holdMs, "hold_ms": holdMs, "wrap_ms": wrapMs, "contact_ms": contactMs, "handle_ms": contactMs + wrapMs,
		}
		agent := map[string]int64{
			"answered": count(left, answered && inbound), "direct_out": direct, "completed": count(wrapEnd, wrapKnown && inbound && ended),
			"talk_ms": contactMs - holdMs, "hold_ms": holdMs, "wrap_ms": wrapMs, "contact_ms": contactMs, "handle_ms": contactMs + wrapMs,
		}
		if inbound && c.QueueID != "" && slices.Max(slices.Collect(maps.Values(queue))) > 0 {
			r.add("queue", c.QueueID+" "+c.Channel, 1, "", c.QueueName, queue)
		}
		if c.AgentID != "" && slices.Max(append(slices.Collect(maps.Values(agent)), clock)) > 0 {
			r.add("agent", c.AgentID, 1, c.AgentName, "", map[string]int64{"concurrency_ms": clock, "direct_out": direct})
			agent["wrap known"] = count(r.start, wrapKnown)
			r.add("agent_queue", c.AgentID+" "+c.QueueID+" "+c.Channel, 1, c.AgentName, c.QueueName, agent)
		}
	})
}

// agent adds the states of an agent. At every instant the time goes to the state that says most, of equals to the one begun last.
func (r *oracle) agent(states []schemas.AgentState) {
	slices.SortFunc(states, func(a, b schemas.AgentState) int {
		return cmp.Or(cmp.Compare(a.StartedAt, b.StartedAt), cmp.Compare(a.Sequence, b.Sequence), cmp.Compare(a.State, b.State),
			cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.EndedAt, b.EndedAt),
			cmp.Compare(a.AgentName, b.AgentName))
	})
	var turns []int64
	for i, s := range states {
		end := max(s.StartedAt, or(s.EndedAt, s.StartedAt+r.o.MaxSession.Milliseconds()))
		next := i + 1 + slices.IndexFunc(states[i+1:], func(o schemas.AgentState) bool {
			return o.Source == s.Source && (o.Channel == "" || o.Channel == s.Channel) && o.StartedAt < end
		}) // itself where nothing cuts it
		uncut := pick(s.EndedAt == schemas.Null, max(s.StartedAt, min(end, r.marks["agent_state "+s.Source])), end)
		end = pick(s.State == schemas.StateLoggedOut, s.StartedAt, pick(next > i, states[next].StartedAt, uncut))
		r.over(s.StartedAt, end-1, func() { r.add("agent", s.AgentID, 1, s.AgentName, "", nil) })
		states[i].EndedAt, turns = end, append(turns, s.StartedAt, end)
	}
	slices.Sort(turns)
	rank := []int{schemas.StateNotReady: 1, schemas.StateAvailable: 2, schemas.StateWrap: 3, schemas.StateOnContact: 4}
	for i := 1; i < len(turns); i++ {
		from, to, best := turns[i-1], turns[i], schemas.AgentState{}
		for _, s := range states {
			best = pick(s.StartedAt <= from && from < s.EndedAt && rank[s.State] >= rank[best.State], s, best)
		}
		r.over(from, pick(best.State == schemas.StateLoggedOut, from, to)-1, func() {
			ms := r.part(to-from, from, to)
			cells := map[string]int64{"login_ms": ms, best.State.String() + "_ms": ms}
			cells["not ready: "+best.Reason] = pick(best.State == schemas.StateNotReady, ms, 0)
			r.add("agent", best.AgentID, 0, "", "", cells)
		})
	}
}
