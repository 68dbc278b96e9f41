package gladly

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quarterhour/quarterhour/schemas"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC).UnixMilli()

// told is the final state of all facts that a tracker handed over.
type told map[string]string

func (f told) give(agent string, d derived) error {
	text := d.state.String()
	if d.reason != "" {
		text += " " + d.reason
	}
	f[agent+" "+time.UnixMilli(d.at).UTC().Format("15:04:05")] = text
	return nil
}

// say makes an event from "15:04:05 KIND agent reason", recorded a second later.
func say(line string) *event {
	words := strings.Fields(line)
	at, err := time.Parse(time.DateOnly+" "+time.TimeOnly, "2026-03-02 "+words[0])
	if err != nil {
		panic(err)
	}
	e := &event{kind: []byte(words[1]), agentID: []byte(words[2]), occurredAt: at.UnixMilli(), timestamp: at.UnixMilli() + 1000}
	rest := ""
	if len(words) > 3 {
		rest = words[3]
	}
	switch words[1] {
	case "AGENT_AVAILABILITY/UPDATED":
		e.available = availableSome
		if rest == "none" {
			e.available = availableNone
		}
	case "AGENT_STATUS/WENT_AWAY":
		e.awayReason = []byte(rest)
	default:
		e.activeReason = []byte(rest)
	}
	return e
}

var standard = States{Unavailable: "not_ready", Idle: "idle", Reasons: map[string]string{"Paperwork": "wrap"}}

