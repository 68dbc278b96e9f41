package runtime

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/transform"
)

// expectedZeros is what has to be zero, by the rows of the log: an oracle that looks at every interval of every name.
func expectedZeros(t *testing.T, rows map[string]int64, facts map[string]int64, through int64) map[string]bool {
	t.Helper()
	const quarter = 15 * 60_000
	starts, has := map[transform.Key][]int64{}, map[transform.Key]map[int64]bool{}
	for key := range rows {
		k, err := transform.ParseKey(key)
		if err != nil {
			t.Fatal(err)
		}
		start := k.Start
		k.Start = 0
		if has[k] == nil {
			has[k] = map[int64]bool{}
		}
		has[k][start] = true
		if facts[key] > 0 {
			starts[k] = append(starts[k], start)
		}
	}
	zeros := map[string]bool{}
	for k, known := range starts {
		for _, s := range known {
			for at := s; at <= s+7*24*3_600_000 && at+quarter <= through; at += quarter {
				if k.Start = at; !has[transform.Key{Kind: k.Kind, Tenant: k.Tenant, AgentID: k.AgentID, QueueID: k.QueueID, Channel: k.Channel}][at] {
					zeros[transform.FormatKey(k)] = true
				}
			}
		}
	}
	return zeros
}

// rowsAndFacts are the newest revisions of the log, and how many facts each counts.
func rowsAndFacts(t *testing.T, w *world, p *pipelines.Pipeline) (rows, facts map[string]int64) {
	t.Helper()
	facts = map[string]int64{}
	all := newPlace()
	all.refuse = func(i *delivery.Item) bool {
		switch {
		case i.Queue != nil:
			facts[i.Key] = i.Queue.Facts
		case i.AgentQueue != nil:
			facts[i.Key] = i.AgentQueue.Facts
		case i.Agent != nil:
			facts[i.Key] = i.Agent.Facts
		}
		return false
	}
	again := *p
	probe := deliveringSink("counting"+time.Now().Format("150405.000"), all, delivery.Options{When: "provisional", ZeroRows: "never"})
	again.Sinks = []pipelines.Sink{probe}
	if err := Run(t.Context(), []*pipelines.Pipeline{&again}, w.options(true, StageSinks)); err != nil {
		t.Fatal(err)
	}
	return all.held(), facts
}

func (p *place) zeroKeys() map[string]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	zeros := maps.Clone(p.zeros)
	maps.DeleteFunc(zeros, func(_ string, zero bool) bool { return !zero })
	return zeros
}

func TestIntervalsInWhichNothingHappenedAreZero(t *testing.T) {
	w, to, without := newWorld(t), newPlace(), newPlace()
	facts := history(21)
	facts.mark = day + 3*24*3_600_000
	p := pipelineOf(t, facts, newTableSink())
	p.Sinks = []pipelines.Sink{
		deliveringSink("api", to, delivery.Options{When: "final", ZeroRows: "always"}), deliveringSink("without", without, delivery.Options{When: "final"}),
	}
	if err := w.run(t.Context(), p, true); err != nil {
		t.Fatal(err)
	}
	rows, counts := rowsAndFacts(t, w, p)
	want := expectedZeros(t, rows, counts, facts.mark)
	if len(want) < 1000 {
		t.Fatalf("only %d rows of zeros are expected", len(want))
	}
	if diff := cmp.Diff(want, to.zeroKeys()); diff != "" {
		t.Errorf("rows of zeros (-want +got)\n%.3000s", diff)
	}
	if got := without.zeroKeys(); len(got) > 0 {
		t.Errorf("%d rows of zeros for a sink that wants none", len(got))
	}
	w.balances(t, p, func(d *DeliveryDay) bool { return d.Pending == 0 && d.Dead == 0 })

	// Nothing is written twice, a late row takes the place of its zeros, and what it makes known is filled.
	asked := to.requests
	if err := w.run(t.Context(), p, true); err != nil {
		t.Fatal(err)
	}
	if to.requests != asked {
		t.Errorf("%d requests for what had been filled", to.requests-asked)
	}
	late := pipelineOf(t, &factSource{batch: 1, mark: facts.mark, contacts: []schemas.Contact{
		lateContact("late1", "q0", day+26*3_600_000), lateContact("late2", "q7", day+25*3_600_000),
	}}, newTableSink())
	late.Name, late.Sources[0].Name, late.Sinks = p.Name, "late", p.Sinks
	if err := w.run(t.Context(), late, true); err != nil {
		t.Fatal(err)
	}
	rows, counts = rowsAndFacts(t, w, p)
	zeros := expectedZeros(t, rows, counts, facts.mark)
	if !strings.Contains(first(zeros, "/q7/"), "/q7/") {
		t.Fatal("the late row makes nothing known")
	}
	if diff := cmp.Diff(zeros, to.zeroKeys()); diff != "" {
		t.Errorf("rows of zeros after late rows (-want +got)\n%.3000s", diff)
	}
	if len(to.problems) > 0 {
		t.Error(to.problems)
	}
}

func first(set map[string]bool, part string) string {
	for key := range set {
		if strings.Contains(key, part) {
			return key
		}
	}
	return ""
}

