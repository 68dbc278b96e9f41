package runtime

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/schemas"
)

// mail is a source that reports its rows: one of each kind, one corrected and one withdrawn, all through 10:00.
func mail(ctx context.Context, out ingest.Out) error {
	at := day + 9*hourMs
	for _, offered := range []int64{7, 12} { // reported, then corrected
		r := schemas.QueueInterval{IntervalStart: at, QueueID: "4105", QueueName: "Billing", Channel: "email", Offered: offered, Facts: 1, Revision: offered}
		if err := out.QueueInterval(ctx, &r); err != nil {
			return err
		}
	}
	for n, r := range []schemas.QueueInterval{{Offered: 3, Facts: 1}, {}} { // reported, then withdrawn
		r.IntervalStart, r.QueueID, r.Channel, r.Revision = at, "4106", "email", int64(n+1)
		if err := out.QueueInterval(ctx, &r); err != nil {
			return err
		}
	}
	pair := schemas.AgentQueueInterval{
		IntervalStart: at, AgentID: "ann", AgentName: "ann@example.test", QueueID: "4105", QueueName: "Billing", Channel: "email", Answered: 3,
		Completed: schemas.Null, ContactMs: 1_310_000, Facts: 1, Revision: 1,
	}
	if err := out.AgentQueueInterval(ctx, &pair); err != nil {
		return err
	}
	agent := schemas.AgentInterval{
		IntervalStart: at, AgentID: "ann", AgentName: "ann@example.test", LoginMs: 900_000, DirectOut: 2, Facts: 1, Revision: 1,
		ScheduledMs: schemas.Null, AdherentMs: schemas.Null,
	}
	if err := out.AgentInterval(ctx, &agent); err != nil {
		return err
	}
	if err := out.Commit(ctx, []byte("read")); err != nil {
		return err
	}
	return out.Mark(ctx, "interval", day+10*hourMs)
}