func derivedFrom(t *testing.T, events ...*event) told {
	t.Helper()
	got := told{}
	tr := newTracker(&standard, time.Hour.Milliseconds())
	tr.give = got.give
	for _, e := range events {
		if problem, err := tr.take(e); problem != "" || err != nil {
			t.Fatal(problem, err)
		}
	}
	if err := tr.flush(); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestStates(t *testing.T) {
	f := func(lines string, want told) {
		t.Helper()
		var events []*event
		for _, line := range strings.Split(strings.TrimSpace(lines), "\n") {
			events = append(events, say(line))
		}
		if diff := cmp.Diff(want, derivedFrom(t, events...)); diff != "" {
			t.Errorf("%s\n%s", lines, diff)
		}
		slices.Reverse(events)
		if diff := cmp.Diff(want, derivedFrom(t, append(events, events...)...)); diff != "" {
			t.Errorf("backwards and twice: %s\n%s", lines, diff)
		}
	}
	// A day: an agent who logged in and was not said to be unavailable is available.
	f(`08:00:00 AGENT_STATUS/LOGGED_IN a
08:00:02 AGENT_AVAILABILITY/UPDATED a some
08:20:00 AGENT_STATUS/WENT_AWAY a Lunch
08:30:00 AGENT_STATUS/RETURNED_FROM_AWAY a
08:40:00 AGENT_STATUS/LOGGED_OUT a`, told{"a 08:00:00": "available", "a 08:00:02": "available", "a 08:20:00": "not_ready Lunch", "a 08:30:00": "available", "a 08:40:00": "logged_out"})
	// An empty list is "unavailable"; the active reason says why, where there is one.
	f(`08:00:00 AGENT_STATUS/LOGGED_IN a
08:10:00 AGENT_AVAILABILITY/UPDATED a none
08:12:00 AGENT_STATUS/CHANGED_ACTIVE_REASON a Coaching
08:14:00 AGENT_STATUS/CHANGED_ACTIVE_REASON a Paperwork
08:15:00 AGENT_AVAILABILITY/UPDATED a some
08:16:00 AGENT_STATUS/CHANGED_ACTIVE_REASON a`, told{"a 08:00:00": "available", "a 08:10:00": "not_ready unavailable", "a 08:12:00": "not_ready Coaching",
		"a 08:14:00": "wrap Paperwork", "a 08:15:00": "wrap Paperwork", "a 08:16:00": "available"})
	// Sent away when idle, and logged out without having returned: the next login finds no away.
	f(`08:00:00 AGENT_STATUS/LOGGED_IN a
08:10:00 AGENT_STATUS/WENT_AWAY a
08:20:00 AGENT_STATUS/LOGGED_OUT a
08:20:01 AGENT_AVAILABILITY/UPDATED a none
08:30:00 AGENT_STATUS/LOGGED_IN a`, told{"a 08:00:00": "available", "a 08:10:00": "not_ready idle", "a 08:20:00": "logged_out", "a 08:20:01": "logged_out", "a 08:30:00": "available"})
	// A return that was said after the logout is no login.
	f(`08:00:00 AGENT_STATUS/LOGGED_OUT a
08:00:01 AGENT_STATUS/RETURNED_FROM_AWAY a`, told{"a 08:00:00": "logged_out", "a 08:00:01": "logged_out"})
	// The availability changes while the agent is away, and counts afterwards.
	f(`08:00:00 AGENT_STATUS/WENT_AWAY a Lunch
08:05:00 AGENT_AVAILABILITY/UPDATED a none
08:10:00 AGENT_STATUS/RETURNED_FROM_AWAY a`, told{"a 08:00:00": "not_ready Lunch", "a 08:05:00": "not_ready Lunch", "a 08:10:00": "not_ready unavailable"})
	// Without a prior state whoever changes availability is there.
	f(`08:00:00 AGENT_AVAILABILITY/UPDATED a none`, told{"a 08:00:00": "not_ready unavailable"})
	// In one instant the logout is last, whatever the order.
	f(`08:00:00 AGENT_STATUS/LOGGED_OUT a
08:00:00 AGENT_STATUS/WENT_AWAY a Lunch`, told{"a 08:00:00": "logged_out"})
	// In one instant an availability that is recorded before the login counts all the same.
	f(`08:00:00 AGENT_STATUS/LOGGED_OUT a
08:10:00 AGENT_STATUS/LOGGED_IN a
08:10:00 AGENT_AVAILABILITY/UPDATED a none`, told{"a 08:00:00": "logged_out", "a 08:10:00": "not_ready unavailable"})
	// Types that are new, and focus, change nothing.
	f(`08:00:00 AGENT_STATUS/LOGGED_IN a
08:00:05 AGENT_STATUS/TELEPORTED a
08:00:06 AGENT_AVAILABILITY/FOCUS_ENTERED a`, told{"a 08:00:00": "available"})
	// Agents do not touch each other.
	f(`08:00:00 AGENT_STATUS/LOGGED_IN a
08:00:01 AGENT_STATUS/LOGGED_OUT b`, told{"a 08:00:00": "available", "b 08:00:01": "logged_out"})
}

// A late event changes the states that were derived without it.
func TestLateEvent(t *testing.T) {
	got := told{}
	tr := newTracker(&standard, time.Hour.Milliseconds())
	tr.give = got.give
	take := func(lines ...string) {
		t.Helper()
		for _, line := range lines {
			if problem, err := tr.take(say(line)); problem != "" || err != nil {
				t.Fatal(problem, err)
			}
		}
		if err := tr.flush(); err != nil {
			t.Fatal(err)
		}
	}
	take("08:00:00 AGENT_STATUS/LOGGED_IN a", "08:20:00 AGENT_AVAILABILITY/UPDATED a some")
	if got["a 08:20:00"] != "available" {
		t.Fatal(got)
	}
	take("08:10:00 AGENT_STATUS/WENT_AWAY a Lunch")
	if diff := cmp.Diff(told{"a 08:00:00": "available", "a 08:10:00": "not_ready Lunch", "a 08:20:00": "not_ready Lunch"}, got); diff != "" {
		t.Error(diff)
	}
	// Later than lateness: its own state, and no other.
	take("11:00:00 AGENT_STATUS/LOGGED_OUT a", "13:00:00 AGENT_STATUS/LOGGED_IN a", "08:30:00 AGENT_STATUS/RETURNED_FROM_AWAY a")
	if got["a 08:30:00"] != "available" || got["a 11:00:00"] != "logged_out" || tr.late != 1 {
		t.Error(got, tr.late)
	}
}

func TestRejects(t *testing.T) {
	tr := newTracker(&standard, 1000)
	f := func(e *event, want string) {
		t.Helper()
		if got, err := tr.take(e); got != want || err != nil {
			t.Errorf("%q %v, want %q", got, err, want)
		}
	}
	f(&event{kind: []byte("AGENT_STATUS/LOGGED_IN"), timestamp: noon, occurredAt: noon}, `has no "agentId"`)
	f(&event{kind: []byte("AGENT_AVAILABILITY/UPDATED"), agentID: []byte("a"), timestamp: noon, occurredAt: noon}, `has no "availableFor"`)
	f(&event{kind: []byte("AGENT_STATUS/SOMETHING_NEW"), timestamp: noon, occurredAt: noon}, "")
}

// Any permutation, duplication, batching and restart of a history gives the same facts, as long as nothing is recorded later than lateness.
func TestHistories(t *testing.T) {
	kinds := []string{"AGENT_STATUS/LOGGED_IN", "AGENT_STATUS/LOGGED_OUT", "AGENT_STATUS/WENT_AWAY", "AGENT_STATUS/RETURNED_FROM_AWAY",
		"AGENT_STATUS/CHANGED_ACTIVE_REASON", "AGENT_AVAILABILITY/UPDATED", "AGENT_AVAILABILITY/FOCUS_ENTERED", "NEW/THING"}
	rapid.Check(t, func(rt *rapid.T) {
		var events []*event
		for range rapid.IntRange(0, 40).Draw(rt, "events") {
			at := noon + 1000*rapid.Int64Range(0, 1800).Draw(rt, "at")
			e := say(fmt.Sprintf("12:00:00 %s %s %s", rapid.SampledFrom(kinds).Draw(rt, "kind"), rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "agent"),
				rapid.SampledFrom([]string{"", "Lunch", "none", "Paperwork"}).Draw(rt, "reason")))
			e.occurredAt, e.timestamp = at, at+1000*rapid.Int64Range(0, 15).Draw(rt, "recorded")
			events = append(events, e)
		}
		inOrder := slices.Clone(events)
		slices.SortStableFunc(inOrder, func(a, b *event) int { return int(a.timestamp - b.timestamp) })
		want := derivedFrom(t, inOrder...)

		got := told{}
		tr := newTracker(&standard, time.Hour.Milliseconds())
		tr.give = got.give
		restarts := rapid.SliceOfN(rapid.IntRange(0, 9), len(events), len(events)).Draw(rt, "restarts")
		shuffled := rapid.Permutation(append(slices.Clone(events), events...)).Draw(rt, "order")
		for i, e := range shuffled {
			if problem, err := tr.take(e); problem != "" || err != nil {
				rt.Fatal(problem, err)
			}
			if i < len(restarts) && restarts[i] == 0 {
				if err := tr.flush(); err != nil {
					rt.Fatal(err)
				}
			}
		}
		if err := tr.flush(); err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatal(diff)
		}
	})
}

