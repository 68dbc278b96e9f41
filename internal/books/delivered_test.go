package books

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/transform"
)

// place is a destination in memory. It refuses the queues it does not know.
type place struct {
	mu      sync.Mutex
	holds   map[string]int64
	refused map[string]bool
	zeros   int
	unknown string
}

func (p *place) Close() error { return nil }

func (p *place) Send(_ context.Context, items []delivery.Item) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var refused delivery.Refused
	for n, i := range items {
		if p.unknown != "" && i.Queue != nil && i.Queue.QueueID == p.unknown {
			refused.Items = append(refused.Items, delivery.RefusedItem{Index: n, Reason: "unknown_queue"})
			p.refused[i.Key] = true
			continue
		}
		if i.Zero {
			p.zeros++
		}
		p.holds[i.Key] = i.Revision
	}
	if len(refused.Items) > 0 {
		return &refused
	}
	return nil
}

// delivers adds a sink of the name that delivers queue intervals to a place.
func (w *world) delivers(name string, o delivery.Options) *place {
	p := &place{holds: map[string]int64{}, refused: map[string]bool{}}
	kinds := []string{"queue_interval"}
	o.Attempts = 3
	w.file.Sinks = append(w.file.Sinks, pipelines.Sink{Name: name, Registration: sinks.Registration{
		Kinds: func(any) []string { return kinds },
		Deliver: func(context.Context, any, sinks.Deps) (sinks.Delivering, error) {
			return sinks.Delivering{Destination: p, Plan: delivery.Plan{Kinds: kinds, Items: 10, Concurrency: 2}, Options: o}, nil
		},
	}})
	return p
}

// balance is what an audit says of a sink.
func (r *Report) balance(sink string) (b SinkBalance) {
	for _, s := range r.Sinks {
		if s.Sink == sink {
			b = s
		}
	}
	return b
}

// balances audits, and checks the balance of a sink, whose rows are the sum of what became of them.
func (w *world) balances(sink string, want SinkBalance) {
	w.t.Helper()
	r := w.audit(Always)
	want.Sink = sink
	if diff := cmp.Diff(want, r.balance(sink)); diff != "" {
		w.t.Error(diff)
	}
	if want.Rows != want.Delivered+want.Pending+want.Dead+want.Discarded+want.Missing {
		w.t.Errorf("%+v does not add up", want)
	}
	if want.Missing == 0 && len(r.Imbalances) > 0 {
		w.t.Errorf("imbalances %q", r.Imbalances)
	}
}

// delivered is a history, delivered to a place that wants rows of zeros and does not know queue q2, and to one that wants corrections.
func (w *world) delivered() (all, corrections *place) {
	w.t.Helper()
	all, corrections = w.delivers("all", delivery.Options{When: "final", ZeroRows: "always"}), w.delivers("corrections", delivery.Options{When: "corrected"})
	all.unknown = "q2"
	w.history()
	w.run()
	return all, corrections
}

// The records of a sink that delivers, in every state there is.
func TestAuditBalancesDeliveries(t *testing.T) {
	w := newWorld(t)
	all, corrections := w.delivered()
	rows, dead := int64(len(all.holds)+len(all.refused)), int64(len(all.refused))
	passed := w.audit(Always).balance("corrections").Rows
	if all.zeros == 0 || dead == 0 || passed == 0 || rows <= passed || len(corrections.holds) > 0 {
		t.Fatalf("%d rows, %d of them of zeros, %d dead; %d passed, %d corrected", rows, all.zeros, dead, passed, len(corrections.holds))
	}
	w.balances("all", SinkBalance{Rows: rows, Delivered: rows - dead, Dead: dead})
	w.balances("corrections", SinkBalance{Rows: passed, Delivered: passed, Passed: passed})

	// What is discarded by hand is settled; what is sent again is dead until it is delivered.
	morgue := &runtime.Morgue{Cluster: w.cluster, Registry: w.registry, Now: clock.Now}
	letters := w.letters()
	w.must(morgue.Discard(t.Context(), &letters[0]))
	_, err := morgue.Redrive(t.Context(), &letters[1])
	w.must(err)
	w.balances("all", SinkBalance{Rows: rows, Delivered: rows - dead, Dead: dead - 1, Discarded: 1})

	// One call corrects a row that was delivered, one comes into an interval of zeros: both wait, and take the place of what was there.
	w.contact(call("correction", monday+8*hour+21*minute))
	w.contact(call("unexpected", monday+16*hour))
	all.unknown = ""
	w.run(runtime.StageIngest, runtime.StageIntervals, runtime.StageMerge)
	w.balances("all", SinkBalance{Rows: rows, Delivered: rows - dead - 2, Pending: 2, Dead: dead - 1, Discarded: 1})
	w.balances("corrections", SinkBalance{Rows: passed + 1, Delivered: passed - 1, Pending: 2, Passed: passed - 1})
	w.run()
	w.balances("all", SinkBalance{Rows: rows, Delivered: rows - dead + 1, Dead: dead - 2, Discarded: 1})
	w.balances("corrections", SinkBalance{Rows: passed + 1, Delivered: passed + 1, Passed: passed})
	if len(corrections.holds) != 1 {
		t.Errorf("%d rows were corrected", len(corrections.holds))
	}
}