func TestReportedRowsReachTheSinks(t *testing.T) {
	w := newWorld(t)
	tables := newTableSink()
	p := pipelineOf(t, nil, tables)
	p.Sources = []pipelines.Source{sourceOf("mail", mail, "interval")}
	for range 2 { // a source that says the same again changes nothing
		if err := w.run(t.Context(), p, true); err != nil {
			t.Fatal(err)
		}
	}
	want := []any{
		schemas.QueueInterval{Tenant: "acme", IntervalStart: day + 9*hourMs, IntervalSeconds: 900, QueueID: "4105", QueueName: "Billing", Channel: "email", Offered: 12, Facts: 1, Final: true},
		schemas.AgentQueueInterval{
			Tenant: "acme", IntervalStart: day + 9*hourMs, IntervalSeconds: 900, AgentID: "ann", AgentName: "ann@example.test", QueueID: "4105", QueueName: "Billing",
			Channel: "email", Answered: 3, Completed: schemas.Null, ContactMs: 1_310_000, Facts: 1, Final: true,
		},
		schemas.AgentInterval{
			Tenant: "acme", IntervalStart: day + 9*hourMs, IntervalSeconds: 900, AgentID: "ann", AgentName: "ann@example.test", NotReadyByReason: nil,
			LoginMs: 900_000, DirectOut: 2, ScheduledMs: schemas.Null, AdherentMs: schemas.Null, Facts: 1, Final: true,
		},
	}
	var got []any
	for _, row := range tables.table() {
		if a, ok := row.(schemas.AgentInterval); ok && len(a.NotReadyByReason) == 0 {
			a.NotReadyByReason = nil
			row = a
		}
		got = append(got, row)
	}
	for _, row := range want {
		found := false
		for _, g := range got {
			found = found || cmp.Equal(row, g)
		}
		if !found {
			t.Errorf("missing: %+v", row)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d rows, want %d: %+v", len(got), len(want), got)
	}
	if tables.complete != day+10*hourMs {
		t.Errorf("complete through %d", tables.complete)
	}
}

// An agent's states and what another source reports of the agent make one row, final when both are complete.
func TestReportedRowsAddToThoseOfFacts(t *testing.T) {
	w := newWorld(t)
	f := func(through int64, final bool) {
		t.Helper()
		tables := newTableSink()
		p := pipelineOf(t, nil, tables)
		p.Name += map[bool]string{true: "-final", false: "-open"}[final]
		p.Sources = []pipelines.Source{
			sourceOf("wfm", scheduled, "agent_state", "shift"), sourceOf("mail", mail, "interval"), sourceOf("calls", promises("contact", through), "contact"),
		}
		if err := w.run(t.Context(), p, true); err != nil {
			t.Fatal(err)
		}
		for _, r := range agentRows(tables) {
			if r.AgentID == "ann" && r.IntervalStart == day+9*hourMs && (r.AvailableMs != 900_000 || r.LoginMs != 1_800_000 || r.DirectOut != 2 || r.Facts != 3 || r.Final != final) {
				t.Errorf("with contacts through %d: %+v", through, r)
			}
		}
	}
	f(day+10*hourMs, true)
	f(0, false)
}

func TestRowsOffTheGridAreRefused(t *testing.T) {
	w := newWorld(t)
	p := pipelineOf(t, nil, newTableSink())
	p.Sources = []pipelines.Source{sourceOf("mail", func(ctx context.Context, out ingest.Out) error {
		return out.QueueInterval(ctx, &schemas.QueueInterval{IntervalStart: day + 60_000})
	}, "interval")}
	if err := w.run(t.Context(), p, true); err == nil || !strings.Contains(err.Error(), "2026-03-02T00:01:00Z, where no interval of 15m0s begins") {
		t.Errorf("got %v", err)
	}
}

func TestASourceIsToldTheGrid(t *testing.T) {
	w := newWorld(t)
	p := pipelineOf(t, nil, newTableSink())
	var from, to int64
	p.Sources = []pipelines.Source{{Name: "mail", Registration: ingest.Registration{
		Facts: func(any) []string { return []string{"interval"} },
		Open: func(_ any, d ingest.Deps) (ingest.Source, error) {
			from, to = d.Bounds(day + 14*60_000)
			return says(func(context.Context, ingest.Out) error { return nil }), nil
		},
	}}}
	if err := w.run(t.Context(), p, true); err != nil || from != day || to != day+900_000 {
		t.Errorf("the interval is [%d, %d), %v", from-day, to-day, err)
	}
}

// statistics is a source that reads reported rows by a flow: by queue, how many were offered in a past quarter of an hour.
type statistics struct {
	deps    ingest.Deps
	offered map[string]int64
}

func (s *statistics) Run(ctx context.Context, cursor []byte, out ingest.Out) error {
	f := flow.Flow{
		Name: "statistics", Facts: []string{"interval"}, Schedule: flow.Schedule{Every: time.Minute}, Replaces: true,
		Window: flow.Window{Back: 6 * time.Hour, Overlap: 6 * time.Hour},
		Read: func(ctx context.Context, r *flow.Read) error {
			start, _ := s.deps.Bounds(clock.Now().Add(-2 * time.Hour).UnixMilli())
			for queue, n := range s.offered {
				if err := r.QueueInterval(ctx, &schemas.QueueInterval{IntervalStart: start, QueueID: queue, Channel: "email", Offered: n, Facts: 1}); err != nil {
					return err
				}
			}
			return nil
		},
	}
	return flow.Run(ctx, []flow.Flow{f}, cursor, out, flow.Options{Deps: s.deps})
}

// What was reported is remembered by the log: a restart repeats nothing, and withdraws what is gone.
func TestReportedRowsAreReadAgainAfterARestart(t *testing.T) {
	w := newWorld(t)
	s := &statistics{}
	tables := newTableSink()
	p := pipelineOf(t, nil, tables)
	p.Sources = []pipelines.Source{{Name: "mail", Registration: ingest.Registration{
		Facts: func(any) []string { return []string{"interval"} },
		Open:  func(_ any, d ingest.Deps) (ingest.Source, error) { s.deps = d; return s, nil },
	}}}
	if at := clock.Now(); at.Minute()%15 == 14 && at.Second() > 30 {
		t.Skip("the quarter of an hour may change meanwhile")
	}
	f := func(offered map[string]int64, written int) {
		t.Helper()
		s.offered = offered
		if err := w.run(t.Context(), p, true); err != nil {
			t.Fatal(err)
		}
		got := map[string]int64{}
		for _, row := range tables.table() {
			q := row.(schemas.QueueInterval)
			got[q.QueueID] = q.Offered
		}
		if d := cmp.Diff(offered, got); d != "" {
			t.Error(d)
		}
		n := 0
		q := &pipeline{file: p, topics: topics{p.Name}, cluster: w.cluster, registry: w.registry, watch: clock.Wall}
		if err := q.recall("mail")(t.Context(), "interval", time.Time{}, func(any) { n++ }); err != nil || n != written {
			t.Errorf("%d rows in the log, want %d, %v", n, written, err)
		}
	}
	f(map[string]int64{"1": 4, "2": 5}, 2)
	f(map[string]int64{"1": 4, "2": 5}, 2)
	f(map[string]int64{"1": 6}, 4)
	f(map[string]int64{"1": 6}, 4)
}