// A stream of many hours, recorded in order and up to a quarter of an hour late, with restarts that take up the saved state and read
// again what was recorded since its floor.
func TestHistoriesWithRestarts(t *testing.T) {
	kinds := []string{"AGENT_STATUS/LOGGED_IN", "AGENT_STATUS/LOGGED_OUT", "AGENT_STATUS/WENT_AWAY", "AGENT_STATUS/RETURNED_FROM_AWAY", "AGENT_AVAILABILITY/UPDATED"}
	const lateness = 15 * 60_000
	rapid.Check(t, func(rt *rapid.T) {
		var events []*event
		for range rapid.IntRange(1, 60).Draw(rt, "events") {
			at := noon + 1000*rapid.Int64Range(0, 6*3600).Draw(rt, "at")
			e := say(fmt.Sprintf("12:00:00 %s %s %s", rapid.SampledFrom(kinds).Draw(rt, "kind"), rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "agent"),
				rapid.SampledFrom([]string{"", "Lunch", "none"}).Draw(rt, "reason")))
			e.occurredAt, e.timestamp = at, at+1000*rapid.Int64Range(0, lateness/1000).Draw(rt, "recorded")
			events = append(events, e)
		}
		slices.SortStableFunc(events, func(a, b *event) int { return int(a.timestamp - b.timestamp) })
		want := told{}
		whole := newTracker(&standard, 24*time.Hour.Milliseconds())
		whole.give = want.give
		for _, e := range events {
			if _, err := whole.take(e); err != nil {
				rt.Fatal(err)
			}
		}
		if err := whole.flush(); err != nil {
			rt.Fatal(err)
		}

		got := told{}
		tr := newTracker(&standard, lateness)
		tr.give = got.give
		var state []byte
		for i, e := range events {
			if _, err := tr.take(e); err != nil {
				rt.Fatal(err)
			}
			if rapid.IntRange(0, 9).Draw(rt, "save") == 0 {
				var err error
				if state, err = tr.save(); err != nil {
					rt.Fatal(err)
				}
			}
			if rapid.IntRange(0, 9).Draw(rt, "crash") == 0 {
				tr = newTracker(&standard, lateness)
				tr.give = got.give
				if err := tr.restore(state, 30_000); err != nil {
					rt.Fatal(err)
				}
				for _, again := range events[:i+1] {
					if tr.floor == schemas.Null || again.timestamp >= tr.floor-30_000 {
						if _, err := tr.take(again); err != nil {
							rt.Fatal(err)
						}
					}
				}
			}
		}
		if err := tr.flush(); err != nil {
			rt.Fatal(err)
		}
		if tr.late != 0 {
			rt.Fatalf("%d events are said to be late", tr.late)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatal(diff)
		}
	})
}

// A run that crashed had handed over a state that a later event takes back: the next run says so again, although by what it knows for sure
// nothing has changed.
func TestCrashBetweenTwoEvents(t *testing.T) {
	got := told{}
	at := func(line string, recorded time.Duration) *event {
		e := say(line)
		e.timestamp = noon + recorded.Milliseconds()
		return e
	}
	run := func(state []byte, events ...*event) *tracker {
		t.Helper()
		tr := newTracker(&standard, time.Hour.Milliseconds())
		tr.give = got.give
		if err := tr.restore(state, time.Minute.Milliseconds()); err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if _, err := tr.take(e); err != nil {
				t.Fatal(err)
			}
		}
		if err := tr.flush(); err != nil {
			t.Fatal(err)
		}
		return tr
	}
	in, other := at("12:00:00 AGENT_STATUS/LOGGED_IN a", 0), at("12:10:00 AGENT_STATUS/LOGGED_IN b", 10*time.Minute)
	state, err := run(nil, in, other).save()
	if err != nil {
		t.Fatal(err)
	}
	none, some := at("12:00:00 AGENT_AVAILABILITY/UPDATED a none", 11*time.Minute), at("12:00:00 AGENT_AVAILABILITY/UPDATED a some", 12*time.Minute)
	run(state, in, other, none)
	run(state, in, other, none, some)
	if got["a 12:00:00"] != "available" {
		t.Error(got)
	}
}
