package transform_test

import (
	"strings"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

func options(late string) transform.Options {
	return transform.Options{
		Tenant: "acme", ClockSkew: 5 * time.Second, Retention: 24 * time.Hour,
		StageOptions: transform.StageOptions{ServiceLevel: 20 * time.Second, ShortAbandon: 5 * time.Second, Late: late},
	}
}

func newShard(t *testing.T, name string, o transform.Options) *transform.Shard {
	t.Helper()
	s, err := transform.NewShard(name, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func shardOf(fact any) string {
	switch f := fact.(type) {
	case *schemas.AgentState:
		return "agent_state/0"
	case *schemas.Mark:
		return f.Fact + "/0"
	}
	return "contact/0"
}

func TestFactsThatCannotBeAreRejected(t *testing.T) {
	f := func(fact any, reason, says string) {
		t.Helper()
		s := newShard(t, shardOf(fact), options(""))
		s.Arrived(at("12:00"))
		r := feed(s, fact, 0)
		if r.Outcome != transform.Rejected || r.Reason != reason || !strings.Contains(r.Detail(), says) {
			t.Errorf("got %s %q (%s), want rejected %q with %q", r.Outcome, r.Reason, r.Detail(), reason, says)
		}
		if c := s.Counts(); c.Read != 1 || c.Rejected != 1 || c.Retained != 0 {
			t.Errorf("counts: %+v", c)
		}
	}
	change := func(f func(*schemas.Contact)) any { return call("10:00", "10:01", "10:02", "10:03", f) }
	f(change(func(c *schemas.Contact) { c.AnsweredAt = at("09:59:54") }), transform.ReasonBackwards, `answered_at "2026-06-01T09:59:54.000Z" is before offered_at`)
	f(change(func(c *schemas.Contact) { c.EndedAt = at("10:00:30") }), transform.ReasonBackwards, "ended_at")
	f(change(func(c *schemas.Contact) { c.WrapEndedAt = at("10:01:30") }), transform.ReasonBackwards, "wrap_ended_at")
	f(change(func(c *schemas.Contact) { c.EndedAt += 27 * 3600_000; c.WrapEndedAt = schemas.Null }), transform.ReasonFuture, "more than a day after")
	f(change(func(c *schemas.Contact) { c.OfferedAt = 631152000000 - 1 }), transform.ReasonAncient, "before 1990")
	f(change(func(c *schemas.Contact) { c.HoldMs = -1 }), transform.ReasonNegative, "hold_ms is -1 ms")
	f(change(func(c *schemas.Contact) { c.WrapMs = 367 * 24 * 3600_000 }), transform.ReasonTooLong, "wrap_ms")
	f(change(func(c *schemas.Contact) { c.OfferedAt -= 400 * 24 * 3600_000 }), transform.ReasonTooLong, "the contact")
	f(call("", "", "", ""), transform.ReasonNoIdentity, "interaction_id is empty")
	f(call("", "", "", "", func(c *schemas.Contact) { c.InteractionID = "x" }), transform.ReasonNoTime, "offered_at is absent")
	f(change(func(c *schemas.Contact) { c.Tenant = "globex" }), transform.ReasonWrongTenant, "another tenant")
	f(state("", "", schemas.StateWrap), transform.ReasonNoTime, "started_at is absent")
	f(state("10:00", "09:59:54", schemas.StateWrap), transform.ReasonBackwards, "ended_at")
	f(state("10:00", "", schemas.StateWrap, func(a *schemas.AgentState) { a.AgentID = "" }), transform.ReasonNoIdentity, "agent_id")
	f(state("10:00", "", schemas.StateWrap, func(a *schemas.AgentState) { a.StartedAt += 48 * 3600_000 }), transform.ReasonFuture, "started_at")
	s := newShard(t, "contact/0", options(""))
	if r := feed(s, state("10:00", "", schemas.StateWrap), 0); r.Reason != transform.ReasonWrongFact {
		t.Errorf("an agent state among contacts: %s %q", r.Outcome, r.Reason)
	}
}

func TestRevisions(t *testing.T) {
	s := newShard(t, "contact/0", options(""))
	f := func(c any, want transform.Outcome) {
		t.Helper()
		if r := feed(s, c, 0); r.Outcome != want {
			t.Errorf("got %s, want %s", r.Outcome, want)
		}
	}
	version := func(revision int64, queue string) any {
		return call("10:00", "10:01", "10:02", "", func(c *schemas.Contact) { c.Revision, c.QueueID = revision, queue })
	}
	f(version(2, "m"), transform.Applied)
	f(version(2, "m"), transform.Duplicate)
	f(version(1, "z"), transform.Superseded)
	f(version(2, "a"), transform.Superseded) // on a tie the greater content wins
	f(version(2, "z"), transform.Applied)
	f(version(3, "a"), transform.Applied)
	if c := s.Counts(); c.Read != 6 || c.Applied != 3 || c.Duplicate != 1 || c.Superseded != 2 || c.Retained != 1 {
		t.Errorf("counts: %+v", c)
	}
}

func TestMarksThatGoBackwardsAreRefused(t *testing.T) {
	s := newShard(t, "contact/0", options(""))
	feed(s, mark("contact", "10:15"), 0)
	r := feed(s, mark("contact", "10:00"), 1)
	if r.Outcome != transform.Superseded || r.Reason != transform.ReasonMarkBackwards || s.Counts().MarksBackwards != 1 {
		t.Errorf("got %s %q", r.Outcome, r.Reason)
	}
	if r = feed(s, mark("contact", "10:15"), 2); r.Outcome != transform.Duplicate {
		t.Errorf("the same mark again: %s", r.Outcome)
	}
}

func TestLatePolicy(t *testing.T) {
	f := func(late string, fact any, want transform.Outcome, reason string) {
		t.Helper()
		s := newShard(t, shardOf(fact), options(late))
		for i, before := range []any{
			call("10:00", "10:01", "", "", func(c *schemas.Contact) { c.InteractionID = "open" }), state("10:00", "", schemas.StateAvailable, id("open", 1)),
			mark("contact", "10:40"), mark("agent_state", "10:40"),
		} {
			feed(s, before, int64(i))
		}
		if r := feed(s, fact, 9); r.Outcome != want || r.Reason != reason {
			t.Errorf("late %q: got %s %q, want %s %q", late, r.Outcome, r.Reason, want, reason)
		}
	}
	old, current := call("10:00", "10:01", "10:02", ""), call("10:30", "10:31", "10:32", "")
	f(transform.LateRevise, old, transform.Applied, "")
	f(transform.LateSide, old, transform.TooLate, transform.ReasonLateSide)
	f(transform.LateDrop, old, transform.TooLate, transform.ReasonLateDrop)
	f(transform.LateSide, current, transform.Applied, "")
	// a call that was open is closed after the intervals that are final: nothing in them changes
	closes := func(c *schemas.Contact) { c.InteractionID, c.Revision = "open", 2 }
	f(transform.LateSide, call("10:00", "10:01", "10:35", "", closes), transform.Applied, "")
	f(transform.LateSide, call("10:00", "10:01", "10:20", "", closes), transform.TooLate, transform.ReasonLateSide)
	f(transform.LateSide, call("10:00", "10:01", "10:35", "", closes, func(c *schemas.Contact) { c.QueueID = "other" }), transform.TooLate, transform.ReasonLateSide)
	f(transform.LateSide, call("10:00", "10:01", "", "", closes, func(c *schemas.Contact) { c.Retracted = true }), transform.TooLate, transform.ReasonLateSide)
	f(transform.LateSide, state("10:05", "", schemas.StateWrap), transform.TooLate, transform.ReasonLateSide)
	f(transform.LateSide, state("10:35", "", schemas.StateWrap), transform.Applied, "")
	f(transform.LateSide, state("10:00", "10:33", schemas.StateAvailable, id("open", 2)), transform.Applied, "")
	f(transform.LateSide, state("10:00", "10:20", schemas.StateAvailable, id("open", 2)), transform.TooLate, transform.ReasonLateSide)
}

// Facts about intervals before the mark less the retention are too late, and what is retained about them is freed.
func TestRetention(t *testing.T) {
	s := newShard(t, "contact/0", options(""))
	day := int64(24 * 3600_000)
	ago := func(days int64) any {
		return call("10:00", "10:01", "10:02", "", func(c *schemas.Contact) {
			c.OfferedAt, c.AnsweredAt, c.EndedAt = c.OfferedAt-days*day, c.AnsweredAt-days*day, c.EndedAt-days*day
			c.InteractionID = "ago" + string(rune('0'+days))
		})
	}
	var out []record
	for days := int64(8); days > 0; days-- {
		if r := feed(s, ago(days), 0); r.Outcome != transform.Applied {
			t.Fatalf("%d days ago: %s", days, r.Outcome)
		}
		s.Emit(partials{"contact/0", &out})
		feed(s, &schemas.Mark{Tenant: "acme", Source: "s", Fact: "contact", CompleteThrough: at("11:00") - days*day}, 0)
	}
	if r := feed(s, ago(5), 0); r.Outcome != transform.TooLate || r.Reason != transform.ReasonRetention || !strings.Contains(r.Detail(), "quarterhour rebuild") {
		t.Errorf("5 days ago: %s %q (%s)", r.Outcome, r.Reason, r.Detail())
	}
	if c := s.Counts(); c.Retained > 3 || c.Rows > 6 {
		t.Errorf("%d facts and %d rows are retained after a week with a retention of a day", c.Retained, c.Rows)
	}
	a := newShard(t, "agent_state/0", options(""))
	for days := int64(8); days > 0; days-- {
		feed(a, state("10:00", "", schemas.StateAvailable, func(s *schemas.AgentState) { s.StartedAt -= days * day }), 0)
		feed(a, &schemas.Mark{Tenant: "acme", Source: "s", Fact: "agent_state", CompleteThrough: at("11:00") - days*day}, 0)
		a.Emit(partials{"agent_state/0", &out})
	}
	if c := a.Counts(); c.Retained > 4 {
		t.Errorf("%d states are retained after a week with a retention of a day", c.Retained)
	}
	if r := feed(a, state("10:00", "", schemas.StateWrap, func(s *schemas.AgentState) { s.StartedAt -= 5 * day }), 0); r.Outcome != transform.TooLate {
		t.Errorf("a state of 5 days ago: %s", r.Outcome)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	f := func(name string, change func(*transform.Options)) {
		t.Helper()
		o := options("")
		change(&o)
		if _, err := transform.NewShard(name, o); err == nil {
			t.Errorf("shard %q with %+v was made", name, o)
		}
	}
	f("contact/0", func(o *transform.Options) { o.Interval = 7 * time.Minute })
	f("contact/0", func(o *transform.Options) { o.Grace = -1 })
	f("contact/0", func(o *transform.Options) { o.Late = "keep" })
	f("contact/0", func(o *transform.Options) { o.Profile = "acme" })
	f("contact/0", func(o *transform.Options) { o.ServiceLevel = -1 })
	f("shift/0", func(*transform.Options) {})
	o := options("keep")
	if err := transform.NewMerge(o, nil).Emit(newRows()); err == nil {
		t.Error("a merge with a wrong option emitted")
	}
}
