package transform_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// history is a random set of facts and marks, spread over the shards that own them.
type history struct {
	o        transform.Options
	contacts []schemas.Contact
	states   []schemas.AgentState
	shifts   []schemas.Shift
	planned  bool // there are sources of shifts
	marks    []schemas.Mark
	shards   int
}

var berlin, kathmandu = zone("Europe/Berlin"), zone("Asia/Kathmandu")

func zone(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return z
}

// epoch is an hour before clocks go forward in Berlin.
var epoch = time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC).UnixMilli()

const minuteMs = 60_000

func drawHistory(t *rapid.T) history { return drawHistoryOf(t, 25) }

// drawHistoryOf draws a history of at most size contacts, and as many states.
func drawHistoryOf(t *rapid.T, size int) history {
	h := history{shards: rapid.IntRange(1, 3).Draw(t, "shards"), planned: rapid.Bool().Draw(t, "planned"), o: transform.Options{
		Tenant: "acme", Zone: rapid.SampledFrom([]*time.Location{berlin, berlin, kathmandu}).Draw(t, "zone"), Interval: rapid.SampledFrom([]time.Duration{5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}).Draw(t, "interval"),
		Grace: rapid.SampledFrom([]time.Duration{0, 7 * time.Minute}).Draw(t, "grace"), MaxSession: 90 * time.Minute, ClockSkew: 5 * time.Second,
		StageOptions: transform.StageOptions{ServiceLevel: 20 * time.Second, ShortAbandon: 5 * time.Second},
	}}
	h.contacts = rapid.SliceOfN(rapid.Custom(drawContact), 0, size).Draw(t, "contacts")
	h.states = rapid.SliceOfN(rapid.Custom(drawState), 0, size+size/4).Draw(t, "states")
	h.marks = rapid.SliceOfN(rapid.Custom(drawMark), 0, 10).Draw(t, "marks")
	if h.planned {
		h.shifts = rapid.SliceOfN(rapid.Custom(drawShift), 0, size/2).Draw(t, "shifts")
	}
	if rapid.Bool().Draw(t, "all promise") { // or else few rows would be final
		for _, fact := range h.facts() {
			for _, s := range []string{"five9", "chat"} {
				h.marks = append(h.marks, schemas.Mark{Tenant: "acme", Source: s, Fact: fact, CompleteThrough: instants.Draw(t, "through")})
			}
		}
	}
	return h
}

// drawSettings draws what a pipeline may choose.
func (h *history) drawSettings(t *rapid.T) {
	h.o.Profile = rapid.SampledFrom(append([]string{""}, transform.Profiles...)).Draw(t, "profile")
	h.o.Late = rapid.SampledFrom([]string{transform.LateRevise, transform.LateRevise, transform.LateSide, transform.LateDrop}).Draw(t, "late")
	if rapid.Bool().Draw(t, "limits") {
		h.o.Queues = map[string]transform.QueueOptions{"q1": {ServiceLevel: 5 * time.Second}, "q2": {ShortAbandon: 21 * time.Second, ServiceLevel: time.Minute}}
	}
	h.o.Attribution = map[string]string{}
	for _, m := range transform.Measures() {
		if m.Name != "contact_ms" && m.Name != "handle_ms" && len(m.Rules) > 1 && rapid.IntRange(0, 5).Draw(t, "set "+m.Name) == 0 {
			name := m.Name
			if m.Name == "answered" {
				name = m.Rows[0] + "." + name
			}
			h.o.Attribution[name] = rapid.SampledFrom(m.Rules).Draw(t, name).String()
		}
	}
}

var (
	sources  = rapid.SampledFrom([]string{"five9", "chat"})
	revision = rapid.Int64Range(1, 3)
	// instants are often on boundaries, and often equal
	instants = rapid.OneOf(
		rapid.Map(rapid.Int64Range(0, 16), func(q int64) int64 { return epoch + q*15*minuteMs }),
		rapid.Map(rapid.Int64Range(0, 240*minuteMs), func(ms int64) int64 { return epoch + ms }),
		rapid.Map(rapid.Int64Range(0, 24), func(q int64) int64 { return epoch + q*10*minuteMs + 7 }))
	lengths = rapid.OneOf(rapid.SampledFrom([]int64{0, 4999, 5000, 20_000, 20_001, 15 * minuteMs, -4000}), rapid.Int64Range(0, 70*minuteMs))
)

