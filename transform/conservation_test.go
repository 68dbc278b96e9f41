package transform_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// tablesAlone are the tables of one shard that has folded the facts.
func tablesAlone(t *rapid.T, name string, o transform.Options, facts ...any) tables {
	s, err := transform.NewShard(name, o)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range facts {
		feed(s, f, int64(i))
	}
	var log []record
	if err := s.Emit(partials{name, &log}); err != nil {
		t.Fatal(err)
	}
	m, out := transform.NewMerge(o, nil), newRows()
	for _, r := range log {
		take(m, r)
	}
	if err := m.Emit(out); err != nil {
		t.Fatal(err)
	}
	return out.cells
}

// sum is a measure over all rows of a kind.
func (t tables) sum(kind, measure string) (sum int64) {
	for key, row := range t {
		if v, ok := row[measure].(int64); ok && strings.HasPrefix(key, kind+" ") {
			sum += v
		}
	}
	return sum
}

// For every contact that has ended, the parts of talk, hold and wrap-up sum to the whole, in the rows of the queue and of the agent.
func TestThePartsOfAContactSumToTheContact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistoryOf(t, 0)
		h.drawSettings(t)
		h.o.Late = ""
		c := drawContact(t)
		n := naive{o: h.o}
		r, ok := n.repaired(c)
		if c.Retracted = false; !ok || r.EndedAt == null {
			t.Skip("not ended")
		}
		hold, talk, wrap := max(r.HoldMs, 0), int64(0), int64(0)
		if r.AnsweredAt != null {
			talk = max(r.EndedAt-r.AnsweredAt, hold) - hold
			if r.TalkMs != null {
				talk = r.TalkMs
			}
			if wrap = max(r.WrapMs, 0); r.WrapMs == null && r.WrapEndedAt != null {
				wrap = r.WrapEndedAt - r.EndedAt
			}
		} else {
			hold = 0
		}
		rows := tablesAlone(t, "contact/0", h.o, &c)
		inbound := c.Direction == schemas.DirectionInbound || c.Direction == schemas.DirectionCallback
		for kind, counts := range map[string]bool{"queue": inbound && c.QueueID != "", "agent_queue": c.AgentID != ""} {
			want := [3]int64{talk, hold, wrap}
			if !counts {
				want = [3]int64{}
			}
			if got := [3]int64{rows.sum(kind, "talk_ms"), rows.sum(kind, "hold_ms"), rows.sum(kind, "wrap_ms")}; got != want {
				t.Fatalf("%s rows: talk, hold and wrap-up sum to %v, want %v", kind, got, want)
			}
			if sum := rows.sum(kind, "handle_ms"); sum != want[0]+want[1]+want[2] {
				t.Fatalf("%s rows: handle sums to %d", kind, sum)
			}
		}
	})
}

// For every agent and local day, and every interval, the states sum to the time logged in, which is the time in which any state
// holds; reasons sum to not ready; and adherent time is at most the scheduled.
func TestThePartsOfADaySumToTheDay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t)
		facts, marks, states := []any{}, map[string]int64{}, []*schemas.AgentState{}
		for i := range h.marks {
			facts = append(facts, &h.marks[i])
			key := h.marks[i].Fact + " " + h.marks[i].Source
			marks[key] = max(marks[key], h.marks[i].CompleteThrough)
		}
		n := naive{o: h.o, marks: marks}
		for i := range h.states {
			if s := &h.states[i]; s.AgentID == "a1" {
				s.StateID, s.Sequence, s.Retracted = string(rune('A'+i)), int64(i), false // each is a state of its own
				if facts = append(facts, s); n.valid(s) {
					states = append(states, s)
				}
			}
		}
		for i := range h.shifts {
			facts = append(facts, &h.shifts[i])
		}
		rows := tablesAlone(t, "agent_state/0", h.o, facts...)
		for key, row := range rows {
			of := func(measure string) int64 { v, _ := row[measure].(int64); return v }
			if of("login_ms") != of("available_ms")+of("on_contact_ms")+of("wrap_ms")+of("not_ready_ms") || of("login_ms") > h.o.Interval.Milliseconds() {
				t.Fatalf("%s: %v", key, row)
			}
			if of("adherent_ms") > of("scheduled_ms") || of("scheduled_ms") > h.o.Interval.Milliseconds() {
				t.Fatalf("%s: %v", key, row)
			}
		}
		slices.SortStableFunc(states, func(a, b *schemas.AgentState) int { return int(a.StartedAt - b.StartedAt) })
		day := func(ms int64) string { return time.UnixMilli(ms).In(h.o.Zone).Format(time.DateOnly) }
		logged, covered := map[string]int64{}, int64(0)
		for i, s := range states {
			if s.State == schemas.StateLoggedOut {
				continue
			}
			for at, end := max(s.StartedAt, covered), n.ends(states, i); at < end; {
				_, to := n.interval(at)
				to = min(to, end)
				logged[day(at)] += to - at
				at, covered = to, max(covered, to)
			}
		}
		got := map[string]int64{}
		for key, row := range rows {
			if v, _ := row["login_ms"].(int64); v > 0 && strings.HasSuffix(key, " a1") {
				got[day(n.endOf(key)-1)] += v
			}
		}
		for d, ms := range logged {
			if got[d] != ms {
				t.Fatalf("logged in for %d ms on %s, states hold for %d", got[d], d, ms)
			}
		}
	})
}
