package books

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

func (w *world) audit(r Range) *Report {
	w.t.Helper()
	report, err := Audit(w.t.Context(), w.ledger(), AuditOptions{Range: r, Progress: noProgress{}, Shelves: []Shelf{{Sink: "warehouse", Warehouse: w.warehouse}}})
	if err != nil {
		w.t.Fatal(err)
	}
	return report
}

// troubled is a history with facts of every outcome.
func (w *world) troubled() {
	w.history()
	c := call("twice", monday+8*hour)
	w.contact(c)
	w.contact(c)
	c.Revision = 0
	w.contact(c) // superseded
	c.Revision, c.EndedAt = 2, c.EndedAt+5_000
	w.contact(c)
	wrong := call("wrong", monday+8*hour)
	wrong.EndedAt = wrong.OfferedAt - hour
	w.contact(wrong)
	test := call("filtered", monday+9*hour)
	test.QueueID = "Test"
	w.contact(test)
	w.mark(monday + 10*day)
	w.contact(call("late", monday+8*hour))
	w.mark(monday + 11*day)
}

func TestAuditBalances(t *testing.T) {
	w := newWorld(t)
	w.troubled()
	w.run()
	r := w.audit(Always)
	if len(r.Imbalances) > 0 || r.Moving {
		t.Errorf("imbalances %q, moving %t, notes %q", r.Imbalances, r.Moving, r.Notes)
	}
	var all FactBalance
	for _, b := range r.Facts {
		all.Read, all.Applied, all.Duplicate = all.Read+b.Read, all.Applied+b.Applied, all.Duplicate+b.Duplicate
		all.Superseded, all.TooLate, all.Rejected = all.Superseded+b.Superseded, all.TooLate+b.TooLate, all.Rejected+b.Rejected
		all.DeadLetters += b.DeadLetters
		if b.Tenant != "acme" {
			t.Errorf("tenant %q", b.Tenant)
		}
	}
	want := FactBalance{Read: 77, Outcomes: Outcomes{Applied: 73, Duplicate: 1, Superseded: 1, TooLate: 1, Rejected: 1}, DeadLetters: 2}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Error(diff)
	}
	for _, table := range r.Tables {
		if table.Rows < 20 || table.Equal != table.Rows || table.Cells < 10*table.Rows {
			t.Errorf("%+v", table)
		}
	}
	if s := r.Sinks[0]; s.Rows < 100 || s.Delivered != s.Rows {
		t.Errorf("%+v", s)
	}
	for _, c := range r.Complete {
		if c.Through != "2026-03-13T00:00:00Z" {
			t.Errorf("%+v", c)
		}
	}
}

// What is not where it belongs is named.
func TestAuditFindsWhatIsWrong(t *testing.T) {
	w := newWorld(t)
	w.troubled()
	w.run()
	f := func(what, sql string, want ...string) {
		t.Helper()
		w.exec(sql)
		text := strings.Join(w.audit(Always).Imbalances, "\n")
		for _, s := range want {
			if !strings.Contains(text, s) {
				t.Errorf("%s: %q is not in\n%s", what, s, text)
			}
		}
	}
	f("a cell", "INSERT INTO DB.queue_intervals_store SELECT * REPLACE (offered + 1 AS offered, revision + 1 AS revision) FROM DB.queue_intervals_store FINAL WHERE queue_id = 'q0' AND interval_start = '2026-03-02 09:00:00'",
		`queue_intervals, sink "warehouse": row queue/acme/2026-03-02T09:00:00Z/q0/voice: offered is 2, the facts make 1; the table does not show what the pipeline issued`)
	f("a row", "DELETE FROM DB.agent_intervals_store WHERE agent_id = 'a3' AND interval_start = '2026-03-02 09:00:00'",
		`row agent/acme/2026-03-02T09:00:00Z/a3: `, `1 are missing: agent/acme/2026-03-02T09:00:00Z/a3`)
	f("a mark", "TRUNCATE TABLE DB.completeness_store", `its table says the pipeline is complete through nothing, and the rows say 2026-03-13T00:00:00Z`)
}