func lateContact(id, queue string, at int64) schemas.Contact {
	return schemas.Contact{
		InteractionID: id, Segment: "1", Revision: 1, Channel: "voice", QueueID: queue, QueueName: queue, OfferedAt: at, AnsweredAt: schemas.Null,
		EndedAt: at + 30_000, WrapEndedAt: schemas.Null, TalkMs: schemas.Null, HoldMs: schemas.Null, WrapMs: schemas.Null, Outcome: schemas.OutcomeAbandoned,
	}
}

// A row that the filling had not read when it decided stands before its zeros in the log: the zeros are for nobody.
func TestZerosBehindTheirRowAreNotSent(t *testing.T) {
	w := newWorld(t)
	p := pipelineOf(t, &factSource{batch: 1, mark: day + 3_600_000, contacts: []schemas.Contact{lateContact("a", "q0", day+60_000)}}, newTableSink())
	to := newPlace()
	p.Sinks = []pipelines.Sink{deliveringSink("api", to, delivery.Options{When: "final", ZeroRows: "always"})}
	if err := w.run(t.Context(), p, true); err != nil {
		t.Fatal(err)
	}
	before := to.held()
	// A filling that has read nothing knows the queue, and takes the row for missing.
	inner, err := open(t.Context(), p, w.options(true))
	if err != nil {
		t.Fatal(err)
	}
	f := inner.zeros.filling()
	f.next, f.complete = make([]int64, 3), make([]int64, 3)
	s := f.known.subject(name{queueKind, "acme", "q0", "voice", ""})
	s.days[day/dayLength-1] = &oneDay{}
	s.days[day/dayLength-1].active.set(daySlots - 3)
	if err := f.fill(t.Context(), day+3_600_000); err != nil {
		t.Fatal(err)
	}
	inner.forgetDeliveries(t, "api")
	if err := w.run(t.Context(), p, true); err != nil {
		t.Fatal(err)
	}
	key := transform.FormatKey(transform.Key{Kind: "queue", Tenant: "acme", Start: day, QueueID: "q0", Channel: "voice"})
	if got := to.held()[key]; got == 0 || got != before[key] {
		t.Errorf("the destination has revision %d of %s, and had %d", got, key, before[key])
	}
	if len(to.problems) > 0 {
		t.Error(to.problems)
	}
}

// forgetDeliveries lets lanes begin as if all that was delivered were long ago.
func (p *pipeline) forgetDeliveries(t *testing.T, sink string) {
	t.Helper()
	stored, err := p.loadCursors(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ranges, err := p.cluster.Offsets(t.Context(), p.topics.deliveries())
	if err != nil {
		t.Fatal(err)
	}
	for n, r := range ranges {
		l := deliveryLog{p: p, sink: sink, topic: p.topics.rows(), partition: n}
		if err := stored.Save(t.Context(), l.key(), fmt.Appendf(nil, `{"deliveries":%d}`, r.Next)); err != nil {
			t.Fatal(err)
		}
	}
}

// Only corrections are wanted: what becomes final for the first time is not sent, what changes after that is, through restarts.
func TestOnlyCorrections(t *testing.T) {
	w, to := newWorld(t), newPlace()
	facts := history(22)
	p := pipelineOf(t, facts, newTableSink())
	p.Sinks = []pipelines.Sink{deliveringSink("api", to, delivery.Options{When: "corrected"})}
	for range 2 {
		if err := w.run(t.Context(), p, true); err != nil {
			t.Fatal(err)
		}
	}
	if len(to.holds) > 0 {
		t.Errorf("%d rows were sent, and none is a correction", len(to.holds))
	}
	w.balances(t, p, func(d *DeliveryDay) bool { return d.Passed == d.Records })
	before, _ := rowsAndFacts(t, w, p)
	corrected := facts.contacts[0]
	corrected.Revision, corrected.EndedAt = 9, corrected.EndedAt+1000
	late := pipelineOf(t, &factSource{batch: 1, mark: facts.mark, contacts: []schemas.Contact{corrected, lateContact("new", "q55", day+9*3_600_000)}}, newTableSink())
	late.Name, late.Sinks = p.Name, p.Sinks
	late.Sources[0].Name = "list"
	inner := *late
	if err := Run(t.Context(), []*pipelines.Pipeline{again(&inner)}, w.options(true)); err != nil {
		t.Fatal(err)
	}
	after, _ := rowsAndFacts(t, w, p)
	want := map[string]int64{}
	for key, revision := range after {
		if old, ok := before[key]; ok && revision > old {
			want[key] = revision
		}
	}
	to.expect(t, want)
}

// again is the pipeline with a source that begins anew.
func again(p *pipelines.Pipeline) *pipelines.Pipeline {
	source := p.Sources[0].Registration.Open
	p.Sources[0].Registration.Open = func(o any, d ingest.Deps) (ingest.Source, error) {
		s, err := source(o, d)
		return anew{s}, err
	}
	return p
}

type anew struct{ ingest.Source }

func (a anew) Run(ctx context.Context, _ []byte, out ingest.Out) error {
	return a.Source.Run(ctx, nil, out)
}
