package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// place is a destination in memory, which outlives the sinks that write to it.
type place struct {
	mu       sync.Mutex
	holds    map[string]int64
	zeros    map[string]bool
	problems []string
	requests int
	fault    func(items []delivery.Item) error
	refuse   func(i *delivery.Item) bool
	took     time.Duration
}

func newPlace() *place { return &place{holds: map[string]int64{}, zeros: map[string]bool{}} }

func (p *place) Close() error { return nil }

func (p *place) Send(ctx context.Context, items []delivery.Item) error {
	pause(ctx, p.took)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests++
	if p.fault != nil {
		if err := p.fault(items); err != nil {
			return err
		}
	}
	refused := &delivery.Refused{}
	for n, i := range items {
		if p.refuse != nil && p.refuse(&i) {
			refused.Items = append(refused.Items, delivery.RefusedItem{Index: n, Reason: "unknown_queue"})
			continue
		}
		if held, ok := p.holds[i.Key]; ok && i.Revision < held {
			p.problems = append(p.problems, fmt.Sprintf("%s went back from %d to %d", i.Key, held, i.Revision))
		}
		p.holds[i.Key] = i.Revision
		p.zeros[i.Key] = i.Zero
	}
	if len(refused.Items) > 0 {
		return refused
	}
	return nil
}

func (p *place) held() map[string]int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.holds)
}

var rowKinds = []string{"queue_interval", "agent_queue_interval", "agent_interval"}

// deliveringSink is a sink of the pipeline that delivers to a place.
func deliveringSink(name string, p *place, o delivery.Options) pipelines.Sink {
	if o.Attempts == 0 {
		o.Attempts = 8
	}
	return pipelines.Sink{Name: name, Registration: sinks.Registration{
		Kinds: func(any) []string { return rowKinds },
		Deliver: func(context.Context, any, sinks.Deps) (sinks.Delivering, error) {
			return sinks.Delivering{Destination: p, Plan: delivery.Plan{Kinds: rowKinds, Items: 25, Concurrency: 4}, Options: o}, nil
		},
	}}
}

// inLog is the newest revision of every row of the log, with those that are wanted only.
func inLog(t *testing.T, w *world, p *pipelines.Pipeline, wanted func(final bool) bool) map[string]int64 {
	t.Helper()
	newest := map[string]int64{}
	all := newPlace()
	probe := deliveringSink("probe", all, delivery.Options{When: "provisional"})
	probe.Name = fmt.Sprint("probe", rand.Uint64())
	again := *p
	again.Sinks = []pipelines.Sink{probe}
	all.fault = func(items []delivery.Item) error {
		for _, i := range items {
			if !i.Zero && wanted(i.Final) {
				newest[i.Key] = max(newest[i.Key], i.Revision)
			}
		}
		return nil
	}
	if err := Run(t.Context(), []*pipelines.Pipeline{&again}, w.options(true, StageSinks)); err != nil {
		t.Fatal(err)
	}
	return newest
}

func (p *place) expect(t *testing.T, want map[string]int64) {
	t.Helper()
	if len(want) == 0 {
		t.Error("there is nothing to hold")
	}
	if diff := cmp.Diff(want, p.held()); diff != "" {
		t.Errorf("the destination holds (-want +got)\n%s", diff)
	}
	for _, problem := range p.problems {
		t.Error(problem)
	}
}

