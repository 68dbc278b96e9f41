package transform_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quarterhour/quarterhour/schemas"
)

// Whatever a short retention makes the engine forget, and whenever: intervals that are not older than it come out as if nothing
// had been forgotten. Facts here have one revision each, contacts an end, and there is one source: that a correction of a fact
// which was forgotten cannot be told from a new fact is what a retention means.
func TestRetentionForgetsOldIntervalsOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t)
		h.o.Retention = time.Hour
		through := int64(schemas.Null)
		for i := range h.marks {
			h.marks[i].Source = "five9"
			through = max(through, h.marks[i].CompleteThrough)
		}
		seen := map[string]bool{}
		again := func(key string) bool { was := seen[key]; seen[key] = true; return was }
		h.contacts = slices.DeleteFunc(h.contacts, func(c schemas.Contact) bool {
			return c.EndedAt == schemas.Null || again(c.InteractionID+"|"+c.Segment)
		})
		for i := range h.contacts {
			h.contacts[i].Source = "five9"
		}
		for i := range h.states {
			h.states[i].Source = "five9"
		}
		h.states = slices.DeleteFunc(h.states, func(s schemas.AgentState) bool {
			id := s.StateID
			if id == "" {
				id = fmt.Sprint(s.StartedAt, s.Sequence)
			}
			return again(s.AgentID + "|" + id)
		})
		for i := range h.shifts {
			h.shifts[i].Source = "five9"
		}
		h.shifts = slices.DeleteFunc(h.shifts, func(s schemas.Shift) bool {
			_, _, id, _ := about(&s)
			return again(id)
		})
		outs, logs := map[string][]record{}, h.logs(t)
		for _, name := range slices.Sorted(maps.Keys(logs)) {
			if out := runShard(t, name, h.o, logs[name]); len(out) > 0 {
				outs[name] = out
			}
		}
		got := newRows()
		runMerge(t, &h, outs, got)
		horizon := int64(schemas.Null)
		if through != schemas.Null {
			n := naive{o: h.o}
			horizon, _ = n.interval(through - h.o.Retention.Milliseconds())
		}
		recent := func(all tables) tables {
			for key, row := range all {
				var kind string
				var start int64
				fmt.Sscan(key, &kind, &start)
				delete(row, "final") // a source of the feeds is silent here
				if start < horizon {
					delete(all, key)
				}
			}
			return all
		}
		if diff := gocmp.Diff(recent(h.naive(logs)), recent(got.cells)); diff != "" {
			t.Fatalf("tables differ from %d on (-naive +engine):\n%s", horizon, diff)
		}
	})
}
