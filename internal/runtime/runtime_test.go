package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/observe"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/schemas"
)

const day = int64(1_772_409_600_000) // 2026-03-02T00:00:00Z

// history is a day of contacts and agent states, with corrections and retractions behind what they correct.
func history(seed uint64) *factSource {
	r := rand.New(rand.NewPCG(seed, 1))
	s := &factSource{batch: 50, mark: day + 24*3_600_000}
	for n := range 400 {
		at := day + 8*3_600_000 + r.Int64N(8*3_600_000)
		c := schemas.Contact{
			InteractionID: fmt.Sprint("i", n), Segment: "1", Revision: 1, Channel: "voice", QueueID: fmt.Sprint("q", n%5), QueueName: fmt.Sprint("Queue ", n%5),
			OfferedAt: at, AnsweredAt: schemas.Null, EndedAt: at + r.Int64N(60_000), WrapEndedAt: schemas.Null,
			TalkMs: schemas.Null, HoldMs: schemas.Null, WrapMs: schemas.Null, Outcome: schemas.OutcomeAbandoned,
		}
		if n%6 != 0 {
			c.AgentID, c.AgentName, c.Outcome = fmt.Sprint("a", n%17), fmt.Sprint("Agent ", n%17), schemas.OutcomeHandled
			c.AnsweredAt = c.EndedAt
			c.EndedAt += r.Int64N(2_400_000)
			c.WrapEndedAt = c.EndedAt + r.Int64N(60_000)
		}
		s.contacts = append(s.contacts, c)
		switch n % 9 {
		case 1:
			c.Revision, c.QueueID, c.QueueName = 2, "q9", "Queue 9"
			s.contacts = append(s.contacts, c)
		case 2:
			c.Revision, c.Retracted = 2, true
			s.contacts = append(s.contacts, c)
		}
	}
	for n := range 300 {
		at := day + 8*3_600_000 + int64(n/17)*1_500_000 + r.Int64N(1_000_000)
		s.states = append(s.states, schemas.AgentState{
			AgentID: fmt.Sprint("a", n%17), AgentName: fmt.Sprint("Agent ", n%17), StateID: fmt.Sprint(n), Revision: 1, StartedAt: at, EndedAt: schemas.Null,
			State: []schemas.State{schemas.StateAvailable, schemas.StateOnContact, schemas.StateNotReady, schemas.StateLoggedOut}[r.IntN(4)],
		})
	}
	return s
}

// disturbed is the same history sent otherwise: shuffled, with a third of it twice, and in other batches.
func (s *factSource) disturbed(seed uint64) *factSource {
	r := rand.New(rand.NewPCG(seed, 2))
	d := &factSource{batch: 1 + r.IntN(200), mark: s.mark}
	d.contacts = append(append(d.contacts, s.contacts...), s.contacts[:len(s.contacts)/3]...)
	d.states = append(append(d.states, s.states...), s.states[:len(s.states)/3]...)
	r.Shuffle(len(d.contacts), func(i, j int) { d.contacts[i], d.contacts[j] = d.contacts[j], d.contacts[i] })
	r.Shuffle(len(d.states), func(i, j int) { d.states[i], d.states[j] = d.states[j], d.states[i] })
	return d
}

func drained(t *testing.T, w *world, facts *factSource) map[string]any {
	t.Helper()
	tables := newTableSink()
	if err := w.run(t.Context(), pipelineOf(t, facts, tables), true); err != nil {
		t.Fatal(err)
	}
	if tables.complete != facts.mark {
		t.Errorf("tables complete through %d, want %d", tables.complete, facts.mark)
	}
	return tables.table()
}

func TestTheSetOfFactsDecidesNotTheirHistory(t *testing.T) {
	w := newWorld(t)
	facts := history(1)
	want := drained(t, w, facts)
	if len(want) < 300 {
		t.Fatalf("only %d rows", len(want))
	}
	for key, row := range want {
		if q, ok := row.(schemas.QueueInterval); ok && !q.Final {
			t.Errorf("row %q is not final after the mark", key)
		}
	}
	for seed := range uint64(3) {
		if diff := cmp.Diff(want, drained(t, w, facts.disturbed(seed))); diff != "" {
			t.Errorf("disturbed with seed %d, the tables differ (-straight +disturbed):\n%s", seed, diff)
		}
	}
}

func TestDrainingAgainChangesNothing(t *testing.T) {
	w := newWorld(t)
	tables := newTableSink()
	p := pipelineOf(t, history(2), tables)
	for range 2 {
		if err := w.run(t.Context(), p, true); err != nil {
			t.Fatal(err)
		}
	}
	want := drained(t, w, history(2))
	if diff := cmp.Diff(want, tables.table()); diff != "" {
		t.Error(diff)
	}
}

// The run is broken off at random instants, and goes on each time from what is committed.
func TestInterruptionsLeaveNoTrace(t *testing.T) {
	w := newWorld(t)
	facts := history(3)
	want := drained(t, w, facts)
	tables := newTableSink()
	p := pipelineOf(t, facts, tables)
	r := rand.New(rand.NewPCG(3, 3))
	for range 6 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(20+r.IntN(400))*time.Millisecond)
		if err := w.run(ctx, p, true); err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		cancel()
	}
	if err := w.run(t.Context(), p, true); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, tables.table()); diff != "" {
		t.Errorf("-undisturbed +interrupted:\n%s", diff)
	}
}

func TestASinkThatFailsIsWrittenAgain(t *testing.T) {
	w := newWorld(t)
	facts := history(4)
	want := drained(t, w, facts)
	tables := newTableSink()
	tables.failWrites = 2
	p := pipelineOf(t, facts, tables)
	failures := 0
	for w.run(t.Context(), p, true) != nil { // a draining run ends at the first failure
		if failures++; failures > 4 {
			t.Fatal("the sink is not written again")
		}
	}
	if failures == 0 {
		t.Error("a failed write did not fail the draining run")
	}
	if diff := cmp.Diff(want, tables.table()); diff != "" {
		t.Error(diff)
	}
}

// What a source has written and had acknowledged is counted: an alert of a source that brings nothing stands on it.
func TestWhatASourceWroteIsCounted(t *testing.T) {
	w := newWorld(t)
	facts := history(5)
	p := pipelineOf(t, facts, newTableSink())
	if err := Run(t.Context(), []*pipelines.Pipeline{p}, Options{
		Cluster: w.cluster, Registry: w.registry, Drain: true, Log: slog.New(slog.DiscardHandler), Progress: noProgress{},
		Metrics: observe.NewMetrics(w.metrics), Now: clock.Now,
	}); err != nil {
		t.Fatal(err)
	}
	families, err := w.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var written float64
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if f.GetName() == "quarterhour_written_records_total" && l.GetName() == "stage" && l.GetValue() == StageIngest {
					written += m.GetCounter().GetValue()
				}
			}
		}
	}
	if want := float64(len(facts.contacts) + len(facts.states)); written != want {
		t.Errorf("%g records counted as written by the source, want %g", written, want)
	}
}
