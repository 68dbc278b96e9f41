package books

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// mail adds a source that reports rows itself, beside the one of facts.
func (w *world) mail() *steps {
	s := &steps{}
	w.file.Sources = append(w.file.Sources, pipelines.Source{Name: "mail", Registration: ingest.Registration{
		Facts: func(any) []string { return []string{transform.FactInterval} },
		Open:  func(any, ingest.Deps) (ingest.Source, error) { return s, nil },
	}})
	return s
}

func (s *steps) queue(r schemas.QueueInterval) {
	s.all = append(s.all, func(ctx context.Context, out ingest.Out) error { r := r; return out.QueueInterval(ctx, &r) })
}

func (s *steps) agent(r schemas.AgentInterval) {
	r.ScheduledMs, r.AdherentMs = schemas.Null, schemas.Null
	s.all = append(s.all, func(ctx context.Context, out ingest.Out) error { r := r; return out.AgentInterval(ctx, &r) })
}

func (s *steps) through(at int64) {
	s.all = append(s.all, func(ctx context.Context, out ingest.Out) error {
		if err := out.Commit(ctx, nil); err != nil {
			return err
		}
		return out.Mark(ctx, transform.FactInterval, at)
	})
}

// questions is a reported row of queue 4105 at eight o'clock.
func questions(revision, offered int64) schemas.QueueInterval {
	return schemas.QueueInterval{IntervalStart: monday + 8*hour, QueueID: "4105", QueueName: "Billing", Channel: "email", Offered: offered, Facts: 1, Revision: revision}
}

const revised = int64(1_772_445_600_000) // revisions of reported rows are instants

// reporting is a history of facts, and beside it rows that a source reports: one alone, corrected; one withdrawn; one of an agent
// who has facts too.
func (w *world) reporting() {
	w.history()
	w.mark(monday + day)
	mail := w.mail()
	mail.queue(questions(revised, 7))
	mail.queue(questions(revised+1, 12))
	gone := questions(revised, 3)
	gone.QueueID = "4106"
	mail.queue(gone)
	gone.Revision, gone.Offered, gone.Facts = revised+2, 0, 0
	mail.queue(gone)
	mail.agent(schemas.AgentInterval{IntervalStart: monday + 8*hour, AgentID: "a1", AgentName: "Agent 1", DirectOut: 2, Facts: 1, Revision: revised})
	mail.through(monday + day)
	w.run()
}

func TestReportedRowsAreNoImbalance(t *testing.T) {
	w := newWorld(t)
	w.reporting()
	r := w.audit(Always)
	if len(r.Imbalances) > 0 || r.Moving {
		t.Errorf("imbalances %q, moving %t, notes %q", r.Imbalances, r.Moving, r.Notes)
	}
	if diff := cmp.Diff([]ReportedBook{{Source: "mail", Records: 5, Rows: 2, Through: "2026-03-03T00:00:00Z"}}, r.Reported); diff != "" {
		t.Error(diff)
	}
	for _, table := range r.Tables {
		if table.Equal != table.Rows || table.Foreign+table.Unsettled+table.Pending > 0 {
			t.Errorf("%+v", table)
		}
	}
	for _, c := range r.Complete {
		if c.Through != "2026-03-03T00:00:00Z" {
			t.Errorf("%+v", c)
		}
	}
}

// A table that does not show what a source reported is as wrong as one that does not show what facts make.
func TestAuditSeesReportedRowsThatAreMissing(t *testing.T) {
	w := newWorld(t)
	w.reporting()
	if err := w.warehouse.Exec(t.Context(), "ALTER TABLE `"+w.warehouse.Database()+"`.queue_intervals_store DELETE WHERE queue_id = '4105' SETTINGS mutations_sync = 2"); err != nil {
		t.Fatal(err)
	}
	r := w.audit(Always)
	if !slices.ContainsFunc(r.Imbalances, func(s string) bool { return strings.Contains(s, "queue/acme/2026-03-02T08:00:00Z/4105/email") }) {
		t.Errorf("imbalances %q", r.Imbalances)
	}
}

func TestRebuildLeavesReportedRowsAlone(t *testing.T) {
	w := newWorld(t)
	w.reporting()
	if b := w.rebuild(Always, false); len(b.Changed) > 0 {
		t.Errorf("changed %+v", b.Changed)
	}
	w.contact(call("late", monday+8*hour+minute)) // after the retention, and of an agent whose row a source reports too
	last := w.steps.all[len(w.steps.all)-1]
	w.steps.all = w.steps.all[:len(w.steps.all)-1]
	w.mark(monday + 10*day)
	w.steps.all = append(w.steps.all, last)
	w.run()
	b := w.rebuild(Always, false)
	if len(b.Changed) != 3 || !b.Written {
		t.Errorf("changed %+v", b.Changed)
	}
	if n := w.one("SELECT direct_out FROM agent_intervals WHERE agent_id = 'a1' AND interval_start = toDateTime(" + "'2026-03-02 08:00:00', 'UTC')"); n != 2 {
		t.Errorf("direct_out is %d", n)
	}
	if n := w.one("SELECT sum(offered) FROM queue_intervals WHERE channel = 'email'"); n != 12 {
		t.Errorf("offered is %d", n)
	}
	for _, c := range b.Changed {
		if c.row.Key.Kind == transform.KindAgent {
			if n := w.one("SELECT toInt64(max(revision)) FROM agent_intervals WHERE agent_id = 'a1' AND interval_start = toDateTime('2026-03-02 08:00:00', 'UTC')"); n != c.Revision {
				t.Errorf("the row has revision %d, and the rebuild says %d", n, c.Revision)
			}
		}
	}
	if r := w.audit(Always); len(r.Imbalances) > 0 {
		t.Errorf("imbalances %q", r.Imbalances)
	}
}

func TestExplainSaysWhoReportedARow(t *testing.T) {
	w := newWorld(t)
	w.reporting()
	f := func(key string, outcomes []string, says string, revisions int) {
		t.Helper()
		k, err := transform.ParseKey(key)
		if err != nil {
			t.Fatal(err)
		}
		e, err := Explain(t.Context(), w.ledger(), k, ExplainOptions{Progress: noProgress{}, Shelves: []Shelf{{Sink: "warehouse", Warehouse: w.warehouse}}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		said := ""
		for _, f := range e.Facts {
			if f.Kind == kindReported {
				got, said = append(got, f.Outcome), f.Says
			}
		}
		if len(e.Problems) > 0 || !slices.Equal(got, outcomes) || said != says || len(e.Revisions) < revisions {
			t.Errorf("%s: problems %q, outcomes %q, says %q, revisions %+v", key, e.Problems, got, said, e.Revisions)
		}
		if last := e.Revisions[len(e.Revisions)-1]; !last.Final || e.Rebuilt {
			t.Errorf("%s: %+v", key, last)
		}
	}
	f("queue/acme/2026-03-02T08:00:00Z/4105/email", []string{outcomeReplaced, outcomeCounted}, "reported by source mail: offered 12", 1)
	f("queue/acme/2026-03-02T08:00:00Z/4106/email", []string{outcomeReplaced, outcomeRetracted}, "reported by source mail; withdrawn", 1)
	f("agent/acme/2026-03-02T08:00:00Z/a1", []string{outcomeCounted}, "reported by source mail: direct_out 2", 1)
}