func (w *world) exec(sql string) {
	w.t.Helper()
	if err := w.warehouse.Exec(w.t.Context(), strings.ReplaceAll(sql, "DB", w.warehouse.Database())); err != nil {
		w.t.Fatal(err)
	}
}

// Rows that a rebuild made anew are right, and so are those that it has not made yet.
func TestAuditKnowsRebuiltRows(t *testing.T) {
	w := newWorld(t)
	w.troubled()
	w.run()
	w.rebuild(Range{monday, monday + day}, false)
	r := w.audit(Range{monday, monday + day})
	if len(r.Imbalances) > 0 {
		t.Errorf("%q", r.Imbalances)
	}
	rebuilt := map[string]int64{}
	for _, table := range r.Tables {
		rebuilt[table.Table] = table.Rebuilt
	}
	if diff := cmp.Diff(map[string]int64{"queue_intervals": 1, "agent_queue_intervals": 1, "agent_intervals": 1}, rebuilt); diff != "" {
		t.Error(diff)
	}
}

// What is on its way is pending, and no imbalance.
func TestAuditOfAPipelineAtWork(t *testing.T) {
	w := newWorld(t)
	w.history()
	w.run()
	w.contact(call("new", monday+12*hour))
	w.run(runtime.StageIngest, runtime.StageIntervals, runtime.StageMerge)
	r := w.audit(Always)
	if len(r.Imbalances) > 0 || !r.Moving || r.Sinks[0].Pending == 0 || r.Tables[0].Pending == 0 {
		t.Errorf("imbalances %q, moving %t, %+v, %+v", r.Imbalances, r.Moving, r.Sinks, r.Tables)
	}
	w.contact(call("newer", monday+12*hour))
	w.run(runtime.StageIngest)
	r = w.audit(Always)
	pending := int64(0)
	for _, b := range r.Facts {
		pending += b.Pending
	}
	if len(r.Imbalances) > 0 || pending != 1 {
		t.Errorf("imbalances %q, %d pending, want 1", r.Imbalances, pending)
	}
}

// A file that is not what the rows were made with does not balance.
func TestAuditOfAnotherFile(t *testing.T) {
	w := newWorld(t)
	w.history()
	w.run()
	w.stage().ServiceLevel = 5e9
	text := strings.Join(w.audit(Always).Imbalances, "\n")
	if !strings.Contains(text, "answered_in_sl is 1, the facts make 0; it is what the pipeline issued: `quarterhour rebuild` issues it anew") {
		t.Error(text)
	}
	if !strings.Contains(text, "more rows are not what the facts make") {
		t.Error("the rest is not counted")
	}
}

// The late policy holds in an audit, as it held in the run.
func TestAuditFollowsTheLatePolicy(t *testing.T) {
	w := newWorld(t)
	w.stage().Late = transform.LateDrop
	w.contact(call("kept", monday+8*hour))
	w.mark(monday + 9*hour)
	w.contact(call("dropped", monday+8*hour))
	w.steps.all = append(w.steps.all, func(ctx context.Context, out ingest.Out) error {
		c := call("open", monday+10*hour)
		c.EndedAt, c.WrapEndedAt, c.Outcome = schemas.Null, schemas.Null, schemas.OutcomeUnknown
		return out.Contact(ctx, &c)
	})
	w.mark(monday + 10*hour + 20*minute)
	w.run()
	r := w.audit(Always)
	if len(r.Imbalances) > 0 {
		t.Errorf("%q", r.Imbalances)
	}
	late := int64(0)
	for _, b := range r.Facts {
		late += b.TooLate
	}
	if late != 1 {
		t.Errorf("%d too late, want 1", late)
	}
}
