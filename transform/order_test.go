package transform_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// A correction of a contact that the retention has made the shard forget is too late where it is about closed intervals, and is
// told so; where it moves the contact into an open interval, it counts there, and the closed ones stay as they were.
func TestCorrectionsOfWhatWasForgotten(t *testing.T) {
	const day = 24 * 3600_000
	f := func(correction any, want transform.Outcome, rows int) {
		t.Helper()
		s := newShard(t, "contact/0", options(""))
		old := func(c *schemas.Contact) {
			c.InteractionID, c.OfferedAt, c.AnsweredAt, c.EndedAt = "old", c.OfferedAt-9*day, c.AnsweredAt-9*day, c.EndedAt-9*day
		}
		feed(s, call("10:00", "10:01", "10:02", "", old), 0)
		s.Discard()
		for n, days := range []int64{8, 6, 4, 2, 0} {
			feed(s, &schemas.Mark{Tenant: "acme", Source: "s", Fact: "contact", CompleteThrough: at("11:00") - days*day}, int64(n+1))
			s.Discard()
		}
		if c := s.Counts(); c.Retained != 0 || c.Rows != 0 {
			t.Fatalf("%d facts and %d rows are still there", c.Retained, c.Rows)
		}
		r := feed(s, correction, 9)
		if r.Outcome != want || want == transform.TooLate && r.Reason != transform.ReasonRetention {
			t.Errorf("got %s %q, want %s", r.Outcome, r.Reason, want)
		}
		var out discard
		if s.Emit(&out); out.rows != rows {
			t.Errorf("%d rows changed, want %d", out.rows, rows)
		}
	}
	again := func(c *schemas.Contact) { c.InteractionID, c.Revision = "old", 2 }
	before := func(c *schemas.Contact) {
		c.OfferedAt, c.AnsweredAt, c.EndedAt = c.OfferedAt-9*day, c.AnsweredAt-9*day, c.EndedAt-9*day
	}
	retracted := func(c *schemas.Contact) { c.Retracted = true }
	f(call("10:00", "10:01", "10:05", "", again, before), transform.TooLate, 0)
	f(call("10:00", "10:01", "10:05", "", again, before, retracted), transform.TooLate, 0)
	f(call("10:00", "10:01", "10:05", "", again), transform.Applied, 3)
	// nothing says when the contact was: the retraction is kept as long as facts that come now
	f(call("", "", "", "", again, retracted), transform.Applied, 0)
}

// A row is final when the least of the promises that feed it is through its end: sources and shards without a fact promise as
// others do, what does not promise holds it open, and what feeds other rows does neither.
func TestIdleSourcesAndShardsNeitherHoldOpenNorCloseEarly(t *testing.T) {
	type promise struct{ shard, source, through string }
	f := func(what string, queueFinal, agentFinal bool, promises ...promise) {
		t.Helper()
		var feeds []transform.Feed
		for _, shard := range []string{"contact/0", "contact/1"} {
			feeds = append(feeds, transform.Feed{Shard: shard, Source: "five9", Fact: "contact"}, transform.Feed{Shard: shard, Source: "chat", Fact: "contact"})
		}
		feeds = append(feeds, transform.Feed{Shard: "agent_state/0", Source: "five9", Fact: "agent_state"}, transform.Feed{Shard: "shift/0", Source: "five9", Fact: "shift"})
		o := options("")
		m := transform.NewMerge(o, feeds)
		shards := map[string]*transform.Shard{}
		for _, name := range []string{"contact/0", "contact/1", "agent_state/0"} {
			shards[name] = newShard(t, name, o)
		}
		feed(shards["contact/0"], call("10:01", "10:02", "10:03", "", func(c *schemas.Contact) { c.Source = "five9" }), 0)
		for n, p := range promises {
			mark := &schemas.Mark{Tenant: "acme", Source: p.source, Fact: p.shard[:len(p.shard)-2], CompleteThrough: at(p.through)}
			name := p.shard
			if mark.Fact == "shift" {
				name = "agent_state/0"
			}
			feed(shards[name], mark, int64(n+1))
		}
		var log []record
		for name, s := range shards {
			s.Emit(partials{name, &log})
		}
		for _, r := range log {
			take(m, r)
		}
		var e emitted
		if err := m.Emit(&e); err != nil || len(e.queues) != 1 || len(e.agents) != 1 {
			t.Fatalf("%s: %v, %+v", what, err, e)
		}
		if e.queues[0].Final != queueFinal || e.agents[0].Final != agentFinal {
			t.Errorf("%s: the row of the queue is final %v, of the agent %v", what, e.queues[0].Final, e.agents[0].Final)
		}
	}
	contacts := []promise{{"contact/0", "five9", "10:15"}, {"contact/0", "chat", "10:15"}, {"contact/1", "five9", "10:20"}, {"contact/1", "chat", "11:00"}}
	agents := []promise{{"agent_state/0", "five9", "10:15"}, {"shift/0", "five9", "12:00"}}
	f("all promise", true, true, append(contacts, agents...)...)
	f("nobody promises", false, false)
	for n := range contacts {
		idle := append(append([]promise{}, contacts[:n]...), contacts[n+1:]...)
		f(fmt.Sprintf("%v is silent", contacts[n]), false, false, append(idle, agents...)...)
		late := append([]promise{}, contacts...)
		late[n].through = "10:14"
		f(fmt.Sprintf("%v promises too little", contacts[n]), false, false, append(late, agents...)...)
	}
	f("shifts are silent", true, false, append(contacts, agents[0])...)
	f("states are silent, shifts promise for themselves alone", true, false, append(contacts, agents[1])...)
	f("a promise that goes backwards", true, true, append(append(contacts, agents...), promise{"contact/0", "five9", "09:00"})...)
}

// A state is kept as long as it may end another or be ended: an agent who works on over the retention loses nothing.
func TestAStateOverTheRetention(t *testing.T) {
	o := options("")
	o.Retention, o.MaxSession = time.Hour, 16*time.Hour
	s := newShard(t, "agent_state/0", o)
	feed(s, state("00:00", "", schemas.StateAvailable), 0)
	var log []record
	for n, clock := range []string{"02:00", "04:00", "06:00", "08:00"} {
		feed(s, mark("agent_state", clock), int64(n+1))
		s.Emit(partials{"agent_state/0", &log})
	}
	feed(s, state("08:30", "", schemas.StateLoggedOut), 9)
	feed(s, mark("agent_state", "09:00"), 10)
	s.Emit(partials{"agent_state/0", &log})
	logged := map[int64]int64{}
	for _, r := range log {
		if a, ok := r.row.(*schemas.AgentInterval); ok {
			logged[a.IntervalStart] = a.LoginMs
		}
	}
	sum := int64(0)
	for _, ms := range logged {
		sum += ms
	}
	if want := int64(8*3600+1800) * 1000; sum != want {
		t.Errorf("logged in for %d ms, want %d", sum, want)
	}
}
