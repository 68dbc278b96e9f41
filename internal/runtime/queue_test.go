package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// memoryQueue is a queue in memory, which gives everything out in the order it came.
type memoryQueue struct {
	mu    sync.Mutex
	items []delivery.Item
	known map[string]int64 // what was delivered when the last worker began
}

func (q *memoryQueue) Send(_ context.Context, items []delivery.Item) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.items = append(q.items, items...)
	return nil
}

func (q *memoryQueue) Close() error { return nil }

func (q *memoryQueue) take() []delivery.Item {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.items), 10)
	batch := q.items[:n]
	q.items = q.items[n:]
	return batch
}

// Run implements sinks.Inbox.
func (q *memoryQueue) Run(ctx context.Context, to sinks.Onward) error {
	q.known = map[string]int64{}
	if err := to.Delivered(ctx, time.Time{}, func(key string, revision int64) { q.known[key] = max(q.known[key], revision) }); err != nil {
		return err
	}
	for ctx.Err() == nil {
		batch := q.take()
		if len(batch) == 0 {
			select {
			case <-to.Fed:
				return nil
			default:
				pause(ctx, 5*time.Millisecond)
				continue
			}
		}
		if err := post(ctx, to, batch); err != nil {
			return err
		}
	}
	return nil
}

// post sends a batch, and writes down what came of it.
func post(ctx context.Context, to sinks.Onward, batch []delivery.Item) error {
	refused := &delivery.Refused{}
	if err := to.Destination.Send(ctx, batch); err != nil && !errors.As(err, &refused) {
		return err
	}
	var attempts []schemas.Delivery
	for _, i := range batch {
		attempts = append(attempts, schemas.Delivery{Sink: to.Deps.Name, RowKey: i.Key, Revision: i.Revision, Outcome: delivery.Delivered, Attempt: 1, AttemptedAt: 1})
	}
	var letters []schemas.DeadLetter
	for _, r := range refused.Items {
		i := batch[r.Index]
		attempts[r.Index].Outcome = delivery.Dead
		letters = append(letters, schemas.DeadLetter{
			Stage: "sink", Source: to.Deps.Name, Fact: i.Kind(), Reason: r.Reason, Location: fmt.Sprintf("%s@%d", i.Key, i.Revision),
		})
	}
	if err := to.Log.DeadLetters(ctx, letters); err != nil {
		return err
	}
	return to.Log.Deliveries(ctx, attempts)
}

type viaOptions struct{ delivery.Options }

// viaQueue is a pipeline that delivers by way of a queue.
func viaQueue(t *testing.T, q *memoryQueue, to *place) (p *pipelines.Pipeline, queue pipelines.Sink) {
	t.Helper()
	p = pipelineOf(t, history(14), newTableSink())
	queue = deliveringSink("queue", to, delivery.Options{When: "final"})
	queue.Registration.Deliver = func(context.Context, any, sinks.Deps) (sinks.Delivering, error) {
		o := delivery.Options{When: "final", Attempts: 8}
		return sinks.Delivering{Destination: q, Plan: delivery.Plan{Kinds: rowKinds, Items: 25, Concurrency: 4}, Options: o}, nil
	}
	queue.Registration.Inbox = func(context.Context, any, sinks.Deps) (sinks.Inbox, error) { return q, nil }
	behind := deliveringSink("wfm", to, delivery.Options{When: "final"})
	behind.Options = &viaOptions{delivery.Options{Via: "queue"}}
	p.Sinks = append(p.Sinks, behind, queue)
	return p, queue
}

// What the destination behind a queue refuses is a dead letter like any other, and goes through the queue again when a person says so.
func TestDeadLettersBehindAQueue(t *testing.T) {
	w, q, to := newWorld(t), &memoryQueue{}, newPlace()
	refusing := true
	to.refuse = func(i *delivery.Item) bool { return refusing && i.Queue != nil && i.Queue.QueueID == "q1" }
	p, queue := viaQueue(t, q, to)
	if err := w.run(t.Context(), p, true); err != nil {
		t.Fatal(err)
	}
	w.balances(t, p, func(d *DeliveryDay) bool { return d.Pending == 0 && (d.Dead > 0) == (d.Sink == "wfm") })
	morgue := &Morgue{Cluster: w.cluster, Registry: w.registry, Now: clock.Now}
	letters := w.letters(t, p)
	for _, d := range letters {
		if d.Source != "wfm" || d.Reason != "unknown_queue" || d.Tenant == "" {
			t.Errorf("letter of %q with reason %q, tenant %q", d.Source, d.Reason, d.Tenant)
		}
		if got, err := morgue.Redrive(t.Context(), &d); err != nil || got != RedriveSent {
			t.Fatalf("%q, %v", got, err)
		}
	}
	refusing = false
	if err := w.run(t.Context(), p, true); err != nil {
		t.Fatal(err)
	}
	direct := *p
	direct.Sinks = []pipelines.Sink{queue}
	to.expect(t, inLog(t, w, &direct, func(final bool) bool { return final }))
	if left := w.letters(t, p); len(letters) == 0 || len(left) > 0 {
		t.Errorf("%d letters, %d left", len(letters), len(left))
	}
	w.balances(t, p, func(d *DeliveryDay) bool { return d.Pending == 0 && d.Dead == 0 })
}

// A run that ends once everything is delivered waits for what is in the queue, and the books of both sinks balance.
func TestDeliveryViaAQueue(t *testing.T) {
	w, q, to := newWorld(t), &memoryQueue{}, newPlace()
	p, queue := viaQueue(t, q, to)
	for range 2 { // the second has nothing to do
		if err := w.run(t.Context(), p, true); err != nil {
			t.Fatal(err)
		}
	}
	direct := *p
	direct.Sinks = []pipelines.Sink{queue}
	want := inLog(t, w, &direct, func(final bool) bool { return final })
	to.expect(t, want)
	for key, revision := range want {
		if q.known[key] != revision {
			t.Errorf("%s: the second run knows of revision %d, want %d", key, q.known[key], revision)
		}
	}
	ledger, err := OpenLedger(t.Context(), p, LedgerOptions{Cluster: w.cluster, Registry: w.registry, Log: slog.New(slog.DiscardHandler), Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range ledger.DeliverySinks() {
		d, err := ledger.OpenSink(t.Context(), s, clock.Wall)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		err = ledger.Deliveries(t.Context(), s, &d, nil, func(d *Delivered) error {
			if found++; d.State != StateDelivered {
				t.Errorf("sink %s: %s is %s", s.Name, d.Item.Key, d.State)
			}
			return nil
		})
		if err != nil || found != len(want) {
			t.Errorf("sink %s: %d rows, want %d (%v)", s.Name, found, len(want), err)
		}
	}
}