// attempts reads the log of deliveries.
func attempts(t *testing.T, w *world, p *pipelines.Pipeline) (list []schemas.Delivery) {
	t.Helper()
	topic := topics{p.Name}.deliveries()
	ranges, err := w.cluster.Offsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	r := newReader(t.Context(), w.registry)
	for n, at := range ranges {
		err := w.cluster.ReadAll(t.Context(), topic, n, at.First, at.Next, func(b *broker.Batch) error {
			for i := range b.Records {
				var d schemas.Delivery
				e, payload, err := r.open(append([]byte(nil), b.Records[i].Value...))
				if err == nil {
					err = decode(e, payload, &d)
				}
				if err != nil {
					return err
				}
				list = append(list, d)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return list
}

func twice(list []schemas.Delivery) (again []string) {
	seen := map[string]bool{}
	for _, d := range list {
		name := fmt.Sprintf("%s %s@%d", d.Sink, d.RowKey, d.Revision)
		if d.Outcome == delivery.Delivered {
			if seen[name] {
				again = append(again, name)
			}
			seen[name] = true
		}
	}
	return again
}

func anyRow(bool) bool { return true }

func TestDrainingDeliversEverything(t *testing.T) {
	w, to := newWorld(t), newPlace()
	p := pipelineOf(t, history(11), newTableSink())
	p.Sinks = append(p.Sinks, deliveringSink("api", to, delivery.Options{When: "final", Delay: 100 * 24 * time.Hour}))
	if err := w.run(t.Context(), p, true); err != nil {
		t.Fatal(err)
	}
	to.expect(t, inLog(t, w, p, func(final bool) bool { return final }))
	asked := to.requests
	if err := w.run(t.Context(), p, true); err != nil {
		t.Fatal(err)
	}
	if to.requests != asked {
		t.Errorf("%d requests for what was delivered", to.requests-asked)
	}
}

// Runs are broken off at random instants, while the destination fails now and then; several are at work at once.
func TestDeliveryGoesOnWhereItWas(t *testing.T) {
	w, to := newWorld(t), newPlace()
	to.took = 2 * time.Millisecond
	r := rand.New(rand.NewPCG(5, 5))
	var chance sync.Mutex
	to.fault = func([]delivery.Item) error {
		chance.Lock()
		defer chance.Unlock()
		if r.IntN(40) == 0 {
			return &httpcall.Error{Kind: httpcall.Transient, Status: 503}
		}
		return nil
	}
	p := pipelineOf(t, history(12), newTableSink())
	p.Sinks = []pipelines.Sink{deliveringSink("api", to, delivery.Options{When: "provisional"})}
	for range 6 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(100+r.IntN(1200))*time.Millisecond)
		failed := make(chan error)
		for range 2 {
			go func() { failed <- w.run(ctx, p, false) }()
		}
		for range 2 {
			if err := <-failed; err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		}
		cancel()
	}
	to.fault = nil
	if err := w.run(t.Context(), p, true); err != nil {
		t.Fatal(err)
	}
	to.expect(t, inLog(t, w, p, anyRow))
	w.balances(t, p, func(d *DeliveryDay) bool { return d.Delivered == d.Records && d.Records > 0 })
	if again := twice(attempts(t, w, p)); len(again) > 0 {
		t.Errorf("%d records acknowledged, written down, and sent again: %.10q", len(again), again)
	}
}

func TestADestinationThatIsAwayDelaysNobody(t *testing.T) {
	w, away, tables := newWorld(t), newPlace(), newTableSink()
	away.fault = func([]delivery.Item) error { return errors.New("connection refused") }
	here := newPlace()
	p := pipelineOf(t, history(13), tables)
	p.Sinks = append(p.Sinks, deliveringSink("away", away, delivery.Options{When: "provisional"}), deliveringSink("here", here, delivery.Options{When: "final"}))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.run(ctx, p, false) }()
	for began := time.Now(); len(here.held()) < 300 || len(tables.table()) < 300; time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > 30*time.Second {
			t.Fatalf("%d rows are delivered, %d written", len(here.held()), len(tables.table()))
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if len(away.holds) > 0 {
		t.Error("nothing could be delivered there")
	}
	away.fault = nil
	if err := w.run(t.Context(), p, true); err != nil {
		t.Fatal(err)
	}
	away.expect(t, inLog(t, w, p, anyRow))
}

// balances checks every day of every delivering sink.
func (w *world) balances(t *testing.T, p *pipelines.Pipeline, good func(d *DeliveryDay) bool) {
	t.Helper()
	l, err := OpenLedger(t.Context(), p, LedgerOptions{Cluster: w.cluster, Registry: w.registry, Log: slog.New(slog.DiscardHandler), Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range l.DeliverySinks() {
		days, err := l.DeliveryDays(t.Context(), s, clock.Wall, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range days {
			if d.Records != d.Delivered+d.Passed+d.Pending+d.Dead+d.Discarded || d.Missing != 0 || !good(d) {
				t.Errorf("the books: %+v", *d)
			}
		}
		if len(days) == 0 {
			t.Error("no day in the books")
		}
	}
}

// One queue is not known at the destination: its rows are put aside, and come once it is.
func TestDeadLettersAreRedrivenAndDiscarded(t *testing.T) {
	w, to := newWorld(t), newPlace()
	unknown := func(i *delivery.Item) bool {
		return i.Queue != nil && (i.Queue.QueueID == "q1" || i.Queue.QueueID == "q2")
	}
	refusing := true
	to.refuse = func(i *delivery.Item) bool { return refusing && unknown(i) }
	other := newPlace()
	p := pipelineOf(t, history(14), newTableSink())
	p.Sinks = []pipelines.Sink{deliveringSink("api", to, delivery.Options{When: "final"}), deliveringSink("other", other, delivery.Options{When: "final"})}
	if err := w.run(t.Context(), p, true); err != nil {
		t.Fatal(err)
	}
	w.balances(t, p, func(d *DeliveryDay) bool { return d.Pending == 0 && (d.Dead > 0) == (d.Sink == "api") })
	read := readOnce{}
	morgue := &Morgue{Cluster: w.cluster, Registry: w.registry, Now: clock.Now, Progress: read}
	redriven, discarded, asked := 0, 0, other.requests
	var done, again []*schemas.DeadLetter
	for _, d := range w.letters(t, p) {
		if d.Source != "api" || d.Reason != "unknown_queue" {
			t.Errorf("letter of %q with reason %q", d.Source, d.Reason)
		}
		if strings.Contains(d.Location, "/q2/") {
			discarded++
			done = append(done, &d)
			continue
		}
		again = append(again, &d)
	}
	for range 2 { // as after a crash in the middle
		clear(read)
		redriven = 0
		err := morgue.RedriveAll(t.Context(), again, func(d *schemas.DeadLetter, r Redriven) {
			if redriven++; r != RedriveSent {
				t.Errorf("%s: %s", d.Location, r)
			}
		})
		if err != nil || redriven != len(again) || redriven < 2*p.Partitions {
			t.Fatalf("%d of %d letters: %v", redriven, len(again), err)
		}
		if n := read["read "+topics{p.Name}.rows()]; n == 0 || n > p.Partitions {
			t.Errorf("%d partitions were read for %d letters", n, redriven)
		}
	}
	if err := morgue.Discard(t.Context(), done...); err != nil {
		t.Fatal(err)
	}
	if left := w.letters(t, p); redriven == 0 || discarded == 0 || len(left) > 0 {
		t.Errorf("%d redriven, %d discarded, %d left", redriven, discarded, len(left))
	}
	refusing = false
	if err := w.run(t.Context(), p, true); err != nil {
		t.Fatal(err)
	}
	want := inLog(t, w, p, func(final bool) bool { return final })
	maps.DeleteFunc(want, func(key string, _ int64) bool {
		return strings.HasPrefix(key, "queue/") && strings.Contains(key, "/q2/")
	})
	to.expect(t, want)
	if other.requests != asked {
		t.Error("a redriven record went to another sink")
	}
	w.balances(t, p, func(d *DeliveryDay) bool {
		return d.Pending == 0 && d.Dead == 0 && (d.Discarded == int64(discarded)) == (d.Sink == "api")
	})
}

// readOnce counts what came to its end.
type readOnce map[string]int

func (r readOnce) Report(what string, done, total int64, _ string) {
	if done == total {
		r[what]++
	}
}

// letters are those of the pipeline: the cluster may have others.
func (w *world) letters(t *testing.T, p *pipelines.Pipeline) (list []schemas.DeadLetter) {
	t.Helper()
	err := DeadLetters(t.Context(), w.cluster, w.registry, func(d *schemas.DeadLetter) bool {
		if d.Pipeline != p.Name {
			return true
		}
		list = append(list, schemas.DeadLetter{
			Tenant: strings.Clone(d.Tenant), Pipeline: strings.Clone(d.Pipeline), Stage: strings.Clone(d.Stage), Source: strings.Clone(d.Source),
			Fact: strings.Clone(d.Fact), Reason: strings.Clone(d.Reason), Location: strings.Clone(d.Location), Detail: strings.Clone(d.Detail),
			RejectedAt: d.RejectedAt,
		})
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