func maybe(t *rapid.T, label string, v int64) int64 {
	if rapid.IntRange(0, 3).Draw(t, label+" absent") == 0 {
		return schemas.Null
	}
	return v
}

func drawContact(t *rapid.T) schemas.Contact {
	offered := instants.Draw(t, "offered")
	answered := offered + lengths.Draw(t, "wait")
	ended := max(offered, answered) + lengths.Draw(t, "talk")
	if rapid.IntRange(0, 3).Draw(t, "lost") == 0 {
		answered = schemas.Null
	}
	return schemas.Contact{
		Tenant: "acme", Source: sources.Draw(t, "source"), InteractionID: rapid.SampledFrom([]string{"i1", "i2", "i3", "i4", "i5"}).Draw(t, "interaction"),
		Segment: rapid.SampledFrom([]string{"", "2"}).Draw(t, "segment"), Revision: revision.Draw(t, "revision"), Retracted: rapid.IntRange(0, 7).Draw(t, "retracted") == 0,
		Channel: rapid.SampledFrom([]string{"voice", "chat"}).Draw(t, "channel"), Direction: schemas.Direction(rapid.SampledFrom([]int{0, 0, 0, 1, 2, 3}).Draw(t, "direction")),
		QueueID: rapid.SampledFrom([]string{"q1", "q1", "q2", ""}).Draw(t, "queue"), QueueName: rapid.SampledFrom([]string{"Sales", "Sales EU", ""}).Draw(t, "queue name"),
		AgentID: rapid.SampledFrom([]string{"a1", "a2", ""}).Draw(t, "agent"), AgentName: rapid.SampledFrom([]string{"Ann", "Anna"}).Draw(t, "agent name"),
		OfferedAt: maybe(t, "offered", offered), AnsweredAt: answered, EndedAt: maybe(t, "ended", ended),
		WrapEndedAt: maybe(t, "wrap end", ended+lengths.Draw(t, "wrap")),
		TalkMs:      maybe(t, "talk", rapid.Int64Range(-1, 50*minuteMs).Draw(t, "talk ms")), HoldMs: maybe(t, "hold", rapid.Int64Range(0, 9*minuteMs).Draw(t, "hold ms")),
		WrapMs: maybe(t, "wrap", rapid.Int64Range(0, 20*minuteMs).Draw(t, "wrap ms")), Outcome: schemas.Outcome(rapid.IntRange(0, 5).Draw(t, "outcome")),
	}
}

func drawState(t *rapid.T) schemas.AgentState {
	s := schemas.AgentState{
		Tenant: "acme", Source: sources.Draw(t, "source"), AgentID: rapid.SampledFrom([]string{"a1", "a1", "a2"}).Draw(t, "agent"), AgentName: rapid.SampledFrom([]string{"Ann", "Anna"}).Draw(t, "name"),
		StateID: rapid.SampledFrom([]string{"", "", "s1", "s2", "s3"}).Draw(t, "state id"), Revision: revision.Draw(t, "revision"), Retracted: rapid.IntRange(0, 7).Draw(t, "retracted") == 0,
		StartedAt: instants.Draw(t, "started"), EndedAt: schemas.Null, Sequence: rapid.Int64Range(0, 1).Draw(t, "sequence"),
		State: schemas.State(rapid.IntRange(0, 4).Draw(t, "state")), Reason: rapid.SampledFrom([]string{"", "lunch", "break"}).Draw(t, "reason"),
		Channel: rapid.SampledFrom([]string{"", "", "voice", "chat"}).Draw(t, "channel"),
	}
	if rapid.IntRange(0, 2).Draw(t, "closed") == 0 {
		s.EndedAt = s.StartedAt + lengths.Draw(t, "length")
	}
	return s
}

func drawMark(t *rapid.T) schemas.Mark {
	return schemas.Mark{Tenant: "acme", Source: sources.Draw(t, "source"), Fact: rapid.SampledFrom([]string{"contact", "agent_state", "shift"}).Draw(t, "fact"), CompleteThrough: instants.Draw(t, "through")}
}