// Books of deliveries that somebody, or a defect, has tampered with do not balance.
func TestAuditFindsDeliveriesThatAreNone(t *testing.T) {
	w := newWorld(t)
	all, _ := w.delivered()
	f := func(what, want string) {
		t.Helper()
		text := strings.Join(w.audit(Always).Imbalances, "\n")
		if !strings.Contains(text, want) {
			t.Errorf("%s: %q is not in\n%s", what, want, text)
		}
	}
	key := slices.Sorted(maps.Keys(all.holds))[0]
	w.attempt(schemas.Delivery{Sink: "all", RowKey: key, Revision: all.holds[key] + 1, Outcome: delivery.Delivered})
	f("a revision of which the log knows nothing", fmt.Sprintf("1 were delivered in a revision that the log does not have: %s@%d", key, all.holds[key]))
	key = slices.Sorted(maps.Keys(all.holds))[1]
	w.attempt(schemas.Delivery{Sink: "all", RowKey: key, Revision: all.holds[key], Outcome: delivery.Dead})
	f("a dead record without a letter", fmt.Sprintf("1 of the dead have no dead letter: %s@%d", key, all.holds[key]))

	w.contact(call("lost", monday+8*hour+21*minute))
	w.run(runtime.StageIngest, runtime.StageIntervals, runtime.StageMerge)
	w.commitAll("all")
	f("a commit of what was not delivered", `1 were committed without a delivery: queue/acme/2026-03-02T08:15:00Z/q1/voice@`)

	rows := w.audit(Always).balance("all").Rows
	w.file.Sinks[1].Name = "another"
	w.commitAll("another")
	f("commits, and nothing in the log", fmt.Sprintf("of %d records 0 are delivered, 0 pending and 0 dead; %d were committed without a delivery: ", rows, rows))
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) letters() (list []schemas.DeadLetter) {
	w.t.Helper()
	w.must(runtime.DeadLetters(w.t.Context(), w.cluster, w.registry, func(d *schemas.DeadLetter) bool {
		if d.Pipeline == w.file.Name && d.Stage == "sink" {
			c := *d
			for _, text := range []*string{&c.Tenant, &c.Pipeline, &c.Stage, &c.Source, &c.Fact, &c.Reason, &c.Location, &c.Detail} {
				*text = strings.Clone(*text)
			}
			c.Payload = slices.Clone(c.Payload)
			list = append(list, c)
		}
		return true
	}))
	return list
}

// attempt writes into the log of deliveries what no sink has done.
func (w *world) attempt(d schemas.Delivery) {
	w.t.Helper()
	id, err := w.registry.Register(w.t.Context(), schemas.Of[schemas.Delivery]().Full, schemas.Of[schemas.Delivery]().JSON)
	w.must(err)
	d.Tenant, d.Pipeline = w.file.Tenant, w.file.Name
	key, err := transform.ParseKey(d.RowKey)
	w.must(err)
	record := broker.Record{Key: []byte(d.Sink + "\x00" + d.RowKey), Value: schemas.NewEncoder[schemas.Delivery]().AppendWire(nil, id, &d), Time: clock.Now()}
	n := broker.Partition(appendKey(nil, key), w.file.Partitions)
	_, err = w.cluster.NewProducer(broker.ProducerOptions{}).Produce(w.t.Context(), w.file.Name+".deliveries", n, []broker.Record{record})
	w.must(err)
}

// commitAll commits all rows for a sink that has not delivered them.
func (w *world) commitAll(sink string) {
	w.t.Helper()
	ends, err := w.cluster.Offsets(w.t.Context(), w.file.Name+".rows")
	w.must(err)
	ctx, cancel := context.WithCancel(w.t.Context())
	var done sync.WaitGroup
	done.Add(len(ends))
	go func() { done.Wait(); cancel() }()
	err = w.cluster.Consume(ctx, broker.GroupOptions{Group: w.file.Name + ".sink." + sink, Topics: []string{w.file.Name + ".rows"}}, func(ctx context.Context, a *broker.Assigned) error {
		defer done.Done()
		return a.Commit(ctx, ends[a.Partition()].Next)
	})
	if !errors.Is(err, context.Canceled) {
		w.t.Fatal(err)
	}
}
