package runtime

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/observe"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// says is a source that says what the function has it say.
type says func(ctx context.Context, out ingest.Out) error

func (s says) Run(ctx context.Context, _ []byte, out ingest.Out) error { return s(ctx, out) }

func sourceOf(name string, s says, facts ...string) pipelines.Source {
	return pipelines.Source{Name: name, Registration: ingest.Registration{
		Facts: func(any) []string { return facts },
		Open:  func(any, ingest.Deps) (ingest.Source, error) { return s, nil },
	}}
}

// promises is a source with no facts that is complete through an instant; 0 promises nothing.
func promises(fact string, through int64) says {
	return func(ctx context.Context, out ingest.Out) error {
		if through == 0 {
			return out.Commit(ctx, nil)
		}
		return out.Mark(ctx, fact, through)
	}
}

const hourMs = 3_600_000

// scheduled says that an agent works from 9 to 10 in a shift from 9 to 11, in that order or the other.
func scheduled(ctx context.Context, out ingest.Out) error {
	for _, s := range []schemas.AgentState{
		{AgentID: "ann", StartedAt: day + 9*hourMs, EndedAt: day + 10*hourMs, State: schemas.StateAvailable},
		{AgentID: "bob", StartedAt: day + 9*hourMs, EndedAt: day + 10*hourMs, State: schemas.StateAvailable},
	} {
		if err := out.AgentState(ctx, &s); err != nil {
			return err
		}
	}
	s := schemas.Shift{AgentID: "ann", ShiftID: "1", StartsAt: day + 9*hourMs, EndsAt: day + 11*hourMs}
	if err := out.Shift(ctx, &s); err != nil {
		return err
	}
	if err := out.Mark(ctx, "agent_state", day+24*hourMs); err != nil {
		return err
	}
	return out.Mark(ctx, "shift", day+24*hourMs)
}

func agentRows(t *tableSink) (rows []schemas.AgentInterval) {
	for _, row := range t.table() {
		if r, ok := row.(schemas.AgentInterval); ok {
			rows = append(rows, r)
		}
	}
	return rows
}

func TestShiftsMeetTheStatesOfTheirAgents(t *testing.T) {
	w := newWorld(t)
	tables := newTableSink()
	p := pipelineOf(t, nil, tables)
	p.Sources = []pipelines.Source{sourceOf("wfm", scheduled, "agent_state", "shift")}
	if err := w.run(t.Context(), p, true); err != nil {
		t.Fatal(err)
	}
	sums := map[string][4]int64{}
	for _, r := range agentRows(tables) {
		s := sums[r.AgentID]
		if s[0] += r.LoginMs; r.ScheduledMs != schemas.Null {
			s[1], s[2] = s[1]+r.ScheduledMs, s[2]+r.AdherentMs
		} else {
			s[3]++
		}
		sums[r.AgentID] = s
		if !r.Final {
			t.Errorf("a row of %q is not final", r.AgentID)
		}
	}
	if sums["ann"] != [4]int64{hourMs, 2 * hourMs, hourMs, 0} || sums["bob"] != [4]int64{hourMs, 0, 0, 4} {
		t.Errorf("logged in, scheduled, adherent, unknown: %v", sums)
	}
}

// Of several sources and partitions most are idle: those that promise do not hold an interval open, one that does not, does.
func TestIdleSourcesAndPartitions(t *testing.T) {
	w := newWorld(t)
	f := func(idle int64, complete int64, final bool) {
		t.Helper()
		tables := newTableSink()
		p := pipelineOf(t, nil, tables)
		p.Name += map[bool]string{true: "-final", false: "-open"}[final]
		p.Sources = []pipelines.Source{
			sourceOf("wfm", scheduled, "agent_state", "shift"), sourceOf("idle", promises("agent_state", idle), "agent_state"),
			sourceOf("calls", promises("contact", day+12*hourMs), "contact"),
		}
		if err := w.run(t.Context(), p, true); err != nil {
			t.Fatal(err)
		}
		if tables.complete != complete {
			t.Errorf("complete through %d, want %d", tables.complete, complete)
		}
		rows := agentRows(tables)
		if len(rows) == 0 {
			t.Error("no rows")
		}
		for _, r := range rows {
			if r.Final != final {
				t.Errorf("the row of %q at %d is final: %v", r.AgentID, r.IntervalStart, r.Final)
			}
		}
	}
	f(day+11*hourMs, day+11*hourMs, true)
	f(0, 0, false)
}

func TestAMarkThatGoesBackwardsIsAnAlert(t *testing.T) {
	w := newWorld(t)
	tables := newTableSink()
	p := pipelineOf(t, nil, tables)
	p.Sources = []pipelines.Source{sourceOf("calls", func(ctx context.Context, out ingest.Out) error {
		for _, through := range []int64{day + 2*hourMs, day + hourMs} {
			if err := out.Mark(ctx, "contact", through); err != nil {
				return err
			}
		}
		return nil
	}, "contact")}
	o := Options{
		Cluster: w.cluster, Registry: w.registry, Drain: true, Log: slog.New(slog.DiscardHandler), Progress: noProgress{},
		Metrics: observe.NewMetrics(w.metrics), Now: clock.Now,
	}
	if err := Run(t.Context(), []*pipelines.Pipeline{p}, o); err != nil {
		t.Fatal(err)
	}
	families, err := w.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counted := 0.0
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetValue() == transform.ReasonMarkBackwards {
					counted += m.GetCounter().GetValue()
				}
			}
		}
	}
	if counted != float64(p.Partitions) {
		t.Errorf("counted %v times, want once in each of %d partitions", counted, p.Partitions)
	}
	if tables.complete != day+2*hourMs {
		t.Errorf("complete through %d: the greater promise stands", tables.complete)
	}
}

// An identity that moved to another partition would be counted in both.
func TestOtherPartitionsAreRefused(t *testing.T) {
	w := newWorld(t)
	p := pipelineOf(t, nil, newTableSink())
	p.Sources = []pipelines.Source{sourceOf("calls", promises("contact", day), "contact")}
	if err := w.run(t.Context(), p, true); err != nil {
		t.Fatal(err)
	}
	p.Partitions++
	err := w.run(t.Context(), p, true)
	if err == nil || !strings.Contains(err.Error(), "`partitions: 3`") || !strings.Contains(err.Error(), "another name") {
		t.Errorf("got %v, want what to do", err)
	}
}
