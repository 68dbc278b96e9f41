package transform_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// at is an instant of 1 June 2026, UTC, written as 10:05:30; empty is absent.
func at(clock string) int64 {
	if clock == "" {
		return schemas.Null
	}
	if strings.Count(clock, ":") == 1 {
		clock += ":00"
	}
	t, err := time.Parse("2006-01-02 15:04:05", "2026-06-01 "+clock)
	if err != nil {
		panic(err)
	}
	return t.UnixMilli()
}

// call is a contact of queue q and agent a, at the clock times given.
func call(offered, answered, ended, wrapEnded string, change ...func(*schemas.Contact)) any {
	c := &schemas.Contact{
		Tenant: "acme", Source: "s", Channel: "voice", QueueID: "q", AgentID: "a", Revision: 1,
		OfferedAt: at(offered), AnsweredAt: at(answered), EndedAt: at(ended), WrapEndedAt: at(wrapEnded),
		TalkMs: schemas.Null, HoldMs: schemas.Null, WrapMs: schemas.Null,
	}
	c.InteractionID = offered + answered + ended
	for _, f := range change {
		f(c)
	}
	return c
}

func lost(c *schemas.Contact)     { c.AgentID = "" }
func outbound(c *schemas.Contact) { c.Direction = schemas.DirectionOutbound; c.QueueID = "" }
func hold(seconds int64) func(*schemas.Contact) {
	return func(c *schemas.Contact) { c.HoldMs = seconds * 1000 }
}
func outcome(o schemas.Outcome) func(*schemas.Contact) {
	return func(c *schemas.Contact) { c.Outcome = o }
}

// state is a state of agent a.
func state(from, to string, s schemas.State, change ...func(*schemas.AgentState)) any {
	a := &schemas.AgentState{Tenant: "acme", Source: "s", AgentID: "a", StartedAt: at(from), EndedAt: at(to), State: s, Revision: 1}
	for _, f := range change {
		f(a)
	}
	return a
}

func reason(r string) func(*schemas.AgentState) { return func(a *schemas.AgentState) { a.Reason = r } }
func channel(c string) func(*schemas.AgentState) {
	return func(a *schemas.AgentState) { a.Channel = c }
}

func mark(fact, through string) any {
	return &schemas.Mark{Tenant: "acme", Source: "s", Fact: fact, CompleteThrough: at(through)}
}

