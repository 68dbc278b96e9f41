package books

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

func (w *world) explain(key string) *Explanation {
	w.t.Helper()
	e, err := w.tryExplain(key)
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

func (w *world) tryExplain(key string) (*Explanation, error) {
	w.t.Helper()
	k, err := ParseKey(key, w.file)
	if err != nil {
		w.t.Fatal(err)
	}
	return Explain(w.t.Context(), w.ledger(), k, ExplainOptions{Progress: noProgress{}, Shelves: []Shelf{{Sink: "warehouse", Warehouse: w.warehouse}}})
}

// outcomes are the facts of an explanation by id and outcome, with one cell of what they add.
func outcomes(e *Explanation, column string) []string {
	var all []string
	for _, f := range e.Facts {
		text := f.ID + " " + f.Outcome
		for _, c := range f.Adds {
			if c.Column == column {
				text += " " + c.Value
			}
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return all
}

func cell(cells []Cell, column string) string {
	for _, c := range cells {
		if c.Column == column {
			return c.Value
		}
	}
	return "none"
}

func TestExplainAQueueRow(t *testing.T) {
	w := newWorld(t)
	kept := call("kept", monday+8*hour+minute)
	w.contact(kept)
	w.contact(kept)
	moved := call("moved", monday+8*hour+2*minute)
	w.contact(moved)
	spans := call("spans", monday+7*hour+58*minute) // half of it lies in the interval before
	spans.EndedAt, spans.WrapEndedAt = spans.OfferedAt+4*minute, schemas.Null
	w.contact(spans)
	w.contact(call("other", monday+9*hour))
	filtered := call("filtered", monday+8*hour)
	w.contact(filtered)
	w.run()
	moved.Revision, moved.QueueID = 2, "q9"
	w.contact(moved)
	filtered.Revision, filtered.QueueID = 2, "Test"
	w.contact(filtered)
	w.run()
	w.mark(monday + day)
	w.run()
	e := w.explain("queue_intervals/acme/2026-03-02T09:05/q1/voice") // in Berlin's time
	if e.Key != "queue/acme/2026-03-02T08:00:00Z/q1/voice" || e.Local != "Mon 2026-03-02 09:00–09:15 CET (Europe/Berlin)" || !e.Final {
		t.Errorf("key %s, local %s, final %t", e.Key, e.Local, e.Final)
	}
	want := []string{"filtered/1 replaced", "filtered/1 retracted", "kept/1 counted 100000", "kept/1 duplicate", "moved/1 elsewhere", "moved/1 replaced", "spans/1 counted 120000"}
	if diff := cmp.Diff(want, outcomes(e, "contact_ms")); diff != "" {
		t.Error(diff)
	}
	if len(e.Problems) > 0 || cell(e.Row, "contact_ms") != "220000" || cell(e.Sum, "contact_ms") != "220000" || cell(e.Row, "max_wait_ms") != "10000" {
		t.Errorf("problems %q, row %v, sum %v", e.Problems, e.Row, e.Sum)
	}
	last := e.Revisions[len(e.Revisions)-1]
	if len(e.Revisions) < 3 || !last.Final || !strings.Contains(last.Why, "every source is complete") {
		t.Errorf("revisions %+v", e.Revisions)
	}
	var taken *Revision
	for i, r := range e.Revisions {
		if i > 0 && slices.ContainsFunc(r.Changes, func(c Change) bool { return c.Column == "offered" && c.After < c.Before }) {
			taken = &e.Revisions[i]
			break
		}
	}
	if taken == nil || len(taken.Facts) == 0 || !strings.Contains(taken.Why, "came") {
		t.Errorf("no revision tells of what was taken back: %+v", e.Revisions)
	}
}

func TestExplainAnAgentRow(t *testing.T) {
	w := newWorld(t)
	w.state(entered("s1", monday+8*hour-5*minute, schemas.StateAvailable, ""))
	w.state(entered("s2", monday+8*hour+4*minute, schemas.StateNotReady, "lunch"))
	w.state(entered("s3", monday+8*hour+6*minute, schemas.StateOnContact, ""))
	chat := entered("s4", monday+8*hour+10*minute, schemas.StateAvailable, "")
	chat.Channel = "chat" // beside the contact, which goes before it
	w.state(chat)
	corrected := entered("s2", monday+8*hour+4*minute, schemas.StateNotReady, "break")
	corrected.Revision = 2
	w.state(corrected)
	w.state(entered("s9", monday+12*hour, schemas.StateLoggedOut, ""))
	w.contact(call("c1", monday+8*hour+7*minute))
	w.mark(monday + day)
	w.run()
	e := w.explain("agent/2026-03-02T08:00Z/a1")
	if len(e.Problems) > 0 {
		t.Errorf("problems %q", e.Problems)
	}
	want := []string{"a1/s1 counted 240000", "a1/s2 counted 120000", "a1/s2 replaced", "a1/s3 counted 540000", "a1/s4 counted", "c1/1 counted"}
	if diff := cmp.Diff(want, outcomes(e, "login_ms")); diff != "" {
		t.Error(diff)
	}
	if got := cell(e.Sum, "login_ms") + " " + cell(e.Sum, "not_ready_by_reason.break") + " " + cell(e.Sum, "concurrency_ms") + " " + cell(e.Sum, "facts"); got != "900000 120000 100000 5" {
		t.Errorf("sum %q of %v", got, e.Sum)
	}
	if e := w.explain("agent_queue_intervals/2026-03-02T08:00Z/a1/q1/voice"); len(e.Problems) > 0 || cell(e.Sum, "answered") != "1" {
		t.Errorf("problems %q, sum %v", e.Problems, e.Sum)
	}
}

// A fact that came too late is named, and counted once the row is rebuilt: whether it came before the row was first issued or
// after, it is the rebuild that it is a reason for.
func TestExplainARebuiltRow(t *testing.T) {
	f := func(what string, apart bool) {
		t.Helper()
		w := newWorld(t)
		w.troubled()
		if all := w.steps.all; apart {
			w.steps.all = all[:len(all)-2] // all but the late fact and the mark behind it
			w.run()
			w.steps.all = all
		}
		w.run()
		const key = "queue/acme/2026-03-02T08:00:00Z/q1/voice"
		before := w.explain(key)
		if !slices.Contains(outcomes(before, "offered"), "late/1 too_late") || len(before.Problems) > 0 || before.Rebuilt {
			t.Errorf("%s, before: %q, problems %q", what, outcomes(before, "offered"), before.Problems)
		}
		w.rebuild(Range{monday, monday + day}, false)
		after := w.explain(key)
		if !slices.Contains(outcomes(after, "offered"), "late/1 counted 1") || len(after.Problems) > 0 || !after.Rebuilt {
			t.Errorf("%s, after: %q, problems %q, rebuilt %t", what, outcomes(after, "offered"), after.Problems, after.Rebuilt)
		}
		for i, r := range after.Revisions {
			rebuilt := r.Why == "a rebuild issued it again, with 1 fact that came too late" && len(r.Facts) == 1
			if last := i == len(after.Revisions)-1; rebuilt != last || strings.Contains(r.Why, "rebuild") != last {
				t.Errorf("%s: revision %d of %d: %q of %q", what, i+1, len(after.Revisions), r.Why, r.Facts)
			}
		}
	}
	f("late once the row was issued", true)
	f("late before it was, unless the pipeline is slow", false)
}

// A row that was never issued is explained by the facts that would have made it.
func TestExplainARowThatWasNeverIssued(t *testing.T) {
	w := newWorld(t)
	w.history()
	w.mark(monday + 10*day)
	w.contact(call("late", monday+3*hour))
	w.run()
	e := w.explain("queue/2026-03-02T03:00Z/q1/voice")
	if diff := cmp.Diff([]string{"late/1 too_late"}, outcomes(e, "offered")); diff != "" || len(e.Problems) > 0 || cell(e.Row, "offered") != "0" || len(e.Notes) != 1 {
		t.Errorf("%s, problems %q, notes %q, row %v", diff, e.Problems, e.Notes, e.Row)
	}
	w.rebuild(Range{monday, monday + day}, false)
	e = w.explain(e.Key)
	want := "a rebuild issued it, with 1 fact that came too late; every source is complete through the interval's end"
	if len(e.Revisions) != 1 || e.Revisions[0].Why != want {
		t.Errorf("rebuilt: %+v", e.Revisions)
	}
}

// What was made of another file does not add up.
func TestExplainSaysWhatDoesNotAddUp(t *testing.T) {
	w := newWorld(t)
	w.history()
	w.run()
	w.stage().ServiceLevel = 5e9
	e := w.explain("queue/acme/2026-03-02T08:00:00Z/q0/voice")
	if diff := cmp.Diff([]string{"answered_in_sl: the contributions make 0, the row says 1"}, e.Problems); diff != "" {
		t.Error(diff)
	}
}

func TestExplainNoSuchRow(t *testing.T) {
	w := newWorld(t)
	w.history()
	w.run()
	_, err := w.tryExplain("queue/acme/2026-03-02T08:00:00Z/Q11/voice")
	var none *NoRowError
	if !errors.As(err, &none) || len(none.Nearest) != 3 || none.Nearest[0] != "queue/acme/2026-03-02T08:00:00Z/q1/voice" {
		t.Errorf("%v", err)
	}
}

func TestParseKey(t *testing.T) {
	w := newWorld(t)
	f := func(text, want string) {
		t.Helper()
		k, err := ParseKey(text, w.file)
		got := ""
		if err == nil {
			got = transform.FormatKey(k)
		} else {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	f("queue/acme/2026-03-02T08:00:00Z/q1/voice", "queue/acme/2026-03-02T08:00:00Z/q1/voice")
	f("queue_intervals/acme/2026-03-02T08:07Z/q1/voice", "queue/acme/2026-03-02T08:00:00Z/q1/voice")
	f("agent_intervals/2026-03-02 09:15/a%2F1", "agent/acme/2026-03-02T08:15:00Z/a%2F1")
	f("agent_queue/2026-03-02T09:00/a1/q1/", "agent_queue/acme/2026-03-02T08:00:00Z/a1/q1/")
	f("agent/2026-10-25T02:30/a1", "agent/acme/2026-10-25T00:30:00Z/a1") // shown twice: the first
	f("quue/acme/2026-03-02T08:00Z/q1/voice", `row key "quue/acme/2026-03-02T08:00Z/q1/voice" begins with "quue": did you mean "queue"?`)
	f("queue/acme/2026-03-02T08:00Z", `row key "queue/acme/2026-03-02T08:00Z" has 3 parts, not 5: write queue/TENANT/START/QUEUE/CHANNEL`)
	f("agent/acme/noon/a1", `row key "agent/acme/noon/a1": "noon" is no time: write 2026-03-02T11:00Z, or in the time of Europe/Berlin 2026-03-02T12:00 or 2026-03-02`)
	f("agent/2026-03-29T02:30/a1", `row key "agent/2026-03-29T02:30/a1": "2026-03-29T02:30" is skipped by the clock of Europe/Berlin: write it in UTC, as 2026-03-29T01:30Z`)
}

// The columns of rows are those of the schemas: a measure that is added there must be compared and explained here.
func TestColumnsAreThoseOfTheSchemas(t *testing.T) {
	compared := 0
	for _, s := range schemas.All() {
		for _, k := range kinds {
			if s.Name != strings.TrimSuffix(k.table, "s") {
				continue
			}
			for _, field := range strings.Split(s.JSON, `"name":`)[2:] {
				name := strings.Split(field, `"`)[1]
				compared++
				other := slices.Contains([]string{"tenant", "interval_start", "interval_seconds", "queue_id", "queue_name", "agent_id", "agent_name", "channel",
					"not_ready_by_reason", "final", "revision", "NamedValue", "named_value", "name", "value"}, name)
				if !other && !slices.Contains(k.columns, name) {
					t.Errorf("%s has %q, and its rows here do not", s.Name, name)
				}
			}
		}
	}
	if compared < 50 {
		t.Errorf("only %d fields were compared", compared)
	}
}