func drawShift(t *rapid.T) schemas.Shift {
	starts := instants.Draw(t, "starts")
	return schemas.Shift{
		Tenant: "acme", Source: sources.Draw(t, "source"), AgentID: rapid.SampledFrom([]string{"a1", "a1", "a2"}).Draw(t, "agent"),
		ShiftID: rapid.SampledFrom([]string{"", "1", "2", "3"}).Draw(t, "shift id"), Revision: revision.Draw(t, "revision"), Retracted: rapid.IntRange(0, 7).Draw(t, "retracted") == 0,
		StartsAt: starts, EndsAt: starts + lengths.Draw(t, "length"), Activity: rapid.SampledFrom([]string{"", "", "lunch"}).Draw(t, "activity"),
	}
}

// facts are the kinds of fact that the sources of a history write.
func (h *history) facts() []string {
	if h.planned {
		return []string{"contact", "agent_state", "shift"}
	}
	return []string{"contact", "agent_state"}
}

// shardOf is the shard that owns a fact: interactions and agents are spread by their last letter.
func (h *history) shardOf(fact any) string {
	kind, id := "agent_state", ""
	switch f := fact.(type) {
	case *schemas.Contact:
		kind, id = "contact", f.InteractionID
	case *schemas.AgentState:
		id = f.AgentID
	case *schemas.Shift:
		id = f.AgentID
	}
	return fmt.Sprintf("%s/%d", kind, int(id[len(id)-1])%h.shards)
}

// logs are the records of every shard: each fact in the shard of its identity, each mark in every shard of its kind, shuffled,
// some of them more than once.
func (h *history) logs(t *rapid.T) map[string][]any {
	logs := map[string][]any{}
	put := func(name string, r any) {
		logs[name] = append(logs[name], r)
		if rapid.IntRange(0, 4).Draw(t, "again") == 0 {
			logs[name] = append(logs[name], r)
		}
	}
	for i := range h.contacts {
		put(h.shardOf(&h.contacts[i]), &h.contacts[i])
	}
	for i := range h.states {
		put(h.shardOf(&h.states[i]), &h.states[i])
	}
	for i := range h.shifts {
		put(h.shardOf(&h.shifts[i]), &h.shifts[i])
	}
	for i := range h.marks {
		kind := strings.Replace(h.marks[i].Fact, "shift", "agent_state", 1)
		for n := range h.shards {
			put(fmt.Sprintf("%s/%d", kind, n), &h.marks[i])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(logs)) {
		logs[name] = rapid.Permutation(logs[name]).Draw(t, "order of "+name)
	}
	return logs
}

func (h *history) feeds() (feeds []transform.Feed) {
	for _, fact := range h.facts() {
		for n := range h.shards {
			for _, s := range []string{"five9", "chat"} {
				feeds = append(feeds, transform.Feed{Shard: fmt.Sprintf("%s/%d", fact, n), Source: s, Fact: fact})
			}
		}
	}
	return feeds
}

// naive computes what the tables must say.
func (h *history) naive(logs map[string][]any) tables {
	marks := map[string]int64{}
	for _, m := range h.marks {
		key := m.Fact + " " + m.Source
		marks[key] = max(marks[key], m.CompleteThrough)
	}
	var facts []any
	for _, name := range slices.Sorted(maps.Keys(logs)) {
		facts = append(facts, accepted(h.o, logs[name])...)
	}
	rows := tablesOf(h.o, marks, facts)
	through := map[string]int64{}
	for kind, facts := range map[string][]string{"queue": {"contact"}, "agent_queue": {"contact"}, "agent": h.facts()} {
		through[kind] = math.MaxInt64
		for _, fact := range facts {
			through[kind] = min(through[kind], marks[fact+" five9"], marks[fact+" chat"])
		}
	}
	for key, row := range rows {
		kind, _, _ := strings.Cut(key, " ")
		if n := (naive{o: h.o}); n.endOf(key)+h.o.Grace.Milliseconds() <= through[kind] {
			row["final"] = int64(1)
		}
		if len(row) == 0 {
			delete(rows, key)
		}
	}
	return rows
}