// table folds facts and marks and writes what is not zero, a line a row: kind, clock time, ids, measures in seconds or counts.
func table(t *testing.T, o transform.Options, facts ...any) string {
	t.Helper()
	o.Tenant = "acme"
	o.ServiceLevel, o.ShortAbandon = 20*time.Second, 5*time.Second
	out := newRows()
	m := transform.NewMerge(o, []transform.Feed{{Shard: "contact/0", Source: "s", Fact: "contact"}, {Shard: "agent_state/0", Source: "s", Fact: "agent_state"}})
	for _, name := range []string{"contact/0", "agent_state/0"} {
		s, err := transform.NewShard(name, o)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range facts {
			if r := feed(s, f, int64(i)); r.Outcome == transform.Rejected && r.Reason != transform.ReasonWrongFact {
				t.Fatalf("fact %d: %s", i, r.Detail())
			}
		}
		var records []record
		s.Emit(partials{name, &records})
		for _, r := range records {
			take(m, r)
		}
	}
	if err := m.Emit(out); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for key, row := range out.cells {
		f := strings.Fields(key)
		var ms int64
		fmt.Sscan(f[1], &ms)
		line := f[0] + " " + time.UnixMilli(ms).UTC().Format("15:04")
		for _, name := range slices.Sorted(maps.Keys(row)) {
			v, isNumber := row[name].(int64)
			switch {
			case name == "facts" || name == "wrap known" || !isNumber:
			case strings.HasSuffix(name, "_ms") || strings.HasPrefix(name, "not ready: "):
				line += fmt.Sprintf(" %s=%g", strings.TrimSuffix(name, "_ms"), float64(v)/1000)
			default:
				line += fmt.Sprintf(" %s=%d", name, v)
			}
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func TestMeasuresOfContacts(t *testing.T) {
	f := func(what string, want string, facts ...any) {
		t.Helper()
		got := table(t, transform.Options{ClockSkew: 5 * time.Second}, facts...)
		want = strings.ReplaceAll(strings.TrimSpace(want), "\t", "")
		if got != want {
			t.Errorf("%s:\ngot\n%s\nwant\n%s", what, got, want)
		}
	}
	f("a call within one interval", `
		agent 10:00 concurrency=60
		agent_queue 10:00 answered=1 completed=1 contact=60 handle=90 hold=12 talk=48 wrap=30
		queue 10:00 answered=1 answered_in_sl=1 contact=60 handle=90 hold=12 max_wait=10 offered=1 talk=48 wait=10 wrap=30`,
		call("10:01", "10:01:10", "10:02:10", "10:02:40", hold(12)))
	f("talk and hold split over a boundary, hold evenly", `
		agent 10:00 concurrency=60
		agent 10:15 concurrency=120
		agent_queue 10:00 answered=1 contact=60 handle=60 hold=10 talk=50
		agent_queue 10:15 completed=1 contact=120 handle=140 hold=20 talk=100 wrap=20
		queue 10:00 answered=1 contact=60 handle=60 hold=10 max_wait=60 offered=1 talk=50 wait=60
		queue 10:15 contact=120 handle=140 hold=20 talk=100 wrap=20`,
		call("10:13", "10:14", "10:17", "10:17:20", hold(30)))
	f("exactly from boundary to boundary", `
		agent 10:15 concurrency=900
		agent_queue 10:15 answered=1 contact=900 handle=900 talk=900
		queue 10:15 answered=1 answered_in_sl=1 contact=900 handle=900 offered=1 talk=900`,
		call("10:15", "10:15", "10:30", ""))
	f("waiting at the ends of two intervals", `
		agent 10:30 concurrency=60
		agent_queue 10:30 answered=1 contact=60 handle=60 talk=60
		queue 10:00 backlog=1 offered=1
		queue 10:15 backlog=1
		queue 10:30 answered=1 contact=60 handle=60 max_wait=1860 talk=60 wait=1860`,
		call("10:00", "10:31", "10:32", ""))
	f("answered exactly at the end: it waited until then", `
		agent 10:15 concurrency=60
		agent_queue 10:15 answered=1 contact=60 handle=60 talk=60
		queue 10:00 backlog=1 offered=1
		queue 10:15 answered=1 contact=60 handle=60 max_wait=900 talk=60 wait=900`,
		call("10:00", "10:15", "10:16", ""))
	f("abandoned in 3 s, in 5 s exactly, in 20 s exactly, in 21 s", `
		queue 10:00 abandon_wait=49 abandoned=4 abandoned_in_sl=3 max_wait=21 offered=4 short_abandoned=1`,
		call("10:00", "", "10:00:03", "", lost), call("10:01", "", "10:01:05", "", lost), call("10:02", "", "10:02:20", "", lost), call("10:03", "", "10:03:21", "", lost))
	f("overflow, transfer while waiting and voicemail are no abandonments", `
		queue 10:00 offered=3 overflowed=1 transferred_out=1`,
		call("10:00", "", "10:01", "", lost, outcome(schemas.OutcomeOverflowed)), call("10:02", "", "10:03", "", lost, outcome(schemas.OutcomeTransferred)),
		call("10:04", "", "10:05", "", lost, outcome(schemas.OutcomeVoicemail)))
	f("answered in 20 s exactly is within the service level, in 21 s is not", `
		agent 10:00 concurrency=2
		agent_queue 10:00 answered=2 contact=2 handle=2 talk=2
		queue 10:00 answered=2 answered_in_sl=1 contact=2 handle=2 max_wait=21 offered=2 talk=2 wait=41`,
		call("10:00", "10:00:20", "10:00:21", ""), call("10:01", "10:01:21", "10:01:22", ""))
	f("an outbound call of no queue", `
		agent 10:00 concurrency=60 direct_out=1
		agent_queue 10:00 contact=60 direct_out=1 handle=60 talk=60`,
		call("10:00", "10:00:05", "10:01:05", "", outbound))
	f("answered with no agent named: the queue counts it", `
		queue 10:00 answered=1 answered_in_sl=1 contact=60 handle=60 offered=1 talk=60`,
		call("10:00", "10:00", "10:01", "", lost))
	f("an inbound call of no queue", `
		agent 10:00 concurrency=60
		agent_queue 10:00 answered=1 contact=60 handle=60 talk=60`,
		call("10:00", "10:00", "10:01", "", func(c *schemas.Contact) { c.QueueID = "" }))
	f("talk as the source reports it, longer than the instants say", `
		agent 10:00 concurrency=60
		agent_queue 10:00 answered=1 contact=75 handle=75 talk=75
		queue 10:00 answered=1 answered_in_sl=1 contact=75 handle=75 offered=1 talk=75`,
		call("10:00", "10:00", "10:01", "", func(c *schemas.Contact) { c.TalkMs = 75_000 }))
	f("an open call counts up to the mark, and its interval is final", `
		agent 10:00 concurrency=840
		agent 10:15 concurrency=300
		agent_queue 10:00 answered=1 contact=840 final=1 handle=840 talk=840
		agent_queue 10:15 contact=300 handle=300 talk=300
		queue 10:00 answered=1 contact=840 final=1 handle=840 max_wait=60 offered=1 talk=840 wait=60
		queue 10:15 contact=300 handle=300 talk=300`,
		mark("contact", "10:05"), call("10:00", "10:01", "", ""), mark("contact", "10:20"))
	f("a call that still waits is backlog up to the mark", `
		queue 10:00 backlog=1 final=1 offered=1
		queue 10:15 backlog=1 final=1`,
		call("10:01", "", "", "", lost), mark("contact", "10:44"), mark("contact", "10:29"))
	f("instants a little too early are moved forward", `
		agent 10:00 concurrency=56
		agent_queue 10:00 answered=1 completed=1 contact=56 handle=56 talk=56
		queue 10:00 answered=1 answered_in_sl=1 contact=56 handle=56 offered=1 talk=56`,
		call("10:00:04", "10:00", "10:01", "10:00:59"))
}

func TestMeasuresOfStates(t *testing.T) {
	f := func(what string, want string, facts ...any) {
		t.Helper()
		got := table(t, transform.Options{ClockSkew: 5 * time.Second}, facts...)
		want = strings.ReplaceAll(strings.TrimSpace(want), "\t", "")
		if got != want {
			t.Errorf("%s:\ngot\n%s\nwant\n%s", what, got, want)
		}
	}
	const out, ready, busy, wrap, away = schemas.StateLoggedOut, schemas.StateAvailable, schemas.StateOnContact, schemas.StateWrap, schemas.StateNotReady
	f("a short shift, with reasons", `
		agent 10:00 available=600 login=720 not ready: lunch=120 not_ready=120
		agent 10:15 login=420 not ready: lunch=180 not ready: training=120 not_ready=300 on_contact=90 wrap=30`,
		state("10:03", "", ready), state("10:13", "", away, reason("lunch")), state("10:18", "", away, reason("training")), state("10:20", "", busy),
		state("10:21:30", "", wrap), state("10:22", "", out))
	f("a state that starts later cuts the earlier, in whatever order they come", `
		agent 10:00 available=60 login=180 not ready: =120 not_ready=120`,
		state("10:03", "10:05", away), state("10:02", "10:10", ready), state("10:05", "", out))
	f("a gap after an explicit end is not logged in", `
		agent 10:00 available=120 login=120`,
		state("10:00", "10:01", ready), state("10:05", "10:06", ready))
	f("two channels at once: each instant once, the higher state wins", `
		agent 10:00 available=120 login=300 on_contact=180`,
		state("10:00", "", ready, channel("voice")), state("10:01", "", busy, channel("chat")), state("10:04", "", out, channel("chat")), state("10:05", "", out))
	f("a state of all channels ends those of each", `
		agent 10:00 login=300 not ready: lunch=180 not_ready=180 on_contact=120`,
		state("10:00", "", busy, channel("voice")), state("10:02", "", away, reason("lunch")), state("10:05", "", out))
	f("an open state counts up to the mark", `
		agent 10:00 available=300 login=300`,
		state("10:05", "", ready), mark("agent_state", "10:10"))
	f("two changes in one second follow their sequence", `
		agent 10:00 login=60 wrap=60`,
		state("10:01", "", wrap, func(a *schemas.AgentState) { a.Sequence = 2 }), state("10:01", "", busy, func(a *schemas.AgentState) { a.Sequence = 1 }), state("10:02", "", out))
	f("a correction moves a state, a retraction removes it", `
		agent 10:00 available=360 login=360`,
		state("10:00", "", ready, id("1", 1)), state("10:03", "", away, id("2", 1)), state("10:05", "", out, id("3", 1)),
		state("10:03", "", away, id("2", 2), func(a *schemas.AgentState) { a.Retracted = true }), state("10:06", "", out, id("3", 2)))
}

func id(stateID string, revision int64) func(*schemas.AgentState) {
	return func(a *schemas.AgentState) { a.StateID, a.Revision = stateID, revision }
}

func TestAttributionIsASettingOfEachMeasure(t *testing.T) {
	f := func(attribution map[string]string, want string) {
		t.Helper()
		o := transform.Options{StageOptions: transform.StageOptions{Attribution: attribution}}
		got := table(t, o, call("10:13", "10:14", "10:17", "10:17:20", hold(30), lost))
		if want = strings.ReplaceAll(strings.TrimSpace(want), "\t", ""); got != want {
			t.Errorf("%v:\ngot\n%s\nwant\n%s", attribution, got, want)
		}
	}
	f(map[string]string{"handle_ms": "ended_at"}, `
		queue 10:00 answered=1 max_wait=60 offered=1 wait=60
		queue 10:15 contact=180 handle=200 hold=30 talk=150 wrap=20`)
	f(map[string]string{"contact_ms": "answered_at", "answered": "ended_at", "max_wait_ms": "offered_at"}, `
		queue 10:00 contact=180 handle=180 hold=30 max_wait=60 offered=1 talk=150 wait=60
		queue 10:15 answered=1 handle=20 wrap=20`)
	for measure, rule := range map[string]string{"abandoned": "answered_at", "backlog": "split", "login_ms": "ended_at", "offered": "split", "calls": "split", "talk_ms": "soon"} {
		if _, err := transform.NewShard("contact/0", transform.Options{StageOptions: transform.StageOptions{Attribution: map[string]string{measure: rule}}}); err == nil {
			t.Errorf("attribution %s: %s was accepted", measure, rule)
		}
	}
}
